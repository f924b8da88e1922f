package jobstest

import (
	"encoding/base64"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// A seedBuilder makes the seed of a document that matches the schema, and
// checks what a schema cannot say.
type seedBuilder struct {
	problems []seedError
}

func (b *seedBuilder) refuse(at seedAt, format string, args ...any) {
	b.problems = append(b.problems, seedError{at.line(), at.path(), fmt.Sprintf(format, args...)})
}

func (a seedAt) has(name string) bool {
	_, ok := a.node.member(name)
	return ok
}

func (a seedAt) text(name string) string {
	m, _ := a.node.member(name)
	if m.node == nil {
		return ""
	}
	s, _ := m.node.value.(string)
	return s
}

func (a seedAt) bool(name string) bool {
	m, ok := a.node.member(name)
	return ok && m.node.value == true
}

func (a seedAt) number(name string) *float64 {
	m, ok := a.node.member(name)
	if !ok {
		return nil
	}
	f, _ := asFloat(m.node.value).(float64)
	return &f
}

func (a seedAt) int(name string) int64 {
	f := a.number(name)
	if f == nil {
		return 0
	}
	return int64(*f) // the schema keeps whole numbers below 2^53
}

// asFloat gives a scalar as encoding/json would: every number is a float64.
func asFloat(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	}
	return v
}

func (a seedAt) list(name string) iter.Seq2[int, seedAt] {
	return func(yield func(int, seedAt) bool) {
		list := a.child(name)
		if list.node == nil {
			return
		}
		for i := range list.node.items {
			if !yield(i, list.item(i)) {
				return
			}
		}
	}
}

// unique refuses a name that was seen before.
func (b *seedBuilder) unique(seen map[string]bool, at seedAt, name string) {
	if seen[name] {
		b.refuse(at, "%s is used twice", shorten(name))
	}
	seen[name] = true
}

func (b *seedBuilder) seed(at seedAt) Seed {
	seed := Seed{Owner: at.text("owner")}
	names, ids := map[string]bool{}, map[string]bool{}
	for _, d := range at.list("datasets") {
		b.unique(names, d.child("name"), d.text("name"))
		if d.has("id") {
			b.unique(ids, d.child("id"), d.text("id"))
		}
		seed.Datasets = append(seed.Datasets, b.dataset(d))
	}
	return seed
}

func (b *seedBuilder) dataset(at seedAt) SeedDataset {
	d := SeedDataset{
		ID:            at.text("id"),
		Name:          at.text("name"),
		Alias:         at.text("alias"),
		Fusion:        at.bool("fusion"),
		Public:        at.bool("public"),
		DefaultBranch: at.text("defaultBranch"),
		Catalog:       b.catalog(at.child("catalog")),
	}
	history := map[string]seedContents{}
	d.Commits = b.commits(at, d.Fusion, history)

	names := map[string]bool{}
	d.Branches = b.refs(at, "branches", names, history)
	d.Tags = b.refs(at, "tags", names, history)
	if d.DefaultBranch == "" {
		d.DefaultBranch = "main"
	}
	if !slices.ContainsFunc(d.Branches, func(r SeedRef) bool { return r.Name == d.DefaultBranch }) {
		b.refuse(at.child("defaultBranch"), "there is no branch %s; its branches are %s", shorten(d.DefaultBranch), refNames(d.Branches))
	}
	for _, draft := range at.list("drafts") {
		d.Drafts = append(d.Drafts, b.draft(draft, d, history))
	}
	return d
}

func refNames(refs []SeedRef) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = shorten(r.Name)
	}
	return strings.Join(names, ", ")
}

func (b *seedBuilder) catalog(at seedAt) map[string]SeedCatalog {
	if at.node == nil {
		return nil
	}
	catalog := make(map[string]SeedCatalog, len(at.node.members))
	for _, m := range at.node.members {
		of, c := at.child(m.name), SeedCatalog{}
		names, ids := map[string]bool{}, map[string]bool{}
		for _, category := range of.list("categories") {
			b.unique(names, category.child("name"), category.text("name"))
			if category.has("id") {
				b.unique(ids, category.child("id"), fmt.Sprint(category.int("id")))
			}
			c.Categories = append(c.Categories, SeedCategory{Name: category.text("name"), ID: category.int("id")})
		}
		names = map[string]bool{}
		for _, attribute := range of.list("attributes") {
			b.unique(names, attribute.child("name"), attribute.text("name"))
			c.Attributes = append(c.Attributes, b.attribute(attribute))
		}
		catalog[m.name] = c
	}
	return catalog
}

