package jobstest

import (
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// A router returns the route of a request to one of the two hosts.
type router func(*http.Request) emulator.Route

// serve responds to a request over a socket.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, router router) {
	if p := s.handle(w, r, router); p != nil {
		p.send(w)
	}
}

// handle responds to one request, on every transport and host. If a fault
// matches the request, handle writes nothing and returns a reply, which the
// caller must send.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, router router) *reply {
	route := router(r)
	entry := s.log.begin(time.Now(), r, route.Operation)
	fault := s.faults.match(&entry.request)
	if fault == nil {
		recorder := &statusWriter{ResponseWriter: w}
		route.Serve(recorder, r)
		entry.end(recorder.status)
		return nil
	}
	entry.fault(fault)
	p := s.applyFault(fault, r, route)
	entry.end(p.status())
	return p
}

// applyFault returns the reply to a request that a fault matches.
func (s *Server) applyFault(f *Fault, r *http.Request, route emulator.Route) *reply {
	// Over a socket, only a complete read of the body detects a lost client.
	body, err := route.ReadBody(r)
	ctx, release := s.faults.hold(r.Context())
	p := &reply{ctx: ctx, release: release, requestCtx: r.Context()}
	if err == nil {
		err = sleep(ctx, f.delay)
	}
	if err != nil {
		p.err = p.ended()
		return p
	}
	request := emulator.WithBody(r.WithContext(emulator.WithStaleness(r.Context(), f.staleness)), body)
	response := emulator.NewRecorder()
	if f.executed || f.changesResponse() {
		route.Serve(response, request)
	} else {
		route.Check(request)
	}
	if f.response != nil {
		response = emulator.NewRecorder()
		f.response(response)
	}
	switch f.failure {
	case refused:
		p.err = errRefused()
	case reset:
		p.err = errReset()
	case hung:
		<-ctx.Done()
		p.err = p.ended()
	case noFailure:
		p.setResponse(f, r, response)
	}
	return p
}

// A statusWriter records the status of a response.
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
