package emulator

import (
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// statistics counts the labels of a version by type. It omits types without
// labels.
func statistics(v *version) map[string]server.LabelStatistics {
	counts := make(map[string]*typeCount)
	for _, s := range v.segments {
		for _, d := range s.data {
			if d.label == nil {
				continue
			}
			for labelType, objects := range d.label.objects {
				if len(objects) == 0 {
					continue
				}
				if counts[labelType] == nil {
					counts[labelType] = newTypeCount(v.catalog.of(labelType))
				}
				counts[labelType].add(objects)
			}
		}
	}
	result := make(map[string]server.LabelStatistics, len(counts))
	for labelType, count := range counts {
		result[labelType] = count.wire()
	}
	return result
}

// A typeCount counts the labels of one type.
type typeCount struct {
	quantity   int64
	categories []string // of the catalog first, then in order of appearance
	byCategory map[string]*categoryCount
	attributes attributeCounts
	catalog    *labelCatalog
}

type categoryCount struct {
	quantity   int64
	attributes attributeCounts
}

func newTypeCount(c *labelCatalog) *typeCount {
	return &typeCount{
		categories: slices.Clone(c.categories),
		byCategory: make(map[string]*categoryCount),
		attributes: newAttributeCounts(c),
		catalog:    c,
	}
}

func (t *typeCount) add(objects []labeledObject) {
	for _, object := range objects {
		t.quantity++
		t.attributes.add(object.attributes)
		name, ok := object.categoryIn(t.catalog)
		if !ok {
			continue
		}
		category := t.byCategory[name]
		if category == nil {
			category = &categoryCount{attributes: newAttributeCounts(t.catalog)}
			t.byCategory[name] = category
			if !slices.Contains(t.categories, name) {
				t.categories = append(t.categories, name)
			}
		}
		category.quantity++
		category.attributes.add(object.attributes)
	}
}

func (t *typeCount) wire() server.LabelStatistics {
	wire := server.LabelStatistics{Quantity: t.quantity, Attributes: t.attributes.wire()}
	for _, name := range t.categories {
		if category := t.byCategory[name]; category != nil {
			wire.Categories = append(wire.Categories, server.CategoryStatistics{
				Name: name, Quantity: category.quantity, Attributes: category.attributes.wire(),
			})
		}
	}
	return wire
}

// attributeCounts has one count for each attribute of the catalog.
type attributeCounts []*attributeCount

type attributeCount struct {
	attribute
	quantities       []int64 // by index of values
	minimum, maximum *float64
}

func newAttributeCounts(c *labelCatalog) attributeCounts {
	counts := make(attributeCounts, len(c.attributes))
	for i, a := range c.attributes {
		counts[i] = &attributeCount{attribute: a, quantities: make([]int64, len(a.values))}
	}
	return counts
}

func (counts attributeCounts) add(attributes map[string]any) {
	for _, count := range counts {
		if value, ok := attributes[count.name]; ok {
			for _, element := range elements(value) {
				count.add(element)
			}
		}
	}
}

// add counts one value. It ignores values outside the closed set.
func (count *attributeCount) add(value any) {
	if !isScalar(value) {
		return
	}
	if count.values != nil {
		if i := slices.Index(count.values, value); i >= 0 {
			count.quantities[i]++
		}
		return
	}
	number, ok := value.(float64)
	if !ok {
		return
	}
	if count.minimum == nil {
		count.minimum, count.maximum = &number, &number
		return
	}
	low, high := min(*count.minimum, number), max(*count.maximum, number)
	count.minimum, count.maximum = &low, &high
}

// wire returns the counts of the values that occur. The range of a number is the
// range of its values, not that of the catalog.
func (counts attributeCounts) wire() []server.AttributeStatistics {
	var wires []server.AttributeStatistics
	for _, count := range counts {
		statistics := server.AttributeStatistics{Name: count.name, Minimum: count.minimum, Maximum: count.maximum}
		var values []any
		for i, quantity := range count.quantities {
			if quantity > 0 {
				values = append(values, count.values[i])
				statistics.Quantities = append(statistics.Quantities, quantity)
			}
		}
		if values != nil {
			statistics.Enum = &values
		}
		if values != nil || count.minimum != nil {
			wires = append(wires, statistics)
		}
	}
	return wires
}