func (b *seedBuilder) attribute(at seedAt) SeedAttribute {
	a := SeedAttribute{
		Name:    at.text("name"),
		Type:    at.text("type"),
		Minimum: at.number("minimum"),
		Maximum: at.number("maximum"),
	}
	for _, v := range at.list("enum") {
		a.Enum = append(a.Enum, asFloat(v.node.value))
	}
	for _, bound := range []string{"minimum", "maximum"} {
		if at.has(bound) && a.Type != "number" {
			b.refuse(at.child(bound), "only an attribute of type number has it")
		}
	}
	if a.Minimum != nil && a.Maximum != nil && *a.Minimum > *a.Maximum {
		b.refuse(at.child("minimum"), "is more than the maximum")
	}
	return a
}

func (b *seedBuilder) refs(at seedAt, kind string, names map[string]bool, history map[string]seedContents) []SeedRef {
	var refs []SeedRef
	for _, r := range at.list(kind) {
		ref := SeedRef{Name: r.text("name"), Commit: r.text("commit")}
		b.unique(names, r.child("name"), ref.Name)
		if _, ok := history[ref.Commit]; !ok {
			b.refuse(r.child("commit"), "there is no commit %s", shorten(ref.Commit))
		}
		refs = append(refs, ref)
	}
	return refs
}

func (b *seedBuilder) commits(at seedAt, fusion bool, history map[string]seedContents) []SeedCommit {
	var commits []SeedCommit
	later := map[string]bool{}
	for _, c := range at.list("commits") {
		later[c.text("name")] = true
	}
	names, ids := map[string]bool{}, map[string]bool{}
	for _, c := range at.list("commits") {
		commit := SeedCommit{
			Name:        c.text("name"),
			ID:          c.text("id"),
			Parent:      c.text("parent"),
			Title:       c.text("title"),
			Description: c.text("description"),
		}
		b.unique(names, c.child("name"), commit.Name)
		if c.has("id") {
			b.unique(ids, c.child("id"), commit.ID)
		}
		if commit.ID == strings.Repeat("0", 32) {
			b.refuse(c.child("id"), "stands for what is before the first commit; give another id")
		}
		if date, err := time.Parse(time.RFC3339, c.text("date")); err != nil {
			b.refuse(c.child("date"), "is %s, which is no date", shorten(c.text("date")))
		} else {
			commit.Date = date.Unix()
		}
		parent, ok := history[commit.Parent]
		switch {
		case commit.Parent == "" || ok:
		case later[commit.Parent]:
			b.refuse(c.child("parent"), "the commit %s stands after its child; move it before", shorten(commit.Parent))
		default:
			b.refuse(c.child("parent"), "there is no commit %s", shorten(commit.Parent))
		}
		contents := parent.clone()
		commit.Segments = b.segments(c, fusion, contents, true)
		history[commit.Name] = contents
		commits = append(commits, commit)
	}
	return commits
}

func (b *seedBuilder) draft(at seedAt, d SeedDataset, history map[string]seedContents) SeedDraft {
	draft := SeedDraft{
		Title:       at.text("title"),
		Description: at.text("description"),
		Branch:      at.text("branch"),
		Status:      at.text("status"),
	}
	i := slices.IndexFunc(d.Branches, func(r SeedRef) bool { return r.Name == draft.Branch })
	var base seedContents
	if i < 0 {
		b.refuse(at.child("branch"), "there is no branch %s; the branches are %s", shorten(draft.Branch), refNames(d.Branches))
	} else {
		base = history[d.Branches[i].Commit]
	}
	// What a draft that is over was made on is not known: its branch may have
	// moved since.
	draft.Segments = b.segments(at, d.Fusion, base.clone(), i >= 0 && draft.Status == "OPEN")
	return draft
}

func (b *seedBuilder) segments(at seedAt, fusion bool, contents seedContents, based bool) []SeedSegment {
	var segments []SeedSegment
	names := map[string]bool{}
	for _, s := range at.list("segments") {
		name := s.text("name")
		b.unique(names, s.child("name"), name)
		held := contents.segment(name)
		segments = append(segments, b.segment(s, fusion, held, based))
	}
	return segments
}

