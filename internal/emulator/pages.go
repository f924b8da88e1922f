package emulator

import (
	"net/http"
	"sync"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/reference"
)

// page returns the page for people that a request asks for, nil if there is none. Pages need no
// access key.
func (e *Emulator) page(r *http.Request) http.HandlerFunc {
	switch {
	case r.Method != http.MethodGet:
		return nil
	case r.URL.Path == "/":
		return e.serveStatus
	}
	return pages[r.URL.Path]
}

var pages = map[string]http.HandlerFunc{
	"/docs": func(w http.ResponseWriter, _ *http.Request) {
		page, err := referencePage()
		if err != nil {
			writeError(w, asAPIError(err))
			return
		}
		writePage(w, "text/html; charset=utf-8", page)
	},
	"/openapi.yaml": func(w http.ResponseWriter, _ *http.Request) {
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
