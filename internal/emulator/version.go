package emulator

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// A version is the state of a commit, a draft or a search result. A version and all that it
// refers to never change, so versions share their segments, and reading needs no lock.
type version struct {
	segments []*segment // in the order of their creation
	catalog  *catalog
	notes    notes
}

// notes are in their wire form.
type notes struct {
	isContinuous        bool
	binPointCloudFields json.RawMessage // nil for null
}

// setFields sets the fields of point clouds. Equal fields have equal bytes.
func (n *notes) setFields(fields []string) {
	n.binPointCloudFields = nil
	if fields != nil {
		n.binPointCloudFields = mustMarshal(fields)
	}
}

// emptyVersion is the version before the first commit.
var emptyVersion = &version{catalog: emptyCatalog}

// A segment holds data in order of their frames and remote paths. Remote paths are unique
// in a segment, and so are the pairs of frame and sensor in a fusion dataset.
type segment struct {
	name        string
	description string
	sensors     []*sensor // in the order of their creation, none in a plain dataset
	data        []*datum
}

// A sensor is a sensor of a fusion dataset in its wire form.
type sensor struct {
	name string
	raw  json.RawMessage
}

// A datum is one file with its label.
type datum struct {
	frame      string // empty in a plain dataset
	sensor     string // empty in a plain dataset
	remotePath string
	timestamp  *float64
	blob       *blob
	label      *label // nil if there is none
}

// A slot identifies a datum of a fusion segment.
type slot struct{ frame, sensor string }

func (d *datum) slot() slot { return slot{d.frame, d.sensor} }

func compareData(a, b *datum) int {
	return cmp.Or(strings.Compare(a.frame, b.frame), strings.Compare(a.remotePath, b.remotePath))
}

// segment returns the segment with a name, nil if there is none.
func (v *version) segment(name string) *segment {
	for _, s := range v.segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// with returns the version with a segment, which replaces the one of its name.
func (v *version) with(added *segment) *version {
	changed := *v
	changed.segments = put(v.segments, added, func(s *segment) bool { return s.name == added.name })
	return &changed
}

// put returns a copy of a list with an item in the place of an equal one, or at its end.
func put[T any](items []T, added T, equal func(T) bool) []T {
	items = slices.Clone(items)
	if at := slices.IndexFunc(items, equal); at >= 0 {
		items[at] = added
		return items
	}
	return append(items, added)
}

// remove returns a copy of a list without some items.
func remove[T any](items []T, selected func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), selected)
}

// without returns the version without a segment.
func (v *version) without(name string) *version {
	changed := *v
	changed.segments = remove(v.segments, func(s *segment) bool { return s.name == name })
	return &changed
}

func (v *version) withCatalog(c *catalog) *version {
	changed := *v
	changed.catalog = c
	return &changed
}

func (v *version) withNotes(n notes) *version {
	changed := *v
	changed.notes = n
	return &changed
}

// size returns the size of all data in bytes.
func (v *version) size() int64 {
	var size int64
	for _, s := range v.segments {
		for _, d := range s.data {
			size += d.blob.size
		}
	}
	return size
}

// with returns the segment with data, which replace those of the same remote path or slot.
// A later datum replaces an earlier one.
func (s *segment) with(data ...*datum) *segment {
	paths, slots := make(map[string]bool, len(data)), make(map[slot]bool)
	replaced := func(d *datum) bool { return paths[d.remotePath] || d.sensor != "" && slots[d.slot()] }
	var added []*datum
	for _, d := range slices.Backward(data) {
		if !replaced(d) {
			added = append(added, d)
			paths[d.remotePath], slots[d.slot()] = true, true
		}
	}
	slices.SortFunc(added, compareData)
	merged := make([]*datum, 0, len(s.data)+len(added))
	for _, d := range s.data {
		if replaced(d) {
			continue
		}
		for len(added) > 0 && compareData(added[0], d) < 0 {
			merged, added = append(merged, added[0]), added[1:]
		}
		merged = append(merged, d)
	}
	merged = append(merged, added...)
	changed := *s
	changed.data = merged
	return &changed
}

// without returns the segment without the selected data. It keeps a segment without data.
func (s *segment) without(selected func(*datum) bool) *segment {
	changed := *s
	changed.data = remove(s.data, selected)
	return &changed
}

// withSensor returns the segment with a sensor, which replaces the one of its name.
func (s *segment) withSensor(added *sensor) *segment {
	changed := *s
	changed.sensors = put(s.sensors, added, func(other *sensor) bool { return other.name == added.name })
	return &changed
}

// withoutSensor returns the segment without a sensor and its data.
func (s *segment) withoutSensor(name string) *segment {
	changed := s.without(func(d *datum) bool { return d.sensor == name })
	changed.sensors = remove(s.sensors, func(other *sensor) bool { return other.name == name })
	return changed
}

func (s *segment) hasSensor(name string) bool {
	return slices.ContainsFunc(s.sensors, func(other *sensor) bool { return other.name == name })
}

// datum returns the datum with a remote path, nil if there is none.
func (s *segment) datum(remotePath string) *datum {
	for _, d := range s.data {
		if d.remotePath == remotePath {
			return d
		}
	}
	return nil
}

// frames returns the data of each frame in order.
func (s *segment) frames() [][]*datum {
	var frames [][]*datum
	for from := 0; from < len(s.data); {
		to := from + 1
		for to < len(s.data) && s.data[to].frame == s.data[from].frame {
			to++
		}
		frames = append(frames, s.data[from:to])
		from = to
	}
	return frames
}
