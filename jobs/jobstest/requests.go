package jobstest

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// keptRequests is how many requests the log holds at least. It holds at most
// twice as many.
const keptRequests = 100_000

// A Request is one request that the server was asked.
type Request struct {
	// Time is when it arrived.
	Time time.Time
	// Operation is the operationId of openapi.yaml, "content" for a data URL,
	// and empty for what is neither.
	Operation string
	Method    string
	// Path is the path as it was sent, with its escapes, and RawQuery what
	// followed the question mark.
	Path, RawQuery string
	// Status is the status of the answer, 0 while there is none and where a
	// fault left none.
	Status int
	// Fault names the fault that met it; empty for none. See [Server.Inject].
	Fault string
	// Header is what was sent, without X-Token.
	Header http.Header
}

// A requestLog keeps what was asked.
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
	delete(header, "X-Token") // the key has no business in a log
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
