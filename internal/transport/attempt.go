package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

var errAttemptTimeout = errors.New("the attempt timed out")

// attempt sends a request once, reads the whole response, and records both in o.
// expectsBody reports whether the contract promises a body.
func (t *Transport) attempt(ctx context.Context, req *http.Request, o *Outcome, expectsBody bool) (body []byte) {
	attemptCtx, cancel := context.WithTimeoutCause(ctx, t.Timeout, errAttemptTimeout)
	defer cancel()
	var conn connection
	start := time.Now()
	resp, err := t.api(req.WithContext(conn.trace(attemptCtx)))
	if err != nil {
		o.Err = t.cause(ctx, attemptCtx, err)
		if conn.failed(err) {
			o.State = NotSent
			// net/http reports a proxy that refuses a tunnel by the text of its status alone.
			if !is[*net.OpError](err) && !o.Ended() && !o.Invalid() {
				o.Err = fmt.Errorf("no connection: %w", o.Err)
			}
		}
		return nil
	}
	defer resp.Body.Close()
	now := time.Now()
	t.clock.observe(resp.Header, start, now)
	o.Status = resp.StatusCode
	o.RetryAfter = ParseRetryAfter(resp.Header, now)
	o.readStatus(resp, expectsBody)
	body, err = wire.ReadAll(resp.Body, resp.ContentLength, t.MaxBody)
	switch {
	case err != nil:
		o.bodyFailed(t.cause(ctx, attemptCtx, err))
	case o.Status >= 400:
		o.readProblem(body)
	}
	return body
}

// A connection records whether net/http obtained a connection for a request. The flags are
// atomic because an http.RoundTripper may send a request in another goroutine.
type connection struct{ wanted, got atomic.Bool }

func (c *connection) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	})
}

// failed reports whether err proves that there never was a connection: dialing, a proxy or
// the TLS handshake failed. The type of err counts if the http.RoundTripper does not report
// connections.
func (c *connection) failed(err error) bool {
	var op *net.OpError
	return !c.got.Load() && (c.wanted.Load() || is[*InvalidError](err) || is[*net.DNSError](err) || is[*tls.CertificateVerificationError](err) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"))
}

// cause removes secrets from an error of net/http. It tells the end of the caller's ctx
// from every other time limit.
func (t *Transport) cause(ctx, attemptCtx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(context.Cause(attemptCtx), errAttemptTimeout):
		return fmt.Errorf("%w after %v, see WithAttemptTimeout", errAttemptTimeout, t.Timeout)
	}
	// A time limit of the http.Client or its transport is not the end of the caller's ctx.
	return redact.Error(err, context.DeadlineExceeded, context.Canceled)
}
