package emulator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"time"
)

// A signer signs and checks data URLs.
type signer struct {
	secret []byte
	ttl    time.Duration
}

func newSigner(ttl time.Duration) *signer {
	secret := make([]byte, 32)
	rand.Read(secret)
	return &signer{secret, ttl}
}

// sign returns base + path with a signature. The path must not be escaped and
// must not start with a slash.
func (s *signer) sign(base, path string, now time.Time) string {
	// Round up, so that a URL lives at least as long as its TTL.
	expires := strconv.FormatInt(now.Add(s.ttl+time.Second-1).Unix(), 10)
	escaped := (&url.URL{Path: "/" + path}).EscapedPath()
	return base + escaped[1:] + "?expires=" + expires + "&signature=" + s.signature(path, expires)
}

func (s *signer) signature(path, expires string) string {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(expires + "\n" + path))
	return hex.EncodeToString(mac.Sum(nil))
}

// valid reports whether the query signs the path and has not expired.
func (s *signer) valid(path string, query url.Values, now time.Time) bool {
	expires := query.Get("expires")
	if !hmac.Equal([]byte(s.signature(path, expires)), []byte(query.Get("signature"))) {
		return false
	}
	seconds, err := strconv.ParseInt(expires, 10, 64)
	return err == nil && now.Unix() < seconds
}
