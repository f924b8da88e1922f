package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// Sentinels for errors.Is. An [*Error] matches by the code of the service first, and by the
// status of the response if the code is absent or unknown.
var (
	// ErrInvalidArgument reports an invalid argument. Usually the client finds it before it
	// sends a request. If it is an [*Error] with a StatusCode, the service has found it
	// (InvalidParamsValue, RequestParamsMissing, 400).
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrUnauthorized reports that the service rejects the access key (Unauthorized, 401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden reports a missing permission of the access key (AccessDenied,
	// Forbidden, 403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound reports an id or name that does not exist (ResourceNotExist, 404).
	ErrNotFound = errors.New("not found")
	// ErrConflict reports that the name of a dataset or a tag is taken (NameConflict, 409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited reports too many requests (429). See [WithRateLimit].
	ErrRateLimited = errors.New("rate limited")
	// ErrServer reports a failure of the service or of a gateway (InternalServerError, 5xx,
	// 408, 425).
	ErrServer = errors.New("server error")
	// ErrUnreachable reports that no response arrived: the connection failed, broke, or the
	// attempt took too long.
	ErrUnreachable = errors.New("no response")
	// ErrInvalidResponse reports a response that differs from openapi.yaml: it is not JSON,
	// cut short, too large, or lacks a required field.
	ErrInvalidResponse = errors.New("invalid response")
	// ErrAmbiguous reports a request that failed but may have taken effect. Check before
	// you send it again.
	ErrAmbiguous = errors.New("may have taken effect")

	// ErrNotFinished reports that a job has no result yet. Wait for the job.
	ErrNotFinished = errors.New("job not finished")
	// ErrJobFailed reports a job with status FAILED. The error is a [*JobError].
	ErrJobFailed = errors.New("job failed")
	// ErrJobAborted reports a job with status ABORTED. The error is a [*JobError].
	ErrJobAborted = errors.New("job aborted")
)

// An Error describes a request that failed: the service refused it, or no valid response
// arrived.
type Error struct {
	// Operation is the name of the operation in openapi.yaml in words, such as "get job".
	Operation string
	// Method and Path of the request. The path is relative to the root of the API and has no
	// query.
	Method, Path string
	// StatusCode of the last response; 0 if none arrived.
	StatusCode int
	// Code and Message of the service. If the response has neither, Code is empty and Message
	// states that.
	Code, Message string
	// RequestID of the last attempt. The support of TensorBay asks for it.
	RequestID string
	// RetryAfter is the delay that the service asks for; 0 if it does not.
	RetryAfter time.Duration
	// Attempts is the number of requests sent.
	Attempts int

	outcome transport.Outcome
	cause   error
}

// newError returns the error of an outcome, or nil if the request succeeded.
func newError(o transport.Outcome) error {
	if o.State == transport.Done {
		return nil
	}
	e := &Error{
		Operation: o.Operation.Name(), Method: o.Method, Path: o.Path, StatusCode: o.Status, Code: o.Code, Message: o.Message,
		RequestID: o.RequestID, RetryAfter: o.RetryAfter, Attempts: o.Attempts, outcome: o, cause: o.Err,
	}
	var invalid *wire.Error
	switch {
	case errors.Is(o.Err, ErrInvalidResponse):
	case errors.As(o.Err, &invalid):
		e.cause = fmt.Errorf("%w: %w", ErrInvalidResponse, o.Err)
	case o.Invalid():
		e.cause = fmt.Errorf("%w: %w", ErrInvalidArgument, o.Err)
	}
	return e
}

// Error returns the operation, the cause, the ids and one remedy, without secrets.
func (e *Error) Error() string {
	text := e.withoutRemedy()
	if remedy := e.remedy(); remedy != "" {
		text += "; " + remedy
	}
	return text
}

func (e *Error) withoutRemedy() string {
	text := e.Message
	if text == "" && e.cause != nil {
		text = e.cause.Error()
	}
	if e.StatusCode != 0 {
		status := strings.TrimSpace(fmt.Sprintf("%d %s", e.StatusCode, e.Code))
		text = strings.TrimSuffix(status+": "+text, ": ")
	}
	text = fmt.Sprintf("%s: %s %s: %s", e.Operation, e.Method, e.Path, text)
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (after %d attempts)", e.Attempts)
	}
	if e.RequestID != "" {
		text += fmt.Sprintf(" (request %s)", e.RequestID)
	}
	return text
}

// withoutRemedy returns the text of an error that is part of a text with its own remedy.
func withoutRemedy(err error) string {
	if e, ok := err.(*Error); ok { //nolint:errorlint // the text of a wrapped one would be incomplete
		return e.withoutRemedy()
	}
	return fmt.Sprint(err) // it may be nil
}

// remedies holds the remedy of each kind of error.
var remedies = map[error]string{
	ErrUnauthorized:    "check the access key",
	ErrForbidden:       "check the permissions of the access key",
	ErrNotFound:        "check the ids, and that the access key may read them",
	ErrInvalidArgument: "change the arguments",
	ErrConflict:        "choose another name",
	ErrRateLimited:     "slow down, see WithRateLimit",
	ErrServer:          "try again later",
}

func (e *Error) remedy() string {
	remedy := remedies[e.kind()]
	switch {
	case e.Is(ErrAmbiguous):
		return "it may have taken effect: check before you send it again"
	case e.outcome.Operation == "openContent" && e.outcome.State == transport.Refused:
		return "list the data again for a fresh url"
	case remedy != "":
		return remedy
	case e.outcome.Untrusted():
		return "add the authority of its certificate to the http client, see WithHTTPClient"
	case e.Is(ErrUnreachable):
		return "try again later"
	case e.StatusCode/100 == 3:
		return "check WithBaseURL"
	case errors.Is(e.cause, ErrInvalidResponse) && e.StatusCode != 0:
		return "try again later, or check what is running at this address"
	case errors.Is(e.cause, context.DeadlineExceeded):
		return "allow more time"
	case e.StatusCode != 0:
		return "ask the support of TensorBay, with the id of the request"
	}
	return ""
}

// Is reports whether the error matches one of the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAmbiguous:
		return !e.outcome.Operation.Idempotent() && e.outcome.State == transport.Unknown
	case ErrUnreachable:
		return e.StatusCode == 0 && !e.outcome.Ended() && !errors.Is(e.cause, ErrInvalidArgument) && !errors.Is(e.cause, ErrInvalidResponse)
	}
	return target == e.kind()
}

