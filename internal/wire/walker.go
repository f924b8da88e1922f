package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// Sizes of a page of a list.
const (
	PageSize = 128 // the largest page of the service
	// MaxPageItems is how many items of a page are accepted. A server may send more than
	// requested, but not without bound.
	MaxPageItems = 10 * PageSize
)

// A walker reads a JSON value once, without allocating. The syntax must be valid.
type walker struct {
	data    []byte
	pos     int
	unknown bool // an open object has a field that its type does not know
}

// value reads one value of at most so many items, where 0 means no limit. It returns the
// first fault in it after its path, such as ".jobs[0].status is missing", or "".
func (w *walker) value(s *shape, most int) (fault string) {
	switch {
	case s == nil:
		w.skip()
	case s.fields != nil && w.opens('{'):
		return w.object(s)
	case s.fields == nil && w.opens('{'):
		return w.items(s, '}', most)
	case s.fields == nil && w.opens('['):
		return w.items(s, ']', most)
	default:
		// Only null decodes into this Go type without being an object or an array. For
		// a required field, object rejects it.
		w.skip()
	}
	return ""
}

func (w *walker) object(s *shape) string {
	var seen uint64
	for i := -1; !w.closes('}'); {
		key := w.key()
		if i = s.find(key, i+1); i < 0 {
			// encoding/json decodes STATUS into the field status.
			if i = slices.IndexFunc(s.fields, func(f field) bool { return strings.EqualFold(f.name, string(key)) }); i >= 0 && !s.exact {
				return "." + s.fields[i].name + " appears in another spelling"
			}
			w.unknown = w.unknown || s.open
			w.skip()
			continue
		}
		f, bit := s.fields[i], uint64(1)<<i
		if seen&bit != 0 {
			return "." + f.name + " appears twice"
		}
		if w.null() {
			w.skip()
			continue
		}
		seen |= bit
		if fault := w.value(f.shape, s.most); fault != "" {
			return "." + f.name + fault
		}
	}
	if lacking := s.required &^ seen; lacking != 0 {
		return "." + s.fields[bits.TrailingZeros64(lacking)].name + " is missing"
	}
	return ""
}

// find returns the index of the field with a name, or -1. It starts at an index, because the
// fields of an object usually come in the same order.
func (s *shape) find(name []byte, start int) int {
	for n := range s.fields {
		if i := (start + n) % len(s.fields); s.fields[i].name == string(name) {
			return i
		}
	}
	return -1
}

func (w *walker) items(s *shape, end byte, most int) string {
	for i := 0; !w.closes(end); i++ {
		if i == most && most != 0 {
			return fmt.Sprintf("[%d] is one too many: %d were requested", i, PageSize)
		}
		if end == '}' {
			w.key()
		}
		if w.null() && !s.nullable {
			return fmt.Sprintf("[%d] is null", i)
		}
		if fault := w.value(s.elem, 0); fault != "" {
			return fmt.Sprintf("[%d]%s", i, fault)
		}
	}
	return ""
}

// null skips white space and reports whether null follows.
func (w *walker) null() bool {
	w.space()
	return w.data[w.pos] == 'n'
}

// opens skips white space. If start follows, it skips it and returns true.
func (w *walker) opens(start byte) bool {
	if w.space(); w.data[w.pos] != start {
		return false
	}
	w.pos++
	return true
}

// closes skips white space and a comma. If end follows, it skips it and returns true.
func (w *walker) closes(end byte) bool {
	if w.space(); w.data[w.pos] == ',' {
		w.pos++
	}
	return w.opens(end)
}

// key reads a key and the colon after it, and returns the key.
func (w *walker) key() []byte {
	start := w.pos
	w.text()
	key := unquote(w.data[start:w.pos])
	w.space()
	w.pos++
	return key
}

// unquote returns the value of a JSON string.
func unquote(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var plain string
	_ = json.Unmarshal(text, &plain) // it cannot fail, because the syntax is valid
	return []byte(plain)
}

func (w *walker) space() {
	for w.pos < len(w.data) && w.data[w.pos] <= ' ' {
		w.pos++
	}
}

// text skips a string.
func (w *walker) text() {
	w.pos++
	if end := bytes.IndexByte(w.data[w.pos:], '"'); bytes.IndexByte(w.data[w.pos:w.pos+end], '\\') < 0 {
		w.pos += end + 1
		return
	}
	for ; w.data[w.pos] != '"'; w.pos++ {
		if w.data[w.pos] == '\\' {
			w.pos++
		}
	}
	w.pos++
}

// skip skips any value.
func (w *walker) skip() {
	w.space()
	if c := w.data[w.pos]; c != '"' && c != '{' && c != '[' { // a number, a boolean or null
		for w.pos < len(w.data) && w.data[w.pos] > ' ' && w.data[w.pos] != ',' && w.data[w.pos] != ']' && w.data[w.pos] != '}' {
			w.pos++
		}
		return
	}
	for depth := 0; ; {
		switch w.data[w.pos] {
		case '"':
			w.text()
		case '{', '[':
			depth++
			w.pos++
		case '}', ']':
			depth--
			w.pos++
		default:
			w.pos++
		}
		if depth == 0 {
			return
		}
	}
}

// any skips a value and returns it.
func (w *walker) any() []byte {
	w.space()
	start := w.pos
	w.skip()
	return w.data[start:w.pos]
}

// Fields iterates over the keys and values of a JSON object. Any other value has none. The
// syntax must be valid.
func Fields(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		w := walker{data: object}
		for more := w.opens('{'); more && !w.closes('}'); {
			more = yield(string(w.key()), w.any())
		}
	}
}
