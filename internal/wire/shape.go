package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A shape describes a Go type so that a JSON value can be checked against it. A nil
// shape describes a type without required fields.
type shape struct {
	fields   []field // of an object; nil if it has no fixed fields
	required uint64  // a bit for each of fields
	elem     *shape  // of the items of an array, or of an object without fields
	nullable bool    // items may be null
	most     int     // limit for the items of a field, if this is a page of a list; 0 means no limit
	exact    bool    // keys that differ only in case are different keys
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
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" {
				s.exact = s.exact || t.Field(i).Name == "AdditionalProperties"
				continue
			}
			if !strings.Contains(options, "omitempty") {
				s.required |= 1 << len(s.fields)
			}
			if name == "totalCount" {
				s.most = MaxPageItems
			}
			s.fields = append(s.fields, field{name, shapeOf(t.Field(i).Type)})
		}
		if len(s.fields) > 64 {
			panic(fmt.Sprintf("wire: %v has more than 64 fields", t))
		}
		return s
	}
	return nil
}
