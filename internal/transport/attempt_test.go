package transport_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// hung is a body that ends with the context of its request.
type hung struct {
	io.Reader
	ctx context.Context
}

func (h hung) Read(p []byte) (int, error) {
	if n, _ := h.Reader.Read(p); n > 0 {
		return n, nil
	}
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

// cutBody returns a stub whose body hangs after its first bytes.
func cutBody(status int) stub {
	return func(r *http.Request) (*http.Response, error) {
		resp := response(status, "")
		resp.ContentLength, resp.Body = 60, io.NopCloser(hung{strings.NewReader(`{"jobId":"6f2a",`), r.Context()})
		return resp, nil
	}
}

func TestAttempt_IsUnknownIfTheBodyIsCut(t *testing.T) {
	for name, tc := range map[string]struct {
		ctx, client, attempt time.Duration
		ended                bool
		text                 string
	}{
		"by the caller's deadline": {3 * time.Second, 0, 9 * time.Second, true, "context deadline exceeded"},
		"by http.Client.Timeout":   {9 * time.Second, 3 * time.Second, 9 * time.Second, false, "the body was cut short: context deadline exceeded"},
		"by the attempt timeout":   {9 * time.Second, 0, 3 * time.Second, false, "the body was cut short: the attempt timed out after 3s, see WithAttemptTimeout"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tc.ctx)
			defer cancel()
			start := time.Now()
			o := do(ctx, newTransport(nil, func(c *transport.Config) {
				c.Client, c.Timeout = &http.Client{Transport: cutBody(201), Timeout: tc.client}, tc.attempt
			}), create)
			assert.Equal(t, 3*time.Second, time.Since(start), name)
			assert.Equal(t, transport.Unknown, o.State, name)
			assert.Equal(t, 201, o.Status, name)
			assert.Equal(t, 1, o.Attempts, name)
			assert.Equal(t, tc.ended, o.Ended(), name)
			assert.Equal(t, tc.ended, errors.Is(o.Err, context.DeadlineExceeded), name)
			assert.ErrorContains(t, o.Err, tc.text, name)
		})
	}
}

func TestAttempt_IsUnknownIfTheCallerCancelsDuringTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		o := do(ctx, newTransport(cutBody(200)), create)
		assert.Equal(t, transport.Unknown, o.State)
		require.ErrorIs(t, o.Err, context.Canceled)
	})
}

func TestAttempt_IsRefusedByStatusIfTheBodyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := do(t.Context(), newTransport(cutBody(403)), create)
		assert.Equal(t, transport.Refused, o.State)
		assert.ErrorContains(t, o.Err, "cut short")
		assert.True(t, o.Transient(), "the code of the service is not known")
		o = do(t.Context(), newTransport(cutBody(307)), create)
		require.EqualError(t, o.Err, "unexpected status")
		o = do(t.Context(), newTransport(cutBody(500)), create)
		assert.Equal(t, transport.Unknown, o.State)
		assert.Empty(t, o.Message)
	})
}

func TestAttempt_RejectsABodyAboveTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := do(t.Context(), newTransport(stub(func(*http.Request) (*http.Response, error) { return response(201, "123456789"), nil }),
			func(c *transport.Config) { c.MaxBody = 8 }), create)
		assert.Equal(t, transport.Unknown, o.State)
		require.EqualError(t, o.Err, "the body is larger than 8 bytes, see WithMaxBody")
	})
}

