package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

var opContent = Operation{ID: "content", Name: "open content"}

// Open requests the content behind a signed URL and repeats failed requests according to
// the retry policy. The path names the content in errors, in place of the URL. If the state
// of the outcome is Done, the caller must close the body.
//
// The attempt timeout ends with the headers, because content may be large.
func (t *Transport) Open(ctx context.Context, path, signedURL string) (io.ReadCloser, Outcome) {
	o := Outcome{Operation: opContent, Method: http.MethodGet, Path: path, State: NotSent}
	u, err := url.Parse(signedURL)
	if err != nil || u.Host == "" {
		o.Err = wire.Errorf("its url does not parse, list it again")
		return nil, o
	}
	if err := checkScheme(u); err != nil {
		o.Err = wire.Errorf("%v", err)
		return nil, o
	}
	for attempt := 1; ; attempt++ {
		o := Outcome{Operation: opContent, Method: http.MethodGet, Path: path, Attempts: attempt}
		body := t.openOnce(ctx, u, &o)
		delay, again := t.Retry.next(o, attempt)
		if !again {
			return body, o
		}
		if ended := Sleep(ctx, delay); ended != nil {
			o.interrupt(ended)
			return nil, o
		}
	}
}

func (t *Transport) openOnce(ctx context.Context, u *url.URL, o *Outcome) io.ReadCloser {
	attemptCtx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(t.Timeout, func() { cancel(errAttemptTimeout) })
	// The request carries no header of the API: the URL itself is the permission, and the
	// host must not see the access key.
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}).WithContext(attemptCtx)
	resp, err := t.data(req)
	timer.Stop()
	if err != nil {
		o.Err = t.cause(ctx, attemptCtx, err)
		cancel(nil)
		return nil
	}
	o.Status = resp.StatusCode
	if resp.StatusCode == http.StatusOK {
		o.State = Done
		return &content{resp.Body, cancel}
	}
	o.RetryAfter = ParseRetryAfter(resp.Header, time.Now())
	switch {
	case o.Status < 400:
		o.Err = wire.Errorf("unexpected status")
	case o.Status < 500:
		o.State = Refused
	}
	// The error of a store has a form of its own. A little of it is read so that the
	// connection can be used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
	cancel(nil)
	return nil
}

// content releases its context when it is closed.
type content struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (c *content) Close() error {
	defer c.cancel(nil)
	return c.ReadCloser.Close()
}

// checkDataRedirect allows a data host to redirect, but only to https. It removes the
// Referer header, which holds the signed URL.
func checkDataRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	req.Header.Del("Referer")
	if err := checkScheme(req.URL); err != nil {
		return fmt.Errorf("redirect: %w", err)
	}
	return nil
}
