package jobstest_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

var parseDefaultSeed = sync.OnceValues(func() (jobstest.Seed, error) {
	return jobstest.ParseSeed([]byte(tensorbayjobs.Seed()))
})

func defaultSeed(t *testing.T) jobstest.Seed {
	t.Helper()
	seed, err := parseDefaultSeed()
	require.NoError(t, err)
	return seed
}

func defaultDataset(t *testing.T, name string) jobstest.SeedDataset {
	t.Helper()
	seed := defaultSeed(t)
	i := slices.IndexFunc(seed.Datasets, func(d jobstest.SeedDataset) bool { return d.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return seed.Datasets[i]
}

// allData yields the data in all commits and drafts of a seed.
func allData(seed jobstest.Seed) iter.Seq[jobstest.SeedData] {
	return func(yield func(jobstest.SeedData) bool) {
		for _, d := range seed.Datasets {
			var segments []jobstest.SeedSegment
			for _, c := range d.Commits {
				segments = append(segments, c.Segments...)
			}
			for _, draft := range d.Drafts {
				segments = append(segments, draft.Segments...)
			}
			for _, s := range segments {
				data := slices.Clone(s.Data)
				for _, f := range s.Frames {
					data = append(data, f.Data...)
				}
				for _, datum := range data {
					if !yield(datum) {
						return
					}
				}
			}
		}
	}
}

// headOf returns the data of a branch by segment and remote path.
func headOf(t *testing.T, d jobstest.SeedDataset, branch string) map[string]map[string]jobstest.SeedData {
	t.Helper()
	i := slices.IndexFunc(d.Branches, func(r jobstest.SeedRef) bool { return r.Name == branch })
	require.GreaterOrEqual(t, i, 0, branch)
	var chain []jobstest.SeedCommit
	for name := d.Branches[i].Commit; name != ""; {
		at := slices.IndexFunc(d.Commits, func(c jobstest.SeedCommit) bool { return c.Name == name })
		require.GreaterOrEqual(t, at, 0, name)
		chain = append(chain, d.Commits[at])
		name = d.Commits[at].Parent
	}
	files := map[string]map[string]jobstest.SeedData{}
	for _, c := range slices.Backward(chain) {
		for _, s := range c.Segments {
			if files[s.Name] == nil {
				files[s.Name] = map[string]jobstest.SeedData{}
			}
			for _, path := range s.Remove {
				delete(files[s.Name], path)
			}
			for _, datum := range s.Data {
				files[s.Name][datum.RemotePath] = datum
			}
		}
	}
	return files
}

func TestDefaultSeed_HasTheSquashAndMergeDatasetOfTheService(t *testing.T) {
	d := defaultDataset(t, "squash-and-merge")
	for branch, want := range map[string]struct {
		count    int
		category string
	}{"main": {4, "01"}, "dev": {10, "02"}} {
		files := headOf(t, d, branch)
		assert.Equal(t, []string{"Segment1"}, slices.Collect(maps.Keys(files)))
		assert.Len(t, files["Segment1"], want.count)
		for i := range want.count {
			datum := files["Segment1"][fmt.Sprintf("hello%d.txt", i)]
			assert.JSONEq(t, fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, want.category), string(datum.Label))
		}
	}
}

func TestDefaultSeed_HasTheBasicSearchDatasetOfTheService(t *testing.T) {
	d := defaultDataset(t, "basic-search")
	assert.True(t, d.Fusion)
	segments := d.Commits[0].Segments
	require.Len(t, segments, 2)
	for i, name := range []string{"test", "train"} {
		s := segments[i]
		assert.Equal(t, name, s.Name)
		require.Len(t, s.Sensors, 2)
		require.Len(t, s.Frames, 1)
		require.Len(t, s.Frames[0].Data, 2)
		for j, want := range []string{
			`{"box2d": {"xmin": 639.85, "ymin": 175.24, "xmax": 667.59, "ymax": 200.41}, "category": "01", "attributes": {"attribute_1": true, "attribute_2": 3}, "instance": "0001"}`,
			`{"box2d": {"xmin": 120.5, "ymin": 88, "xmax": 310.25, "ymax": 214.75}, "category": "02", "attributes": {"attribute_1": false, "attribute_2": 1}, "instance": "0002"}`,
		} {
			datum := s.Frames[0].Data[j]
			assert.Equal(t, []string{"CAM_BACK_RIGHT", "CAM_BACK_LEFT"}[j], datum.Sensor)
			assert.JSONEq(t, `{"BOX2D": [`+want+`]}`, string(datum.Label))
		}
	}
}

func TestDefaultSeed_StreetScenesHasAllLabelTypes(t *testing.T) {
	d := defaultDataset(t, "street-scenes")
	var branches, statuses []string
	for _, b := range d.Branches {
		branches = append(branches, b.Name)
	}
	for _, draft := range d.Drafts {
		statuses = append(statuses, draft.Status)
	}
	assert.Equal(t, []string{"main", "dev", "night-fixes"}, branches)
	assert.ElementsMatch(t, []string{"OPEN", "CLOSED", "COMMITTED"}, statuses)
	assert.NotEmpty(t, d.Tags)
	var catalog map[string]any
	require.NoError(t, json.Unmarshal(d.Catalog, &catalog))
	assert.Len(t, catalog, 13)

	main := headOf(t, d, "main")
	assert.Len(t, main, 6)
	types, kinds := map[string]int{}, map[string]int{}
	var count, unlabeled, timed, large int
	for _, files := range main {
		for _, datum := range files {
			count++
			if datum.Timestamp != nil {
				timed++
			}
			if datum.Size >= 1<<20 {
				large++
			}
			if datum.Label == nil {
				unlabeled++
				continue
			}
			var label map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(datum.Label, &label))
			for name := range label {
				types[name]++
			}
			countAttributeKinds(t, label["BOX2D"], kinds)
		}
	}
	assert.GreaterOrEqual(t, count, 2000)
	assert.Len(t, types, 13, "%v", types)
	assert.Len(t, kinds, 5, "%v", kinds)
	assert.Greater(t, unlabeled, 100)
	assert.Greater(t, timed, 500)
	assert.Greater(t, large, 3)
}

