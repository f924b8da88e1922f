package jobstest

import (
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// An api implements the operations of the contract, in the files operations_*.
// It is a type of its own so that a [Server] does not export them.
type api struct{ *Server }

var _ server.StrictServerInterface = (*api)(nil)

// nothing is the answer {} of the operations that promise no body. The
// generated type for it would answer {"NothingJSONResponse":null}.
type nothing struct{}

func (nothing) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write([]byte("{}\n"))
	return err
}

func (n nothing) VisitDeleteJobResponse(w http.ResponseWriter) error   { return n.write(w) }
func (n nothing) VisitAbortJobResponse(w http.ResponseWriter) error    { return n.write(w) }
func (n nothing) VisitRetryJobResponse(w http.ResponseWriter) error    { return n.write(w) }
func (n nothing) VisitUpdateDraftResponse(w http.ResponseWriter) error { return n.write(w) }
func (n nothing) VisitCreateDatasetFromSearchResponse(w http.ResponseWriter) error {
	return n.write(w)
}
