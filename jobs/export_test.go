package jobs

import (
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Internals that the tests of package jobs_test use.

func ParseRetryAfter(header string, now time.Time) time.Duration { return parseRetryAfter(header, now) }

func Sanitize(s string, limit int) string { return sanitize(s, limit) }

func Redact(text string) string { return redact(text) }

func SameJSON(a, b []byte) bool { return sameJSON(a, b) }

// WaitedFor returns the number of waits that share polls with those for j.
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

// ReadJobPage decodes a page of jobs as Wait does.
func ReadJobPage(body []byte) (jobs []string, total int, err error) {
	var p jobPage
	err = p.read(body)
	for _, item := range p.items {
		jobs = append(jobs, string(item.raw))
	}
	return jobs, p.total, err
}

// DecodeJobPage decodes a page of jobs as List does.
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
