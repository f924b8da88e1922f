package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
)

// maskTypes are the label types whose labels are images.
var maskTypes = map[string]bool{"SEMANTIC_MASK": true, "INSTANCE_MASK": true, "PANOPTIC_MASK": true}

// A label holds all labels of one datum.
type label struct {
	raw     json.RawMessage            // the wire form without the URLs of masks
	objects map[string][]labeledObject // by label type
	masks   map[string]rawObject       // by label type, without URL; may be nil
	paths   map[string]string          // the remote paths of the masks
	members rawObject                  // of raw, nil without masks
}

type rawObject = map[string]json.RawMessage

// A labeledObject is one labeled object, such as a box or a category of a mask.
type labeledObject struct {
	category    string
	hasCategory bool
	attributes  map[string]any
}

// parseLabel decodes the wire form of a label and keeps unknown label types. It
// returns nil for an empty label.
func parseLabel(raw json.RawMessage, catalogs map[string]*catalog) (*label, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var members rawObject
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, errors.New("the label is not a JSON object")
	}
	if len(members) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	l := &label{raw: compact.Bytes(), objects: make(map[string][]labeledObject, len(members))}
	for labelType, value := range members {
		if maskTypes[labelType] {
			if err := l.addMask(labelType, value); err != nil {
				return nil, fmt.Errorf("the label %s: %w", labelType, err)
			}
		}
		l.objects[labelType] = parseObjects(value, catalogs[labelType])
	}
	if l.masks != nil {
		l.members = members
	}
	return l, nil
}

func (l *label) addMask(labelType string, value json.RawMessage) error {
	var mask rawObject
	if err := json.Unmarshal(value, &mask); err != nil || mask == nil {
		return errors.New("a mask is not a JSON object")
	}
	var remotePath string
	if err := json.Unmarshal(mask["remotePath"], &remotePath); err != nil || remotePath == "" {
		return errors.New("a mask has no remotePath")
	}
	if l.masks == nil {
		l.masks, l.paths = make(map[string]rawObject), make(map[string]string)
	}
	l.masks[labelType], l.paths[labelType] = mask, remotePath
	return nil
}

// parseObjects returns the objects with labels of one type: the items of a list,
// the info of a mask, or the value itself. An object of an unknown form has no
// category and no attributes.
func parseObjects(value json.RawMessage, c *catalog) []labeledObject {
	items := listOf(value)
	if items == nil {
		var mask struct {
			Info json.RawMessage `json:"info"`
		}
		if json.Unmarshal(value, &mask) == nil && mask.Info != nil {
			items = listOf(mask.Info)
		}
	}
	if items == nil {
		items = []json.RawMessage{value}
	}
	objects := make([]labeledObject, len(items))
	for i, raw := range items {
		objects[i] = parseObject(raw, c)
	}
	return objects
}

// listOf returns the items of a JSON array, nil for any other value.
func listOf(value json.RawMessage) []json.RawMessage {
	var items []json.RawMessage
	_ = json.Unmarshal(value, &items)
	return items
}

func parseObject(raw json.RawMessage, c *catalog) labeledObject {
	var wire struct {
		Category   *string        `json:"category"`
		CategoryID *int64         `json:"categoryId"`
		Attributes map[string]any `json:"attributes"`
	}
	if json.Unmarshal(raw, &wire) != nil {
		return labeledObject{}
	}
	object := labeledObject{attributes: wire.Attributes}
	switch {
	case wire.Category != nil:
		object.category, object.hasCategory = *wire.Category, true
	case wire.CategoryID != nil && c != nil:
		object.category, object.hasCategory = c.name(*wire.CategoryID)
	}
	return object
}

// wire returns the wire form of the label, with the URLs of masks.
func (l *label) wire(maskURL func(remotePath string) string) (json.RawMessage, error) {
	if l.masks == nil {
		return l.raw, nil
	}
	members := make(rawObject, len(l.members))
	maps.Copy(members, l.members)
	for labelType, mask := range l.masks {
		withURL := make(map[string]any, len(mask)+1)
		for name, value := range mask {
			withURL[name] = value
		}
		withURL["url"] = maskURL(l.paths[labelType])
		encoded, err := json.Marshal(withURL)
		if err != nil {
			return nil, err
		}
		members[labelType] = encoded
	}
	return json.Marshal(members)
}

// equal reports whether two labels have equal JSON values.
func (l *label) equal(other *label) bool {
	if l == nil || other == nil {
		return l == other
	}
	if bytes.Equal(l.raw, other.raw) {
		return true
	}
	var a, b any
	_ = json.Unmarshal(l.raw, &a) // parseLabel has decoded both
	_ = json.Unmarshal(other.raw, &b)
	return reflect.DeepEqual(a, b)
}
