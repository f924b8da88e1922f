package emulator

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// A catalog lists the categories and attributes of one label type that
// statistics count.
type catalog struct {
	categories []string // in the order of statistics
	names      map[int64]string
	attributes []attribute
}

// An attribute has a closed set of values, or it is a number. Other attributes
// are not counted and not in a catalog.
type attribute struct {
	name   string
	values []any // nil for a number
}

// name returns the name of the category with an id. Masks contain ids.
func (c *catalog) name(id int64) (string, bool) {
	name, ok := c.names[id]
	return name, ok
}

func newCatalog(sc seed.Catalog) (*catalog, error) {
	c := &catalog{names: make(map[int64]string)}
	categories, attributes := make(uniqueNames), make(uniqueNames)
	for _, category := range sc.Categories {
		if err := categories.add("category", category.Name); err != nil {
			return nil, err
		}
		if other, ok := c.names[category.ID]; ok && category.ID != 0 {
			return nil, fmt.Errorf("the categories %q and %q have the same id", other, category.Name)
		}
		c.categories = append(c.categories, category.Name)
		c.names[category.ID] = category.Name
	}
	for _, a := range sc.Attributes {
		if err := attributes.add("attribute", a.Name); err != nil {
			return nil, err
		}
		if err := checkRange(a); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
		switch {
		case len(a.Enum) > 0:
			values, err := normalize(a.Enum)
			if err != nil {
				return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
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

func checkRange(a seed.Attribute) error {
	switch low, high := a.Minimum, a.Maximum; {
	case (low != nil || high != nil) && a.Type != "number":
		return errors.New("only a number has a minimum and a maximum")
	case low != nil && high != nil && *low > *high:
		return errors.New("the minimum exceeds the maximum")
	}
	return nil
}

// normalize converts values to the types that JSON decodes to, because labels
// have those.
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
			return nil, fmt.Errorf("the value %v is not a boolean, a number, a string or null", value)
		}
	}
	return decoded, nil
}

// isScalar reports whether a decoded JSON value can be compared with ==.
func isScalar(value any) bool {
	switch value.(type) {
	case nil, bool, float64, string:
		return true
	}
	return false
}

// elements returns the values of an attribute, which may be a list.
func elements(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}
