package jobs

import (
	"fmt"
	"net/http"
)

// A sender sends a request through an http.Client. It is a func because the
// buffers of a connection hold the header of its last request: a dump that
// follows pointers, such as that of a failing test, ends at a func.
type sender func(*http.Request) (*http.Response, error)

var errClearProxy = invalid("a proxy on another machine would see it in clear: use https, or let loopback addresses bypass the proxy")

func newSender(client *http.Client) sender {
	return func(req *http.Request) (*http.Response, error) {
		if err := checkProxy(client.Transport, req); err != nil {
			return nil, err
		}
		return client.Do(req)
	}
}

// checkProxy refuses to show a request to a proxy on another machine. What goes
// to https passes a proxy in a tunnel; what goes to http, which is a loopback
// address, would pass it in clear, access key and all. The default transport
// knows better and uses no proxy for loopback addresses.
func checkProxy(transport http.RoundTripper, req *http.Request) error {
	t, ok := transport.(*http.Transport)
	if !ok || t.Proxy == nil || req.URL.Scheme == "https" {
		return nil
	}
	proxy, err := t.Proxy(req)
	if err != nil || proxy == nil || isLoopback(proxy.Hostname()) {
		return nil //nolint:nilerr // the error shows again when the request is sent
	}
	return fmt.Errorf("the request to %s was not sent: %w", req.URL.Host, errClearProxy)
}
