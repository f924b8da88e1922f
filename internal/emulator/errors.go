package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// The error codes of the service.
const (
	codeForbidden            = "Forbidden"
	codeInternalServerError  = "InternalServerError"
	codeInvalidParamsValue   = "InvalidParamsValue"
	codeNameConflict         = "NameConflict"
	codeRequestParamsMissing = "RequestParamsMissing"
	codeResourceNotExist     = "ResourceNotExist"
	codeUnauthorized         = "Unauthorized"
)

// ErrorCode returns the code of the service for a status, "" if it has none.
func ErrorCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return codeInvalidParamsValue
	case http.StatusUnauthorized:
		return codeUnauthorized
	case http.StatusForbidden:
		return codeForbidden
	case http.StatusNotFound:
		return codeResourceNotExist
	case http.StatusConflict:
		return codeNameConflict
	case http.StatusInternalServerError:
		return codeInternalServerError
	}
	return ""
}

// WriteError writes an error in the form of the service.
func WriteError(w http.ResponseWriter, status int, message string) {
	writeError(w, &apiError{status, ErrorCode(status), message})
}

// An apiError is an error of the service.
type apiError struct {
	status  int
	code    string
	message string
}

// MarshalJSON returns the body of the response.
func (e *apiError) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"code": e.code, "message": e.message})
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

func conflict(format string, args ...any) error {
	return newError(http.StatusConflict, codeNameConflict, format, args...)
}

func forbidden(format string, args ...any) error {
	return newError(http.StatusForbidden, codeForbidden, format, args...)
}

// asAPIError returns the apiError in err. All other errors become a 500.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	var required *server.RequiredParamError
	if errors.As(err, &required) {
		return &apiError{http.StatusBadRequest, codeRequestParamsMissing, fmt.Sprintf("The parameter %s is missing.", required.ParamName)}
	}
	return &apiError{http.StatusInternalServerError, codeInternalServerError, err.Error()}
}

// asRequestError returns err as a 4xx, because the generated code failed to
// decode a request.
func asRequestError(err error) *apiError {
	e := asAPIError(err)
	if e.code == codeInternalServerError {
		return &apiError{http.StatusBadRequest, codeInvalidParamsValue, err.Error()}
	}
	return e
}

func writeError(w http.ResponseWriter, e *apiError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	// A write to a Recorder does not fail, and a lost connection needs no report.
	_ = json.NewEncoder(w).Encode(e)
}
