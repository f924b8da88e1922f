package emulator

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A candidate is a datum with its segment and the catalog.
type candidate struct {
	segment string
	datum   *datum
	catalog *catalog
}

// A filter reports whether a candidate matches.
type filter func(candidate) bool

// newFilter compiles one filter of a search. On a plain dataset, a filter for
// frames or sensors matches nothing, because the behavior of the service is
// unknown.
func newFilter(wire server.SearchFilter) (filter, error) {
	if wire.Title == "" {
		return nil, missing("title is missing.")
	}
	if wire.Value == nil {
		return nil, missing("value is missing.")
	}
	newFor, ok := filterKeys[wire.Key]
	if !ok {
		return nil, invalid("there is no key %q.", wire.Key)
	}
	return newFor(wire)
}

var filterKeys = map[string]func(server.SearchFilter) (filter, error){
	"segment": func(wire server.SearchFilter) (filter, error) {
		return newListFilter(wire, func(c candidate) string { return c.segment })
	},
	"sensor": func(wire server.SearchFilter) (filter, error) {
		return newListFilter(wire, func(c candidate) string { return c.datum.sensor })
	},
	"frame": func(wire server.SearchFilter) (filter, error) {
		return newTextFilter(wire, func(c candidate) string { return c.datum.frame })
	},
	"keyword": func(wire server.SearchFilter) (filter, error) {
		return newTextFilter(wire, func(c candidate) string { return c.datum.remotePath })
	},
	"size":      newSizeFilter,
	"withLabel": newWithLabelFilter,
	"category":  newCategoryFilter,
	"attribute": newAttributeFilter,
}

func checkOperator(wire server.SearchFilter, operators ...string) error {
	if slices.Contains(operators, wire.Operator) {
		return nil
	}
	return invalid("%s takes the operators %s, not %q.", wire.Key, strings.Join(operators, " "), wire.Operator)
}

// decode decodes the value of a filter. Unlike encoding/json it refuses null.
func decode(wire server.SearchFilter, into any, want string) error {
	if string(wire.Value) == "null" || json.Unmarshal(wire.Value, into) != nil {
		return invalid("the value of %s must be %s.", wire.Key, want)
	}
	return nil
}

func decodeStrings(wire server.SearchFilter) ([]string, error) {
	const want = "a list of strings that is not empty"
	var values []*string
	if err := decode(wire, &values, want); err != nil {
		return nil, err
	}
	var texts []string
	for _, value := range values {
		if value == nil {
			return nil, invalid("the value of %s must be %s.", wire.Key, want)
		}
		texts = append(texts, *value)
	}
	if len(texts) == 0 {
		return nil, invalid("the value of %s must be %s.", wire.Key, want)
	}
	return texts, nil
}

func newListFilter(wire server.SearchFilter, field func(candidate) string) (filter, error) {
	if err := checkOperator(wire, "in"); err != nil {
		return nil, err
	}
	allowed, err := decodeStrings(wire)
	if err != nil {
		return nil, err
	}
	return func(c candidate) bool { return field(c) != "" && slices.Contains(allowed, field(c)) }, nil
}

// newTextFilter returns a filter with the operators like and =. The exact
// meaning of like is unknown. Here it means "contains", the widest meaning.
func newTextFilter(wire server.SearchFilter, field func(candidate) string) (filter, error) {
	if err := checkOperator(wire, "like", "="); err != nil {
		return nil, err
	}
	var text string
	if err := decode(wire, &text, "a string"); err != nil {
		return nil, err
	}
	if text == "" {
		return nil, invalid("the value of %s must not be empty.", wire.Key)
	}
	if wire.Operator == "=" {
		return func(c candidate) bool { return field(c) == text }, nil
	}
	return func(c candidate) bool { return strings.Contains(field(c), text) }, nil
}

func newSizeFilter(wire server.SearchFilter) (filter, error) {
	compare, ok := map[string]func(a, b int64) bool{
		"=":  func(a, b int64) bool { return a == b },
		">":  func(a, b int64) bool { return a > b },
		"<":  func(a, b int64) bool { return a < b },
		">=": func(a, b int64) bool { return a >= b },
		"<=": func(a, b int64) bool { return a <= b },
	}[wire.Operator]
	if !ok {
		return nil, checkOperator(wire, "=", ">", "<", ">=", "<=")
	}
	size, err := strconv.ParseInt(string(wire.Value), 10, 64)
	if err != nil {
		return nil, invalid("the value of %s must be an integer, in bytes.", wire.Key)
	}
	return func(c candidate) bool { return compare(c.datum.blob.size, size) }, nil
}

func newWithLabelFilter(wire server.SearchFilter) (filter, error) {
	if err := checkOperator(wire, "="); err != nil {
		return nil, err
	}
	var want bool
	if err := decode(wire, &want, "a boolean"); err != nil {
		return nil, err
	}
	return func(c candidate) bool { return (c.datum.label != nil) == want }, nil
}

// labelTypeOf returns the label type of a filter. Label types are an open set:
// an unknown type matches nothing.
func labelTypeOf(wire server.SearchFilter) (string, error) {
	if wire.ExtraInfo == nil || wire.ExtraInfo.LabelType == nil || *wire.ExtraInfo.LabelType == "" {
		return "", missing("%s needs a labelType in extraInfo.", wire.Key)
	}
	return *wire.ExtraInfo.LabelType, nil
}

// newLabelFilter returns a filter that matches data with a matching object.
func newLabelFilter(wire server.SearchFilter, matches func(labeledObject, *labelCatalog) bool) (filter, error) {
	labelType, err := labelTypeOf(wire)
	if err != nil {
		return nil, err
	}
	return func(c candidate) bool {
		return c.datum.label != nil && slices.ContainsFunc(c.datum.label.objects[labelType], func(object labeledObject) bool {
			return matches(object, c.catalog.of(labelType))
		})
	}, nil
}

func newCategoryFilter(wire server.SearchFilter) (filter, error) {
	if err := checkOperator(wire, "in"); err != nil {
		return nil, err
	}
	allowed, err := decodeStrings(wire)
	if err != nil {
		return nil, err
	}
	return newLabelFilter(wire, func(object labeledObject, c *labelCatalog) bool {
		category, ok := object.categoryIn(c)
		return ok && slices.Contains(allowed, category)
	})
}

// newAttributeFilter returns a filter that matches data with an object whose
// attributes all have an allowed value. One allowed element of a list suffices.
func newAttributeFilter(wire server.SearchFilter) (filter, error) {
	if err := checkOperator(wire, "in"); err != nil {
		return nil, err
	}
	const want = "an object of attribute names and lists of values"
	var allowed map[string][]any
	if err := decode(wire, &allowed, want); err != nil {
		return nil, err
	}
	if len(allowed) == 0 {
		return nil, invalid("the value of %s must be %s, and not empty.", wire.Key, want)
	}
	for name, values := range allowed {
		if len(values) == 0 {
			return nil, invalid("the attribute %q has no list of values, or an empty one.", name)
		}
		for _, value := range values {
			if !isScalar(value) {
				return nil, invalid("a value of the attribute %q is not a boolean, a number, a string or null.", name)
			}
		}
	}
	return newLabelFilter(wire, func(object labeledObject, _ *labelCatalog) bool {
		for name, values := range allowed {
			value, ok := object.attributes[name]
			if !ok || !slices.ContainsFunc(elements(value), func(v any) bool { return isScalar(v) && slices.Contains(values, v) }) {
				return false
			}
		}
		return true
	})
}