// A socket test of the same: the body of a real server stops.
func TestAttempt_IsUnknownIfTheBodyOfAServerStops(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "60")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"jobId":"6f2a",`)
		http.NewResponseController(w).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)

	// The context ends as soon as the headers have arrived.
	ctx, cancel := context.WithCancel(t.Context())
	o := do(ctx, newTransport(stub(func(r *http.Request) (*http.Response, error) {
		defer cancel()
		return http.DefaultTransport.RoundTrip(r)
	}), on(server.URL)), create)
	assert.Equal(t, transport.Unknown, o.State)
	assert.Equal(t, 201, o.Status)
	require.ErrorIs(t, o.Err, context.Canceled)

	o = do(t.Context(), newTransport(nil, on(server.URL), func(c *transport.Config) {
		c.Client = &http.Client{Timeout: 100 * time.Millisecond}
	}), create)
	assert.Equal(t, transport.Unknown, o.State)
	assert.False(t, o.Ended())
	assert.NotErrorIs(t, o.Err, context.DeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, o.Err, &timeout, "the error of net/http can be examined")
	assert.True(t, timeout.Timeout())
}

// on sets the address of the service and short delays.
func on(address string) func(*transport.Config) {
	return func(c *transport.Config) {
		c.BaseURL = address + "/"
		c.Retry.Backoff, c.Retry.MaxBackoff = time.Nanosecond, time.Nanosecond
	}
}

type dial func(ctx context.Context, network, address string) (net.Conn, error)

// pipe returns a dial function whose server is serve, in virtual time.
func pipe(serve func(net.Conn)) dial {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	}
}

// hang reads for ten minutes. net/http goes on with the handshake of a canceled request.
func hang(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(10 * time.Minute))
	io.Copy(io.Discard, c)
}

// letHangsEnd lets the goroutines of hang end before the test does.
func letHangsEnd() { time.Sleep(time.Hour) }

func TestAttempt_IsNotSentWithoutAConnection(t *testing.T) {
	through := func(status string) *http.Transport {
		return &http.Transport{
			Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128"}),
			DialContext: pipe(func(c net.Conn) {
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil && r.Method == http.MethodConnect {
					fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status)
				}
			}),
		}
	}
	for name, tc := range map[string]struct {
		transport *http.Transport
		text      string
	}{
		"refused dial": {&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }}, "dial tcp: connection refused"},
		"dial that hangs": {&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(10 * time.Minute)
			return nil, errRefused
		}}, "no connection: the attempt timed out after 30s, see WithAttemptTimeout"},
		"timeout of the dialer": {&http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := net.Dialer{Deadline: time.Now().Add(-1)}
			return d.DialContext(ctx, network, "127.0.0.1:1")
		}}, "dial tcp 127.0.0.1:1: i/o timeout"},
		"timeout of the handshake": {&http.Transport{DialContext: pipe(hang), TLSHandshakeTimeout: time.Second}, "no connection: net/http: TLS handshake timeout"},
		"handshake that hangs":     {&http.Transport{DialContext: pipe(hang)}, "no connection: the attempt timed out after 30s"},
		"end in the handshake": {&http.Transport{DialContext: pipe(func(c net.Conn) {
			io.ReadFull(c, make([]byte, 5)) // the header of the first record
		})}, ""},
		"alert in the handshake": {&http.Transport{DialContext: pipe(func(c net.Conn) {
			go hang(c)
			c.Write([]byte("\x15\x03\x03\x00\x02\x02\x28")) // handshake_failure
		})}, "remote error: tls: handshake failure"},
		"no TLS": {&http.Transport{DialContext: pipe(func(c net.Conn) {
			go hang(c)
			io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n")
		})}, "server gave HTTP response to HTTPS client"},
		"proxy 407": {through("407 Proxy Authentication Required"), "no connection: Proxy Authentication Required"},
		"proxy 403": {through("403 Forbidden"), "no connection: Forbidden"},
		"proxy 502": {through("502 Bad Gateway"), "no connection: Bad Gateway"},
		"proxy that is down": {&http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:3128"}), DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errRefused
		}}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer letHangsEnd()
				for _, op := range []transport.Operation{read, create} {
					o := do(t.Context(), newTransport(tc.transport), op)
					assert.Equal(t, transport.NotSent, o.State)
					assert.Equal(t, 3, o.Attempts)
					assert.False(t, o.Uncertain)
					assert.False(t, o.Ended())
					assert.Zero(t, o.Status)
					require.ErrorContains(t, o.Err, tc.text)
					assert.NotErrorIs(t, o.Err, context.DeadlineExceeded)
					assert.NotErrorIs(t, o.Err, context.Canceled)
				}
			})
		})
	}
}

// It does not run in virtual time, because package net shares one resolver.
func TestAttempt_IsNotSentIfDNSFails(t *testing.T) {
	for name, tc := range map[string]struct {
		lookup dial
		text   string
	}{
		"failure": {func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no server") }, "lookup service.test"},
		"timeout": {func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			d := net.Dialer{Timeout: 20 * time.Millisecond, Resolver: &net.Resolver{PreferGo: true, Dial: tc.lookup}}
			o := do(t.Context(), newTransport(&http.Transport{DialContext: d.DialContext}, on("https://service.test")), create)
			assert.Equal(t, transport.NotSent, o.State)
			assert.Equal(t, 3, o.Attempts)
			require.ErrorContains(t, o.Err, tc.text)
			assert.NotErrorIs(t, o.Err, context.DeadlineExceeded)
			var dns *net.DNSError
			require.ErrorAs(t, o.Err, &dns)
		})
	}
}

func TestAttempt_ReportsTheEndOfTheCallerDuringADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer letHangsEnd()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		o := do(ctx, newTransport(&http.Transport{DialContext: pipe(hang)}), create)
		assert.Equal(t, transport.NotSent, o.State)
		assert.Equal(t, context.DeadlineExceeded, o.Err)
		assert.Equal(t, 1, o.Attempts)
	})
}

func TestAttempt_TriesAnUntrustedCertificateOnce(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for _, op := range []transport.Operation{read, create} {
		o := do(t.Context(), newTransport(&http.Transport{}, on(server.URL)), op)
		assert.Equal(t, transport.NotSent, o.State)
		assert.Equal(t, 1, o.Attempts)
		assert.True(t, o.Untrusted())
		assert.False(t, o.Transient())
		assert.ErrorContains(t, o.Err, "certificate")
	}
	o := do(t.Context(), newTransport(sequence(&tls.CertificateVerificationError{Err: errors.New("unknown authority")})), create)
	assert.Equal(t, transport.NotSent, o.State, "the http.RoundTripper reports no connections")
	assert.Equal(t, 1, o.Attempts)
}

func TestAttempt_RepeatsReadsAfterAClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := stub(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		tr := newTransport(nil, func(c *transport.Config) { c.Client = &http.Client{Transport: silent, Timeout: time.Second} })
		for op, attempts := range map[transport.Operation]int{read: 3, create: 1} {
			o := do(t.Context(), tr, op)
			assert.Equal(t, attempts, o.Attempts)
			assert.Equal(t, transport.Unknown, o.State)
			assert.ErrorContains(t, o.Err, "deadline exceeded")
			assert.NotErrorIs(t, o.Err, context.DeadlineExceeded)
		}
	})
}

func TestAttempt_RepeatsReadsAfterAResponseHeaderTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer letHangsEnd()
		rt := &http.Transport{DialContext: pipe(hang), ResponseHeaderTimeout: time.Second}
		tr := newTransport(rt, func(c *transport.Config) { c.BaseURL = "http://127.0.0.1/" })
		for op, attempts := range map[transport.Operation]int{read: 3, create: 1} {
			o := do(t.Context(), tr, op)
			assert.Equal(t, attempts, o.Attempts)
			assert.Equal(t, transport.Unknown, o.State)
			assert.ErrorContains(t, o.Err, "timeout awaiting response headers")
			assert.NotErrorIs(t, o.Err, context.DeadlineExceeded)
		}
	})
}

func TestAttempt_RepeatsReadsAfterTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer letHangsEnd()
		tr := newTransport(&http.Transport{DialContext: pipe(hang)}, func(c *transport.Config) { c.BaseURL = "http://127.0.0.1/" })
		start := time.Now()
		o := do(t.Context(), tr, create)
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.Equal(t, transport.Unknown, o.State)
		require.EqualError(t, o.Err, "the attempt timed out after 30s, see WithAttemptTimeout")
		assert.Equal(t, 3, do(t.Context(), tr, read).Attempts)
	})
}

// An http.RoundTripper of the caller may repeat a request itself. An error of its last
// attempt does not prove that the first one was not sent.
func TestAttempt_IsUnknownIfTheTransportOfTheCallerRepeatedIt(t *testing.T) {
	var sent atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		sent.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	inner := &http.Transport{}
	defer inner.CloseIdleConnections()
	o := do(t.Context(), newTransport(stub(func(r *http.Request) (*http.Response, error) {
		if _, err := inner.RoundTrip(r); err == nil {
			t.Error("no error")
		}
		return nil, errRefused
	}), on(server.URL)), create)
	assert.Equal(t, transport.Unknown, o.State)
	assert.Equal(t, 1, o.Attempts)
	assert.EqualValues(t, 1, sent.Load())
}

// keepAlive serves one request of each connection. It closes the connection when it has
// read a second request, as far as its body.
func keepAlive(l net.Listener, second *atomic.Int32) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for first := true; ; first = false {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				io.Copy(io.Discard, r.Body)
				if !first {
					second.Add(1)
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			}
		}()
	}
}

func TestAttempt_LeavesReadsOnAReusedConnectionToNetHTTP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var second atomic.Int32
	go keepAlive(l, &second)
	rt := &http.Transport{}
	defer rt.CloseIdleConnections()
	tr := newTransport(rt, on("http://"+l.Addr().String()))

	require.Equal(t, transport.Done, do(t.Context(), tr, read).State)
	o := do(t.Context(), tr, read)
	assert.Equal(t, transport.Done, o.State)
	assert.Equal(t, 1, o.Attempts, "net/http repeats it on a new connection")
	assert.EqualValues(t, 1, second.Load())

	o = do(t.Context(), tr, create)
	assert.Equal(t, transport.Unknown, o.State, "the server has read it")
	assert.Equal(t, 1, o.Attempts)
	assert.EqualValues(t, 2, second.Load())
}

func TestAttempt_IsUnknownIfAReusedConnectionBreaksAndNoOtherCanBeMade(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var second atomic.Int32
	go keepAlive(l, &second)
	rt := &http.Transport{}
	defer rt.CloseIdleConnections()
	tr := newTransport(rt, on("http://"+l.Addr().String()), func(c *transport.Config) { c.Retry.Attempts = 1 })
	require.Equal(t, transport.Done, do(t.Context(), tr, read).State)
	l.Close()
	o := do(t.Context(), tr, read)
	assert.ErrorContains(t, o.Err, "connection refused")
	assert.Equal(t, transport.Unknown, o.State)
	assert.EqualValues(t, 1, second.Load())
}

func TestAttempt_TellsTheStateOverHTTP2(t *testing.T) {
	abort := atomic.Bool{}
	connections := atomic.Int32{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		if abort.Load() {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "{}")
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.StartTLS()
	rt := server.Client().Transport.(*http.Transport)
	tr := newTransport(rt, on(server.URL))

	for range 2 {
		require.Equal(t, transport.Done, do(t.Context(), tr, create).State)
	}
	assert.EqualValues(t, 1, connections.Load())
	abort.Store(true)
	for op, attempts := range map[transport.Operation]int{read: 3, create: 1} {
		o := do(t.Context(), tr, op)
		assert.Equal(t, transport.Unknown, o.State, "%v", o.Err)
		assert.Equal(t, attempts, o.Attempts)
	}
	server.Close()
	rt.CloseIdleConnections()
	o := do(t.Context(), tr, create)
	assert.Equal(t, transport.NotSent, o.State, "%v", o.Err)
	assert.Equal(t, 3, o.Attempts)
}

func TestAttempt_RemovesSecretsFromErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := fmt.Errorf("tunnel to https://a.test/b?sig=5ec1e7 with %s: %w", testKey, errReset)
		o := do(t.Context(), newTransport(sequence(secret)), create)
		require.EqualError(t, o.Err, "tunnel to https://a.test/b?... with Accesskey-...: read tcp: connection reset by peer")
		require.ErrorIs(t, o.Err, errReset)
	})
}
