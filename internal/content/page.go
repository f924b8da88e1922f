// Package content reads files behind signed URLs. The URLs expire and are renewed together
// for all files of a page.
package content

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// A Key identifies a file of a page. Frame and Sensor are empty in a plain dataset.
type Key struct{ Frame, Sensor, Path string }

// A Renew requests fresh URLs: of all files of a page, or, if only is not nil, of the datum of
// that file. It returns an error if the URL of only is missing.
type Renew func(ctx context.Context, only *File) (map[Key]string, error)

// A Page renews the URLs of the files that one page of a list contains. It is safe for
// concurrent use.
type Page struct {
	transport *transport.Transport
	fail      func(transport.Outcome) error
	segment   string
	listed    time.Time
	renew     Renew
	turn      chan struct{} // held during a renewal
	newMasks  func(labelType string) *Page

	mu      sync.Mutex
	renewed time.Time // zero before the first renewal
	fresh   map[Key]redact.Secret
	masks   map[string]*Page // by label type
}

// NewPage returns a page of a segment that was listed just now. fail converts an outcome into
// an error.
func NewPage(t *transport.Transport, fail func(transport.Outcome) error, segment string, renew Renew) *Page {
	return &Page{transport: t, fail: fail, segment: segment, listed: time.Now(), renew: renew, turn: make(chan struct{}, 1)}
}

// current returns the newest URL of a file and the time when it was obtained.
func (p *Page) current(f *File) (signed string, obtained time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fresh, ok := p.fresh[f.Key]; ok {
		return fresh.Reveal(), p.renewed
	}
	return f.url.Reveal(), p.listed
}

// refresh returns a URL of a file other than old. Concurrent calls share one request, whose
// response serves the whole page.
func (p *Page) refresh(ctx context.Context, f *File, old string) (string, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if signed, _ := p.current(f); signed != old { // another call has renewed it
		return signed, nil
	}
	fresh, err := p.renew(ctx, nil)
	_, shared := fresh[f.Key]
	if err == nil && !shared { // the list has changed, or several files have the key
		fresh, err = p.renew(ctx, f)
	}
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !shared {
		f.url = redact.New(fresh[f.Key])
		delete(p.fresh, f.Key)
		return fresh[f.Key], nil
	}
	if p.fresh == nil {
		p.fresh = map[Key]redact.Secret{}
	}
	p.renewed = time.Now()
	for key, signed := range fresh {
		p.fresh[key] = redact.New(signed)
	}
	return fresh[f.Key], nil
}

// expires reports whether a URL has expired or expires soon: within a tenth of its lifetime
// and at most 30 s. It returns false if the expiry cannot be read.
func (p *Page) expires(signed string, obtained time.Time) bool {
	expiry := expiryOf(signed)
	if expiry.IsZero() {
		return false
	}
	expiry = expiry.Add(-p.transport.ClockOffset())
	margin := min(max(expiry.Sub(obtained)/10, 0), 30*time.Second)
	return !time.Now().Before(expiry.Add(-margin))
}

// expiryOf reads the expiry of a signed URL in the forms of the common stores: the parameter
// Expires in seconds since the epoch, or the parameters <prefix>-Date and <prefix>-Expires in
// seconds from then. It returns the zero time if there is none.
func expiryOf(signed string) time.Time {
	_, query, _ := strings.Cut(signed, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return time.Time{}
	}
	var signedAt time.Time
	var lifetime, expires int64
	for name, value := range values {
		switch name = strings.ToLower(name); {
		case name == "expires":
			expires, _ = strconv.ParseInt(value[0], 10, 64)
		case strings.HasSuffix(name, "-expires"):
			lifetime, _ = strconv.ParseInt(value[0], 10, 64)
		case strings.HasSuffix(name, "-date"):
			signedAt, _ = time.Parse("20060102T150405Z", value[0])
		}
	}
	const longest = 1 << 40 // seconds; later times may overflow
	switch {
	case expires > 0 && expires < longest:
		return time.Unix(expires, 0)
	case !signedAt.IsZero() && lifetime > 0 && lifetime < 1<<32:
		return signedAt.Add(time.Duration(lifetime) * time.Second)
	}
	return time.Time{}
}
