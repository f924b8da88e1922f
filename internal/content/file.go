package content

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// A File is the content of a datum or of a mask. It is safe for concurrent use.
type File struct {
	Key   Key
	Datum string // the remote path of the datum that the file belongs to

	page *Page
	url  redact.Secret // from the list, or renewed alone; page.mu must be held
}

// File returns a file of the page.
func (p *Page) File(key Key, datum, signed string) *File {
	return &File{Key: key, Datum: datum, page: p, url: redact.New(signed)}
}

// URL returns the newest signed URL.
func (f *File) URL() string {
	signed, _ := f.page.current(f)
	return signed
}

// path names the file in errors.
func (f *File) path() string { return redact.Sanitize(f.page.segment+"/"+f.Key.Path, redact.MaxPath) }

// Open opens the content. It renews the URL once if it expires soon or if the store refuses
// it.
func (f *File) Open(ctx context.Context) (io.ReadCloser, error) {
	c, o, err := f.open(ctx, nil)
	if err == nil {
		err = f.page.fail(o)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (f *File) open(ctx context.Context, header http.Header) (*transport.Content, transport.Outcome, error) {
	signed, obtained := f.page.current(f)
	early := f.page.expires(signed, obtained)
	var fresh string
	var err error
	if early {
		// If this fails, the local clock may be wrong and the URL good.
		if fresh, err = f.page.refresh(ctx, f, signed); err == nil {
			signed = fresh
		}
	}
	c, o := f.page.transport.Open(ctx, f.path(), signed, header)
	if !refusesURL(o.Status) || early && err == nil {
		return c, o, nil
	}
	if !early {
		fresh, err = f.page.refresh(ctx, f, signed)
	}
	if err != nil {
		return nil, o, fmt.Errorf("renew the url of %s: %w", f.path(), err)
	}
	c, o = f.page.transport.Open(ctx, f.path(), fresh, header)
	return c, o, nil
}

// refusesURL reports whether a store sends the status for an expired URL: 403, and at some
// stores 400, 401 or 410.
func refusesURL(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
		return true
	}
	return false
}

// Info describes content.
type Info struct {
	Size     int64  // -1 if the store does not tell
	Checksum string // see NewHash; empty if the store sends none
}

// Stat requests the first byte of the content for its size and checksum. HEAD is not an
// alternative, because a signature includes the method.
func (f *File) Stat(ctx context.Context) (Info, error) {
	c, o, err := f.open(ctx, http.Header{"Range": {"bytes=0-0"}})
	switch {
	case err != nil:
		return Info{}, err
	case o.Status == http.StatusRequestedRangeNotSatisfiable: // there is no first byte
		return Info{}, nil
	case o.State != transport.Done:
		return Info{}, f.page.fail(o)
	}
	defer func() { _ = c.Close() }()
	return infoOf(c), nil
}

func infoOf(c *transport.Content) Info {
	info := Info{Size: c.Length, Checksum: checksumOf(c)}
	if c.Part {
		info.Size = -1
		_, total, _ := strings.Cut(c.Header.Get("Content-Range"), "/")
		if size, err := strconv.ParseUint(total, 10, 63); err == nil {
			info.Size = int64(size)
		}
	}
	return info
}

// Save copies the content to w and returns the number of bytes written. If the body breaks
// off, Save requests the rest. If the store sends the whole content instead, Save skips what
// it has written. It gives up after as many attempts in a row without a new byte as the retry
// policy allows.
func (f *File) Save(ctx context.Context, w io.Writer) (int64, error) {
	s := sink{w: w}
	for failures := 0; ; {
		c, o, err := f.open(ctx, s.rest())
		if o.Status == http.StatusRequestedRangeNotSatisfiable {
			o.Err = errChanged // it is shorter now
		}
		if err == nil {
			err = f.page.fail(o)
		}
		if err != nil {
			return s.written, err
		}
		before := s.written
		err = s.resume(c)
		switch {
		case s.err != nil:
			return s.written, fmt.Errorf("save %s: %w", f.path(), s.err)
		case err == nil && s.hash != nil && !Matches(s.info.Checksum, s.hash):
			err = wire.Errorf("the content differs from its checksum %s", s.info.Checksum)
		case err == nil:
			return s.written, nil
		case !errors.Is(err, errChanged) && ctx.Err() == nil:
			if failures++; s.written > before {
				failures = 1
			}
			if retry := f.page.transport.Retry; failures < retry.Attempts && transport.Sleep(ctx, retry.Delay(failures)) == nil {
				continue
			}
		}
		o.State, o.Err = transport.Unknown, err
		if ctx.Err() != nil {
			o.Err = ctx.Err()
		} else if !errors.As(err, new(*wire.Error)) {
			o.Err = wire.Errorf("the body was cut short after %d bytes: %w", s.written, err)
		}
		return s.written, f.page.fail(o)
	}
}

var errChanged = wire.Errorf("the content has changed since the first byte")

// A sink counts what it writes, and separates the errors of the writer from those of the
// reader.
type sink struct {
	w       io.Writer
	first   http.Header // of the response with the first byte
	info    Info        // of the whole content
	hash    hash.Hash   // nil without a checksum
	from    int64       // the first byte of the requested range
	written int64
	err     error // of w
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if s.written += int64(n); s.hash != nil {
		s.hash.Write(p[:n])
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	return n, err
}

// rest returns the header of a request for the missing bytes, provided that the content has
// not changed. If the size is unknown, the range starts at the last byte, because there may be
// no other and a store rejects an empty range.
func (s *sink) rest() http.Header {
	if s.written == 0 {
		return nil
	}
	if s.from = s.written; s.info.Size < 0 {
		s.from--
	}
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-", s.from)}}
	tag, modified := s.first.Get("ETag"), s.first.Get("Last-Modified")
	since, err := http.ParseTime(modified)
	date, _ := http.ParseTime(s.first.Get("Date"))
	switch {
	case strings.HasPrefix(tag, `"`): // it is not weak
		h.Set("If-Range", tag)
	case tag == "" && err == nil && date.Sub(since) >= time.Minute: // later content has a later time
		h.Set("If-Range", modified)
	}
	return h
}

// changed reports whether a response belongs to other content than the first one.
func (s *sink) changed(h http.Header, size int64) bool {
	if size != s.info.Size && min(size, s.info.Size) >= 0 {
		return true
	}
	if tag := s.first.Get("ETag"); tag != "" {
		return h.Get("ETag") != tag
	}
	modified := s.first.Get("Last-Modified")
	return modified != "" && cmp.Or(h.Get("Last-Modified"), modified) != modified // a part may lack it
}

// resume writes the rest of the content and closes c.
func (s *sink) resume(c *transport.Content) error {
	defer func() { _ = c.Close() }()
	now, skip := infoOf(c), s.written
	if s.written == 0 {
		s.first, s.info, s.hash = c.Header, now, NewHash(now.Checksum)
	}
	if s.changed(c.Header, now.Size) {
		return errChanged
	}
	s.info.Size = max(s.info.Size, now.Size) // the first response may have had no length
	if c.Part {
		skip -= s.from
		if s.info.Size < 0 || !strings.HasPrefix(c.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", s.from)) {
			return wire.Errorf("the store sent another range than bytes from %d, or no size", s.from)
		}
	}
	_, err := io.CopyN(io.Discard, c, skip)
	if err == nil {
		_, err = io.CopyBuffer(s, c, make([]byte, 128<<10))
	}
	switch {
	case s.written == s.info.Size: // the connection may have broken before the mark of the end
		return nil
	case err == nil && s.info.Size >= 0:
		return io.ErrUnexpectedEOF
	}
	return err
}
