package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// The catalog covers each way in which statistics count, and not, an
// attribute: plate, signals and readings have neither an enum nor a range.
const streetHead = `  # A plain dataset that takes many pages to list, with every label type and
  # with branches that disagree.
  - name: street-scenes
    alias: Street scenes
    public: true
    catalog:
      CLASSIFICATION:
        categories: [{name: city}, {name: highway}, {name: residential}, {name: tunnel}]
        attributes:
          - {name: weather, type: string, enum: [clear, rain, fog, snow]}
          - {name: lit, type: boolean}
          - {name: lanes, type: number, minimum: 1, maximum: 6}
      BOX2D:
        categories: [{name: car}, {name: bus}, {name: truck}, {name: pedestrian}, {name: cyclist}, {name: motorcycle}]
        attributes:
          - {name: occluded, type: boolean}
          - {name: color, enum: [red, white, black, blue, null]}
          - {name: distance, type: number, minimum: 0, maximum: 200}
          - {name: plate, type: string}
          - {name: signals}
          - {name: readings}
      BOX3D:
        categories: [{name: car}, {name: truck}, {name: pedestrian}, {name: cyclist}]
        attributes:
          - {name: parked, type: boolean}
          - {name: speed, type: number, minimum: 0, maximum: 40}
      POLYGON:
        categories: [{name: road}, {name: sidewalk}, {name: vegetation}]
        attributes: [{name: wet, type: boolean}]
      MULTI_POLYGON:
        categories: [{name: building}, {name: fence}]
      RLE:
        categories: [{name: sky}, {name: road}]
      POLYLINE2D:
        categories: [{name: lane}, {name: curb}]
        attributes: [{name: style, type: string, enum: [solid, dashed, double]}]
      MULTI_POLYLINE2D:
        categories: [{name: crosswalk}]
      KEYPOINTS2D:
        categories: [{name: pedestrian}]
        attributes: [{name: age, enum: [child, adult, null]}]
      SENTENCE:
        attributes: [{name: language, type: string, enum: [en, zh]}]
      SEMANTIC_MASK: &maskCatalog
        categories: [{name: road, id: 1}, {name: sidewalk, id: 2}, {name: building, id: 3}, {name: car, id: 4}, {name: pedestrian, id: 5}, {name: sky, id: 6}]
        attributes: [{name: wet, type: boolean}]
      INSTANCE_MASK:
        attributes: [{name: moving, type: boolean}]
      PANOPTIC_MASK:
        <<: *maskCatalog
        attributes: [{name: occluded, type: boolean}]
`

const streetTail = `    branches:
      - {name: main, commit: main-2}
      - {name: dev, commit: dev-2}
      - {name: night-fixes, commit: night-1}
    tags:
      - {name: v1.0, commit: main-1}
      - {name: v1.1, commit: main-2}
      - {name: dev-freeze, commit: dev-1}
`

type segment struct {
	name, description, prefix string
	count                     int
	start                     int // of the recording, in seconds since the epoch
}

var streetSegments = []segment{
	{"train-day", "Daylight, for training", "day", 620, 1627894800},
	{"train-night", "Night, for training", "night", 480, 1627938000},
	{"train-rain", "Rain, for training", "rain", 330, 1628067600},
	{"val-day", "Daylight, for validation", "day", 250, 1628154000},
	{"val-night", "Night, for validation", "night", 190, 1628197200},
	{"test-city", "", "city", 200, 1628326800},
}

// oddPaths must be escaped in a URL, each in its own way.
var oddPaths = []string{"city/a b.jpg", "city/100%.jpg", "city/a+b&c=d?.jpg", "city/#1.jpg", "city/straße.jpg", "city/東京/0001.jpg", "city/a%2Fb.jpg"}

type part struct {
	labelType string
	index     int
}

type datum struct {
	path, timestamp, content string
	label                    []part
}

// street writes the dataset, and draws what is in it as it goes.
type street struct {
	r     *rand.Rand
	pools map[string][]string
	base  map[string][]datum // by segment
}

func newStreet(r *rand.Rand) *street {
	s := &street{r: r, pools: makePools(r), base: map[string][]datum{}}
	for _, seg := range streetSegments {
		for i := range seg.count {
			s.base[seg.name] = append(s.base[seg.name], s.datum(seg, i))
		}
	}
	return s
}

