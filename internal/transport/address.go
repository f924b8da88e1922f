package transport

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// apiPath is the path of the Open API below the address of a TensorBay.
const apiPath = "gatewayv2/tensorbay-open-api/v1/"

// addresses maps the prefix of an access key to the TensorBay that issues it.
var addresses = map[string]string{
	"Accesskey-": "https://gas.graviti.cn/",
	"ACCESSKEY-": "https://gas.graviti.com/",
}

var accessKeyForm = regexp.MustCompile(`^(Accesskey-|ACCESSKEY-)[0-9A-Za-z_-]+$`)

// ParseAccessKey checks the form of an access key and returns it with the address of its
// TensorBay. Errors do not contain the key.
func ParseAccessKey(key string) (redact.Secret, string, error) {
	m := accessKeyForm.FindStringSubmatch(key)
	if m == nil {
		return redact.Secret{}, "", invalid("malformed access key: want Accesskey-... or ACCESSKEY-... as shown on the developer page of TensorBay, without quotes or white space around it")
	}
	return redact.New(key), addresses[m[1]], nil
}

// ParseBaseURL checks the address of a TensorBay. It allows https, and http to a loopback
// address, because the access key travels in a header.
func ParseBaseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(raw, "?# ") {
		return "", invalid("the base url is empty or malformed: want https://host[:port]/ and nothing else")
	}
	if err := checkScheme(u); err != nil {
		return "", err
	}
	return strings.TrimRight(u.String(), "/") + "/", nil
}

// checkScheme rejects addresses to which data would travel unencrypted.
func checkScheme(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return invalid("%s://%s: only https is allowed, http only to a loopback address", u.Scheme, u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// authorize adds the headers of every request to the API and returns the request id, which
// is new for every attempt.
func (t *Transport) authorize(h http.Header) (requestID string) {
	var id [16]byte
	rand.Read(id[:])
	requestID = fmt.Sprintf("%x", id)
	h.Set("X-Token", t.Key.Reveal())
	h.Set("X-Source", t.Product)
	h.Set("X-Request-Id", requestID)
	h.Set("User-Agent", t.Product)
	h.Set("Accept", "application/json")
	return requestID
}

// relative returns the path of a request below the root of the API, without the query. It cuts
// long ids and keeps the words between them, so that the route remains visible.
func (t *Transport) relative(req *http.Request) string {
	path := req.URL.EscapedPath()
	if _, after, ok := strings.Cut(path, apiPath); ok {
		path = after
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = redact.Sanitize(part, redact.MaxPath)
	}
	return "/" + strings.Join(parts, "/")
}

// A send sends a request through an http.Client. It is a func because the buffers of a
// connection hold the headers of its last request: a dump that follows pointers, such as
// that of a failing test, stops at a func.
type send func(*http.Request) (*http.Response, error)

func newSend(client *http.Client) send {
	return func(req *http.Request) (*http.Response, error) {
		if err := checkProxy(client.Transport, req); err != nil {
			return nil, err
		}
		return client.Do(req)
	}
}

// checkProxy rejects a request that would pass a proxy on another machine unencrypted. An
// https request passes a proxy in a tunnel. An http request goes to a loopback address; the
// default transport of net/http uses no proxy for those, but that of the caller may.
func checkProxy(transport http.RoundTripper, req *http.Request) error {
	if transport == nil {
		transport = http.DefaultTransport
	}
	t, ok := transport.(*http.Transport)
	if !ok || t.Proxy == nil {
		return nil
	}
	proxy, err := t.Proxy(req)
	if err != nil {
		return invalid("the proxy is misconfigured: %s", redact.Text(err.Error()))
	}
	if proxy == nil || req.URL.Scheme == "https" || isLoopback(proxy.Hostname()) {
		return nil
	}
	return invalid("the request to %s was not sent: a proxy on another machine would see it in clear: use https, or let loopback addresses bypass the proxy", req.URL.Host)
}
