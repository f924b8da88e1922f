package jobstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"path"
	"strconv"
	"time"
)

// maxBody is the largest request body that is read, in bytes.
const maxBody = 1 << 20

// A host is one of the two hosts of a server: it says what a request is for.
type host func(*http.Request) call

// A call is a request that has found who answers it.
type call struct {
	operation string // as Request names it
	serve     func(http.ResponseWriter, *http.Request)
	// inspect reports what is wrong with a request that is not served.
	inspect func(*http.Request)
}

// exchange answers one request. All requests come through here, on every
// transport and host. Where a fault meets the request it writes nothing, and
// the caller sends the reply.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, h host) *reply {
	c := h(r)
	entry := s.log.begin(time.Now(), r, c.operation)
	fault := s.faults.meet(&entry.request)
	if fault == nil {
		watched := &statusWriter{ResponseWriter: w}
		c.serve(watched, r)
		entry.end(watched.status)
		return nil
	}
	entry.fault(fault)
	p := s.disturb(fault, r, c)
	entry.end(p.status())
	return p
}

// apiHost answers requests to the API.
func (s *Server) apiHost(r *http.Request) call {
	op := s.findOperation(r)
	c := call{
		serve: func(w http.ResponseWriter, r *http.Request) { s.serveAPI(w, r, op) },
		inspect: func(r *http.Request) {
			if s.checker != nil {
				s.checker.checkRequest(op, r)
			}
		},
	}
	if op != nil {
		c.operation = op.id()
	}
	return c
}

// serveAPI answers a request to the API. The answer is made in memory first:
// it can be checked as a whole, and no slow reader holds anything up.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, op *operation) {
	body, err := readBody(r)
	answer := newRecorder()
	if err == nil {
		err = s.admit(op, r, body)
	}
	if err != nil {
		writeError(answer, asAPIError(err))
	} else {
		s.routes.ServeHTTP(answer, withBody(r, body))
	}
	if s.checker != nil {
		s.checker.check(op, withBody(r, body), answer)
	}
	answer.writeTo(w)
}

// admit refuses what never reaches an operation.
func (s *Server) admit(op *operation, r *http.Request, body []byte) error {
	if op == nil {
		return notExist("There is no operation %s %s.", r.Method, r.URL.Path)
	}
	switch r.Header.Get("X-Token") {
	case s.config.accessKey:
	case "":
		return newError(http.StatusUnauthorized, codeUnauthorized, "The header X-Token is missing.")
	default:
		return newError(http.StatusUnauthorized, codeUnauthorized, "The access key is not known.")
	}
	if !op.takesBody() {
		return nil
	}
	if len(body) == 0 {
		return missing("The request body is missing.")
	}
	if !json.Valid(body) {
		return invalid("The request body is not JSON.")
	}
	return nil
}

// findOperation returns the operation a request is for, nil for none. ServeMux
// would answer a path that is not clean with a redirect, and HEAD as GET; the
// service promises neither.
func (s *Server) findOperation(r *http.Request) *operation {
	escaped := r.URL.EscapedPath()
	if escaped != path.Clean(escaped) {
		return nil
	}
	_, pattern := s.routes.Handler(r)
	op := s.contract.operations[pattern]
	if op == nil || op.route.Method != r.Method {
		return nil
	}
	return op
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, invalid("The request body cannot be read: %v", err)
	}
	if len(body) > maxBody {
		return nil, invalid("The request body is larger than %d bytes.", maxBody)
	}
	return body, nil
}

func withBody(r *http.Request, body []byte) *http.Request {
	copied := *r
	copied.Body = io.NopCloser(bytes.NewReader(body))
	return &copied
}

// A statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// A recorder keeps an answer in memory.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: make(http.Header)} }

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		return 0, errors.New("jobstest: a body is written before the status")
	}
	return rec.body.Write(p)
}

func (rec *recorder) writeTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), rec.header)
	w.Header().Set("Content-Length", strconv.Itoa(rec.body.Len()))
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body.Bytes())
}
