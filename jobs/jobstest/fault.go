package jobstest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// A Fault is a failure of the server, the network or a gateway.
// [Server.Inject] applies it to requests.
//
// There are three kinds:
//   - [Refuse], [Reset] and [Hang] send no response.
//   - [Status], [HTML], [Empty], [Redirect] and [Response] replace the response.
//     The server does not execute the request unless [Fault.Executed] is used.
//   - [Truncate], [ResetInBody], [HangInBody], [Slow], [Huge], [GzipBomb],
//     [DuplicateKeys], [WrongTypes], [Nulls] and [Change] execute the request
//     and change the response. [Stale] and [EarlyRetry] let it see a past state.
//
// [Delay] only delays the request. The zero Fault has no effect. A Fault is
// immutable.
type Fault struct {
	name      string
	delay     time.Duration
	executed  bool
	failure   failure
	staleness emulator.Staleness
	response  func(*emulator.Recorder) // replaces that of the server
	header    []func(http.Header)      // changes of the header
	change    func(body []byte) []byte // changes the body
	deliver   func(*reply, []byte)     // sends the body; nil for at once
}

// A failure is a failure of the connection before a response.
type failure int

const (
	noFailure failure = iota
	refused
	reset
	hung
)

// String returns the name of the fault, as in [Request].
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

// Executed returns a fault that executes the request before the response is
// lost or replaced. For example, the job exists but the client does not know.
// It has no effect on a refused connection and on a changed response.
func (f Fault) Executed() Fault {
	if f.failure != refused && !f.changesResponse() {
		f.executed = true
	}
	return f
}

// changesResponse reports whether the fault needs the response of the server.
func (f Fault) changesResponse() bool { return f.failure == noFailure && f.response == nil }

// Header returns a fault that sets a header of its response. An empty value
// removes the header.
func (f Fault) Header(name, value string) Fault {
	return f.withHeader(func(h http.Header) {
		if value == "" {
			h.Del(name)
		} else {
			h.Set(name, value)
		}
	})
}

