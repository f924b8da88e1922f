package emulator

import "net/http"

// empty is the response {} of the operations that promise no body.
type empty struct{}

func (empty) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write([]byte("{}\n"))
	return err
}

func (e empty) VisitDeleteJobResponse(w http.ResponseWriter) error               { return e.write(w) }
func (e empty) VisitAbortJobResponse(w http.ResponseWriter) error                { return e.write(w) }
func (e empty) VisitRetryJobResponse(w http.ResponseWriter) error                { return e.write(w) }
func (e empty) VisitUpdateDraftResponse(w http.ResponseWriter) error             { return e.write(w) }
func (e empty) VisitCreateDatasetFromSearchResponse(w http.ResponseWriter) error { return e.write(w) }
func (e empty) VisitDeleteDatasetResponse(w http.ResponseWriter) error           { return e.write(w) }
func (e empty) VisitUpdateDatasetResponse(w http.ResponseWriter) error           { return e.write(w) }
func (e empty) VisitCreateBranchResponse(w http.ResponseWriter) error            { return e.write(w) }
func (e empty) VisitDeleteBranchResponse(w http.ResponseWriter) error            { return e.write(w) }
func (e empty) VisitCreateTagResponse(w http.ResponseWriter) error               { return e.write(w) }
func (e empty) VisitDeleteTagResponse(w http.ResponseWriter) error               { return e.write(w) }
func (e empty) VisitCreateSegmentResponse(w http.ResponseWriter) error           { return e.write(w) }
func (e empty) VisitDeleteSegmentResponse(w http.ResponseWriter) error           { return e.write(w) }
func (e empty) VisitCreateSensorResponse(w http.ResponseWriter) error            { return e.write(w) }
func (e empty) VisitDeleteSensorResponse(w http.ResponseWriter) error            { return e.write(w) }
func (e empty) VisitPutCatalogResponse(w http.ResponseWriter) error              { return e.write(w) }
func (e empty) VisitUpdateNotesResponse(w http.ResponseWriter) error             { return e.write(w) }
func (e empty) VisitAddDataResponse(w http.ResponseWriter) error                 { return e.write(w) }
func (e empty) VisitPutLabelsResponse(w http.ResponseWriter) error               { return e.write(w) }
func (e empty) VisitTransferDataResponse(w http.ResponseWriter) error            { return e.write(w) }
func (e empty) VisitDeleteDataResponse(w http.ResponseWriter) error              { return e.write(w) }
func (e empty) VisitDeleteFrameResponse(w http.ResponseWriter) error             { return e.write(w) }