// datum makes images for the most part, some point clouds and some sounds,
// each with the labels that suit it.
func (s *street) datum(seg segment, i int) datum {
	d := datum{path: fmt.Sprintf("%s/%04d", seg.prefix, i)}
	switch {
	case i%16 == 7:
		d.path += ".pcd"
		d.label = s.parts("BOX3D")
	case i%32 == 11:
		d.path += ".wav"
		d.label = s.parts("SENTENCE")
	default:
		d.path += ".jpg"
		d.label = s.imageParts()
		if seg.name == "test-city" && i < len(oddPaths) {
			d.path = oddPaths[i]
		}
	}
	if s.r.IntN(12) == 0 {
		d.label = nil
	}
	if s.r.IntN(2) == 0 {
		d.timestamp = fmt.Sprintf("%d.%s", seg.start+i, pick(s.r, "0", "25", "5", "75"))
	}
	d.content = s.content(i)
	return d
}

// content keeps most data small: a download of the whole dataset has to be
// quick. A few are large enough to be cut off in the middle.
func (s *street) content(i int) string {
	switch {
	case i%200 == 150:
		return fmt.Sprintf("size: %d", 1<<20+s.r.IntN(3<<20))
	case i%40 == 5:
		return fmt.Sprintf("content: %q", fmt.Sprintf("scene %d\n", i))
	case i%100 == 60:
		return "size: 0"
	}
	return fmt.Sprintf("size: %d", 16+s.r.IntN(400))
}

func (s *street) parts(labelTypes ...string) []part {
	var parts []part
	for _, t := range labelTypes {
		parts = append(parts, part{t, s.r.IntN(poolSize)})
	}
	return parts
}

func (s *street) imageParts() []part {
	switch s.r.IntN(16) {
	case 0:
		return s.parts("POLYGON", "BOX2D")
	case 1:
		return s.parts("MULTI_POLYGON")
	case 2:
		return s.parts("RLE", "CLASSIFICATION")
	case 3:
		return s.parts("POLYLINE2D", "BOX2D")
	case 4:
		return s.parts("MULTI_POLYLINE2D")
	case 5:
		return s.parts("KEYPOINTS2D")
	case 6:
		return s.parts("SEMANTIC_MASK")
	case 7:
		return s.parts("BOX2D", pick(s.r, "INSTANCE_MASK", "PANOPTIC_MASK"))
	case 8, 9:
		return s.parts("CLASSIFICATION")
	case 10, 11:
		return s.parts("CLASSIFICATION", "BOX2D")
	}
	return s.parts("BOX2D")
}

func (s *street) write(w *writer) {
	w.WriteString(streetHead)
	w.line(2, "commits:")
	s.writeCommit(w, "main-1", "", "Import the recordings of August", "2021-08-09T08:00:00Z")
	for _, seg := range streetSegments {
		s.writeSegment(w, seg)
		s.writeData(w, s.base[seg.name])
	}
	s.writeMain(w)
	s.writeDev(w)
	s.writeNight(w)
	w.WriteString(streetTail)
	s.writeDrafts(w)
}

func (s *street) writeCommit(w *writer, name, parent, title, date string) {
	w.line(3, "- name: %s", name)
	if parent != "" {
		w.line(4, "parent: %s", parent)
	}
	w.line(4, "title: %s", title)
	w.line(4, "date: %s", date)
	w.line(4, "segments:")
}

func (s *street) writeSegment(w *writer, seg segment) {
	w.line(5, "- name: %s", seg.name)
	if seg.description != "" {
		w.line(6, "description: %s", seg.description)
	}
}

// writeMain relabels the data that dev relabels too, and some more, so that
// the two branches are in conflict.
func (s *street) writeMain(w *writer) {
	s.writeCommit(w, "main-2", "main-1", "Correct labels by hand", "2021-08-11T08:00:00Z")
	day, val := streetSegments[0], streetSegments[3]
	s.writeSegment(w, day)
	s.writeData(w, s.relabel(s.base[day.name], 0, 10, 40))
	s.writeSegment(w, val)
	s.writeData(w, s.more(val, 12))
	s.writeRemove(w, s.base[val.name], 100, 6)
}

