package emulator

import (
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A builder makes a changed copy of a content. Segments without changes are
// shared.
type builder struct {
	fusion   bool
	segments []*segment
	changed  map[string]*segmentBuilder
}

func newBuilder(from *content, fusion bool) *builder {
	return &builder{fusion: fusion, segments: slices.Clone(from.segments), changed: make(map[string]*segmentBuilder)}
}

// segment returns the builder of a segment. It adds a missing segment.
func (b *builder) segment(name string) *segmentBuilder {
	if sb := b.changed[name]; sb != nil {
		return sb
	}
	at := slices.IndexFunc(b.segments, func(s *segment) bool { return s.name == name })
	if at < 0 {
		at = len(b.segments)
		b.segments = append(b.segments, &segment{name: name})
	}
	sb := newSegmentBuilder(b.segments[at], b.fusion)
	b.changed[name] = sb
	return sb
}

func (b *builder) build() *content {
	for i, s := range b.segments {
		if sb := b.changed[s.name]; sb != nil {
			b.segments[i] = sb.build()
		}
	}
	return &content{segments: b.segments}
}

// An item is a datum and its frame. In a plain dataset the frame is empty.
type item struct {
	frame string
	datum *datum // nil if removed
}

// A slot identifies a datum of a fusion segment.
type slot struct{ frame, sensor string }

// A segmentBuilder holds the items of a segment in order. Remote paths and
// slots are unique in a segment.
type segmentBuilder struct {
	fusion      bool
	name        string
	description string
	sensors     []server.Sensor
	items       []item
	byPath      map[string]int
	bySlot      map[slot]int
}

func newSegmentBuilder(from *segment, fusion bool) *segmentBuilder {
	sb := &segmentBuilder{
		fusion:      fusion,
		name:        from.name,
		description: from.description,
		sensors:     slices.Clone(from.sensors),
		byPath:      make(map[string]int, len(from.data)),
		bySlot:      make(map[slot]int),
	}
	from.each(fusion, func(it item) { sb.append(it) })
	return sb
}

// each calls f with the items of the segment in their order.
func (s *segment) each(fusion bool, f func(item)) {
	if !fusion {
		for _, d := range s.data {
			f(item{datum: d})
		}
		return
	}
	for _, fr := range s.frames {
		for _, d := range fr.data {
			f(item{frame: fr.id, datum: d})
		}
	}
}

func (sb *segmentBuilder) append(it item) {
	sb.items = append(sb.items, item{})
	sb.set(len(sb.items)-1, it)
}

func (sb *segmentBuilder) set(at int, it item) {
	sb.items[at] = it
	sb.byPath[it.datum.remotePath] = at
	if sb.fusion {
		sb.bySlot[slot{it.frame, it.datum.sensor}] = at
	}
}

func (sb *segmentBuilder) clear(at int) {
	old := sb.items[at]
	delete(sb.byPath, old.datum.remotePath)
	if sb.fusion {
		delete(sb.bySlot, slot{old.frame, old.datum.sensor})
	}
	sb.items[at] = item{}
}

// conflicts returns the indexes of the items with the remote path or the slot of
// it. There are at most two.
func (sb *segmentBuilder) conflicts(it item) []int {
	var found []int
	if at, ok := sb.byPath[it.datum.remotePath]; ok {
		found = append(found, at)
	}
	if sb.fusion {
		if at, ok := sb.bySlot[slot{it.frame, it.datum.sensor}]; ok && !slices.Contains(found, at) {
			found = append(found, at)
		}
	}
	return found
}

// put adds an item. It replaces its conflicts, or becomes the last item if there
// are none.
func (sb *segmentBuilder) put(it item) {
	conflicts := sb.conflicts(it)
	for _, at := range conflicts {
		sb.clear(at)
	}
	if len(conflicts) > 0 {
		sb.set(conflicts[0], it)
	} else {
		sb.append(it)
	}
}

// remove removes a datum and reports whether it was there.
func (sb *segmentBuilder) remove(remotePath string) bool {
	at, ok := sb.byPath[remotePath]
	if ok {
		sb.clear(at)
	}
	return ok
}

// putSensor adds a sensor, or replaces the sensor of the same name.
func (sb *segmentBuilder) putSensor(sensor server.Sensor) {
	at := sb.sensorAt(sensor.Name)
	if at < 0 {
		sb.sensors = append(sb.sensors, sensor)
	} else {
		sb.sensors[at] = sensor
	}
}

func (sb *segmentBuilder) sensorAt(name string) int {
	return slices.IndexFunc(sb.sensors, func(s server.Sensor) bool { return s.Name == name })
}

// build groups the items into frames. It drops frames without data, but keeps a
// segment without data.
func (sb *segmentBuilder) build() *segment {
	s := &segment{name: sb.name, description: sb.description, sensors: sb.sensors}
	frames := make(map[string]*frame)
	for _, it := range sb.items {
		switch {
		case it.datum == nil:
		case !sb.fusion:
			s.data = append(s.data, it.datum)
		case frames[it.frame] == nil:
			frames[it.frame] = &frame{id: it.frame, data: []*datum{it.datum}}
			s.frames = append(s.frames, frames[it.frame])
		default:
			frames[it.frame].data = append(frames[it.frame].data, it.datum)
		}
	}
	for _, fr := range s.frames {
		s.data = append(s.data, fr.data...)
	}
	return s
}
