package jobs

import (
	"context"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// An Attempt describes one request that was sent, for metrics and traces. It contains no
// access key, query or body.
type Attempt struct {
	// Operation is the operationId of openapi.yaml, such as "getJob", or "openContent" for
	// content behind a signed URL.
	Operation string
	// Method and Route of the request. The route is the path of openapi.yaml, without ids,
	// such as /datasets/{datasetId}/jobs/{jobId}; empty for content.
	Method, Route string
	// RequestID is the id that was sent to the service; empty for content.
	RequestID string
	// Number is the number of the attempt of the same request, from one. Polls of a wait are
	// separate requests.
	Number int
	// StatusCode of the response; 0 if none arrived.
	StatusCode int
	// Start is the time of sending. Duration is the time to the end of the response; for
	// content, to its headers.
	Start    time.Time
	Duration time.Duration
	// Err is the error of the attempt, usually an [*Error]; nil if a valid response arrived.
	Err error
}

// WithObserver calls observe after each attempt, on the goroutine that sent it. The context is
// that of the call, such as [Jobs.Create]. Polls of a wait have a context without values,
// because waits share them. The function must be safe for concurrent use and return soon.
func WithObserver(observe func(ctx context.Context, attempt Attempt)) Option {
	return func(s *settings) error {
		if observe == nil {
			return invalid("observer is nil: leave the option out")
		}
		s.Observe = func(ctx context.Context, o transport.Outcome) {
			observe(ctx, Attempt{
				Operation: string(o.Operation), Method: o.Method, Route: route(o), RequestID: o.RequestID, Number: o.Attempts,
				StatusCode: o.Status, Start: time.Now().Add(-o.RTT), Duration: o.RTT, Err: newError(o),
			})
		}
		return nil
	}
}

// parameters maps each collection in a path to the name of the id that follows it.
var parameters = map[string]string{"datasets": "{datasetId}", "jobs": "{jobId}", "drafts": "{draftNumber}", "searchResults": "{jobId}"}

// route returns the path of a request with the names of parameters in place of ids.
func route(o transport.Outcome) string {
	if o.Operation == transport.OpenContent || o.Path == "" {
		return ""
	}
	parts := strings.Split(o.Path, "/")
	for i := 0; i+1 < len(parts); i++ {
		if name, ok := parameters[parts[i]]; ok {
			i++
			parts[i] = name
		}
	}
	return strings.Join(parts, "/")
}