func (s *street) writeDev(w *writer) {
	day, rain := streetSegments[0], streetSegments[2]
	s.writeCommit(w, "dev-1", "main-1", "Relabel with the new model", "2021-08-10T08:00:00Z")
	s.writeSegment(w, day)
	s.writeData(w, s.relabel(s.base[day.name], 0, 5, 60))
	s.writeSegment(w, rain)
	s.writeData(w, s.rerecord(s.base[rain.name], 20, 10))

	s.writeCommit(w, "dev-2", "dev-1", "Add the recordings of the second week", "2021-08-12T08:00:00Z")
	s.writeSegment(w, rain)
	s.writeData(w, s.more(rain, 80))
	s.writeRemove(w, s.base[rain.name], 200, 8)
	s.writeSegment(w, streetSegments[5])
	s.writeData(w, s.more(streetSegments[5], 40))
}

func (s *street) writeNight(w *writer) {
	night := streetSegments[1]
	s.writeCommit(w, "night-1", "main-1", "Correct the labels of the night", "2021-08-10T20:00:00Z")
	s.writeSegment(w, night)
	s.writeData(w, s.relabel(s.base[night.name], 3, 12, 40))
	s.writeRemove(w, s.base[night.name], 400, 10)
}

func (s *street) writeDrafts(w *writer) {
	day, night := streetSegments[0], streetSegments[1]
	w.line(2, "drafts:")
	s.writeDraft(w, "Week two, reviewed", "dev", "COMMITTED", streetSegments[5], s.more(streetSegments[5], 2))
	s.writeDraft(w, "Night with headlights only", "night-fixes", "CLOSED", night, s.relabel(s.base[night.name], 1, 40, 4))
	s.writeDraft(w, "Daylight, third pass", "main", "OPEN", day, append(s.relabel(s.base[day.name], 2, 50, 5), s.more(day, 3)...))
	s.writeRemove(w, s.base[day.name], 400, 2)
}

func (s *street) writeDraft(w *writer, title, branch, status string, seg segment, data []datum) {
	w.line(3, "- title: %s", title)
	w.line(4, "branch: %s", branch)
	w.line(4, "status: %s", status)
	w.line(4, "segments:")
	s.writeSegment(w, seg)
	s.writeData(w, data)
}

// relabel takes n data, from the first on one in step, and labels them anew.
func (s *street) relabel(data []datum, first, step, n int) []datum {
	var changed []datum
	for i := first; len(changed) < n; i += step {
		d := data[i]
		for old := fmt.Sprint(d.label); fmt.Sprint(d.label) == old; {
			d.label = s.imageParts()
		}
		changed = append(changed, d)
	}
	return changed
}

// rerecord takes n data and changes their content alone.
func (s *street) rerecord(data []datum, first, n int) []datum {
	var changed []datum
	for _, d := range data[first : first+n] {
		d.content = fmt.Sprintf("size: %d", 500+s.r.IntN(400))
		changed = append(changed, d)
	}
	return changed
}

func (s *street) more(seg segment, n int) []datum {
	var added []datum
	for i := range n {
		added = append(added, s.datum(seg, seg.count+i))
	}
	return added
}

func (s *street) writeRemove(w *writer, data []datum, first, n int) {
	var paths []string
	for _, d := range data[first : first+n] {
		paths = append(paths, d.path)
	}
	w.line(6, "remove: [%s]", strings.Join(paths, ", "))
}

func (s *street) writeData(w *writer, data []datum) {
	w.line(6, "data:")
	for _, d := range data {
		fields := []string{"remotePath: " + quotePath(d.path)}
		if d.timestamp != "" {
			fields = append(fields, "timestamp: "+d.timestamp)
		}
		fields = append(fields, d.content)
		if len(d.label) > 0 {
			fields = append(fields, "label: {"+s.label(w, d)+"}")
		}
		w.line(7, "- {%s}", strings.Join(fields, ", "))
	}
}

func (s *street) label(w *writer, d datum) string {
	var types []string
	for _, p := range d.label {
		k := kindOf(p.labelType)
		value := w.shared(fmt.Sprintf("%s%02d", k.anchor, p.index), s.pools[p.labelType][p.index])
		if k.mask {
			path := quotePath(fmt.Sprintf("masks/%s.%s.png", d.path, strings.ToLower(strings.TrimSuffix(p.labelType, "_MASK"))))
			value = fmt.Sprintf("{remotePath: %s, info: %s}", path, value)
		}
		types = append(types, p.labelType+": "+value)
	}
	return strings.Join(types, ", ")
}

func quotePath(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyz0123456789/.") == "" {
		return path
	}
	return strconv.Quote(path)
}
