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

func throughProxy(*http.Request) (*url.URL, error) {
	return url.Parse("http://proxy.example:3128")
}

// TestProxy_SeesOnlyEncryptedTraffic lets a request to https pass a proxy, which keeps
// all it sees.
func TestProxy_SeesOnlyEncryptedTraffic(t *testing.T) {
	var seen recorded
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
	require.NoError(t, err, "a proxy works")
	transport.CloseIdleConnections()
	assert.NotEmpty(t, seen.bytes())
	for _, secret := range []string{testKey, testKey[10:], "X-Token", "tensorbay-open-api"} {
		assert.False(t, bytes.Contains(seen.bytes(), []byte(secret)), secret)
	}
}

type recorded struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (r *recorded) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buffer.Write(p)
}

func (r *recorded) bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.buffer.Bytes())
}

// TestProxy_IsNotSentPlainHTTP is about loopback addresses, the only ones that
// may be asked in clear.
func TestProxy_IsNotSentPlainHTTP(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"name":"a","type":0}`)
	}))
	defer service.Close()
	elsewhere := 0
	for name, tc := range map[string]struct {
		proxy func(*http.Request) (*url.URL, error)
		fine  bool
	}{
		"none":                    {nil, true},
		"that of the environment": {http.ProxyFromEnvironment, true},
		"for other hosts":         {func(*http.Request) (*url.URL, error) { return nil, nil }, true},
		"on another machine":      {throughProxy, false},
		"socks":                   {func(*http.Request) (*url.URL, error) { return url.Parse("socks5://192.0.2.1:1080") }, false},
		"on this machine":         {func(*http.Request) (*url.URL, error) { return url.Parse(service.URL) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{Proxy: tc.proxy, DisableKeepAlives: true}
			sent := 0
			transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				sent++
				if address != service.Listener.Addr().String() {
					elsewhere++
					return nil, errors.New("nobody there")
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			client, err := jobs.NewClient(testKey, jobs.WithBaseURL(service.URL), jobs.WithHTTPClient(&http.Client{Transport: transport}))
			require.NoError(t, err)
			_, err = datasetByID(t, client).Refresh(t.Context())
			if tc.fine {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			require.NotErrorIs(t, err, jobs.ErrUnreachable)
			assert.Zero(t, sent)
			var e *jobs.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, 1, e.Attempts, "it is not tried again")
			_, err = datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
			require.NotErrorIs(t, err, jobs.ErrAmbiguous, "it was not sent")
		})
	}
	assert.Zero(t, elsewhere)
}

// TestProxy_IsNotAmbiguousIfDown is no ambiguity: nothing was sent.
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
	assert.Equal(t, 2, e.Attempts, "it is sent again, since it did not leave")
}
