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

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// A reply is the response of a fault, or any response without a socket. Its body is computed
// while it is read, on the goroutine of the reader, so no fault needs a goroutine.
type reply struct {
	ctx        context.Context // ends with the request or with the server
	requestCtx context.Context // ends with the request
	release    func()

	err      error              // instead of a response
	response *emulator.Recorder // its status and header
	length   int64              // the Content-Length, -1 for none
	body     io.Reader
}

// setResponse sets the response to a request, changed by a fault.
func (p *reply) setResponse(f *Fault, r *http.Request, response *emulator.Recorder) {
	body := response.Body.Bytes()
	if f.change != nil {
		body = f.change(bytes.Clone(body))
	}
	for _, set := range f.header {
		set(response.Header())
	}
	p.response = response
	p.length, p.body = int64(len(body)), bytes.NewReader(body)
	if f.deliver != nil {
		f.deliver(p, body)
	}
	if r.Method == http.MethodHead { // the length is that of the body of a GET
		var err error
		if p.length, err = strconv.ParseInt(response.Header().Get("Content-Length"), 10, 64); err != nil {
			p.length = -1
		}
	}
}

// status returns the status of the response, 0 if there is none.
func (p *reply) status() int {
	if p.err != nil {
		return 0
	}
	return p.response.Status
}

// ended returns the error after the end of ctx.
func (p *reply) ended() error {
	if err := p.requestCtx.Err(); err != nil {
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

// bodiless reports whether the status permits no body.
func (p *reply) bodiless() bool {
	return p.response.Status == http.StatusNoContent || p.response.Status == http.StatusNotModified
}

func (p *reply) header() http.Header {
	header := p.response.Header().Clone()
	header.Del("Content-Length")
	if p.length >= 0 && !p.bodiless() {
		header.Set("Content-Length", strconv.FormatInt(p.length, 10))
	}
	return header
}

// send sends the reply over a socket.
func (p *reply) send(w http.ResponseWriter) {
	defer p.release()
	if p.err != nil {
		breakConnection(w)
	}
	maps.Copy(w.Header(), p.header())
	w.WriteHeader(p.response.Status)
	out := http.NewResponseController(w)
	_ = out.Flush() // the header must not wait for the body
	for chunk := make([]byte, 32<<10); ; {
		n, err := p.body.Read(chunk)
		if n > 0 {
			if _, err := w.Write(chunk[:n]); err != nil {
				return // the client has closed the connection
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

// breakConnection resets a connection, or closes it if a reset is impossible.
func breakConnection(w http.ResponseWriter) {
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

// roundTrip returns the reply as net/http returns it to a client.
func (p *reply) roundTrip(r *http.Request) (*http.Response, error) {
	if p.err != nil {
		p.release()
		return nil, p.err
	}
	response := newResponse(r, p.response.Status, p.header(), p.length)
	if r.Method == http.MethodHead || p.bodiless() {
		p.release()
		response.Body = http.NoBody
		if r.Method != http.MethodHead {
			response.ContentLength = 0
		}
		return response, nil
	}
	body := p.body
	if response.Header.Get("Content-Encoding") == "gzip" && r.Header.Get("Accept-Encoding") == "" && r.Header.Get("Range") == "" {
		// net/http decompresses a response unless the request sets Accept-Encoding or Range.
		body = &gunzipReader{from: body}
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
		response.ContentLength, response.Uncompressed = -1, true
	}
	response.Body = &replyBody{p: p, from: body}
	return response, nil
}

// A replyBody is a response body without a socket. Close ends a blocked Read.
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

// withEnd returns a reader of body that ends with the error of end.
func withEnd(body []byte, end func() error) io.Reader {
	return io.MultiReader(bytes.NewReader(body), errReader(end))
}

type errReader func() error

func (f errReader) Read([]byte) (int, error) { return 0, f() }

// A slowReader limits the rate of a body. It sleeps at most ten times a second,
// or once a byte.
type slowReader struct {
	p    *reply
	body []byte
	rate int
}

func (s *slowReader) Read(into []byte) (int, error) {
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

// A spaceReader is infinite white space.
type spaceReader struct{}

var spaces = bytes.Repeat([]byte(" "), 32<<10)

func (spaceReader) Read(into []byte) (int, error) { return copy(into, spaces), nil }

// padded returns a reader of body and white space, size bytes in all.
func padded(body []byte, size int64) io.Reader {
	return io.MultiReader(bytes.NewReader(body), io.LimitReader(spaceReader{}, max(0, size-int64(len(body)))))
}

// gzipBomb returns the bytes of padded compressed. A gzip file may repeat a
// member.
func gzipBomb(body []byte, size int64) io.Reader {
	parts := []io.Reader{bytes.NewReader(compress(bytes.NewReader(body)))}
	size = max(0, size-int64(len(body)))
	for ; size >= memberSize; size -= memberSize {
		parts = append(parts, bytes.NewReader(compressedSpaces()))
	}
	return io.MultiReader(append(parts, bytes.NewReader(compress(io.LimitReader(spaceReader{}, size))))...)
}

// memberSize is the size of the repeated member before compression.
const memberSize = 1 << 20

var compressedSpaces = sync.OnceValue(func() []byte { return compress(io.LimitReader(spaceReader{}, memberSize)) })

func compress(from io.Reader) []byte {
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, _ = io.Copy(w, from) // a buffer does not fail
	_ = w.Close()
	return compressed.Bytes()
}

// A gunzipReader decompresses from the first Read on.
type gunzipReader struct {
	from io.Reader
	to   *gzip.Reader
}

func (g *gunzipReader) Read(into []byte) (int, error) {
	if g.to == nil {
		to, err := gzip.NewReader(g.from)
		if err != nil {
			return 0, err
		}
		g.to = to
	}
	return g.to.Read(into)
}
