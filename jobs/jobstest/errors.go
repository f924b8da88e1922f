package jobstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// The error codes of the service that the embedded one has a use for.
const (
	codeForbidden            = "Forbidden"
	codeInternalServerError  = "InternalServerError"
	codeInvalidParamsValue   = "InvalidParamsValue"
	codeNameConflict         = "NameConflict"
	codeRequestParamsMissing = "RequestParamsMissing"
	codeResourceNotExist     = "ResourceNotExist"
	codeUnauthorized         = "Unauthorized"
)

// An apiError is a refusal in the terms of the service.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func newError(status int, code, format string, args ...any) error {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return newError(http.StatusBadRequest, codeInvalidParamsValue, format, args...)
}

func missing(format string, args ...any) error {
	return newError(http.StatusBadRequest, codeRequestParamsMissing, format, args...)
}

func notExist(format string, args ...any) error {
	return newError(http.StatusNotFound, codeResourceNotExist, format, args...)
}

// asAPIError finds the refusal in err. What is none is a mistake of this
// package and answered as the service answers its own: with a 500.
func asAPIError(err error) *apiError {
	var refusal *apiError
	if errors.As(err, &refusal) {
		return refusal
	}
	var required *server.RequiredParamError
	if errors.As(err, &required) {
		return &apiError{http.StatusBadRequest, codeRequestParamsMissing, fmt.Sprintf("The parameter %s is missing.", required.ParamName)}
	}
	return &apiError{http.StatusInternalServerError, codeInternalServerError, err.Error()}
}

// badRequest is asAPIError for what the generated code could not read: that is
// the caller's fault whatever the error is.
func badRequest(err error) *apiError {
	refusal := asAPIError(err)
	if refusal.code == codeInternalServerError {
		return &apiError{http.StatusBadRequest, codeInvalidParamsValue, err.Error()}
	}
	return refusal
}

func writeError(w http.ResponseWriter, refusal *apiError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.status)
	// The writer is a buffer, or a connection whose failure nobody can be told.
	_ = json.NewEncoder(w).Encode(server.Error{Code: refusal.code, Message: refusal.message})
}
