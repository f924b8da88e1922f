// Package wire reads JSON bodies of a server: it bounds their size and checks what
// encoding/json lets pass.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// An Error describes how a response differs from the contract.
type Error struct {
	text  string
	cause error
}

// Error returns a text on one line, without secrets.
func (e *Error) Error() string { return e.text }

// Unwrap returns the error of the network if the body was cut short, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Errorf returns an [*Error] with a formatted text, as fmt.Errorf does.
func Errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &Error{redact.Sanitize(redact.Text(err.Error()), redact.MaxMessage), errors.Unwrap(err)}
}

// ReadAll reads r to its end and returns an [*Error] if it holds more than limit bytes.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, min(limit, math.MaxInt64-1)+1))
	switch {
	case int64(len(body)) > limit:
		return nil, Errorf("the body is larger than %d bytes, see WithMaxBody", limit)
	case err != nil:
		return nil, err
	}
	return body, nil
}

// CheckEmpty checks the body of a response for which the contract promises none. An
// empty body and any JSON value pass; an HTML page does not.
func CheckEmpty(body []byte) error {
	if len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
		return Errorf("the body is not json")
	}
	return nil
}

// A body above largeBody is checked before it is decoded, too, because a null or an empty
// object takes a hundred times its length in memory.
const largeBody = 1 << 20

// Decode decodes a JSON body into v, a pointer to a generated model. It returns an
// [*Error] if a required field is missing or null, or if a key appears twice:
// encoding/json accepts both.
func Decode(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return Errorf("the body is empty")
	}
	s := shapeOf(reflect.TypeOf(v).Elem())
	if len(body) > largeBody && json.Valid(body) {
		if err := s.check(body); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return Errorf("%v", err)
	}
	return s.check(body)
}

// check compares a body of valid syntax with the shape.
func (s *shape) check(body []byte) error {
	w := walker{data: body}
	if w.space(); w.data[w.pos] == 'n' {
		return Errorf("the value is null")
	}
	if fault := w.value(s, 0); fault != "" {
		return Errorf("%s", fault)
	}
	return nil
}
