package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An answer is what came back for one attempt.
type response struct {
	status     int
	retryAfter time.Duration // how long the service asks to be left alone
	took       time.Duration
	body       []byte
}

var errAttemptTimeout = errors.New("the attempt timed out")

// attempt sends a request once and reads the whole answer, up to the limit.
// The error says that no whole answer came; the status is known all the same
// when the body was at fault.
func (c *Client) attempt(ctx context.Context, op operation, req *http.Request) (a response, err error) {
	start := time.Now()
	defer func() {
		a.took = time.Since(start)
		c.logAttempt(ctx, op, req, a, err)
	}()

	attemptCtx, cancel := context.WithTimeoutCause(ctx, c.timeout, errAttemptTimeout)
	defer cancel()
	resp, err := c.api(req.WithContext(attemptCtx))
	if err != nil {
		return a, c.plainCause(attemptCtx, err)
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	a.retryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	a.body, err = readBounded(resp.Body, resp.ContentLength, c.maxBody)
	if err != nil && !errors.Is(err, ErrInvalidResponse) {
		err = c.plainCause(attemptCtx, err)
		if !isContextError(err) {
			err = fmt.Errorf("%w: the body broke off: %w", ErrInvalidResponse, err)
		}
	}
	return a, err
}

// readBounded reads a body to its end, so that the connection can be used
// again, or to the limit.
func readBounded(r io.Reader, length, limit int64) ([]byte, error) {
	// A server that is believed without limit could ask for any amount.
	body := make([]byte, 0, min(max(length, 0)+1, 64<<10))
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if int64(len(body)) > limit {
			return nil, invalidResponse("the body is larger than %d bytes, see WithMaxBody", limit)
		}
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// plainCause takes the url and other secrets out of an error of net/http and
// tells the client's own timeout from the end of the caller's context.
func (c *Client) plainCause(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return redactError(err)
	case errors.Is(cause, errAttemptTimeout):
		return fmt.Errorf("%w after %v, see WithAttemptTimeout", errAttemptTimeout, c.timeout)
	default:
		return ctx.Err()
	}
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// surelyUnsent reports whether an error proves that the request did not leave:
// the connection, or the one to the proxy, was not made.
func notSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") ||
		errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record) || errors.Is(err, errClearProxy)
}

// relative is the path of a request below the root of the API, as it is shown
// to people; the query stays out.
func (c *Client) relative(req *http.Request) string {
	path := req.URL.EscapedPath()
	if _, after, ok := strings.Cut(path, apiPath); ok {
		path = after
	}
	return "/" + sanitize(path, maxPath)
}

const levelRepeat = slog.LevelWarn

func (c *Client) logAttempt(ctx context.Context, op operation, req *http.Request, a response, err error) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", op.id), slog.String("method", req.Method), slog.String("path", c.relative(req)),
		slog.String("request_id", req.Header.Get("X-Request-Id")), slog.Int("status", a.status), slog.Duration("took", a.took),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", redact(err.Error())))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "tensorbay request", attrs...)
}

func (e *Error) attrs(delay time.Duration) []slog.Attr {
	return append(e.about(), slog.Duration("delay", delay), slog.String("error", e.Error()))
}
