package emulator

import (
	"net/http"
	"sync"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/reference"
)

// pages are the pages for people, which need no access key.
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
