package jobs

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// apiPath is where the Open API lies below the address of a TensorBay.
const apiPath = "gatewayv2/tensorbay-open-api/v1/"

// The prefix of an access key says which TensorBay it belongs to.
var homes = map[string]string{
	"Accesskey-": "https://gas.graviti.cn/",
	"ACCESSKEY-": "https://gas.graviti.com/",
}

var accessKeyForm = regexp.MustCompile(`^(Accesskey-|ACCESSKEY-)[0-9A-Za-z_-]+$`)

// parseAccessKey checks the form of a key and returns it with the address of
// the TensorBay that issues such keys. Its errors never repeat the key.
func parseAccessKey(key string) (secret, string, error) {
	m := accessKeyForm.FindStringSubmatch(key)
	if m == nil {
		return secret{}, "", invalid("malformed access key: want Accesskey-... or ACCESSKEY-... as shown on the developer page of TensorBay")
	}
	return newSecret(key), homes[m[1]], nil
}

// authorize adds what every request to the API carries. The request id is new
// for every attempt, so that the service can tell attempts apart.
func (c *Client) authorize(h http.Header) (requestID string) {
	var id [16]byte
	var digits [32]byte
	rand.Read(id[:])
	hex.Encode(digits[:], id[:])
	requestID = string(digits[:])
	h.Set("X-Token", c.key.reveal())
	h.Set("X-Source", "GO-SDK/"+Version)
	h.Set("X-Request-Id", requestID)
	return requestID
}

// parseBaseURL checks the address of a TensorBay: https, or http to this very
// machine, because the access key travels in a header.
func parseBaseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", invalid("base url does not parse: want https://host[:port]/")
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", invalid("base url of host %q: want https://host[:port]/ and nothing else", u.Host)
	}
	if err := checkScheme(u); err != nil {
		return "", err
	}
	return strings.TrimSuffix(u.String(), "/") + "/", nil
}

// checkScheme refuses to send anything in clear to another machine.
func checkScheme(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%w: %s://%s: only https is allowed, http only to a loopback address", ErrInvalidArgument, u.Scheme, u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
