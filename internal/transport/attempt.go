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
// expectsBody says whether the contract promises a body.
func (t *Transport) attempt(ctx context.Context, req *http.Request, o *Outcome, expectsBody bool) []byte {
	attemptCtx, cancel := context.WithTimeoutCause(ctx, t.Timeout, errAttemptTimeout)
	defer cancel()
	var conn connection
	resp, err := t.api(req.WithContext(conn.trace(attemptCtx)))
	if err != nil {
		if conn.failed() || neverSent(err) {
			o.State = NotSent
		}
		o.Err = t.cause(ctx, attemptCtx, err)
		return nil
	}
	defer resp.Body.Close()
	o.Status = resp.StatusCode
	o.RetryAfter = ParseRetryAfter(resp.Header, time.Now())
	body, err := wire.ReadAll(resp.Body, resp.ContentLength, t.MaxBody)
	var tooLarge *wire.Error
	switch {
	case err == nil:
		o.readStatus(resp, body, expectsBody)
	case errors.As(err, &tooLarge):
		o.Err = err
	default:
		if o.Err = t.cause(ctx, attemptCtx, err); !o.Ended() {
			o.Err = wire.CutShort(o.Err)
		}
	}
	return body
}

// A connection records whether net/http obtained a connection for a request. The request
// may fail while another attempt of net/http still dials, so the flags are atomic.
type connection struct{ wanted, got atomic.Bool }

func (c *connection) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { c.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	})
}

// failed reports whether no connection was ever made: dialing, a proxy or the TLS
// handshake failed. It returns false for an http.RoundTripper that does not report
// connections.
func (c *connection) failed() bool { return c.wanted.Load() && !c.got.Load() }

// neverSent reports whether an error proves that no connection was made, for an
// http.RoundTripper that does not report connections.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var invalid *InvalidError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") ||
		errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record) || errors.As(err, &invalid)
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
	case attemptCtx.Err() != nil:
		return fmt.Errorf("%w after %v, see WithAttemptTimeout", errAttemptTimeout, t.Timeout)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		err = &clientTimeout{err}
	}
	return redact.Error(err)
}

// clientTimeout is a time limit of the http.Client or its transport. It must not match
// context.DeadlineExceeded, because the context of the caller has not ended.
type clientTimeout struct{ err error }

func (e *clientTimeout) Error() string      { return e.err.Error() }
func (e *clientTimeout) As(target any) bool { return errors.As(e.err, target) }
func (e *clientTimeout) Is(target error) bool {
	return target != context.DeadlineExceeded && target != context.Canceled && errors.Is(e.err, target)
}
