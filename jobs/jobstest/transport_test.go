package jobstest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestClient_FailsForOtherHostsAndAfterClose(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	_, err := c.Client().Get("https://elsewhere.test/")
	require.ErrorContains(t, err, "reaches no such host")
	_, err = c.Client().Get("http://tensorbay.test/")
	require.ErrorContains(t, err, "reaches no such host")

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(canceled, http.MethodGet, c.URL(), nil)
	require.NoError(t, err)
	_, err = c.Client().Do(request)
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, err = c.Client().Get(c.URL())
	require.ErrorContains(t, err, "connection refused")
	require.Empty(t, c.Requests())
}

// The responses to conditional and partial requests do not depend on the transport, and a delay
// does not change them.
func TestClient_RespondsAsSocketsDo(t *testing.T) {
	const tag = `"2600ea346cb21585faabd4a273bc4061"`
	multipart := regexp.MustCompile(`[0-9a-f]{60}`)
	servers := []caller{start(t, jobstest.WithSeed(hello())), start(t, jobstest.WithSeed(hello()), onSockets())}
	addresses := []string{servers[0].dataURL(), servers[1].dataURL()}
	compare := func(fault jobstest.Fault, method string, header http.Header) {
		var responses []string
		for i, c := range servers {
			c.Clear()
			c.Inject(jobstest.Rule{}, fault)
			r, err := http.NewRequestWithContext(t.Context(), method, addresses[i], nil)
			require.NoError(t, err)
			r.Header = header.Clone()
			response, err := c.Client().Do(r)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			response.Header.Del("Date")
			text := fmt.Sprint(response.StatusCode, response.ContentLength, response.Uncompressed, response.Header, string(body))
			responses = append(responses, multipart.ReplaceAllString(text, "boundary"))
		}
		require.Equal(t, responses[1], responses[0], "%s %v %s", method, header, fault)
	}
	for _, header := range []http.Header{
		{}, {"Range": {"bytes=0-3"}}, {"Range": {"bytes=-3"}}, {"Range": {"bytes=8-99"}}, {"Range": {"bytes=10-"}}, {"Range": {"x"}}, {"Range": {"bytes=0-1,4-5"}},
		{"Range": {"bytes=0-1"}, "If-Range": {`"x"`}}, {"Range": {"bytes=0-1"}, "If-Range": {tag}}, {"If-None-Match": {tag}}, {"If-Match": {`"x"`}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			compare(jobstest.Fault{}, method, header)
			compare(jobstest.Delay(time.Nanosecond), method, header)
		}
	}
	compare(jobstest.Fault{}, http.MethodPost, nil)
	for _, header := range []http.Header{{}, {"Range": {"bytes=0-3"}}, {"If-None-Match": {tag}}} {
		compare(jobstest.GzipBomb(100), http.MethodGet, header)
	}
}

func TestClient_ABodyEndsWithTheContext(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.dataURL(), nil)
	require.NoError(t, err)
	response, err := c.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	one := make([]byte, 1)
	_, err = response.Body.Read(one)
	require.NoError(t, err)
	cancel()
	_, err = response.Body.Read(one)
	require.ErrorIs(t, err, context.Canceled)
}

func TestClient_AddsTheLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithLatency(20*time.Millisecond))
		begin := time.Now()
		c.get("datasets")
		require.Equal(t, 20*time.Millisecond, time.Since(begin))
		require.Equal(t, begin.Add(10*time.Millisecond), c.Requests()[0].Time)

		for _, timeout := range []time.Duration{5 * time.Millisecond, 15 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			begin = time.Now()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+"gatewayv2/tensorbay-open-api/v1/datasets", nil)
			require.NoError(t, err)
			request.Header.Set("X-Token", c.AccessKey())
			_, err = c.Client().Do(request)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, timeout, time.Since(begin))
		}
		require.Len(t, c.Requests(), 2, "a request canceled before its arrival is not served")
	})
}
