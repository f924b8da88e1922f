package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What an error is about, for errors.Is. An [*Error] matches by the code of
// the service first, and by its status where there is no code that is known.
var (
	// ErrInvalidArgument: an argument makes no sense. Found before anything was
	// sent, or, inside an [*Error], by the service (InvalidParamsValue,
	// RequestParamsMissing, 400). Mend the call.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrUnauthorized: the service does not accept the access key
	// (Unauthorized, 401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the access key may not do this (AccessDenied, Forbidden,
	// 403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such thing, or not any more (ResourceNotExist,
	// 404).
	ErrNotFound = errors.New("not found")
	// ErrConflict: the name is taken (NameConflict, 409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited: too many requests (429). See [WithRateLimit].
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: the service or a gateway before it failed
	// (InternalServerError, 5xx).
	ErrServer = errors.New("server error")
	// ErrUnreachable: no response came: the connection failed, broke, or the
	// attempt took too long.
	ErrUnreachable = errors.New("no response")
	// ErrInvalidResponse: the answer is not what openapi.yaml promises: no JSON, cut
	// short, too large, or without a required field.
	ErrInvalidResponse = errors.New("invalid response")
	// ErrAmbiguous: the request failed and may have taken effect all the same.
	// Look before sending it again.
	ErrAmbiguous = errors.New("may have taken effect")

	// ErrNotFinished: the job has no result yet. Wait for it.
	ErrNotFinished = errors.New("job not finished")
	// ErrJobFailed: the job ended FAILED; the error is a [*JobError].
	ErrJobFailed = errors.New("job failed")
	// ErrJobAborted: the job ended ABORTED; the error is a [*JobError].
	ErrJobAborted = errors.New("job aborted")
)

// An Error is a request that did not succeed: the service refused it, or no
// sound answer came.
type Error struct {
	// Operation names what was asked, such as "get job".
	Operation string
	// Method and Path of the request; the path is relative to the API's root.
	Method, Path string
	// StatusCode of the answer; 0 when none came.
	StatusCode int
	// Code and Message from the service; empty when the answer had none.
	Code, Message string
	// RequestID of the last attempt, which the support of TensorBay asks for.
	RequestID string
	// RetryAfter is how long the service asked to be left alone; 0 when it did
	// not say.
	RetryAfter time.Duration
	// Attempts is how often the request was sent.
	Attempts int

	ambiguous bool
	notSent   bool
	cause     error
}

// Error says what failed, on which path, how, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s: ", e.Operation, e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "%d", e.StatusCode)
		if e.Code != "" {
			fmt.Fprintf(&b, " %s", e.Code)
		}
	}
	for _, text := range []string{e.Message, causeText(e.cause)} {
		if text != "" {
			if e.StatusCode != 0 {
				b.WriteString(": ")
			}
			b.WriteString(text)
			break
		}
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	if advice := e.advice(); advice != "" {
		b.WriteString("; " + advice)
	}
	return b.String()
}

func causeText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (e *Error) advice() string {
	switch {
	case e.ambiguous:
		return "it may have taken effect: look before sending it again"
	case e.Is(ErrUnauthorized):
		return "check the access key"
	case e.Is(ErrForbidden):
		return "check what the access key may do"
	case e.Is(ErrNotFound):
		return "check the ids, and that the access key may read them"
	case e.Is(ErrInvalidArgument):
		return "change what is asked for"
	case e.Is(ErrConflict):
		return "choose another name"
	case e.Is(ErrRateLimited):
		return "slow down, see WithRateLimit"
	case e.Is(ErrServer), e.Is(ErrUnreachable):
		return "try again later"
	case errors.Is(e.cause, ErrInvalidResponse):
		return "try again later, or see what answers in place of the service"
	case errors.Is(e.cause, context.DeadlineExceeded):
		return "allow more time"
	case e.StatusCode != 0:
		return "ask the support of TensorBay, with the id of the request"
	}
	return ""
}

// Is reports whether the error is of the kind of the given sentinel.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrAmbiguous:
		return e.ambiguous
	case ErrUnreachable:
		return e.StatusCode == 0 && !isContextError(e.cause) && !errors.Is(e.cause, ErrInvalidArgument)
	}
	return target == e.kind()
}

// Unwrap returns the error of the network or of the decoder; nil when the
// service itself refused.
func (e *Error) Unwrap() error { return e.cause }

