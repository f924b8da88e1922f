package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Filter is one condition of a basic search. Make one with the functions that
// return a Filter: there is one for every key and operator of the service, and
// [RawFilter] for what it adds later. The zero value is not a filter.
type Filter struct {
	wire gen.SearchFilter
	err  error // found when it was made, told when it is used
}

// SegmentIn matches the data of the given segments.
func SegmentIn(names ...string) Filter { return listFilter("segment", "Segment", "", names) }

// SensorIn matches the data of the given sensors; fusion datasets only.
func SensorIn(names ...string) Filter { return listFilter("sensor", "Sensor", "", names) }

// CategoryIn matches data with a label of the given type that is of one of the
// given categories.
func CategoryIn(of LabelType, categories ...string) Filter {
	return listFilter("category", "Category", of, categories)
}

// AttributeIn matches data with a label of the given type whose attributes have
// allowed values: attribute name to the values allowed. A value is a boolean, a
// number, a string or nil.
func AttributeIn(of LabelType, allowed map[string][]any) Filter {
	f := newFilter("attribute", "Attribute", "in", of, allowed)
	if len(allowed) == 0 {
		f.err = invalid("no attributes are named: name one at least")
	}
	for name, values := range allowed {
		if len(values) == 0 {
			f.err = invalid("no value is allowed for attribute %q: allow one at least", name)
		}
	}
	return f
}

// Labelled matches data that have a label, or, with false, those that have
// none.
func HasLabel(labelled bool) Filter {
	return newFilter("withLabel", "With/Without Label", "=", "", labelled)
}

// SizeEquals matches data of exactly so many bytes.
func SizeEquals(bytes int64) Filter { return sizeFilter("=", bytes) }

// SizeGreaterThan matches data of more bytes.
func SizeGreaterThan(bytes int64) Filter { return sizeFilter(">", bytes) }

// SizeLessThan matches data of fewer bytes.
func SizeLessThan(bytes int64) Filter { return sizeFilter("<", bytes) }

// SizeAtLeast matches data of so many bytes or more.
func SizeAtLeast(bytes int64) Filter { return sizeFilter(">=", bytes) }

// SizeAtMost matches data of so many bytes or fewer.
func SizeAtMost(bytes int64) Filter { return sizeFilter("<=", bytes) }

// FrameIs matches the data of the frame with this id; fusion datasets only.
func FrameIs(id string) Filter { return textFilter("frame", "Frame", "=", id) }

// FrameLike matches the data of the frames whose id is like the given text;
// fusion datasets only.
func FrameLike(id string) Filter { return textFilter("frame", "Frame", "like", id) }

// RemotePathIs matches the data with exactly this remote path. The service
// calls it the data name.
func RemotePathIs(path string) Filter { return textFilter("keyword", "Data Name", "=", path) }

// RemotePathLike matches the data whose remote path is like the given text.
func RemotePathLike(text string) Filter { return textFilter("keyword", "Data Name", "like", text) }

// RawFilter is a filter that this package has no function for. The value is
// sent as its JSON. Where labels are of no matter, of is empty. Only its form
// is checked before it is sent.
func RawFilter(key, title, operator string, of LabelType, value any) Filter {
	f := newFilter(key, title, operator, of, value)
	if key == "" || operator == "" {
		f.err = invalid("key and operator must not be empty")
	}
	return f
}

func listFilter(key, title string, of LabelType, values []string) Filter {
	f := newFilter(key, title, "in", of, values)
	if len(values) == 0 {
		f.err = invalid("the list is empty: give one name at least")
	}
	if slices.Contains(values, "") {
		f.err = invalid("a name in the list is empty: leave it out")
	}
	if key == "category" && of == "" {
		f.err = invalid("the label type is empty: give one, such as Box2D")
	}
	return f
}

func sizeFilter(operator string, bytes int64) Filter {
	f := newFilter("size", "Size", operator, "", bytes)
	if bytes < 0 {
		f.err = invalid("a size of %d bytes is negative: must be zero or more", bytes)
	}
	return f
}

func textFilter(key, title, operator, text string) Filter {
	f := newFilter(key, title, operator, "", text)
	if text == "" {
		f.err = invalid("the text is empty: give one character at least")
	}
	return f
}

func newFilter(key, title, operator string, of LabelType, value any) Filter {
	raw, err := json.Marshal(value)
	if err != nil {
		err = invalid("the value cannot be sent, use booleans, numbers, strings and nil: %v", err)
	}
	f := Filter{gen.SearchFilter{Key: key, Title: title, Operator: operator, Value: raw}, err}
	if of != "" {
		f.wire.ExtraInfo = &gen.FilterExtraInfo{LabelType: optional(string(of))}
	}
	return f
}

// Key is what is looked at, such as "category".
func (f Filter) Key() string { return f.wire.Key }

// Operator is how it is compared, such as "in".
func (f Filter) Operator() string { return f.wire.Operator }

// Value is what it is compared with, as JSON.
func (f Filter) Value() json.RawMessage { return f.wire.Value }

// LabelType is the type of the labels looked at; empty where they are of no
// matter.
func (f Filter) LabelType() LabelType {
	if f.wire.ExtraInfo == nil {
		return ""
	}
	return LabelType(value(f.wire.ExtraInfo.LabelType))
}

// String shows the filter as a person reads it, such as
// category in ["car","bus"].
func (f Filter) String() string {
	return fmt.Sprintf("%s %s %s", f.wire.Key, f.wire.Operator, f.wire.Value)
}

// check returns what is wrong with the i-th filter of a search.
func (f Filter) check(i int) error {
	switch {
	case f.err != nil:
		name := strings.TrimSpace(sanitize(f.wire.Key+" "+f.wire.Operator, maxErrorMessage))
		return fmt.Errorf("filter %d, %s: %w", i, orDefault(name, "raw"), f.err)
	case f.wire.Key == "":
		return invalid("filter %d is the zero value: make it with a function such as CategoryIn", i)
	}
	return nil
}

// needsFusion reports whether the filter makes sense on a fusion dataset only.
func (f Filter) needsFusion() bool { return f.wire.Key == "sensor" || f.wire.Key == "frame" }
