package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// A shape is what has to be known of a Go type to check a JSON value against
// it. nil is the shape of everything that has no required fields inside.
type shape struct {
	fields   map[string]field
	names    []string
	required uint64 // a bit for each of names
	elem     *shape // of the items of an array or of an object without fields
	nullable bool   // an item may be null
	page     bool   // a page of a list
	exact    bool   // keys are told apart by their case
}

type field struct {
	index int
	shape *shape
}

var shapes sync.Map // reflect.Type to *shape

// shapeOf reads the shape off the tags that oapi-codegen writes: a field
// without omitempty is required. Models of package gen are not recursive.
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
			return &shape{nullable: true} // what an item must be is found when it is decoded
		}
		if elem := shapeOf(t.Elem()); elem != nil {
			return &shape{elem: elem, nullable: t.Elem().Kind() == reflect.Pointer}
		}
	case reflect.Struct:
		s := &shape{fields: make(map[string]field, t.NumField())}
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "" || name == "-" {
				s.exact = s.exact || t.Field(i).Name == "AdditionalProperties"
				continue
			}
			if !strings.Contains(options, "omitempty") {
				s.required |= 1 << len(s.names)
			}
			s.fields[name] = field{len(s.names), shapeOf(t.Field(i).Type)}
			s.names = append(s.names, name)
		}
		_, s.page = s.fields["totalCount"]
		if len(s.names) > 64 {
			panic(fmt.Sprintf("jobs: %v has more than 64 fields", t))
		}
		return s
	}
	return nil
}

// A walker goes once through a value that encoding/json has accepted, so it
// need not fear bad syntax. It allocates nothing but the text of a fault.
type walker struct {
	data []byte
	pos  int
	most int // items of the next array; 0 is no limit
}

// value walks one value and returns the first fault in it, with its place.
func (w *walker) value(s *shape) (fault string) {
	switch w.space(); {
	case s == nil:
		w.skip()
	case w.data[w.pos] == '{' && s.fields != nil:
		return w.object(s)
	case w.data[w.pos] == '{':
		return w.items(s, '}')
	case w.data[w.pos] == '[' && s.fields == nil:
		return w.items(s, ']')
	default:
		// Only null fits the Go type without being an object or an array.
		// Where it stands for a required field, object refuses it.
		w.skip()
	}
	return ""
}

func (w *walker) object(s *shape) string {
	var seen uint64
	for w.pos++; !w.closes('}'); {
		key := w.key()
		f, known := s.fields[string(key)]
		if !known {
			// encoding/json takes status and STATUS for the same field.
			if i := slices.IndexFunc(s.names, func(name string) bool { return strings.EqualFold(name, string(key)) }); i >= 0 && !s.exact {
				return s.names[i] + " is there in another spelling"
			}
			w.skip()
			continue
		}
		bit := uint64(1) << f.index
		if seen&bit != 0 {
			return s.names[f.index] + " is there twice"
		}
		if w.space(); w.data[w.pos] == 'n' {
			w.skip()
			continue
		}
		seen |= bit
		if s.page {
			w.most = maxPageItems
		}
		if fault := w.value(f.shape); fault != "" {
			return join(s.names[f.index], fault)
		}
	}
	if lacking := s.required &^ seen; lacking != 0 {
		return s.names[bits.TrailingZeros64(lacking)] + " is missing"
	}
	return ""
}

func (w *walker) items(s *shape, end byte) string {
	most := w.most
	w.most = 0
	w.pos++
	for i := 0; !w.closes(end); i++ {
		if i == most && most != 0 {
			return fmt.Sprintf("[%d] is one too many, where %d were asked for", i, pageSize)
		}
		if end == '}' {
			w.key()
		}
		if w.space(); w.data[w.pos] == 'n' && !s.nullable {
			return fmt.Sprintf("[%d] is null", i)
		}
		if fault := w.value(s.elem); fault != "" {
			return join(fmt.Sprintf("[%d]", i), fault)
		}
	}
	return ""
}

func join(place, fault string) string {
	if strings.HasPrefix(fault, "[") {
		return place + fault
	}
	return place + "." + fault
}

// closes steps over white space and a comma, and over the end when it is there.
func (w *walker) closes(end byte) bool {
	w.space()
	if w.data[w.pos] == ',' {
		w.pos++
		w.space()
	}
	if w.data[w.pos] == end {
		w.pos++
		return true
	}
	return false
}

// key reads a key and the colon after it.
func (w *walker) key() []byte {
	start := w.pos
	w.text()
	key := w.data[start+1 : w.pos-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		var plain string
		// The syntax was checked, so this cannot fail.
		_ = json.Unmarshal(w.data[start:w.pos], &plain)
		key = []byte(plain)
	}
	w.space()
	w.pos++
	return key
}

func (w *walker) space() {
	for w.pos < len(w.data) && (w.data[w.pos] == ' ' || w.data[w.pos] == '\t' || w.data[w.pos] == '\n' || w.data[w.pos] == '\r') {
		w.pos++
	}
}

// text steps over a string.
func (w *walker) text() {
	for w.pos++; w.data[w.pos] != '"'; w.pos++ {
		if w.data[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
}

// skip steps over any value.
func (w *walker) skip() {
	w.space()
	for depth := 0; w.pos < len(w.data); {
		switch w.data[w.pos] {
		case '"':
			w.text()
		case '{', '[':
			depth++
			w.pos++
			continue
		case '}', ']':
			if depth == 0 {
				return // the end of what a number or literal stood in
			}
			depth--
			w.pos++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return
			}
			w.pos++
			continue
		default:
			w.pos++
			continue
		}
		if depth == 0 {
			return
		}
	}
}
