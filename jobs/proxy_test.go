package jobs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func proxyOnAnotherHost(*http.Request) (*url.URL, error) {
	return url.Parse("http://proxy.example:3128")
}

// The proxy records all bytes of a request to an https URL.
func TestProxy_SeesOnlyEncryptedTraffic(t *testing.T) {
	var seen recorder
	service := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, testKey, r.Header.Get("X-Token"))
		io.WriteString(w, `{"name":"a","type":0}`)
	}))
	defer service.Close()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodConnect, r.Method)
		require.NoError(t, r.Header.Write(&seen))
		to, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", service.Listener.Addr().String())
		require.NoError(t, err)
		from, _, err := w.(http.Hijacker).Hijack()
		require.NoError(t, err)
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(to, io.TeeReader(from, &seen))
			to.Close()
		}()
		go func() {
			io.Copy(from, io.TeeReader(to, &seen))
			from.Close()
		}()
	}))
	defer proxy.Close()
	transport := service.Client().Transport.(*http.Transport).Clone()
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL("https://example.com/"), jobs.WithHTTPClient(&http.Client{Transport: transport}))
	require.NoError(t, err)
	_, err = datasetByID(t, client).Refresh(t.Context())
	require.NoError(t, err, "the request passes the proxy")
	transport.CloseIdleConnections()
	assert.NotEmpty(t, seen.bytes())
	for _, secret := range []string{testKey, testKey[10:], "X-Token", "tensorbay-open-api"} {
		assert.False(t, bytes.Contains(seen.bytes(), []byte(secret)), secret)
	}
}

// A recorder keeps the bytes written to it.
type recorder struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buffer.Write(p)
}

func (r *recorder) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.buffer.Bytes())
}

// Plain http is allowed to loopback addresses only.
func TestProxy_IsNotSentPlainHTTP(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"name":"a","type":0}`)
	}))
	defer service.Close()
	otherHosts := 0
	for name, tc := range map[string]struct {
		proxy func(*http.Request) (*url.URL, error)
		valid bool
	}{
		"none":                  {nil, true},
		"of the environment":    {http.ProxyFromEnvironment, true},
		"for other hosts only":  {func(*http.Request) (*url.URL, error) { return nil, nil }, true},
		"on another host":       {proxyOnAnotherHost, false},
		"socks on another host": {func(*http.Request) (*url.URL, error) { return url.Parse("socks5://192.0.2.1:1080") }, false},
		"on this host":          {func(*http.Request) (*url.URL, error) { return url.Parse(service.URL) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{Proxy: tc.proxy, DisableKeepAlives: true}
			sent := 0
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				sent++
				if address != service.Listener.Addr().String() {
					otherHosts++
					return nil, errors.New("unexpected address")
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			client, err := jobs.NewClient(testKey, jobs.WithBaseURL(service.URL), jobs.WithHTTPClient(&http.Client{Transport: transport}))
			require.NoError(t, err)
			_, err = datasetByID(t, client).Refresh(t.Context())
			if tc.valid {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			require.NotErrorIs(t, err, jobs.ErrUnreachable)
			assert.Zero(t, sent)
			var e *jobs.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, 1, e.Attempts, "the request is not retried")
			_, err = datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
			require.NotErrorIs(t, err, jobs.ErrAmbiguous, "the create was not sent")
		})
	}
	assert.Zero(t, otherHosts)
}

func TestProxy_IsNotAmbiguousIfDown(t *testing.T) {
	down, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := down.Addr().String()
	down.Close()
	transport := &http.Transport{
		Proxy:           func(*http.Request) (*url.URL, error) { return url.Parse("http://" + address) },
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	client, err := jobs.NewClient(testKey, jobs.WithHTTPClient(&http.Client{Transport: transport}), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: time.Millisecond}))
	require.NoError(t, err)
	_, err = datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
	require.ErrorIs(t, err, jobs.ErrUnreachable)
	require.NotErrorIs(t, err, jobs.ErrAmbiguous)
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 2, e.Attempts, "the create is retried because it was not sent")
}