func (b *seedBuilder) segment(at seedAt, fusion bool, held seedHeld, based bool) SeedSegment {
	s := SeedSegment{Name: at.text("name"), Description: at.text("description")}
	if fusion && at.has("data") {
		b.refuse(at.child("data"), "a fusion dataset has frames, not data")
	}
	if !fusion {
		for _, name := range []string{"sensors", "frames"} {
			if at.has(name) {
				b.refuse(at.child(name), "only a fusion dataset has them; set fusion, or list data")
			}
		}
	}

	sensors := map[string]bool{}
	for _, sensor := range at.list("sensors") {
		name := sensor.text("name")
		b.unique(sensors, sensor.child("name"), name)
		held.sensors[name] = true
		s.Sensors = append(s.Sensors, sensor.node.appendJSON(nil))
	}

	paths := map[string]bool{}
	for _, r := range at.list("remove") {
		path, _ := r.node.value.(string)
		b.unique(paths, r, path)
		if based && !held.paths[path] {
			b.refuse(r, "there is no %s to remove", shorten(path))
		}
		delete(held.paths, path)
		s.Remove = append(s.Remove, path)
	}
	for _, d := range at.list("data") {
		if d.has("sensor") && !fusion {
			b.refuse(d.child("sensor"), "only a datum of a fusion dataset has one")
		}
		s.Data = append(s.Data, b.datum(d, held, paths))
	}
	frames := map[string]bool{}
	for _, f := range at.list("frames") {
		frame := SeedFrame{ID: f.text("id")}
		b.unique(frames, f.child("id"), frame.ID)
		recorded := map[string]bool{}
		for _, d := range f.list("data") {
			b.sensor(d, held, recorded, based)
			frame.Data = append(frame.Data, b.datum(d, held, paths))
		}
		s.Frames = append(s.Frames, frame)
	}
	return s
}

func (b *seedBuilder) sensor(at seedAt, held seedHeld, recorded map[string]bool, based bool) {
	name := at.text("sensor")
	if name == "" {
		b.refuse(at.child("sensor"), "is missing; a datum of a frame names its sensor")
		return
	}
	b.unique(recorded, at.child("sensor"), name)
	if based && !held.sensors[name] {
		b.refuse(at.child("sensor"), "the segment describes no sensor %s", shorten(name))
	}
}

func (b *seedBuilder) datum(at seedAt, held seedHeld, paths map[string]bool) SeedData {
	d := SeedData{
		Sensor:     at.text("sensor"),
		RemotePath: at.text("remotePath"),
		Timestamp:  at.number("timestamp"),
		Size:       at.int("size"),
	}
	b.unique(paths, at.child("remotePath"), d.RemotePath)
	held.paths[d.RemotePath] = true

	forms := 0
	for _, name := range []string{"content", "contentBase64", "size"} {
		if at.has(name) {
			forms++
		}
	}
	if forms != 1 {
		b.refuse(at, "has %d of content, contentBase64 and size; give one", forms)
	}
	if at.has("content") {
		d.Content = []byte(at.text("content"))
	}
	if at.has("contentBase64") {
		content, err := base64.StdEncoding.DecodeString(at.text("contentBase64"))
		if err != nil {
			b.refuse(at.child("contentBase64"), "is not base64: %v", err)
		}
		d.Content = content
	}
	if d.Content != nil {
		d.Size = int64(len(d.Content))
	}
	if m, ok := at.node.member("label"); ok {
		d.Label = m.node.appendJSON(nil)
	}
	return d
}

// seedContents is what a commit holds, by segment.
type seedContents map[string]seedHeld

type seedHeld struct {
	paths, sensors map[string]bool
}

func (c seedContents) clone() seedContents {
	n := make(seedContents, len(c))
	for name, held := range c {
		n[name] = seedHeld{cloneSet(held.paths), cloneSet(held.sensors)}
	}
	return n
}

func (c seedContents) segment(name string) seedHeld {
	held, ok := c[name]
	if !ok {
		held = seedHeld{map[string]bool{}, map[string]bool{}}
		c[name] = held
	}
	return held
}

func cloneSet(s map[string]bool) map[string]bool {
	n := make(map[string]bool, len(s))
	for k := range s {
		n[k] = true
	}
	return n
}
