package jobs

import (
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// What the tests outside of the package need of its inside.

func ParseRetryAfter(header string, now time.Time) time.Duration {
	return transport.ParseRetryAfter(http.Header{"Retry-After": {header}}, now)
}

func Printable(s string, limit int) string { return redact.Sanitize(s, limit) }

func Discreet(text string) string { return redact.Text(text) }

func SameJSON(a, b []byte) bool { return wire.Equal(a, b) }

// ReadJobPage reads a page of jobs as a wait does, and DecodeJobPage as List
// does.
func ReadJobPage(body []byte) (jobs []string, total int, err error) {
	page, err := wire.ScanJobPage(body)
	for _, item := range page.Jobs {
		jobs = append(jobs, string(item.Raw))
	}
	return jobs, page.Total, err
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
	MaxErrorMessage = redact.MaxMessage
	MaxStalePages   = maxStalePages
	MaxPageItems    = wire.MaxPageItems
)
