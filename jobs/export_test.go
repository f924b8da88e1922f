package jobs

import (
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// What the tests outside of the package need of its inside.

func ParseRetryAfter(header string, now time.Time) time.Duration { return parseRetryAfter(header, now) }

func Printable(s string, limit int) string { return sanitize(s, limit) }

func Discreet(text string) string { return redact(text) }

func SameJSON(a, b []byte) bool { return sameJSON(a, b) }

// WaitedFor is how many jobs are known to be waited for, of those that share their looks
// with j.
func WaitedFor(j *Job) int {
	f := j.fleet()
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.jobs.used
	for _, twins := range f.twins {
		n += len(twins)
	}
	return n
}

// ReadJobPage reads a page of jobs as a wait does, and DecodeJobPage as List
// does.
func ReadJobPage(body []byte) (jobs []string, total int, err error) {
	var p jobPage
	err = p.read(body)
	for _, item := range p.items {
		jobs = append(jobs, string(item.raw))
	}
	return jobs, p.total, err
}

func DecodeJobPage(body []byte) (jobs []string, total int, err error) {
	var p gen.JobList
	err = decode(body, &p)
	for _, raw := range p.Jobs {
		jobs = append(jobs, string(raw))
	}
	return jobs, p.TotalCount, err
}

const (
	MaxErrorMessage = maxErrorMessage
	MaxStalePages   = maxStalePages
	MaxPageItems    = maxPageItems
)
