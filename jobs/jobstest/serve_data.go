package jobstest

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"strings"
	"time"
)

// Data URLs have the paths data/<content id>/<remote path> and
// masks/<remote path>.
const (
	dataPrefix = "data/"
	maskPrefix = "masks/"
)

func (d *datum) urlPath() string { return dataPrefix + d.contentID + "/" + d.remotePath }

// contentOperation is how the log calls a request for what a signed URL stands for.
const contentOperation = "content"

// dataHost answers requests for what signed URLs stand for.
func (s *Server) dataHost(*http.Request) call {
	return call{operation: contentOperation, serve: s.serveData, inspect: func(r *http.Request) { s.leaked(r) }}
}

// leaked tells, and reports, that a request brings an access key along.
func (s *Server) leaked(r *http.Request) bool {
	if r.Header.Get("X-Token") == "" {
		return false
	}
	if s.checker != nil {
		s.checker.breach("access key sent to a data host: %s %s", r.Method, r.URL.Path)
	}
	return true
}

func (s *Server) serveData(w http.ResponseWriter, r *http.Request) {
	if s.leaked(r) {
		writeError(w, asAPIError(invalid("An access key was sent to a data host.")))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, &apiError{http.StatusMethodNotAllowed, codeInvalidParamsValue, "Data can only be read."})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if !s.signer.good(path, r.URL.Query(), time.Now()) {
		writeError(w, &apiError{http.StatusForbidden, codeForbidden, "The URL has expired or its signature is wrong."})
		return
	}
	content, tag := s.content(path)
	if content == nil {
		writeError(w, asAPIError(notExist("There is no data %s.", path)))
		return
	}
	w.Header().Set("ETag", `"`+tag+`"`) // lets a client resume with If-Range
	http.ServeContent(w, r, path, time.Time{}, content)
}

// content returns the bytes behind the path of a signed URL and a tag that
// names them.
func (s *Server) content(path string) (io.ReadSeeker, string) {
	if remotePath, ok := strings.CutPrefix(path, maskPrefix); ok {
		return bytes.NewReader(maskPNG(remotePath)), contentID(remotePath, 0, nil)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(path, dataPrefix), "/")
	d := s.contents[id]
	if d == nil {
		return nil, ""
	}
	return d.open(), id
}

func (d *datum) open() io.ReadSeeker {
	if d.content != nil {
		return bytes.NewReader(d.content)
	}
	return io.NewSectionReader(noise(hashOf(d.remotePath)), 0, d.size)
}

// noise is an endless file that is always the same for the same number. No
// part of it repeats, so a download that goes on at the wrong place shows.
type noise uint64

func (n noise) ReadAt(p []byte, offset int64) (int, error) {
	for i := range p {
		at := uint64(offset) + uint64(i)
		// SplitMix64, eight bytes of each number.
		z := uint64(n) + (at/8+1)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		p[i] = byte((z ^ z>>31) >> (at % 8 * 8))
	}
	return len(p), nil
}

// maskPNG draws the mask with this path: a real image of 16 by 16 pixels whose
// values, as those of a mask, are small numbers.
func maskPNG(remotePath string) []byte {
	values := make([]byte, 16*16)
	_, _ = noise(hashOf(remotePath)).ReadAt(values, 0)
	mask := image.NewGray(image.Rect(0, 0, 16, 16))
	for i, value := range values {
		mask.SetGray(i%16, i/16, color.Gray{Y: value % 8})
	}
	var encoded bytes.Buffer
	_ = png.Encode(&encoded, mask) // a buffer takes everything
	return encoded.Bytes()
}

func hashOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}
