package emulator_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

func TestNewState_RefusesInvalidSeeds(t *testing.T) {
	plain := func(change func(*seed.Dataset)) seed.Seed {
		s := hello()
		change(&s.Datasets[0])
		return s
	}
	fusion := func(change func(*seed.Segment)) seed.Seed {
		s := cameras()
		change(&s.Datasets[0].Commits[0].Segments[0])
		return s
	}
	for name, s := range map[string]seed.Seed{
		"no name":             plain(func(ds *seed.Dataset) { ds.Name = "" }),
		"name twice":          {Datasets: append(hello().Datasets, hello().Datasets...)},
		"no default branch":   plain(func(ds *seed.Dataset) { ds.DefaultBranch = "master" }),
		"unknown parent":      plain(func(ds *seed.Dataset) { ds.Commits[0].Parent = "c2" }),
		"commit twice":        plain(func(ds *seed.Dataset) { ds.Commits[1].Name = "c1" }),
		"commit without name": plain(func(ds *seed.Dataset) { ds.Commits[0].Name = "" }),
		"branch at nothing":   plain(func(ds *seed.Dataset) { ds.Branches[1].Commit = "c3" }),
		"branch twice":        plain(func(ds *seed.Dataset) { ds.Branches[1].Name = "main" }),
		"tag at nothing":      plain(func(ds *seed.Dataset) { ds.Tags[0].Commit = "c3" }),
		"draft on nothing":    plain(func(ds *seed.Dataset) { ds.Drafts = []seed.Draft{{Branch: "x"}} }),
		"draft status":        plain(func(ds *seed.Dataset) { ds.Drafts = []seed.Draft{{Branch: "main", Status: "x"}} }),
		"path twice":          plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Data[1].RemotePath = "hello0.txt" }),
		"no path":             plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Data[1].RemotePath = "" }),
		"negative size":       plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Data[1].Size = -1 }),
		"label no object":     plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Data[1].Label = []byte(`[]`) }),
		"mask without path": plain(func(ds *seed.Dataset) {
			ds.Commits[0].Segments[0].Data[1].Label = []byte(`{"SEMANTIC_MASK": {}}`)
		}),
		"sensor in plain":   plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Data[1].Sensor = "x" }),
		"nothing to remove": plain(func(ds *seed.Dataset) { ds.Commits[0].Segments[0].Remove = []string{"x"} }),
		"enum of lists": plain(func(ds *seed.Dataset) {
			ds.Catalog = []byte(`{"X": {"attributes": [{"name": "a", "enum": [[1]]}]}}`)
		}),
		"data in fusion":       fusion(func(s *seed.Segment) { s.Data = []seed.Data{{RemotePath: "x"}} }),
		"sensor not described": fusion(func(s *seed.Segment) { s.Sensors = s.Sensors[:1] }),
		"sensor without name":  fusion(func(s *seed.Segment) { s.Sensors[0] = []byte(`{}`) }),
		"frame without id":     fusion(func(s *seed.Segment) { s.Frames[0].ID = "" }),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := emulator.NewState(&s)
			require.Error(t, err)
			assert.Regexp(t, "^dataset ", err)
		})
	}
}

func TestNewState_CommitsChangeTheirParent(t *testing.T) {
	s := hello()
	ds := &s.Datasets[0]
	ds.Commits = append(ds.Commits, seed.Commit{Name: "c3", Parent: "c2", Segments: []seed.Segment{
		{Name: "Segment1", Remove: []string{"hello0.txt", "hello9.txt"}, Data: []seed.Data{
			datum("hello3.txt", "new", "03"), datum("hello0.txt", "back", "03"),
		}},
	}})
	ds.Branches = append(ds.Branches, seed.Ref{Name: "next", Commit: "c3"})
	c := start(t, withSeed(s))
	lines := c.contents("datasets/"+c.id("hello"), "commit=next")
	require.Len(t, lines, 10)
	assert.Equal(t, "- hello0.txt back 03", lines[1])
	assert.Equal(t, "- hello3.txt new 03", lines[4])
}
