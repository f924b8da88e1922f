package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// maskIDs holds the ids of each item of info, by the label types whose labels are images.
var maskIDs = map[string][]string{
	"SEMANTIC_MASK": {"categoryId"},
	"INSTANCE_MASK": {"instanceId"},
	"PANOPTIC_MASK": {"instanceId", "categoryId"},
}

// IsMask reports whether the labels of a type are images.
func IsMask(labelType string) bool { return maskIDs[labelType] != nil }

// A label holds all labels of one datum. It never changes.
type label struct {
	raw     json.RawMessage            // the wire form, without masks
	objects map[string][]labeledObject // by label type
	masks   map[string]*mask           // by label type
}

// A mask is a label that is an image.
type mask struct {
	remotePath string
	blob       *blob
	members    rawObject // without remotePath and url
}

// A labeledObject is one labeled object, such as a box or a category of a mask.
type labeledObject struct {
	category   *string
	categoryID *int64 // of a mask
	attributes map[string]any
}

// categoryIn returns the category of an object. A mask has an id of the catalog.
func (o labeledObject) categoryIn(c *labelCatalog) (string, bool) {
	switch {
	case o.category != nil:
		return *o.category, true
	case o.categoryID != nil:
		name, ok := c.names[*o.categoryID]
		return name, ok
	}
	return "", false
}

// maskPath returns the remote path of a mask of a datum.
func maskPath(remotePath string) string {
	return strings.TrimSuffix(remotePath, path.Ext(remotePath)) + ".png"
}

// parseLabel decodes the wire form of a label and keeps unknown label types. It returns nil
// for an empty label. newMask returns the path and the content of a mask, and removes from
// its members what a response does not repeat.
func parseLabel(raw json.RawMessage, newMask func(members rawObject) (string, *blob, error)) (*label, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	raw, err := canonical(raw)
	if err != nil {
		return nil, fmt.Errorf("the label: %w", err)
	}
	var members rawObject
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, nil
	}
	l := &label{raw: raw, objects: make(map[string][]labeledObject, len(members))}
	for labelType, value := range members {
		if err := checkLabelType(labelType); err != nil {
			return nil, err
		}
		if !IsMask(labelType) {
			l.objects[labelType] = parseObjects(value)
			continue
		}
		m, err := parseMask(labelType, value, newMask)
		if err != nil {
			return nil, fmt.Errorf("the label %s: %w", labelType, err)
		}
		if l.masks == nil {
			l.masks = make(map[string]*mask)
		}
		l.masks[labelType] = m
		l.objects[labelType] = parseObjects(m.members["info"])
		delete(members, labelType)
	}
	if l.masks != nil {
		l.raw = mustMarshal(members)
	}
	return l, nil
}

// parseMask decodes a mask. A mask without info has an empty one, because a response has it.
func parseMask(labelType string, value json.RawMessage, newMask func(members rawObject) (string, *blob, error)) (*mask, error) {
	m := &mask{}
	if err := json.Unmarshal(value, &m.members); err != nil || m.members == nil {
		return nil, errors.New("a mask is not a JSON object")
	}
	if info := m.members["info"]; info == nil || string(info) == "null" {
		m.members["info"] = json.RawMessage("[]")
	}
	var info []rawObject
	if err := json.Unmarshal(m.members["info"], &info); err != nil {
		return nil, errors.New("the info of a mask is not a list of objects")
	}
	for _, item := range info {
		for _, id := range maskIDs[labelType] {
			if item[id] == nil {
				return nil, fmt.Errorf("an item of info has no %s", id)
			}
		}
	}
	var err error
	m.remotePath, m.blob, err = newMask(m.members)
	delete(m.members, "remotePath")
	delete(m.members, "url")
	return m, err
}

// parseObjects returns the objects with labels of one type: the items of a list, or the value
// itself. An object of an unknown form has no category and no attributes.
func parseObjects(value json.RawMessage) []labeledObject {
	var decoded any
	_ = json.Unmarshal(value, &decoded) // canonical has encoded it
	items, ok := decoded.([]any)
	if !ok {
		items = []any{decoded}
	}
	objects := make([]labeledObject, len(items))
	for i, item := range items {
		objects[i] = newObject(item)
	}
	return objects
}

func newObject(value any) (o labeledObject) {
	members, _ := value.(map[string]any)
	if category, ok := members["category"].(string); ok {
		o.category = &category
	}
	if number, ok := members["categoryId"].(float64); ok {
		id := int64(number)
		o.categoryID = &id
	}
	o.attributes, _ = members["attributes"].(map[string]any)
	return o
}

// wire returns the wire form of the label, {} for nil. maskMembers returns the members that
// a mask has in addition.
func (l *label) wire(maskMembers func(*mask) map[string]string) json.RawMessage {
	if l == nil {
		return json.RawMessage("{}")
	}
	if l.masks == nil {
		return l.raw
	}
	var members rawObject
	_ = json.Unmarshal(l.raw, &members) // parseLabel has encoded it
	for labelType, m := range l.masks {
		member := make(map[string]any, len(m.members)+2)
		for name, value := range m.members {
			member[name] = value
		}
		member["remotePath"] = m.remotePath
		for name, value := range maskMembers(m) {
			member[name] = value
		}
		members[labelType] = mustMarshal(member)
	}
	return mustMarshal(members)
}

// equal reports whether two labels have equal JSON values and equal masks.
func (l *label) equal(other *label) bool {
	if l == nil || other == nil {
		return l == other
	}
	if !bytes.Equal(l.raw, other.raw) || len(l.masks) != len(other.masks) {
		return false
	}
	for labelType, a := range l.masks {
		b := other.masks[labelType]
		if b == nil || a.blob.id != b.blob.id || a.remotePath != b.remotePath ||
			!bytes.Equal(mustMarshal(a.members), mustMarshal(b.members)) {
			return false
		}
	}
	return true
}

// at returns the label for a datum with another remote path: its masks move too.
func (l *label) at(remotePath string) *label {
	if l == nil || l.masks == nil {
		return l
	}
	moved := *l
	moved.masks = make(map[string]*mask, len(l.masks))
	for labelType, m := range l.masks {
		renamed := *m
		renamed.remotePath = maskPath(remotePath)
		moved.masks[labelType] = &renamed
	}
	return &moved
}