func countAttributeKinds(t *testing.T, boxes json.RawMessage, kinds map[string]int) {
	t.Helper()
	if boxes == nil {
		return
	}
	var labels []struct {
		Attributes map[string]any `json:"attributes"`
	}
	require.NoError(t, json.Unmarshal(boxes, &labels))
	for _, l := range labels {
		for _, v := range l.Attributes {
			kinds[fmt.Sprintf("%T", v)]++
		}
	}
}

// The strategies must give different results, so some data must differ between
// the branches, and some must be on the source only.
func TestDefaultSeed_StreetScenesBranchesConflict(t *testing.T) {
	d := defaultDataset(t, "street-scenes")
	main, dev := headOf(t, d, "main"), headOf(t, d, "dev")
	var labels, contents, added int
	for segment, files := range dev {
		for path, theirs := range files {
			ours, ok := main[segment][path]
			switch {
			case !ok:
				added++
			case string(ours.Label) != string(theirs.Label):
				labels++
			case ours.Size != theirs.Size:
				contents++
			}
		}
	}
	assert.Greater(t, labels, 50)
	assert.Greater(t, contents, 5)
	assert.Greater(t, added, 100)
}

func TestDefaultSeed_DriveLogHasEveryTypeOfSensor(t *testing.T) {
	d := defaultDataset(t, "drive-log")
	segments := d.Commits[0].Segments
	require.Len(t, segments, 2)
	for _, s := range segments {
		assert.Len(t, s.Sensors, 4)
		assert.Len(t, s.Frames, 5)
		for _, f := range s.Frames {
			assert.Len(t, f.Data, 4)
		}
	}
}