// Unwrap returns the error of the network or of the decoder. It is nil if the service
// refused the request.
func (e *Error) Unwrap() error { return e.cause }

// codes maps the error codes of the service to sentinels.
var codes = map[string]error{
	"AccessDenied":         ErrForbidden,
	"Forbidden":            ErrForbidden,
	"InvalidParamsValue":   ErrInvalidArgument,
	"RequestParamsMissing": ErrInvalidArgument,
	"NameConflict":         ErrConflict,
	"ResourceNotExist":     ErrNotFound,
	"Unauthorized":         ErrUnauthorized,
	"InternalServerError":  ErrServer,
}

// statuses maps the statuses of responses without a known code to sentinels.
var statuses = map[int]error{
	http.StatusBadRequest:      ErrInvalidArgument,
	http.StatusUnauthorized:    ErrUnauthorized,
	http.StatusForbidden:       ErrForbidden,
	http.StatusNotFound:        ErrNotFound,
	http.StatusConflict:        ErrConflict,
	http.StatusTooManyRequests: ErrRateLimited,
	http.StatusRequestTimeout:  ErrServer,
	http.StatusTooEarly:        ErrServer,
}

func (e *Error) kind() error {
	if kind, ok := codes[e.Code]; ok {
		return kind
	}
	if e.StatusCode >= 500 {
		return ErrServer
	}
	return statuses[e.StatusCode]
}

// refusedOnRetry reports whether the service refused a repeated request. An earlier
// attempt may have taken effect then.
func refusedOnRetry(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.outcome.Uncertain && e.outcome.State == transport.Refused && e.outcome.Err == nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidArgument, fmt.Sprintf(format, args...))
}

func invalidResponse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidResponse, fmt.Sprintf(format, args...))
}

// decode decodes JSON of the service. Its errors match ErrInvalidResponse.
func decode(body []byte, v any) error {
	if err := wire.Decode(body, v); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidResponse, err)
	}
	return nil
}

// LogValue returns a group with the request and the error.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("operation", e.Operation), slog.String("path", e.Path), slog.Int("attempt", e.Attempts), slog.Int("status", e.StatusCode),
		slog.String("code", e.Code), slog.String("request_id", e.RequestID), slog.String("error", e.Error()),
	}
	if e.Is(ErrAmbiguous) {
		attrs = append(attrs, slog.Bool("ambiguous", true))
	}
	return slog.GroupValue(attrs...)
}

// sanitize returns a text of the service on one line of bounded length, without secrets.
func sanitize(s string) string { return redact.Sanitize(redact.Text(s), redact.MaxMessage) }

// A WaitError describes a wait that ended before the client saw the end of the job. The job
// continues: wait for it again, or abort it.
type WaitError struct {
	// Job is the job at the last successful poll.
	Job Snapshot
	// Reason is the error of the context, [polling.ErrOutage], or an [*Error] that further
	// polls would return again. Unwrap returns it.
	Reason error
	// Last is the error of the last poll, or nil if that poll succeeded.
	Last error
	// Polls is the number of polls.
	Polls int
	// Elapsed is the duration of the wait.
	Elapsed time.Duration
}

// Error returns the id and last status of the job, and why the wait ended.
func (e *WaitError) Error() string {
	polls := fmt.Sprintf("%d polls", e.Polls)
	if e.Polls == 1 {
		polls = "1 poll"
	}
	text := fmt.Sprintf("wait for job %s, last seen %s, ended after %v and %s: %v",
		e.Job.ID, e.Job.Status, e.Elapsed.Round(time.Millisecond), polls, e.Reason)
	if e.Last != nil && !errors.Is(e.Reason, e.Last) {
		text += "; the last poll failed: " + withoutRemedy(e.Last)
	}
	var refused *Error
	if !errors.As(e.Reason, &refused) {
		text += "; the job goes on: wait again, or abort it"
	}
	return text
}

// Unwrap returns the reason.
func (e *WaitError) Unwrap() error { return e.Reason }

// LogValue returns a group with the job, the wait and the error.
func (e *WaitError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("job", e.Job), slog.Int("polls", e.Polls), slog.Duration("elapsed", e.Elapsed), slog.String("error", e.Error()))
}
