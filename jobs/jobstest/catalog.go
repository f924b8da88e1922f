package jobstest

import (
	"encoding/json"
	"fmt"
)

// A catalog says what statistics count of one label type.
type catalog struct {
	categories []string // in the order of statistics
	names      map[int64]string
	attributes []attribute
}

// An attribute either has a closed set of values, or is of numbers, or is not
// counted: then it is not in a catalog.
type attribute struct {
	name   string
	values []any // nil: numbers
}

// name returns the name of the category that masks write as a number.
func (c *catalog) name(id int64) (string, bool) {
	name, ok := c.names[id]
	return name, ok
}

func newCatalog(seed SeedCatalog) (*catalog, error) {
	c := &catalog{names: make(map[int64]string)}
	for _, category := range seed.Categories {
		c.categories = append(c.categories, category.Name)
		c.names[category.ID] = category.Name
	}
	for _, a := range seed.Attributes {
		switch {
		case len(a.Enum) > 0:
			values, err := normalize(a.Enum)
			if err != nil {
				return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
			}
			c.attributes = append(c.attributes, attribute{a.Name, values})
		case a.Type == "boolean":
			c.attributes = append(c.attributes, attribute{a.Name, []any{true, false}})
		case a.Type == "number" && a.Minimum != nil && a.Maximum != nil:
			c.attributes = append(c.attributes, attribute{a.Name, nil})
		}
	}
	return c, nil
}

// normalize gives values the Go types that JSON decodes to, so that the 1 of a
// seed written in Go equals the 1 of a label.
func normalize(values []any) ([]any, error) {
	encoded, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	var decoded []any
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		return nil, err
	}
	for _, value := range decoded {
		if !isScalar(value) {
			return nil, fmt.Errorf("the value %v is neither a boolean nor a number, a string or null", value)
		}
	}
	return decoded, nil
}

// isScalar tells whether a decoded JSON value can be compared with ==.
func isScalar(value any) bool {
	switch value.(type) {
	case nil, bool, float64, string:
		return true
	}
	return false
}

// elements returns the values of an attribute: those of a list one by one.
func elements(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}
