package transport

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// A State tells whether a request took effect.
type State int

// The states of a request.
const (
	Unknown State = iota // it may have taken effect
	NotSent              // no connection to the server was made
	Refused              // the server refused it
	Done                 // a valid response arrived
)

// An Outcome is the result of a request, after one or more attempts.
type Outcome struct {
	Operation Operation
	// Method, Path and RequestID of the last attempt. The path is relative to the root of
	// the Open API and has no query.
	Method, Path, RequestID string
	Status                  int           // of the last response; 0 if none arrived
	Code, Message           string        // of the service; empty if the response has none
	RetryAfter              time.Duration // requested by the service; 0 if it is not
	RTT                     time.Duration // of the last attempt, without the rate limit
	Attempts                int
	State                   State
	Uncertain               bool          // an attempt before the last one may have taken effect
	Body                    redact.Secret // of the last response, if the state is not Done
	// Err is the error of the network, of the decoder, or of ctx. It is nil if the state is
	// Done, or if the response has an error status.
	Err error
}

// An InvalidError is an error in an argument or request, found before it is sent.
type InvalidError struct{ err error }

func (e *InvalidError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *InvalidError) Unwrap() error { return e.err }

func invalid(format string, args ...any) error { return &InvalidError{fmt.Errorf(format, args...)} }

// readStatus classifies a response before its body is read.
func (o *Outcome) readStatus(resp *http.Response, expectsBody bool) {
	switch class := o.Status / 100; {
	case o.Status == http.StatusOK, o.Status == http.StatusCreated, class == 2 && !expectsBody:
		o.State = Done
	case class < 4:
		o.Err = wire.Errorf("unexpected status")
		// The API does not redirect, and the access key must not follow a redirect.
		if to, err := resp.Location(); class == 3 && err == nil {
			o.Err = wire.Errorf("redirect to %s://%s, which was not followed", to.Scheme, to.Host)
		}
	case class == 4 && o.Status != http.StatusRequestTimeout:
		o.State = Refused
	}
}

// bodyFailed records that the body could not be read. A status that refuses the request or
// is unexpected says more than that.
func (o *Outcome) bodyFailed(err error) {
	if o.State == Done {
		o.State = Unknown
	}
	if o.Err != nil {
		return
	}
	if o.Err = err; !o.Ended() && !is[*wire.Error](err) {
		o.Err = wire.Errorf("the body was cut short: %w", err)
	}
}

// readProblem takes code and message from the body of an error. The page of a gateway has
// neither.
func (o *Outcome) readProblem(body []byte) {
	var p struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" && p.Message == "" {
		o.Message = "the response is not in the form of the service, so a gateway may have sent it"
		return
	}
	o.Code = redact.Sanitize(p.Code, redact.MaxName)
	o.Message = redact.Sanitize(redact.Text(p.Message), redact.MaxMessage)
}

// FromService reports whether the response is an error in the form of the service.
func (o Outcome) FromService() bool { return o.Code != "" }

// Transient reports whether a later request may succeed.
func (o Outcome) Transient() bool {
	switch o.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case 0:
		return !o.Untrusted() && !o.Invalid()
	}
	return o.Status >= 500 || o.Err != nil && o.Status/100 != 3
}

// Untrusted reports whether the certificate of the server is not trusted.
func (o Outcome) Untrusted() bool { return is[*tls.CertificateVerificationError](o.Err) }

// Ended reports whether the context of the caller ended the request.
func (o Outcome) Ended() bool {
	return errors.Is(o.Err, context.Canceled) || errors.Is(o.Err, context.DeadlineExceeded)
}

func (o Outcome) retryable() bool {
	if o.State == Done || o.Ended() || !o.Transient() {
		return false
	}
	return o.Operation.Idempotent() || o.State == NotSent || o.Status == http.StatusTooManyRequests || o.Status == http.StatusTooEarly
}

// Invalid reports whether the request was rejected before it was sent.
func (o Outcome) Invalid() bool { return is[*InvalidError](o.Err) }

// is reports whether err or an error in its chain has the type E.
func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

// interrupt records that ctx ended before the next attempt.
func (o *Outcome) interrupt(ended error) {
	if o.Err != nil {
		ended = fmt.Errorf("%w; %w before the next attempt", o.Err, ended)
	}
	o.Err = ended
}

// attrs returns the attributes of a log record. They hold no key, query or body.
func (o Outcome) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("operation", string(o.Operation)), slog.String("method", o.Method), slog.String("path", o.Path),
		slog.String("request_id", o.RequestID), slog.Int("attempt", o.Attempts), slog.Int("status", o.Status),
	}
	if o.Code != "" {
		attrs = append(attrs, slog.String("code", o.Code))
	}
	cause := o.Message
	if o.Err != nil {
		cause = redact.Text(o.Err.Error())
	}
	if cause != "" {
		attrs = append(attrs, slog.String("error", cause))
	}
	return attrs
}

// ParseRetryAfter reads the Retry-After header, which holds seconds or a date. A date is
// relative to the Date header if there is one, because the local clock may be wrong. It
// returns 0 if the header is absent or invalid, and 24 hours at most.
func ParseRetryAfter(h http.Header, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), longest)
}
