package jobs

import (
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// Internals that the tests of package jobs_test use.

func ParseRetryAfter(header string, now time.Time) time.Duration {
	return transport.ParseRetryAfter(http.Header{"Retry-After": {header}}, now)
}

func Sanitize(s string, limit int) string { return redact.Sanitize(s, limit) }

func Redact(text string) string { return redact.Text(text) }

func SameJSON(a, b []byte) bool { return wire.Equal(a, b) }

// ReadJobPage decodes a page of jobs as Wait does.
func ReadJobPage(body []byte) (jobs []string, total int, err error) {
	page, err := wire.ScanJobPage(body)
	for _, item := range page.Jobs {
		jobs = append(jobs, string(item.Raw))
	}
	return jobs, page.Total, err
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
	MaxErrorMessage = redact.MaxMessage
	MaxStalePages   = maxStalePages
	MaxPageItems    = wire.MaxPageItems
)
