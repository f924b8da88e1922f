package jobstest

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A reply is what a fault makes of an answer. Its body is made while it is
// read, on the goroutine of the reader: so no fault needs a goroutine of its
// own, with sockets or without.
type reply struct {
	ctx     context.Context // ends with the request and with the server
	asked   context.Context // ends with the request
	release func()

	err    error     // there is no answer, but this
	answer *recorder // its status and header
	length int64     // what the header says of the body; -1 for nothing
	body   io.Reader
}

// take makes the reply out of an answer.
func (p *reply) take(f *Fault, answer *recorder) {
	body := answer.body.Bytes()
	if f.change != nil {
		body = f.change(bytes.Clone(body))
	}
	for _, set := range f.header {
		set(answer.Header())
	}
	p.answer = answer
	if f.deliver != nil {
		f.deliver(p, body)
		return
	}
	p.length, p.body = int64(len(body)), bytes.NewReader(body)
}

// status is that of the answer, 0 where there is none.
func (p *reply) status() int {
	if p.err != nil {
		return 0
	}
	return p.answer.status
}

// ended is the error of a client that gave up, or of a server that closed.
func (p *reply) ended() error {
	if err := p.asked.Err(); err != nil {
		return err
	}
	return errReset()
}

func errRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func errReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

func (p *reply) header() http.Header {
	header := p.answer.header.Clone()
	header.Del("Content-Length")
	if p.length >= 0 && p.answer.status != http.StatusNoContent && p.answer.status != http.StatusNotModified {
		header.Set("Content-Length", strconv.FormatInt(p.length, 10))
	}
	return header
}

// send sends the reply over a socket.
func (p *reply) send(w http.ResponseWriter) {
	defer p.release()
	if p.err != nil {
		breakOff(w)
	}
	maps.Copy(w.Header(), p.header())
	w.WriteHeader(p.answer.status)
	out := http.NewResponseController(w)
	_ = out.Flush() // the header travels before the body is made
	for chunk := make([]byte, 32<<10); ; {
		n, err := p.body.Read(chunk)
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				return // the client went away
			}
			_ = out.Flush()
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// breakOff ends a connection without an answer: with a reset, or, where that
// cannot be done, by closing it.
func breakOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = secure.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
	panic(http.ErrAbortHandler)
}

// response is the reply as net/http hands it to a client.
func (p *reply) response(r *http.Request) (*http.Response, error) {
	if p.err != nil {
		p.release()
		return nil, p.err
	}
	response := newResponse(r, p.answer.status, p.header(), p.length)
	if r.Method == http.MethodHead {
		p.release()
		response.Body = http.NoBody
		return response, nil
	}
	body := p.body
	if response.Header.Get("Content-Encoding") == "gzip" && r.Header.Get("Accept-Encoding") == "" {
		// net/http asks for compression and undoes it where nobody said that
		// he wants to do so himself.
		body = &gunzip{from: body}
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
		response.ContentLength, response.Uncompressed = -1, true
	}
	response.Body = &replyBody{p: p, from: body}
	return response, nil
}

// A replyBody is a body in process. Closing it ends a Read that is under way.
type replyBody struct {
	p    *reply
	from io.Reader
}

func (b *replyBody) Read(into []byte) (int, error) {
	if b.p.ctx.Err() != nil {
		return 0, b.p.ended()
	}
	return b.from.Read(into)
}

func (b *replyBody) Close() error {
	b.p.release()
	return nil
}

// then reads a body and after it fails in its own way.
func then(body []byte, end func() error) io.Reader {
	return io.MultiReader(bytes.NewReader(body), failing(end))
}

type failing func() error

func (f failing) Read([]byte) (int, error) { return 0, f() }

// slow makes a body trickle, ten times a second or a byte at a time.
type slow struct {
	p    *reply
	body []byte
	rate int
}

func (s *slow) Read(into []byte) (int, error) {
	n := min(max(1, s.rate/10), len(s.body), len(into))
	if n == 0 {
		if len(s.body) > 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	if sleep(s.p.ctx, time.Duration(float64(n)/float64(s.rate)*float64(time.Second))) != nil {
		return 0, s.p.ended()
	}
	copy(into, s.body[:n])
	s.body = s.body[n:]
	return n, nil
}

// spaces is white space without end.
type spaces struct{}

var someSpaces = bytes.Repeat([]byte(" "), 32<<10)

func (spaces) Read(into []byte) (int, error) { return copy(into, someSpaces), nil }

// padded is a body with white space after it.
func padded(body []byte, size int64) io.Reader {
	return io.MultiReader(bytes.NewReader(body), io.LimitReader(spaces{}, max(0, size-int64(len(body)))))
}

// bomb is the same, compressed. A gzip file may have many members, so one of
// white space serves again and again.
func bomb(body []byte, size int64) io.Reader {
	parts := []io.Reader{bytes.NewReader(compress(bytes.NewReader(body)))}
	size = max(0, size-int64(len(body)))
	for ; size >= member; size -= member {
		parts = append(parts, bytes.NewReader(compressedSpaces()))
	}
	return io.MultiReader(append(parts, bytes.NewReader(compress(io.LimitReader(spaces{}, size))))...)
}

// member is the size of what serves again and again.
const member = 1 << 20

var compressedSpaces = sync.OnceValue(func() []byte { return compress(io.LimitReader(spaces{}, member)) })

func compress(from io.Reader) []byte {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = io.Copy(w, from) // a buffer takes everything
	_ = w.Close()
	return compressed.Bytes()
}

// gunzip undoes compression from the first Read on.
type gunzip struct {
	from io.Reader
	to   *gzip.Reader
}

func (g *gunzip) Read(into []byte) (int, error) {
	if g.to == nil {
		to, err := gzip.NewReader(g.from)
		if err != nil {
			return 0, err
		}
		g.to = to
	}
	return g.to.Read(into)
}