// interrupt notes that ctx ended before the request could be sent again.
func (e *Error) interrupt(ended error) {
	if e.cause == nil {
		e.cause = ended
		return
	}
	e.cause = fmt.Errorf("%w; %w before it could be sent again", e.cause, ended)
}

// kinds are the codes of the service. A code that is not here says nothing,
// and then the status does.
var kinds = map[string]error{
	"AccessDenied":         ErrForbidden,
	"Forbidden":            ErrForbidden,
	"InvalidParamsValue":   ErrInvalidArgument,
	"RequestParamsMissing": ErrInvalidArgument,
	"NameConflict":         ErrConflict,
	"ResourceNotExist":     ErrNotFound,
	"Unauthorized":         ErrUnauthorized,
	"InternalServerError":  ErrServer,
}

func (e *Error) kind() error {
	if kind, ok := kinds[e.Code]; ok {
		return kind
	}
	switch e.StatusCode {
	case http.StatusBadRequest:
		return ErrInvalidArgument
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	if e.StatusCode >= 500 {
		return ErrServer
	}
	return nil
}

// Limits on what of a server's error is kept: it ends in logs.
const (
	maxErrorCode    = 64
	maxErrorMessage = 1024
	maxPath         = 512
)

// readProblem takes code and message from the body of an error, when it is the
// JSON of the service and not a gateway's page.
func (e *Error) readProblem(body []byte) {
	var p struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &p) != nil {
		e.Message = "the answer is not in the form of the service, so a gateway may have sent it"
		return
	}
	e.Code, e.Message = sanitize(p.Code, maxErrorCode), sanitize(redact(p.Message), maxErrorMessage)
}

// printable keeps what a server wrote to one line of bounded length.
func sanitize(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidArgument, fmt.Sprintf(format, args...))
}

func invalidResponse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidResponse, fmt.Sprintf(format, args...))
}

// unreadable says that arguments or result of a job are not what its type has.
func unreadable(what, id string, err error) error {
	return fmt.Errorf("%s of job %s: %w; see its Snapshot for what came", what, id, err)
}

// A JobError is a job that ended without success.
type JobError struct {
	// Job is the job as it was seen at its end.
	Job Snapshot
}

// Error says which job ended how, and the service's reason.
func (e *JobError) Error() string {
	if e.Job.Status == StatusAborted {
		return fmt.Sprintf("job %s was aborted", e.Job.ID)
	}
	reason := orDefault(e.Job.reason(), "the service gave no reason")
	return fmt.Sprintf("job %s failed: %s", e.Job.ID, reason)
}

// reason is the service's, fit for a log.
func (s Snapshot) reason() string { return sanitize(redact(s.ErrorMessage), maxErrorMessage) }

// Is matches [ErrJobFailed] or [ErrJobAborted].
func (e *JobError) Is(target error) bool {
	return target == ErrJobFailed && e.Job.Status == StatusFailed ||
		target == ErrJobAborted && e.Job.Status == StatusAborted
}

// A WaitError is a wait that ended while the job, as far as is known, did not.
// The job goes on: wait for it again, or abort it.
type WaitError struct {
	// Job is the job as it was last seen.
	Job Snapshot
	// Reason is the error of the context, [polling.ErrPatience], or the
	// [*Error] that made waiting pointless. It is what Unwrap returns.
	Reason error
	// Last is the error of the last look at the job; nil when that look was
	// good.
	Last error
	// Looks is how often the job was looked at.
	Polls int
	// Elapsed is how long the wait lasted.
	Elapsed time.Duration
}

// Error says which job was waited for, how it was last seen, and why the wait
// ended.
func (e *WaitError) Error() string {
	looks := fmt.Sprintf("%d looks", e.Polls)
	if e.Polls == 1 {
		looks = "1 look"
	}
	text := fmt.Sprintf("wait for job %s, last seen %s, ended after %v and %s: %v",
		e.Job.ID, e.Job.Status, e.Elapsed.Round(time.Millisecond), looks, e.Reason)
	if e.Last != nil && !errors.Is(e.Reason, e.Last) {
		text += fmt.Sprintf("; the last look failed: %v", e.Last)
	}
	var refused *Error
	if !errors.As(e.Reason, &refused) {
		text += "; the job goes on: wait again, or abort it"
	}
	return text
}

// Unwrap returns the reason.
func (e *WaitError) Unwrap() error { return e.Reason }
