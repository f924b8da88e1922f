package jobstest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Fault is something that goes wrong with a request. [Server.Inject] says
// with which one.
//
// There are three kinds. [Refuse], [Reset] and [Hang] give no answer.
// [Status], [HTML], [Empty], [Redirect] and [Answer] put one in place of the
// answer of the service, which never sees the request: see [Fault.Executed]
// for the other case. [Truncate], [ResetInBody], [HangInBody], [Slow], [Huge],
// [GzipBomb], [DuplicateKeys], [WrongTypes], [Nulls] and [Change] spoil the
// true answer to a request that was executed, and so, in what it says, does
// [Stale]. [Delay] only delays.
//
// The zero Fault is none: the request is served as ever. A Fault does not
// change, and can be used as often as you like.
type Fault struct {
	name     string
	delay    time.Duration
	executed bool
	failure  failure
	outlook  outlook
	answer   func(*recorder)          // in place of the service
	header   []func(http.Header)      // what is added to the header
	change   func(body []byte) []byte // what becomes of the true body
	deliver  func(*reply, []byte)     // how the body travels; nil: as ever
}

// A failure is how a connection fails before there is an answer.
type failure int

const (
	noFailure failure = iota
	refused
	reset
	hung
)

// String names the fault, as [Request] does.
func (f Fault) String() string {
	name := f.name
	if name == "" {
		name = "none"
	}
	if f.executed {
		name += ", executed"
	}
	return name
}

// Executed returns the fault with the request executed before the answer is
// lost or replaced: the job is there, and nobody was told. It changes nothing
// where the true answer is spoilt, and where the connection was refused.
func (f Fault) Executed() Fault {
	if f.failure != refused && !f.spoils() {
		f.executed = true
	}
	return f
}

// spoils reports whether the fault needs the true answer.
func (f Fault) spoils() bool { return f.failure == noFailure && f.answer == nil }

// Header returns the fault with a header added to its answer. An empty value
// takes the header away.
func (f Fault) Header(name, value string) Fault {
	return f.withHeader(func(h http.Header) {
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
	})
}

