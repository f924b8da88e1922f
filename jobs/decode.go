package jobs

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// checkBody hands the body to parse, or, where no body is promised, accepts
// none or any JSON value: a page of HTML was not sent by the service.
func checkBody(a response, parse func([]byte) error) error {
	if parse == nil {
		if len(bytes.TrimSpace(a.body)) > 0 && !json.Valid(a.body) {
			return invalidResponse("the body is not json")
		}
		return nil
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return invalidResponse("the body is empty")
	}
	return parse(a.body)
}

// into returns a parser that decodes a body into v.
func into(v any) func([]byte) error {
	return func(body []byte) error { return decode(body, v) }
}

// decode reads JSON into a model of package gen. It refuses what lacks a field
// that openapi.yaml requires, or has null there, and what names a field twice:
// encoding/json lets both pass.
func decode(body []byte, v any) error {
	s := shapeOf(reflect.TypeOf(v).Elem())
	large := len(body) > largeBody && json.Valid(body)
	if large {
		if err := s.check(body); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		return invalidResponse("%s", sanitize(redact(err.Error()), maxErrorMessage))
	}
	if large {
		return nil
	}
	return s.check(body)
}

// largeBody is the size from which on a body is checked before it is decoded,
// which costs one more pass: a null or an empty object takes a hundred times
// its length in memory.
const largeBody = 1 << 20

// check holds a body against the shape. Its syntax is known to be good.
func (s *shape) check(body []byte) error {
	w := walker{data: body}
	if w.space(); w.data[w.pos] == 'n' {
		return invalidResponse("the value is null")
	}
	if fault := w.value(s); fault != "" {
		return invalidResponse("%s", sanitize(fault, maxErrorMessage))
	}
	return nil
}
