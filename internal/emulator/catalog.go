package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// A catalog lists the categories and attributes of all label types. It never changes.
type catalog struct {
	raw   json.RawMessage // the wire form
	types map[string]*labelCatalog
}

var emptyCatalog = &catalog{raw: json.RawMessage("{}")}

// of returns the catalog of a label type, an empty one if it is not in the catalog.
func (c *catalog) of(labelType string) *labelCatalog {
	if lc := c.types[labelType]; lc != nil {
		return lc
	}
	return &labelCatalog{}
}

// A labelCatalog lists the categories and attributes of one label type that statistics
// count.
type labelCatalog struct {
	categories []string // in the order of statistics
	names      map[int64]string
	attributes []attribute
}

// An attribute has a closed set of values, or it is a number. Other attributes
// are not counted.
type attribute struct {
	name   string
	values []any // nil for a number
}

// parseCatalog decodes the wire form of a catalog.
func parseCatalog(raw json.RawMessage) (*catalog, error) {
	c := &catalog{types: make(map[string]*labelCatalog)}
	var err error
	if c.raw, err = canonical(raw); err != nil {
		return nil, fmt.Errorf("the catalog: %w", err)
	}
	var members rawObject
	if err := json.Unmarshal(c.raw, &members); err != nil {
		return nil, err
	}
	for labelType, member := range members {
		if err := checkLabelType(labelType); err != nil {
			return nil, err
		}
		if c.types[labelType], err = parseLabelCatalog(member); err != nil {
			return nil, fmt.Errorf("the catalog of %s: %w", labelType, err)
		}
	}
	return c, nil
}

// merge returns the catalog with the label types of another one. Those of other replace
// equal ones if override is set.
func (c *catalog) merge(other *catalog, override bool) *catalog {
	merged := &catalog{types: maps.Clone(c.types)}
	var members, others rawObject
	_ = json.Unmarshal(c.raw, &members) // parseCatalog has decoded both
	_ = json.Unmarshal(other.raw, &others)
	for labelType, member := range others {
		if _, ok := members[labelType]; !ok || override {
			if merged.types == nil {
				merged.types = make(map[string]*labelCatalog)
			}
			members[labelType], merged.types[labelType] = member, other.types[labelType]
		}
	}
	merged.raw = mustMarshal(members)
	return merged
}

func parseLabelCatalog(raw json.RawMessage) (*labelCatalog, error) {
	var wire struct {
		Categories []struct {
			Name       string `json:"name"`
			CategoryID *int64 `json:"categoryId"`
		} `json:"categories"`
		Attributes []wireAttribute `json:"attributes"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return nil, errors.New("it is not in its wire form")
	}
	c := &labelCatalog{names: make(map[int64]string)}
	categories, attributes := make(uniqueNames), make(uniqueNames)
	for _, category := range wire.Categories {
		if err := categories.add("category", category.Name); err != nil {
			return nil, err
		}
		c.categories = append(c.categories, category.Name)
		if category.CategoryID == nil {
			continue
		}
		if other, ok := c.names[*category.CategoryID]; ok {
			return nil, fmt.Errorf("the categories %q and %q have the same id", other, category.Name)
		}
		c.names[*category.CategoryID] = category.Name
	}
	for _, a := range wire.Attributes {
		if err := attributes.add("attribute", a.Name); err != nil {
			return nil, err
		}
		if err := c.addAttribute(a); err != nil {
			return nil, fmt.Errorf("attribute %q: %w", a.Name, err)
		}
	}
	return c, nil
}

type wireAttribute struct {
	Name    string   `json:"name"`
	Type    any      `json:"type"` // a type or a list of types
	Enum    []any    `json:"enum"`
	Minimum *float64 `json:"minimum"`
	Maximum *float64 `json:"maximum"`
}

func (c *labelCatalog) addAttribute(a wireAttribute) error {
	low, high := a.Minimum, a.Maximum
	if low != nil && high != nil && *low > *high {
		return errors.New("the minimum exceeds the maximum")
	}
	for _, value := range a.Enum {
		if !isScalar(value) {
			return fmt.Errorf("the value %.60v is not a boolean, a number, a string or null", value)
		}
	}
	switch {
	case len(a.Enum) > 0:
		c.attributes = append(c.attributes, attribute{a.Name, a.Enum})
	case a.Type == "boolean":
		c.attributes = append(c.attributes, attribute{a.Name, []any{true, false}})
	case a.Type == "number" && low != nil && high != nil:
		c.attributes = append(c.attributes, attribute{a.Name, nil})
	}
	return nil
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
