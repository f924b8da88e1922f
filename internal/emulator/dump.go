package emulator

import (
	"cmp"
	"encoding/base64"
	"io"
	"maps"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// Dump returns the present state as a seed, without jobs and search results. An emulator with
// that seed gives the same responses to reads.
func (e *Emulator) Dump() seed.Seed {
	e.lock()
	defer e.unlock()
	dumped := seed.Seed{Owner: e.store.owner, Datasets: []seed.Dataset{}}
	for _, ds := range e.store.datasets {
		dumped.Datasets = append(dumped.Datasets, ds.dump())
	}
	return dumped
}

// Reset returns to the state at the start. Jobs and search results are deleted.
func (e *Emulator) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	stages := e.store.stages
	e.store = newStore(e.state)
	e.store.stages = stages
}

func (ds *dataset) dump() seed.Dataset {
	dumped := seed.Dataset{
		ID: ds.id, Name: ds.name, Alias: ds.alias, Fusion: ds.fusion, Public: ds.public,
		DefaultBranch: ds.defaultBranch, Updated: seed.Date(ds.updated.Unix()),
	}
	for _, c := range ds.history() {
		changes := changesOf(ds, versionOf(c.parent), c.version)
		sc := seed.Commit{
			Name: c.id, ID: c.id, Title: c.title, Description: c.description, Date: seed.Date(c.date.Unix()),
			RemoveSegments: changes.RemoveSegments, Segments: changes.Segments, Catalog: changes.Catalog, Notes: changes.Notes,
		}
		if c.parent != nil {
			sc.Parent = c.parent.id
		}
		dumped.Commits = append(dumped.Commits, sc)
	}
	dumped.Branches, dumped.Tags = dumpRefs(ds.branches), dumpRefs(ds.tags)
	for _, d := range ds.drafts {
		changes := changesOf(ds, versionOf(d.parent), d.version)
		dumped.Drafts = append(dumped.Drafts, seed.Draft{
			Number: d.number, Title: d.title, Description: d.description, Branch: d.branch, Parent: idOrZero(d.parent),
			Status: d.status, Date: seed.Date(d.created.Unix()), Updated: seed.Date(d.updated.Unix()),
			RemoveSegments: changes.RemoveSegments, Segments: changes.Segments, Catalog: changes.Catalog, Notes: changes.Notes,
		})
	}
	return dumped
}

// history returns all commits, each after its parent.
func (ds *dataset) history() []*commit {
	var sorted []*commit
	added := make(map[*commit]bool)
	var add func(*commit)
	add = func(c *commit) {
		if c == nil || added[c] {
			return
		}
		add(c.parent)
		added[c] = true
		sorted = append(sorted, c)
	}
	for _, c := range slices.SortedFunc(maps.Values(ds.commits), func(a, b *commit) int {
		return cmp.Or(a.date.Compare(b.date), cmp.Compare(a.id, b.id))
	}) {
		add(c)
	}
	return sorted
}

func dumpRefs(refs []*ref) []seed.Ref {
	var dumped []seed.Ref
	for _, r := range refs {
		s := seed.Ref{Name: r.name}
		if r.commit != nil {
			s.Commit = r.commit.id
		}
		dumped = append(dumped, s)
	}
	return dumped
}

// changesOf returns the changes from one version to another.
func changesOf(ds *dataset, from, to *version) changes {
	var c changes
	kept := from
	for _, s := range from.segments {
		if after := to.segment(s.name); after == nil || !s.extends(after) {
			c.RemoveSegments = append(c.RemoveSegments, s.name)
			kept = kept.without(s.name)
		}
	}
	if !slices.EqualFunc(kept.segments, to.segments[:min(len(kept.segments), len(to.segments))], sameName) {
		// The order differs: write all segments again.
		kept, c.RemoveSegments = emptyVersion, nil
		for _, s := range from.segments {
			c.RemoveSegments = append(c.RemoveSegments, s.name)
		}
	}
	for _, s := range to.segments {
		before := kept.segment(s.name)
		if before == nil {
			before = &segment{name: s.name}
		} else if before == s {
			continue
		}
		c.Segments = append(c.Segments, before.changesTo(s, ds.fusion))
	}
	if to.catalog != from.catalog {
		c.Catalog = seed.JSON(to.catalog.raw)
	}
	if to.notes.isContinuous != from.notes.isContinuous || string(to.notes.binPointCloudFields) != string(from.notes.binPointCloudFields) {
		c.Notes = seed.JSON(mustMarshal(map[string]any{"isContinuous": to.notes.isContinuous, "binPointCloudFields": to.notes.binPointCloudFields}))
	}
	return c
}

func sameName(a, b *segment) bool { return a.name == b.name }

// extends reports whether a seed can describe the change to another segment: it cannot remove
// a description or a sensor.
func (s *segment) extends(after *segment) bool {
	if after.description == "" && s.description != "" || len(after.sensors) < len(s.sensors) {
		return false
	}
	return slices.EqualFunc(s.sensors, after.sensors[:len(s.sensors)], func(a, b *sensor) bool { return a.name == b.name })
}

// changesTo returns the changes from one segment to another that extends it.
func (s *segment) changesTo(after *segment, fusion bool) seed.Segment {
	change := seed.Segment{Name: after.name}
	if after.description != s.description {
		change.Description = after.description
	}
	for i, sensor := range after.sensors {
		if i >= len(s.sensors) || s.sensors[i] != sensor {
			change.Sensors = append(change.Sensors, seed.JSON(sensor.raw))
		}
	}
	before, remains := make(map[string]*datum, len(s.data)), make(map[string]bool, len(after.data))
	for _, d := range s.data {
		before[d.remotePath] = d
	}
	for _, d := range after.data {
		remains[d.remotePath] = true
		switch {
		case before[d.remotePath] == d:
		case !fusion:
			change.Data = append(change.Data, d.dump())
		default:
			if last := len(change.Frames) - 1; last < 0 || change.Frames[last].ID != d.frame {
				change.Frames = append(change.Frames, seed.Frame{ID: d.frame})
			}
			frame := &change.Frames[len(change.Frames)-1]
			frame.Data = append(frame.Data, d.dump())
		}
	}
	for _, d := range s.data {
		if !remains[d.remotePath] {
			change.Remove = append(change.Remove, d.remotePath)
		}
	}
	return change
}

func (d *datum) dump() seed.Data {
	dumped := seed.Data{Sensor: d.sensor, RemotePath: d.remotePath, Timestamp: d.timestamp, Size: d.blob.size, Content: d.blob.content}
	if d.blob.content == nil && d.blob.seed != hashOf(d.remotePath) { // noise that was moved
		dumped.Content, _ = io.ReadAll(d.blob.open()) // it does not fail
	}
	if d.label != nil {
		dumped.Label = seed.JSON(d.label.wire(func(m *mask) map[string]string {
			if m.blob.id == Checksum(MaskPNG(m.remotePath)) {
				return nil
			}
			return map[string]string{"contentBase64": base64.StdEncoding.EncodeToString(m.blob.content)}
		}))
	}
	return dumped
}
