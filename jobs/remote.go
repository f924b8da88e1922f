package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// remote is content behind a signed URL, which expires.
type remote struct {
	client *Client
	path   string // for error texts, in place of the URL
	renew  func(ctx context.Context) (string, error)

	mu  sync.Mutex
	url secret
}

func (r *remote) signed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.url.reveal()
}

// open starts to read. An answer of 403 means that the URL has expired: it is
// renewed once.
func (r *remote) open(ctx context.Context) (io.ReadCloser, error) {
	body, err := r.get(ctx, r.signed())
	if !errors.Is(err, ErrForbidden) {
		return body, err
	}
	fresh, err := r.renew(ctx)
	if err != nil {
		return nil, fmt.Errorf("renew the url of %s: %w", r.path, err)
	}
	r.mu.Lock()
	r.url = newSecret(fresh)
	r.mu.Unlock()
	return r.get(ctx, fresh)
}

var opOpen = operation{id: "content", name: "open content"}

// get asks for the content, again where that is promising. The time limit of an
// attempt ends with the headers: content may be large.
func (r *remote) get(ctx context.Context, rawURL string) (io.ReadCloser, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("content of %s: %w", r.path, invalidResponse("its url does not parse, list it again"))
	}
	if err := checkScheme(u); err != nil {
		return nil, fmt.Errorf("content of %s: %w", r.path, invalidResponse("%v", err))
	}
	for attempts := 1; ; attempts++ {
		body, failed := r.attempt(ctx, u)
		if failed == nil {
			return body, nil
		}
		failed.Attempts = attempts
		delay, again := r.client.retry.next(opOpen, attempts, failed)
		if !again {
			return nil, failed
		}
		if ended := sleep(ctx, delay); ended != nil {
			failed.interrupt(ended)
			return nil, failed
		}
	}
}

func (r *remote) attempt(ctx context.Context, u *url.URL) (io.ReadCloser, *Error) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(r.client.timeout, func() { cancel(errAttemptTimeout) })
	failed := &Error{Operation: opOpen.name, Method: http.MethodGet, Path: r.path}
	// No header of ours goes along: the URL itself is the permission, and
	// whoever it leads to must not see the access key.
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}).WithContext(ctx)
	resp, err := r.client.data(req)
	timer.Stop()
	if err != nil {
		failed.cause = r.client.plainCause(ctx, err)
		cancel(nil)
		return nil, failed
	}
	if resp.StatusCode == http.StatusOK {
		return &content{resp.Body, cancel}, nil
	}
	failed.StatusCode = resp.StatusCode
	if resp.StatusCode < 400 {
		failed.cause = invalidResponse("unexpected status")
	}
	failed.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	// What a store says in an error is of its own form; a little is read so
	// that the connection can be used again.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()
	cancel(nil)
	return nil, failed
}

// content lets go of its context when it is closed.
type content struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (c *content) Close() error {
	defer c.cancel(nil)
	return c.ReadCloser.Close()
}

// checkDataRedirect lets a data host lead on, but not into the clear, and does
// not tell the next host the signed URL of the one before.
func checkDataRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	req.Header.Del("Referer")
	return checkScheme(req.URL)
}
