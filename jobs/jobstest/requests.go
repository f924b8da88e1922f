package jobstest

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// keptRequests is the minimum number of requests in a full log. The maximum is
// twice that number.
const keptRequests = 100_000

// A Request is one request to the server.
type Request struct {
	// Time is the time of arrival.
	Time time.Time
	// Operation is the operationId of openapi.yaml, "content" for a data URL,
	// or empty.
	Operation string
	Method    string
	// Path and RawQuery are the path and the query as sent, with escapes.
	Path, RawQuery string
	// Status is the status of the response, 0 if there is none.
	Status int
	// Fault is the name of the fault that affected the request, or empty. See
	// [Server.Inject].
	Fault string
	// Header is the header without X-Token.
	Header http.Header
}

// A requestLog holds the latest requests.
type requestLog struct {
	mu      sync.Mutex
	entries []*logEntry
}

type logEntry struct {
	log     *requestLog
	request Request
}

func (l *requestLog) begin(now time.Time, r *http.Request, operation string) *logEntry {
	header := maps.Clone(r.Header)
	delete(header, "X-Token") // the access key is a secret
	entry := &logEntry{log: l, request: Request{
		Time:      now,
		Operation: operation,
		Method:    r.Method,
		Path:      r.URL.EscapedPath(),
		RawQuery:  r.URL.RawQuery,
		Header:    header,
	}}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) == 2*keptRequests {
		l.entries = append([]*logEntry(nil), l.entries[keptRequests:]...)
	}
	l.entries = append(l.entries, entry)
	return entry
}

func (e *logEntry) fault(f *Fault) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.Fault = f.String()
}

func (e *logEntry) end(status int) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.Status = status
}

func (l *requestLog) all() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests := make([]Request, len(l.entries))
	for i, entry := range l.entries {
		requests[i] = entry.request
		requests[i].Header = entry.request.Header.Clone()
	}
	return requests
}
