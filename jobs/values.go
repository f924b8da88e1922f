package jobs

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxID is longer than any id of the service.
const maxID = 256

// checkID rejects an id of the caller that would change the path of a request.
func checkID(name, id string) error {
	if fault := idFault(id); fault != "" {
		return invalid("%s %s: use an id of the service", name, fault)
	}
	return nil
}

// checkReceivedID rejects an id in a response that would change the path of later requests.
func checkReceivedID(name, id string) error {
	if fault := idFault(id); fault != "" {
		return invalidResponse("%s %s", name, fault)
	}
	return nil
}

// idFault describes why an id is invalid, or returns "". The ids of the service consist of
// letters, digits and dashes.
func idFault(id string) string {
	bad := func(r rune) bool {
		return strings.ContainsRune(`/\?#%;`, r) || !unicode.IsGraphic(r) || unicode.IsSpace(r)
	}
	switch {
	case id == "":
		return "is empty"
	case len(id) > maxID:
		return fmt.Sprintf("of %d bytes is longer than %d", len(id), maxID)
	case !utf8.ValidString(id), strings.Trim(id, ".") == "", strings.ContainsFunc(id, bad):
		return fmt.Sprintf("%q is malformed", id)
	}
	return ""
}

// optional returns a pointer to v, or nil for the zero value. Package gen leaves out nil.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// value returns *p, or the zero value if p is nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// convert applies f to each item.
func convert[From, To any](items []From, f func(From) To) []To {
	out := make([]To, len(items))
	for i, item := range items {
		out[i] = f(item)
	}
	return out
}

// fromSeconds converts a time of the service. It returns the zero time for 0 and for
// values out of range.
func fromSeconds(s float64) time.Time {
	if s == 0 || math.IsNaN(s) || math.Abs(s) > 1e15 {
		return time.Time{}
	}
	whole, part := math.Modf(s)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}
