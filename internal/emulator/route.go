package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// maxBody limits a request body, in bytes. 50 objects with labels fit.
const maxBody = 8 << 20

// A Route is the destination of one request.
type Route struct {
	// Operation is the operationId, [ContentOperation], or empty if the request
	// has no destination.
	Operation string
	// Serve responds to the request.
	Serve http.HandlerFunc
	// Check reports violations of a request that is not served.
	Check func(*http.Request)
}

// ReadBody reads the body of a request for a fault.
func (route Route) ReadBody(r *http.Request) ([]byte, error) {
	if route.Operation == UploadOperation {
		return readBody(r, maxForm)
	}
	return readBody(r, maxBody)
}

// RouteAPI returns the route of a request to the API.
func (e *Emulator) RouteAPI(r *http.Request) Route {
	if page := e.page(r); page != nil {
		return Route{Serve: page, Check: func(*http.Request) {}}
	}
	op := e.findOperation(r)
	route := Route{
		Serve: func(w http.ResponseWriter, r *http.Request) { e.serveAPI(w, r, op) },
		Check: func(r *http.Request) {
			if e.checker != nil {
				e.checker.checkRequest(op, r)
			}
		},
	}
	if op != nil {
		route.Operation = op.id()
	}
	return route
}

// serveAPI responds to a request to the API. It sends a complete response, so
// that the contract check sees it and a slow reader blocks nothing.
func (e *Emulator) serveAPI(w http.ResponseWriter, r *http.Request, op *operation) {
	body, err := readBody(r, maxBody)
	if err != nil { // the contract check needs a complete body
		writeError(w, asAPIError(err))
		return
	}
	response := NewRecorder()
	err = e.authorize(op, r, body)
	if err == nil && op.writes() && op.takesBody() {
		err = e.checkWrite(op, r, body)
	}
	if err != nil {
		writeError(response, asAPIError(err))
	} else {
		e.routes.ServeHTTP(response, WithBody(r, body))
	}
	if response.Status == http.StatusOK && op.writes() {
		e.countWrite(body)
	}
	if e.config.Newer {
		response.addLater()
	}
	if e.checker != nil {
		e.checker.check(op, WithBody(r, body), response)
	}
	response.WriteTo(w)
}

// authorize returns an error if a request must not reach its operation.
func (e *Emulator) authorize(op *operation, r *http.Request, body []byte) error {
	if op == nil {
		hint := ""
		if !strings.HasPrefix(r.URL.Path, APIRoot+"/") {
			hint = " Its path must start with " + APIRoot + "/."
		}
		return notExist("There is no operation %s %s.%s", r.Method, r.URL.Path, hint)
	}
	if err := e.checkKey(r); err != nil || !op.takesBody() {
		return err
	}
	if len(body) == 0 {
		return missing("The request body is missing.")
	}
	if !json.Valid(body) {
		return invalid("The request body is not JSON.")
	}
	return nil
}

// checkKey returns an error if a request does not contain the access key.
func (e *Emulator) checkKey(r *http.Request) error {
	switch r.Header.Get("X-Token") {
	case e.config.AccessKey:
		return nil
	case "":
		return newError(http.StatusUnauthorized, codeUnauthorized, "The header X-Token is missing.")
	}
	return newError(http.StatusUnauthorized, codeUnauthorized, "The access key is not known.")
}

// checkWrite returns an error if the body of a write violates the contract, or if the server
// is full.
func (e *Emulator) checkWrite(op *operation, r *http.Request, body []byte) error {
	if err := op.checkBody(r, body); err != nil {
		return err
	}
	e.lock()
	defer e.unlock()
	return e.checkRoom(int64(len(body)))
}

// countWrite counts a write against the limit of the store.
func (e *Emulator) countWrite(body []byte) {
	e.lock()
	defer e.unlock()
	e.store.stored += int64(len(body))
}

// findOperation returns the operation of a request, nil if there is none.
// Unlike ServeMux it accepts neither HEAD nor a path that is not clean, because
// the service does not promise them.
func (e *Emulator) findOperation(r *http.Request) *operation {
	escaped := r.URL.EscapedPath()
	if escaped != path.Clean(escaped) {
		return nil
	}
	_, pattern := e.routes.Handler(r)
	op := e.operations[pattern]
	if op == nil || op.route.Method != r.Method {
		return nil
	}
	return op
}

// readBody reads a request body up to a limit.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, invalid("The request body cannot be read: %v", err)
	}
	if int64(len(body)) > limit {
		return nil, invalid("The request body is larger than %d bytes.", limit)
	}
	return body, nil
}

// WithBody returns a copy of a request with another body.
func WithBody(r *http.Request, body []byte) *http.Request {
	copied := *r
	copied.Body = io.NopCloser(bytes.NewReader(body))
	return &copied
}

// A Recorder is a ResponseWriter that keeps the response in memory.
type Recorder struct {
	Status int
	Body   bytes.Buffer
	header http.Header
}

// NewRecorder returns a recorder without a response.
func NewRecorder() *Recorder { return &Recorder{header: make(http.Header)} }

// Header returns the header of the response.
func (rec *Recorder) Header() http.Header { return rec.header }

// WriteHeader records the status.
func (rec *Recorder) WriteHeader(status int) {
	if rec.Status == 0 {
		rec.Status = status
	}
}

// Write records a part of the body. The status must have been written.
func (rec *Recorder) Write(p []byte) (int, error) {
	if rec.Status == 0 {
		return 0, errors.New("the body is written before the status")
	}
	return rec.Body.Write(p)
}

// WriteTo sends the response.
func (rec *Recorder) WriteTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), rec.header)
	w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
	w.WriteHeader(rec.Status)
	_, _ = w.Write(rec.Body.Bytes())
}
