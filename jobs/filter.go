package jobs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// Filter is one condition of a basic search. There is a function for every key and operator
// of the service, and [RawFilter] for later additions. The zero value is not valid.
type Filter struct {
	wire gen.SearchFilter
	err  error // of an argument; Create returns it
}

// SegmentIn matches files of the given segments.
func SegmentIn(names ...string) Filter { return listFilter("segment", "Segment", "", names) }

// SensorIn matches files of the given sensors. It needs a fusion dataset.
func SensorIn(names ...string) Filter { return listFilter("sensor", "Sensor", "", names) }

// CategoryIn matches files with a label of the given type in one of the given categories.
func CategoryIn(labelType LabelType, categories ...string) Filter {
	return listFilter("category", "Category", labelType, categories)
}

// AttributeIn matches files with a label of the given type whose attributes have allowed
// values. The map holds the allowed values of each attribute: booleans, numbers, strings or
// nil. In the embedded TensorBay, one label must fulfill the conditions of all attributes in
// the map; the service does not document it.
func AttributeIn(labelType LabelType, allowed map[string][]any) Filter {
	f := newFilter("attribute", "Attribute", "in", labelType, allowed).
		rejectIf(len(allowed) == 0, "the map of attributes is empty: add one at least")
	for name, values := range allowed {
		f = f.rejectIf(len(values) == 0, "attribute %q has no allowed value: add one at least", name)
	}
	return f
}

// HasLabel matches files with a label, or files without one if has is false.
func HasLabel(has bool) Filter {
	return newFilter("withLabel", "With/Without Label", "=", "", has)
}

// SizeEquals matches files of exactly the given size.
func SizeEquals(bytes int64) Filter { return sizeFilter("=", bytes) }

// SizeGreaterThan matches files larger than the given size.
func SizeGreaterThan(bytes int64) Filter { return sizeFilter(">", bytes) }

// SizeLessThan matches files smaller than the given size.
func SizeLessThan(bytes int64) Filter { return sizeFilter("<", bytes) }

// SizeAtLeast matches files of the given size or larger.
func SizeAtLeast(bytes int64) Filter { return sizeFilter(">=", bytes) }

// SizeAtMost matches files of the given size or smaller.
func SizeAtMost(bytes int64) Filter { return sizeFilter("<=", bytes) }

// FrameIs matches files of the frame with the given id. It needs a fusion dataset.
func FrameIs(id string) Filter { return textFilter("frame", "Frame", "=", id) }

// FrameLike matches files of the frames whose id contains the given text. The embedded
// TensorBay defines "like" so; the service does not document it. It needs a fusion dataset.
func FrameLike(text string) Filter { return textFilter("frame", "Frame", "like", text) }

// RemotePathIs matches the file with exactly the given remote path, which the service calls
// data name.
func RemotePathIs(path string) Filter { return textFilter("keyword", "Data Name", "=", path) }

// RemotePathLike matches files whose remote path contains the given text; see [FrameLike].
func RemotePathLike(text string) Filter { return textFilter("keyword", "Data Name", "like", text) }

// RawFilter returns a filter for which this package has no function. The title is the name that
// the service displays for the key, such as "Data Name" for "keyword". The value is sent as
// JSON. If the filter does not concern labels, labelType is empty.
func RawFilter(key, title, operator string, labelType LabelType, value any) Filter {
	return newFilter(key, title, operator, labelType, value).
		rejectIf(key == "" || operator == "", "key or operator is empty: set both")
}

func listFilter(key, title string, labelType LabelType, values []string) Filter {
	return newFilter(key, title, "in", labelType, values).
		rejectIf(len(values) == 0, "the list is empty: add one name at least").
		rejectIf(slices.Contains(values, ""), "a name in the list is empty: leave it out").
		rejectIf(key == "category" && labelType == "", "the label type is empty: use one such as LabelBox2D")
}

func sizeFilter(operator string, bytes int64) Filter {
	return newFilter("size", "Size", operator, "", bytes).
		rejectIf(bytes < 0, "a size of %d bytes is negative: use zero or more", bytes)
}

func textFilter(key, title, operator, text string) Filter {
	return newFilter(key, title, operator, "", text).
		rejectIf(text == "", "the text is empty: use one character at least")
}

// rejectIf stores an error in the filter if bad is true.
func (f Filter) rejectIf(bad bool, format string, args ...any) Filter {
	if bad {
		f.err = invalid(format, args...)
	}
	return f
}

// labelTypeForm is the form of all label types, also of those that the service adds later.
var labelTypeForm = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func newFilter(key, title, operator string, labelType LabelType, value any) Filter {
	var raw bytes.Buffer
	encoder := json.NewEncoder(&raw)
	encoder.SetEscapeHTML(false) // the value is shown to people
	err := encoder.Encode(value)
	if err != nil {
		err = invalid("the value has no JSON form, use booleans, numbers, strings and nil: %v", err)
	}
	f := Filter{gen.SearchFilter{Key: key, Title: title, Operator: operator, Value: bytes.TrimSpace(raw.Bytes())}, err}
	if labelType != "" {
		f.wire.ExtraInfo = &gen.FilterExtraInfo{LabelType: optional(string(labelType))}
	}
	return f.rejectIf(labelType != "" && !labelTypeForm.MatchString(string(labelType)),
		"label type %q is malformed: use one such as LabelBox2D, as the first argument", labelType)
}

// Key returns the property that is compared, such as "category".
func (f Filter) Key() string { return f.wire.Key }

// Operator returns the comparison, such as "in".
func (f Filter) Operator() string { return f.wire.Operator }

// Value returns the value of the comparison as JSON.
func (f Filter) Value() json.RawMessage { return f.wire.Value }

// LabelType returns the type of the labels that are compared, or "" if the filter does not
// concern labels.
func (f Filter) LabelType() LabelType {
	if f.wire.ExtraInfo == nil {
		return ""
	}
	return LabelType(value(f.wire.ExtraInfo.LabelType))
}

// String returns key, operator, value and label type, such as category in ["car","bus"] on
// BOX2D. It leaves out the rest of a long value.
func (f Filter) String() string {
	text := redact.Sanitize(fmt.Sprintf("%s %s %s", f.wire.Key, f.wire.Operator, f.wire.Value), 4*redact.MaxName)
	if labelType := f.LabelType(); labelType != "" {
		text += " on " + string(labelType)
	}
	return text
}

// check returns the error of the i-th filter of a search.
func (f Filter) check(i int) error {
	switch {
	case f.err != nil:
		name := strings.TrimSpace(sanitize(f.wire.Key + " " + f.wire.Operator))
		return fmt.Errorf("filter %d, %s: %w", i, cmp.Or(name, "raw"), f.err)
	case f.wire.Key == "":
		return invalid("filter %d is the zero value: use a function such as CategoryIn", i)
	}
	return nil
}

// needsFusion reports whether the filter needs a fusion dataset.
func (f Filter) needsFusion() bool { return f.wire.Key == "sensor" || f.wire.Key == "frame" }
