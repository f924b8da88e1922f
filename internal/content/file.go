package content

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

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
		if _, total, ok := strings.Cut(c.Header.Get("Content-Range"), "/"); ok {
			if size, err := strconv.ParseInt(total, 10, 64); err == nil && size >= 0 {
				info.Size = size
			}
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
	var first Info
	var tag string
	for failures := 0; ; {
		c, o, err := f.open(ctx, rangeFrom(s.written, tag))
		if err == nil {
			err = f.page.fail(o)
		}
		if err != nil {
			return s.written, err
		}
		if s.written == 0 {
			first, tag = infoOf(c), strongTag(c.Header)
			s.hash = NewHash(first.Checksum)
		}
		before := s.written
		err = s.resume(c, first.Size, tag)
		_ = c.Close() // everything was read, or the rest does not matter
		switch {
		case s.err != nil:
			return s.written, fmt.Errorf("save %s: %w", f.path(), s.err)
		case err == nil && s.hash != nil && !Matches(first.Checksum, s.hash):
			err = wire.Errorf("the content differs from its checksum %s", first.Checksum)
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

// rangeFrom returns the header of a request for the content from an offset, provided that it
// still has the entity tag.
func rangeFrom(offset int64, tag string) http.Header {
	if offset == 0 {
		return nil
	}
	h := http.Header{"Range": {fmt.Sprintf("bytes=%d-", offset)}}
	if tag != "" {
		h.Set("If-Range", tag)
	}
	return h
}

// strongTag returns the entity tag of a response, or "" if it is absent or weak.
func strongTag(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return ""
}

var errChanged = wire.Errorf("the content has changed since the first byte")

// A sink counts what it writes, and separates the errors of the writer from those of the
// reader.
type sink struct {
	w       io.Writer
	hash    hash.Hash // nil without a checksum
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

// resume writes the rest of the content.
func (s *sink) resume(c *transport.Content, size int64, tag string) error {
	now := infoOf(c).Size
	if now != size && min(now, size) >= 0 || tag != "" && strongTag(c.Header) != tag {
		return errChanged
	}
	size = max(size, now) // the first response may have had no length
	if c.Part && !strings.HasPrefix(c.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", s.written)) {
		return wire.Errorf("the store sent another range than bytes from %d", s.written)
	}
	if !c.Part {
		if _, err := io.CopyN(io.Discard, c, s.written); err != nil {
			return err
		}
	}
	_, err := io.CopyBuffer(s, c, make([]byte, 128<<10))
	if err == nil && size >= 0 && s.written != size {
		return io.ErrUnexpectedEOF
	}
	return err
}
