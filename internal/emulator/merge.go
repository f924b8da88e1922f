package emulator

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const (
	strategyAbort    = "abort"
	strategyOverride = "override"
	strategySkip     = "skip"
)

// A merge is the task of a squash-and-merge job.
type merge struct {
	arguments server.SquashAndMergeArguments
}

func newMerge(ds *dataset, raw json.RawMessage) (task, error) {
	var m merge
	err := decodeArguments(raw, &m.arguments, "title", "sourceBranchName", "targetBranchName")
	if err != nil {
		return nil, err
	}
	var given struct {
		Strategy json.RawMessage `json:"strategy"`
	}
	if must(json.Unmarshal(raw, &given)); given.Strategy == nil {
		return nil, missing("The arguments lack strategy.")
	}
	m.arguments.Strategy = cmp.Or(m.arguments.Strategy, strategyAbort)
	if !slices.Contains([]string{strategyAbort, strategyOverride, strategySkip}, m.arguments.Strategy) {
		return nil, invalid("There is no strategy %q.", m.arguments.Strategy)
	}
	for _, name := range []string{m.arguments.SourceBranchName, m.arguments.TargetBranchName} {
		if ds.branch(name) == nil {
			return nil, ds.noBranch(name)
		}
	}
	return &m, nil
}

func (m *merge) perform(st *store, ds *dataset, now time.Time) (json.RawMessage, error) {
	target, source := ds.branch(m.arguments.TargetBranchName), ds.branch(m.arguments.SourceBranchName)
	if target == nil || source == nil {
		return nil, invalid("A branch was deleted.")
	}
	merged := mergeVersions(target.version(), source.version(), m.arguments.Strategy)
	description := ""
	if m.arguments.Description != nil {
		description = *m.arguments.Description
	}
	d := ds.addDraft(target, m.arguments.Title, description, st.owner, now, merged)
	return mustMarshal(server.SquashAndMergeResult{DraftNumber: d.number}), nil
}

// mergeVersions merges the squashed source onto the target. It does not use
// their common ancestor: a datum that only the source removed remains.
//
// Two different data conflict if they have the same segment and remote path. In
// a fusion dataset they also conflict in the same segment, frame and sensor.
func mergeVersions(target, source *version, strategy string) *version {
	override := strategy == strategyOverride
	merged := target.withCatalog(target.catalog.merge(source.catalog, override))
	for _, from := range source.segments {
		into := target.segment(from.name)
		if into == nil {
			merged = merged.with(from)
			continue
		}
		added, conflict := into.additions(from, override)
		if conflict && strategy == strategyAbort {
			return target
		}
		merged = merged.with(into.mergeDescription(from, override).with(added...))
	}
	return merged
}

// additions returns the data of another segment that a merge adds, and whether data conflict.
func (s *segment) additions(from *segment, override bool) (added []*datum, conflict bool) {
	byPath, bySlot := make(map[string]*datum, len(s.data)), make(map[slot]*datum)
	for _, d := range s.data {
		byPath[d.remotePath] = d
		if d.sensor != "" {
			bySlot[d.slot()] = d
		}
	}
	for _, theirs := range from.data {
		path, other := byPath[theirs.remotePath], bySlot[theirs.slot()]
		switch {
		case path == nil && other == nil:
			added = append(added, theirs)
		case path != nil && path.same(theirs):
		default:
			conflict = true
			if override {
				added = append(added, theirs)
			}
		}
	}
	return added, conflict
}

// mergeDescription merges the description and the sensors of a segment. The
// source adds missing ones. It replaces others only if override is set.
func (s *segment) mergeDescription(from *segment, override bool) *segment {
	merged := *s
	if merged.description == "" || override && from.description != "" {
		merged.description = from.description
	}
	result := &merged
	for _, sensor := range from.sensors {
		if override || !s.hasSensor(sensor.name) {
			result = result.withSensor(sensor)
		}
	}
	return result
}

// same reports whether two data have equal frames, sensors, remote paths,
// contents and labels. The timestamp does not count.
func (d *datum) same(other *datum) bool {
	return d.frame == other.frame && d.sensor == other.sensor && d.remotePath == other.remotePath &&
		d.blob.id == other.blob.id && d.label.equal(other.label)
}
