package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// OpenContent is the operation of [Transport.Open]. It is not in openapi.yaml.
const OpenContent Operation = "openContent"

// A Content is the response to a request for content.
type Content struct {
	io.ReadCloser
	Header http.Header
	Length int64 // of the body, or -1 if unknown
	Part   bool  // the response is a part of the content, as the Range header asked

	left   int64
	cancel context.CancelCauseFunc
	cause  func(error) error
}

// Open requests the content behind a signed URL and repeats failed requests according to
// the retry policy. The path names the content in errors, in place of the URL. The header is
// sent with the request; it may ask for a range. If the state of the outcome is Done, the
// caller must close the content.
//
// The attempt timeout ends with the headers, because content may be large.
func (t *Transport) Open(ctx context.Context, path, signedURL string, header http.Header) (c *Content, o Outcome) {
	o = Outcome{Operation: OpenContent, Method: http.MethodGet, Path: path, State: NotSent}
	u, err := url.Parse(signedURL)
	if err != nil || u.Host == "" {
		o.Err = wire.Errorf("its url does not parse, list it again")
		return nil, o
	}
	if err := checkScheme(u); err != nil {
		o.Err = wire.Errorf("%v", err)
		return nil, o
	}
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // net/url accepts a space, net/http sends it
	o = t.repeat(ctx, t.Retry, nil, func() Outcome {
		o := Outcome{Operation: OpenContent, Method: http.MethodGet, Path: path}
		c = t.openOnce(ctx, u, header, &o)
		return o
	})
	return c, o
}

func (t *Transport) openOnce(ctx context.Context, u *url.URL, header http.Header, o *Outcome) *Content {
	attemptCtx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(t.Timeout, func() { cancel(errAttemptTimeout) })
	defer timer.Stop()
	cause := func(err error) error { return t.cause(ctx, attemptCtx, err) }
	// The request carries no header of the API: the URL itself is the permission, and the
	// host must not see the access key. Content is delivered in the encoding in which it is
	// stored.
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept-Encoding", "identity")
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header}).WithContext(attemptCtx)
	resp, err := t.data(req)
	if err != nil {
		o.Err = cause(err)
		cancel(nil)
		return nil
	}
	o.Status = resp.StatusCode
	part := o.Status == http.StatusPartialContent && header.Get("Range") != ""
	if (o.Status == http.StatusOK || part) && timer.Stop() {
		o.State = Done
		return &Content{
			ReadCloser: resp.Body, Header: resp.Header, Length: resp.ContentLength, Part: part,
			left: resp.ContentLength, cancel: cancel, cause: cause,
		}
	}
	defer cancel(nil)
	defer resp.Body.Close()
	o.RetryAfter = ParseRetryAfter(resp.Header, time.Now())
	switch {
	case o.Status == http.StatusOK, part: // the timer has fired
		o.Err = cause(context.Cause(attemptCtx))
	case o.Status < 400:
		o.Err = wire.Errorf("unexpected status")
	case o.Status < 500:
		o.State = Refused
	}
	// The error of a store has a form of its own. A little of it is read so that the
	// connection can be used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	return nil
}

// Read implements io.Reader. A body that is shorter than its Content-Length ends with
// [io.ErrUnexpectedEOF], also if the http.RoundTripper does not check it.
func (c *Content) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && c.left > 0:
		err = io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.EOF):
		err = c.cause(err)
	}
	return n, err
}

// Close implements io.Closer.
func (c *Content) Close() error {
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
