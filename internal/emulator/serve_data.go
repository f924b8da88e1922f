package emulator

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"sync"
	"time"
)

// dataPrefix starts the path of a data URL, data/<blob id>/<remote path>.
const dataPrefix = "data/"

func (b *blob) urlPath(remotePath string) string { return dataPrefix + b.id + "/" + remotePath }

// ContentOperation is the operation of a request to a data URL.
const ContentOperation = "content"

// RouteData returns the route of a request to the data host.
func (e *Emulator) RouteData(r *http.Request) Route {
	check := func(r *http.Request) { e.checkNoKey(r) }
	if r.Method == http.MethodPost && r.URL.Path == "/"+uploadPath {
		return Route{Operation: UploadOperation, Serve: e.serveUpload, Check: check}
	}
	return Route{Operation: ContentOperation, Serve: e.serveData, Check: check}
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
	b := e.blob(path)
	if b == nil {
		WriteError(w, http.StatusNotFound, "There is no data "+path+".")
		return
	}
	w.Header().Set("ETag", `"`+b.id+`"`) // a client may resume with If-Range
	http.ServeContent(w, r, path, time.Time{}, b.open())
}

// blob returns the blob at the path of a data URL, nil if there is none.
func (e *Emulator) blob(path string) *blob {
	id, _, _ := strings.Cut(strings.TrimPrefix(path, dataPrefix), "/")
	e.lock()
	defer e.unlock()
	return e.store.contents[id]
}

// MaskPNG returns the mask with a path: a PNG of 16 by 16 pixels with small
// values.
func MaskPNG(remotePath string) []byte {
	values := make([]byte, 16*16)
	_, _ = noise(hashOf(remotePath)).ReadAt(values, 0)
	mask := image.NewGray(image.Rect(0, 0, 16, 16))
	for i, value := range values {
		mask.SetGray(i%16, i/16, color.Gray{Y: value % 8})
	}
	var encoded bytes.Buffer
	_ = maskEncoder.Encode(&encoded, mask) // a buffer does not fail
	return encoded.Bytes()
}

// maskEncoder keeps its buffers, because those of a new encoder take a megabyte.
var maskEncoder = png.Encoder{BufferPool: &encoderBuffers{}}

type encoderBuffers struct{ pool sync.Pool }

func (b *encoderBuffers) Get() *png.EncoderBuffer {
	buffer, _ := b.pool.Get().(*png.EncoderBuffer)
	return buffer
}

func (b *encoderBuffers) Put(buffer *png.EncoderBuffer) { b.pool.Put(buffer) }
