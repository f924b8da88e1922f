package emulator

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

// ContentOperation is the operation of a request to a data URL.
const ContentOperation = "content"

// RouteData returns the route of a request to the data host.
func (e *Emulator) RouteData(*http.Request) Route {
	return Route{Operation: ContentOperation, Serve: e.serveData, Check: func(r *http.Request) { e.checkNoKey(r) }}
}

// checkNoKey reports whether a request contains no access key. A key is a
// violation.
func (e *Emulator) checkNoKey(r *http.Request) bool {
	if r.Header.Get("X-Token") == "" {
		return true
	}
	if e.checker != nil {
		e.checker.violation("access key sent to a data host: %s %s", r.Method, r.URL.Path)
	}
	return false
}

func (e *Emulator) serveData(w http.ResponseWriter, r *http.Request) {
	if !e.checkNoKey(r) {
		WriteError(w, http.StatusBadRequest, "An access key was sent to a data host.")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, &apiError{http.StatusMethodNotAllowed, codeInvalidParamsValue, "Data can only be read."})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if !e.signer.valid(path, r.URL.Query(), time.Now()) {
		WriteError(w, http.StatusForbidden, "The URL has expired or its signature is wrong.")
		return
	}
	content, tag := e.content(path)
	if content == nil {
		WriteError(w, http.StatusNotFound, "There is no data "+path+".")
		return
	}
	w.Header().Set("ETag", `"`+tag+`"`) // a client may resume with If-Range
	http.ServeContent(w, r, path, time.Time{}, content)
}

// content returns the content at the path of a data URL and its entity tag.
func (e *Emulator) content(path string) (io.ReadSeeker, string) {
	if remotePath, ok := strings.CutPrefix(path, maskPrefix); ok {
		return bytes.NewReader(maskPNG(remotePath)), contentID(remotePath, 0, nil)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(path, dataPrefix), "/")
	d := e.contents[id]
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

// noise is an infinite pseudorandom file. It does not repeat, so a test detects
// a download that resumes at a wrong offset.
type noise uint64

func (n noise) ReadAt(p []byte, offset int64) (int, error) {
	for i := range p {
		at := uint64(offset) + uint64(i)
		// SplitMix64 gives eight bytes at a time.
		z := uint64(n) + (at/8+1)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		p[i] = byte((z ^ z>>31) >> (at % 8 * 8))
	}
	return len(p), nil
}

// maskPNG returns the mask with a path: a PNG of 16 by 16 pixels with small
// values.
func maskPNG(remotePath string) []byte {
	values := make([]byte, 16*16)
	_, _ = noise(hashOf(remotePath)).ReadAt(values, 0)
	mask := image.NewGray(image.Rect(0, 0, 16, 16))
	for i, value := range values {
		mask.SetGray(i%16, i/16, color.Gray{Y: value % 8})
	}
	var encoded bytes.Buffer
	_ = png.Encode(&encoded, mask) // a buffer does not fail
	return encoded.Bytes()
}

func hashOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}
