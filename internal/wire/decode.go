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
	"regexp"
	"strings"
	"sync"

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

// ReadAll reads r to its end and returns an [*Error] if it holds more than limit bytes. The
// length comes from the server and may be negative. It is not trusted with much memory.
func ReadAll(r io.Reader, length, limit int64) ([]byte, error) {
	const trusted = 256 << 10
	body := bytes.NewBuffer(make([]byte, 0, min(max(length, 0), limit, trusted)+bytes.MinRead))
	_, err := body.ReadFrom(io.LimitReader(r, min(limit, math.MaxInt64-1)+1))
	switch {
	case int64(body.Len()) > limit:
		return nil, Errorf("the body is larger than %d bytes, see WithMaxBody", limit)
	case err != nil:
		return nil, err
	}
	return body.Bytes(), nil
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
// encoding/json accepts both. It accepts 1.0 for an integer, which encoding/json does not.
func Decode(body []byte, v any) error {
	_, err := DecodeOpen(body, v)
	return err
}

// DecodeOpen decodes like Decode. It also reports whether an open object has a field that its
// type does not know. A type is open if it has a field Other that is not decoded.
func DecodeOpen(body []byte, v any) (unknown bool, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return false, Errorf("the body is empty")
	}
	s := shapeOf(reflect.TypeOf(v).Elem())
	if len(body) > largeBody && json.Valid(body) {
		if _, err := s.check(body); err != nil {
			return false, err
		}
	}
	err = json.Unmarshal(body, v)
	if mismatch := new(json.UnmarshalTypeError); errors.As(err, &mismatch) && strings.HasPrefix(mismatch.Value, "number ") {
		body = literals.ReplaceAllFunc(body, wholeNumber)
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			return false, Errorf("the body is a page of html or xml, perhaps a login or the error of a gateway")
		}
		return false, Errorf("%v", err)
	}
	return s.check(body)
}

// literals matches the strings and the numbers of a JSON body.
var literals = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[-+.\deE]+`)

// wholeNumber returns 1 for the literal 1.0: a service may write integers as floats.
func wholeNumber(literal []byte) []byte {
	if whole, fraction, ok := bytes.Cut(literal, []byte(".")); ok && literal[0] != '"' && len(bytes.Trim(fraction, "0")) == 0 {
		return whole
	}
	return literal
}

// check compares a body of valid syntax with the shape.
func (s *shape) check(body []byte) (unknown bool, err error) {
	w := walker{data: body}
	if w.null() {
		return false, Errorf("the value is null")
	}
	if fault := w.value(s, 0); fault != "" {
		return false, Errorf("%s", strings.TrimPrefix(fault, "."))
	}
	return w.unknown, nil
}

// A shape describes a Go type so that a JSON value can be checked against it. A nil
// shape describes a type without required fields.
type shape struct {
	fields   []field // of an object; nil if it has no fixed fields
	required uint64  // a bit for each of fields
	elem     *shape  // of the items of an array, or of an object without fields
	nullable bool    // items may be null
	most     int     // limit for the items of a field, if this is a page of a list; 0 means no limit
	exact    bool    // keys that differ only in case are different keys
	open     bool    // see DecodeOpen
}

type field struct {
	name  string
	shape *shape
}

var shapes sync.Map // reflect.Type to *shape

// shapeOf returns the shape of t, derived from its struct tags: a field without omitempty
// is required. The types must not be recursive.
func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := newShape(t)
	shapes.Store(t, s)
	return s
}

func newShape(t reflect.Type) *shape {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem())
	case reflect.Slice, reflect.Map:
		if t.Elem() == reflect.TypeFor[json.RawMessage]() {
			return &shape{nullable: true} // items are checked when they are decoded
		}
		if elem := shapeOf(t.Elem()); elem != nil {
			return &shape{elem: elem, nullable: t.Elem().Kind() == reflect.Pointer}
		}
	case reflect.Struct:
		s := &shape{fields: []field{}}
		for _, f := range reflect.VisibleFields(t) { // also those of embedded structs
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				s.exact = s.exact || f.Name == "AdditionalProperties"
				s.open = s.open || f.Name == "Other"
				continue
			}
			if !strings.Contains(options, "omitempty") {
				s.required |= 1 << len(s.fields)
			}
			if name == "totalCount" {
				s.most = MaxPageItems
			}
			s.fields = append(s.fields, field{name, shapeOf(f.Type)})
		}
		if len(s.fields) > 64 {
			panic(fmt.Sprintf("wire: %v has more than 64 fields", t))
		}
		return s
	}
	return nil
}
