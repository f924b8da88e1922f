package jobstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// inProcess is a transport that serves a request on the goroutine of its
// sender, with no socket in between.
type inProcess struct{ server *Server }

func (t *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	s, ctx := t.server, r.Context()
	h, err := s.route(r.URL)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, s.config.latency/2); err != nil {
		return nil, err
	}
	if s.isClosed() {
		return nil, errRefused()
	}
	answer := newRecorder()
	p := s.exchange(answer, asReceived(r), h)
	if err := sleep(ctx, s.config.latency-s.config.latency/2); err != nil {
		if p != nil {
			p.release()
		}
		return nil, err
	}
	if p != nil {
		return p.response(r)
	}
	return answer.response(r), nil
}

// route says who serves a URL. It fails as a dial would.
func (s *Server) route(u *url.URL) (host, error) {
	if u.Scheme == "https" && (u.Port() == "" || u.Port() == "443") {
		switch u.Hostname() {
		case inProcessAPIHost:
			return s.apiHost, nil
		case inProcessDataHost:
			return s.dataHost, nil
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
		Err: "the in-process transport of jobstest reaches no such host", Name: u.Scheme + "://" + u.Host, IsNotFound: true,
	}}
}

// asReceived returns the request as net/http hands it to a server.
func asReceived(r *http.Request) *http.Request {
	received := r.Clone(r.Context())
	received.Header = make(http.Header, len(r.Header))
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name) // a map may hold any spelling
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

// response returns the answer as net/http hands it to a client.
func (rec *recorder) response(r *http.Request) *http.Response {
	body := rec.body.Bytes()
	response := newResponse(r, rec.status, rec.header.Clone(), int64(len(body)))
	header := response.Header
	if r.Method == http.MethodHead {
		if length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64); err == nil {
			response.ContentLength = length
		}
		response.Body = http.NoBody
	} else {
		response.Body = io.NopCloser(bytes.NewReader(body))
	}
	return response
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

// sleep waits for d or for the end of ctx, which it returns.
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