// RetryAfter returns a fault with the header Retry-After in seconds.
func (f Fault) RetryAfter(d time.Duration) Fault {
	return f.Header("Retry-After", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
}

// RetryAt returns a fault with the header Retry-After as a date. The date is d
// after the time of the response, rounded down to a second.
func (f Fault) RetryAt(d time.Duration) Fault {
	return f.withHeader(func(h http.Header) { h.Set("Retry-After", time.Now().Add(d).UTC().Format(http.TimeFormat)) })
}

func (f Fault) withHeader(set func(http.Header)) Fault {
	f.header = append(slices.Clip(f.header), set)
	return f
}

// Refuse refuses the connection. Over sockets it acts as [Reset], because the
// connection already exists.
func Refuse() Fault { return Fault{name: "connection refused", failure: refused} }

// Reset breaks the connection before the response. The server does not execute
// the request unless [Fault.Executed] is used.
func Reset() Fault { return Fault{name: "reset", failure: reset} }

// Hang sends no response until the client gives up or the server is closed.
func Hang() Fault { return Fault{name: "hang", failure: hung} }

// Status responds with a status. The body is an error of the service if the
// service has a code for the status (400, 401, 403, 404, 409 and 500). All other
// statuses have no body, as from a gateway.
func Status(status int) Fault {
	f := Empty(status)
	f.name = fmt.Sprintf("status %d", status)
	if emulator.ErrorCode(status) != "" {
		f.response = func(rec *emulator.Recorder) {
			emulator.WriteError(rec, status, "The test server injects this error.")
		}
	}
	return f
}

// HTML responds with a status and an HTML page, as a gateway does.
func HTML(status int) Fault {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	f := Response(status, "text/html", "<html><head><title>"+text+"</title></head><body><h1>"+text+"</h1><hr>gateway</body></html>\n")
	f.name = fmt.Sprintf("html %d", status)
	return f
}

// Empty responds with a status and no body.
func Empty(status int) Fault {
	f := Response(status, "", "")
	f.name = fmt.Sprintf("empty %d", status)
	return f
}

// Redirect responds with a status and the header Location.
func Redirect(status int, url string) Fault {
	f := Empty(status).Header("Location", url)
	f.name = fmt.Sprintf("redirect %d", status)
	return f
}

// Response responds with a status, a content type and a body. It panics if the status is not
// between 200 and 999, because it is not that of a response.
func Response(status int, contentType, body string) Fault {
	if status < 200 || status > 999 {
		panic(fmt.Sprintf("jobstest: the status %d is not between 200 and 999", status))
	}
	return Fault{name: fmt.Sprintf("response %d", status), response: func(rec *emulator.Recorder) {
		if contentType != "" {
			rec.Header().Set("Content-Type", contentType)
		}
		rec.WriteHeader(status)
		rec.Body.WriteString(body)
	}}
}

// Truncate sends the first half of the body with a matching Content-Length.
func Truncate() Fault {
	f := Change(func(body []byte) []byte { return body[:len(body)/2] })
	f.name = "truncate"
	return f
}

// ResetInBody breaks the connection after half of the body.
func ResetInBody() Fault {
	return Fault{name: "reset in body", deliver: func(p *reply, body []byte) {
		p.body = withEnd(body[:len(body)/2], func() error { return io.ErrUnexpectedEOF })
	}}
}

// HangInBody sends half of the body and then nothing, until the client gives up
// or the server is closed.
func HangInBody() Fault {
	return Fault{name: "hang in body", deliver: func(p *reply, body []byte) {
		p.body = withEnd(body[:len(body)/2], func() error {
			<-p.ctx.Done()
			return p.ended()
		})
	}}
}

// Slow sends the body at a rate. It panics if the rate is not positive.
func Slow(bytesPerSecond int) Fault {
	if bytesPerSecond <= 0 {
		panic(fmt.Sprintf("jobstest: the rate %d is not positive", bytesPerSecond))
	}
	return Fault{name: fmt.Sprintf("slow, %d bytes/s", bytesPerSecond), deliver: func(p *reply, body []byte) {
		p.body = &slowReader{p: p, body: body, rate: bytesPerSecond}
	}}
}

// Huge appends white space to the body up to a size, and sends no
// Content-Length. The server does not keep the body in memory.
func Huge(bytes int64) Fault {
	return Fault{name: fmt.Sprintf("huge, %d bytes", bytes), deliver: func(p *reply, body []byte) {
		p.length = -1
		p.body = padded(body, bytes)
	}}
}

// GzipBomb sends the body of [Huge] compressed, about 1/1000 of its size.
func GzipBomb(bytes int64) Fault {
	return Fault{name: fmt.Sprintf("gzip bomb, %d bytes", bytes), deliver: func(p *reply, body []byte) {
		p.length = -1
		p.response.Header().Set("Content-Encoding", "gzip")
		p.body = gzipBomb(body, bytes)
	}}
}

// DuplicateKeys repeats all members of each object in the body.
func DuplicateKeys() Fault {
	f := Change(duplicateKeys)
	f.name = "duplicate keys"
	return f
}

// WrongTypes replaces each string in the body by a number, and each number and
// boolean by a string.
func WrongTypes() Fault {
	f := Change(wrongTypes)
	f.name = "wrong types"
	return f
}

// Nulls replaces each string, number and boolean in the body by null.
func Nulls() Fault {
	f := Change(nulls)
	f.name = "nulls"
	return f
}

// Change replaces the body by the result of change. The function runs on the
// goroutine that serves the request. It must not keep its argument.
func Change(change func(body []byte) []byte) Fault { return Fault{name: "change", change: change} }

// Delay delays the execution of the request. If the client gives up first, the
// request is not executed.
func Delay(d time.Duration) Fault { return Fault{name: fmt.Sprintf("delay %v", d), delay: d} }

// Stale responds to reads of jobs with a state of the past, as a lagging
// replica does. A new job is not found ([http.StatusNotFound]) for this time.
// Later changes of a job become visible after this time. A deleted job is gone
// at once. Other requests are not affected.
func Stale(lag time.Duration) Fault {
	return Fault{name: fmt.Sprintf("stale by %v", lag), staleness: emulator.Staleness{Lag: lag}}
}

// EarlyRetry refuses to retry a job with a status, 400 or 403, for a time after
// the job was aborted. Other requests are not affected.
func EarlyRetry(status int, d time.Duration) Fault {
	return Fault{
		name:      fmt.Sprintf("early retry %d", status),
		staleness: emulator.Staleness{RetryAfterAbort: d, RetryStatus: status},
	}
}
