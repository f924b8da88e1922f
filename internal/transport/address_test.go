package transport_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

func TestParseAccessKey_ReturnsTheAddressOfItsTensorBay(t *testing.T) {
	for key, want := range map[string]string{testKey: "https://gas.graviti.cn/", "ACCESSKEY-a_b-c": "https://gas.graviti.com/"} {
		secret, address, err := transport.ParseAccessKey(key)
		require.NoError(t, err)
		assert.Equal(t, key, secret.Reveal())
		assert.Equal(t, want, address)
	}
}

func TestParseAccessKey_RejectsAMalformedKeyWithoutShowingIt(t *testing.T) {
	for _, key := range []string{"", "Accesskey-", "accesskey-5ec1e7", "AccessKey-5ec1e7", " Accesskey-5ec1e7", "Accesskey-5ec1e7\n", `"Accesskey-5ec1e7"`, "Accesskey-5ec1e7\r\nX-Evil: 1"} {
		_, _, err := transport.ParseAccessKey(key)
		require.ErrorContains(t, err, "without quotes or white space around it", "%q", key)
		assert.NotContains(t, err.Error(), "5ec1e7")
	}
}

func TestParseBaseURL_AllowsHTTPSAndHTTPToLoopback(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.test": "https://a.test/", "https://a.test:8443//": "https://a.test:8443/", "https://a.test/prefix": "https://a.test/prefix/",
		"http://127.0.0.1:1": "http://127.0.0.1:1/", "http://[::1]:1/": "http://[::1]:1/", "http://localhost": "http://localhost/", "http://LOCALHOST:80/": "http://LOCALHOST:80/",
	} {
		got, err := transport.ParseBaseURL(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, got)
	}
}

func TestParseBaseURL_RejectsAllOtherAddresses(t *testing.T) {
	for _, raw := range []string{
		"", " ", "a.test", "://", "https:a.test", "https:///x", "https://:443", "http://a.test", "http://192.168.0.1", "ftp://a.test", "http://localhost.test",
		"https://user:5ec1e7@a.test", "https://a.test/?q=5ec1e7", "https://a.test/?", "https://a.test/#", "https://a.test/#5ec1e7", "https://a.test/ ", " https://a.test/", "https://a.test:x5ec1e7",
	} {
		_, err := transport.ParseBaseURL(raw)
		var invalid *transport.InvalidError
		require.ErrorAs(t, err, &invalid, raw)
		assert.NotContains(t, err.Error(), "5ec1e7")
		assert.NotContains(t, err.Error(), `""`)
	}
}

func TestDo_RejectsAProxyThatWouldSeeTheKeyInClear(t *testing.T) {
	via := func(proxy string) *http.Transport {
		return &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }}
	}
	for proxy, rejected := range map[string]bool{"http://proxy.test:3128": true, "http://127.0.0.1:1": false, "": false} {
		rt := via(proxy)
		if proxy == "" {
			rt.Proxy = nil
		}
		o := do(t.Context(), newTransport(rt, on("http://127.0.0.1:1")), create)
		assert.Equal(t, transport.NotSent, o.State, proxy)
		require.Error(t, o.Err)
		assert.Equal(t, rejected, o.Invalid(), "%s: %v", proxy, o.Err)
		if rejected {
			assert.Equal(t, 1, o.Attempts)
			assert.ErrorContains(t, o.Err, "use https, or let loopback addresses bypass the proxy")
		}
	}
}

func TestDo_SendsNothingIfTheProxyIsMisconfigured(t *testing.T) {
	rt := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		return nil, &url.Error{Op: "parse", URL: "http://user:5ec1e7@proxy.test:%zz", Err: errors.New("invalid port")}
	}}
	for _, address := range []string{"http://127.0.0.1:1", "https://service.test"} {
		o := do(t.Context(), newTransport(rt, on(address)), create)
		assert.Equal(t, transport.NotSent, o.State)
		assert.Equal(t, 1, o.Attempts)
		require.ErrorContains(t, o.Err, "the proxy is misconfigured: parse")
		assert.NotContains(t, o.Err.Error(), "5ec1e7")
	}
}

func TestOutcome_HasThePathBelowTheRootOfTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(sequence(404))
		for address, want := range map[string]string{
			tr.Server + "datasets/a%2Fb?q=1":                               "/datasets/a%2Fb",
			"https://service.test/x":                                       "//x",
			tr.Server + strings.Repeat("a", 600):                           "/" + strings.Repeat("a", 512) + "...",
			tr.Server + "datasets/" + strings.Repeat("a", 600) + "/jobs/b": "/datasets/" + strings.Repeat("a", 512) + ".../jobs/b",
			"https://service.test/gatewayv2/tensorbay-open-api":            "//gatewayv2/tensorbay-open-api",
		} {
			o := tr.Do(t.Context(), read, func() (*http.Request, error) { return http.NewRequest(http.MethodGet, address, nil) }, nil)
			assert.Equal(t, want, o.Path)
		}
	})
}
