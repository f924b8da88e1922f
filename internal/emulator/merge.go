package emulator

import (
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
	err := decodeArguments(raw, &m.arguments, "title", "sourceBranchName", "targetBranchName", "strategy")
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{strategyAbort, strategyOverride, strategySkip}, m.arguments.Strategy) {
		return nil, invalid("There is no strategy %q.", m.arguments.Strategy)
	}
	for _, name := range []string{m.arguments.SourceBranchName, m.arguments.TargetBranchName} {
		if ds.branch(name) == nil {
			return nil, notExist("The dataset %s has no branch %q.", ds.name, name)
		}
	}
	return &m, nil
}

func (m *merge) perform(st *store, ds *dataset, now time.Time) json.RawMessage {
	target, source := ds.head(m.arguments.TargetBranchName), ds.head(m.arguments.SourceBranchName)
	merged := mergeContents(target.content, source.content, m.arguments.Strategy, ds.fusion)
	description := ""
	if m.arguments.Description != nil {
		description = *m.arguments.Description
	}
	d := ds.addDraft(m.arguments.TargetBranchName, m.arguments.Title, description, st.owner, now, merged)
	return mustMarshal(server.SquashAndMergeResult{DraftNumber: d.number})
}

// mergeContents merges the squashed source onto the target. It does not use
// their common ancestor: a datum that only the source removed remains.
//
// Two different data conflict if they have the same segment and remote path. In
// a fusion dataset they also conflict in the same segment, frame and sensor.
func mergeContents(target, source *content, strategy string, fusion bool) *content {
	b := newBuilder(target, fusion)
	conflict := false
	for _, from := range source.segments {
		into := b.segment(from.name)
		into.mergeDescription(from, strategy)
		from.each(fusion, func(theirs item) {
			switch conflicts := into.conflicts(theirs); {
			case len(conflicts) == 0:
				into.put(theirs)
			case len(conflicts) == 1 && into.items[conflicts[0]].same(theirs):
			default:
				conflict = true
				if strategy == strategyOverride {
					into.put(theirs)
				}
			}
		})
	}
	if conflict && strategy == strategyAbort {
		return target
	}
	return b.build()
}

// mergeDescription merges the description and the sensors of a segment. The
// source adds missing ones. It replaces others only if the strategy is override.
func (sb *segmentBuilder) mergeDescription(from *segment, strategy string) {
	override := strategy == strategyOverride
	if sb.description == "" || override && from.description != "" {
		sb.description = from.description
	}
	for _, sensor := range from.sensors {
		if override || sb.sensorAt(sensor.Name) < 0 {
			sb.putSensor(sensor)
		}
	}
}

// same reports whether two items have equal frames, sensors, remote paths,
// contents and labels. The timestamp does not count.
func (it item) same(other item) bool {
	a, b := it.datum, other.datum
	return it.frame == other.frame && a.sensor == b.sensor && a.remotePath == b.remotePath &&
		a.contentID == b.contentID && a.label.equal(b.label)
}
