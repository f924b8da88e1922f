package jobstest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// inProcess is a transport without sockets. It serves a request on the goroutine
// that sends it.
type inProcess struct{ server *Server }

func (t *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	s, ctx := t.server, r.Context()
	router, err := s.routerFor(r.URL)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, s.config.latency/2); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, errRefused()
	}
	response := emulator.NewRecorder()
	p := s.handle(response, asReceived(r), router)
	if err := sleep(ctx, s.config.latency-s.config.latency/2); err != nil {
		if p != nil {
			p.release()
		}
		return nil, err
	}
	if p == nil {
		p = &reply{ctx: ctx, requestCtx: ctx, release: func() {}}
		p.setResponse(&Fault{}, r, response)
	}
	return p.roundTrip(r)
}

// routerFor returns the router of a URL. The error is that of a failed dial.
func (s *Server) routerFor(u *url.URL) (router, error) {
	if u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") {
		switch u.Hostname() {
		case inProcessAPIHost:
			return s.emulator.RouteAPI, nil
		case inProcessDataHost:
			return s.emulator.RouteData, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
		Err: "the in-process transport of jobstest reaches no such host", Name: u.Scheme + "://" + u.Host, IsNotFound: true,
	}}
}

// asReceived returns a request as net/http passes it to a handler.
func asReceived(r *http.Request) *http.Request {
	received := r.Clone(r.Context())
	received.Header = make(http.Header, len(r.Header))
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name) // a client may use any spelling
		received.Header[name] = append(received.Header[name], values...)
	}
	if received.Method == "" {
		received.Method = http.MethodGet
	}
	if received.Body == nil {
		received.Body = http.NoBody
	}
	if received.Host == "" {
		received.Host = r.URL.Host
	}
	received.RequestURI = r.URL.RequestURI()
	received.URL.Scheme, received.URL.Host, received.URL.User, received.URL.Fragment = "", "", nil, ""
	received.RemoteAddr = "192.0.2.1:1234" // an address for documentation
	return received
}

func newResponse(r *http.Request, status int, header http.Header, length int64) *http.Response {
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		ContentLength: length,
		Request:       r,
	}
}

// sleep waits for d, or until ctx ends, and returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
