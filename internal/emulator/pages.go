package emulator

import (
	"net/http"
	"sync"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/reference"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// page returns the handler of a request for people and scripts, outside of the API of TensorBay.
// It returns nil if there is none.
func (e *Emulator) page(r *http.Request) http.HandlerFunc {
	switch r.Method + " " + r.URL.Path {
	case "GET /":
		return e.serveStatus
	case "GET /dump":
		return e.withKey(e.serveDump)
	case "POST /reset":
		return e.withKey(func(w http.ResponseWriter, _ *http.Request) {
			e.Reset()
			must(empty{}.write(w))
		})
	}
	return pages[r.Method+" "+r.URL.Path]
}

// withKey returns a handler that needs the access key.
func (e *Emulator) withKey(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := e.checkKey(r); err != nil {
			writeError(w, asAPIError(err))
			return
		}
		serve(w, r)
	}
}

func (e *Emulator) serveDump(w http.ResponseWriter, _ *http.Request) {
	dumped, err := seed.Format(e.Dump())
	if err != nil {
		writeError(w, asAPIError(err))
		return
	}
	writePage(w, "application/yaml", dumped)
}

// pages need no access key.
var pages = map[string]http.HandlerFunc{
	"GET /docs": func(w http.ResponseWriter, _ *http.Request) {
		page, err := referencePage()
		if err != nil {
			writeError(w, asAPIError(err))
			return
		}
		writePage(w, "text/html; charset=utf-8", page)
	},
	"GET /openapi.yaml": func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, "application/yaml", tensorbayjobs.Document())
	},
}

var referencePage = sync.OnceValues(func() ([]byte, error) {
	document, err := contract.Load()
	if err != nil {
		return nil, err
	}
	return reference.Page(document)
})

func writePage(w http.ResponseWriter, contentType string, page []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(page) // a lost connection needs no report
}