// RetryAfter returns the fault with the header Retry-After, in seconds.
func (f Fault) RetryAfter(d time.Duration) Fault {
	return f.Header("Retry-After", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
}

// RetryAt returns the fault with the header Retry-After in its other form: the
// date that is so far ahead when the answer is sent, without its fraction of a
// second.
func (f Fault) RetryAt(d time.Duration) Fault {
	return f.withHeader(func(h http.Header) { h.Set("Retry-After", time.Now().Add(d).UTC().Format(http.TimeFormat)) })
}

func (f Fault) withHeader(set func(http.Header)) Fault {
	f.header = append(slices.Clip(f.header), set)
	return f
}

// Refuse is a connection that is not made: "connection refused". Over sockets
// the request has already come, so there it is [Reset].
func Refuse() Fault { return Fault{name: "connection refused", failure: refused} }

// Reset is a connection that breaks before any answer. The client cannot know
// whether the request was executed: it was not, unless [Fault.Executed] says
// so.
func Reset() Fault { return Fault{name: "reset", failure: reset} }

// Hang is a request without an answer. It ends when the client gives it up, or
// when the server is closed.
func Hang() Fault { return Fault{name: "hang", failure: hung} }

// Status is an answer with this status. Its body is an error in the form of
// the service where the service knows a code for the status (400, 401, 403,
// 404, 409 and 500), and empty otherwise, as gateways do it.
func Status(status int) Fault {
	f := Empty(status)
	f.name = fmt.Sprintf("status %d", status)
	if code, ok := codes[status]; ok {
		f.answer = func(rec *recorder) { writeError(rec, &apiError{status, code, "The service was told to refuse this."}) }
	}
	return f
}

var codes = map[int]string{
	http.StatusBadRequest:          codeInvalidParamsValue,
	http.StatusUnauthorized:        codeUnauthorized,
	http.StatusForbidden:           codeForbidden,
	http.StatusNotFound:            codeResourceNotExist,
	http.StatusConflict:            codeNameConflict,
	http.StatusInternalServerError: codeInternalServerError,
}

// HTML is an answer with this status and a page for people, as gateways send
// it.
func HTML(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	f := Response(status, "text/html", "<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1><hr>gateway</body></html>\n")
	f.name = fmt.Sprintf("html %d", status)
	return f
}

// Empty is an answer with this status and no body.
func Empty(status int) Fault {
	f := Response(status, "", "")
	f.name = fmt.Sprintf("empty %d", status)
	return f
}

// Redirect is an answer with this status that points to another URL.
func Redirect(status int, url string) Fault {
	f := Empty(status).Header("Location", url)
	f.name = fmt.Sprintf("redirect %d", status)
	return f
}

// Answer is an answer with this status, content type and body.
func Response(status int, contentType, body string) Fault {
	return Fault{name: fmt.Sprintf("answer %d", status), answer: func(rec *recorder) {
		if contentType != "" {
			rec.Header().Set("Content-Type", contentType)
		}
		rec.WriteHeader(status)
		rec.body.WriteString(body)
	}}
}

// Truncate is the first half of the true body, with a length that fits it: no
// JSON any more.
func Truncate() Fault {
	f := Change(func(body []byte) []byte { return body[:len(body)/2] })
	f.name = "truncate"
	return f
}

// ResetInBody is a connection that breaks after half of the body.
func ResetInBody() Fault {
	return Fault{name: "reset in body", deliver: func(p *reply, body []byte) {
		p.length = int64(len(body))
		p.body = then(body[:len(body)/2], func() error { return io.ErrUnexpectedEOF })
	}}
}

// HangInBody is half of a body, and then nothing, until the client gives up or
// the server is closed.
func HangInBody() Fault {
	return Fault{name: "hang in body", deliver: func(p *reply, body []byte) {
		p.length = int64(len(body))
		p.body = then(body[:len(body)/2], func() error {
			<-p.ctx.Done()
			return p.ended()
		})
	}}
}

// Slow is the true answer with a body that trickles in at so many bytes a
// second. It panics where that is not positive.
func Slow(bytesPerSecond int) Fault {
	if bytesPerSecond <= 0 {
		panic(fmt.Sprintf("jobstest: %d bytes a second are not positive", bytesPerSecond))
	}
	return Fault{name: fmt.Sprintf("slow, %d bytes/s", bytesPerSecond), deliver: func(p *reply, body []byte) {
		p.length = int64(len(body))
		p.body = &slow{p: p, body: body, rate: bytesPerSecond}
	}}
}

// Huge is the true answer with white space after it, up to so many bytes in
// all, and without a length in its header. The server does not hold it in
// memory.
func Huge(bytes int64) Fault {
	return Fault{name: fmt.Sprintf("huge, %d bytes", bytes), deliver: func(p *reply, body []byte) {
		p.length = -1
		p.body = padded(body, bytes)
	}}
}

// GzipBomb is the same as [Huge], and compressed: a thousandth of the size on
// the wire.
func GzipBomb(bytes int64) Fault {
	return Fault{name: fmt.Sprintf("gzip bomb, %d bytes", bytes), deliver: func(p *reply, body []byte) {
		p.length = -1
		p.answer.header.Set("Content-Encoding", "gzip")
		p.body = bomb(body, bytes)
	}}
}

// DuplicateKeys is the true answer with every member of every object in it
// twice.
func DuplicateKeys() Fault {
	f := Change(duplicateKeys)
	f.name = "duplicate keys"
	return f
}

// WrongTypes is the true answer with numbers and booleans for strings, and
// strings for numbers and booleans.
func WrongTypes() Fault {
	f := Change(wrongTypes)
	f.name = "wrong types"
	return f
}

// Nulls is the true answer with null for every string, number and boolean.
func Nulls() Fault {
	f := Change(nulls)
	f.name = "nulls"
	return f
}

// Change is the true answer with a body of your making. The change is called
// with the true one, which it must not keep, on the goroutine that serves the
// request.
func Change(change func(body []byte) []byte) Fault { return Fault{name: "change", change: change} }

// Delay serves the request as ever, but only after some time. A client that
// gives up before has its request not executed.
func Delay(d time.Duration) Fault { return Fault{name: fmt.Sprintf("delay %v", d), delay: d} }

// Stale answers reads of jobs, one or a list, as they were so long ago, as a
// replica does that lags behind: a job is not there ([http.StatusNotFound])
// for so long after it was created, and after an abort, a retry or its end it
// looks as before for so long. A job that was deleted is gone at once. Other
// requests are served as ever.
func Stale(lag time.Duration) Fault {
	return Fault{name: fmt.Sprintf("stale by %v", lag), outlook: outlook{lag: lag}}
}

// EarlyRetry refuses to retry a job with this status, 400 or 403, for so long
// after the job was aborted. Other requests are served as ever.
func EarlyRetry(status int, d time.Duration) Fault {
	return Fault{name: fmt.Sprintf("early retry %d", status), outlook: outlook{tooSoon: d, status: status}}
}

// An outlook is how the service itself sees its jobs.
type outlook struct {
	lag     time.Duration
	tooSoon time.Duration // after an abort, for a retry
	status  int
}

type outlookKey struct{}

func outlookOf(ctx context.Context) outlook {
	o, _ := ctx.Value(outlookKey{}).(outlook)
	return o
}

// refuses tells whether a retry comes too soon after the job was aborted.
func (o outlook) refuses(j *job, now time.Time) error {
	if j.status != statusAborted || now.Sub(j.finished) >= o.tooSoon {
		return nil
	}
	return newError(o.status, codes[o.status], "The job %s was aborted just now.", j.id)
}
