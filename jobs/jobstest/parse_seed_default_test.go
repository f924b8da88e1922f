package jobstest

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
)

func realSeed(t *testing.T) Seed {
	t.Helper()
	seed, err := defaultSeed()
	require.NoError(t, err)
	return seed
}

func realDataset(t *testing.T, name string) SeedDataset {
	t.Helper()
	seed := realSeed(t)
	i := slices.IndexFunc(seed.Datasets, func(d SeedDataset) bool { return d.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return seed.Datasets[i]
}

// allData yields what the commits and drafts of the seed change.
func allData(seed Seed) iter.Seq[SeedData] {
	return func(yield func(SeedData) bool) {
		for _, d := range seed.Datasets {
			var segments []SeedSegment
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

// headOf is what the branch holds, by segment and remote path.
func headOf(t *testing.T, d SeedDataset, branch string) map[string]map[string]SeedData {
	t.Helper()
	i := slices.IndexFunc(d.Branches, func(r SeedRef) bool { return r.Name == branch })
	require.GreaterOrEqual(t, i, 0, branch)
	var chain []SeedCommit
	for name := d.Branches[i].Commit; name != ""; {
		at := slices.IndexFunc(d.Commits, func(c SeedCommit) bool { return c.Name == name })
		require.GreaterOrEqual(t, at, 0, name)
		chain = append(chain, d.Commits[at])
		name = d.Commits[at].Parent
	}
	held := map[string]map[string]SeedData{}
	for _, c := range slices.Backward(chain) {
		for _, s := range c.Segments {
			if held[s.Name] == nil {
				held[s.Name] = map[string]SeedData{}
			}
			for _, path := range s.Remove {
				delete(held[s.Name], path)
			}
			for _, datum := range s.Data {
				held[s.Name][datum.RemotePath] = datum
			}
		}
	}
	return held
}

func TestSquashAndMergeDatasetIsTheOneOfTheService(t *testing.T) {
	d := realDataset(t, "squash-and-merge")
	for branch, want := range map[string]struct {
		count    int
		category string
	}{"main": {4, "01"}, "dev": {10, "02"}} {
		held := headOf(t, d, branch)
		assert.Equal(t, []string{"Segment1"}, slices.Collect(maps.Keys(held)))
		assert.Len(t, held["Segment1"], want.count)
		for i := range want.count {
			datum := held["Segment1"][fmt.Sprintf("hello%d.txt", i)]
			assert.JSONEq(t, fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, want.category), string(datum.Label))
		}
	}
}

func TestBasicSearchDatasetIsTheOneOfTheService(t *testing.T) {
	d := realDataset(t, "basic-search")
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

func TestStreetScenesHasWhatItPromises(t *testing.T) {
	d := realDataset(t, "street-scenes")
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
	assert.Len(t, d.Catalog, 13)

	main := headOf(t, d, "main")
	assert.Len(t, main, 6)
	types, kinds := map[string]int{}, map[string]int{}
	var count, unlabeled, timed, large int
	for _, held := range main {
		for _, datum := range held {
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

// Each strategy must give another result: there have to be data on both sides
// that differ, and data that are only in the source.
func TestStreetScenesBranchesAreInConflict(t *testing.T) {
	d := realDataset(t, "street-scenes")
	main, dev := headOf(t, d, "main"), headOf(t, d, "dev")
	var labels, contents, added int
	for segment, held := range dev {
		for path, theirs := range held {
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

func TestDriveLogHasEveryTypeOfSensor(t *testing.T) {
	d := realDataset(t, "drive-log")
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

func TestLabelsOfTheSeedMatchTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("../../openapi.yaml")
	require.NoError(t, err)
	schema := doc.Components.Schemas["Label"].Value
	seen := map[string]bool{}
	for datum := range allData(realSeed(t)) {
		if datum.Label == nil || seen[string(datum.Label)] {
			continue
		}
		seen[string(datum.Label)] = true
		var label map[string]any
		require.NoError(t, json.Unmarshal(datum.Label, &label))
		for name, value := range label {
			if mask, ok := value.(map[string]any); ok && strings.HasSuffix(name, "_MASK") {
				assert.NotContains(t, mask, "url")
				mask["url"] = "https://example.com/mask"
			}
		}
		require.NoError(t, schema.VisitJSON(label), "%s", datum.Label)
	}
	assert.Greater(t, len(seen), 500)
}

func TestSeedSchemaIsAJSONSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(tensorbayjobs.SeedSchema()))
	require.NoError(t, err)
	meta, err := jsonschema.NewCompiler().Compile("https://json-schema.org/draft/2020-12/schema")
	require.NoError(t, err)
	assert.NoError(t, meta.Validate(doc))
	_, err = seedSchema()
	assert.NoError(t, err)
	assertDescribed(t, "", doc)
}

// assertDescribed checks that every property of every schema says what it is.
func assertDescribed(t *testing.T, path string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for _, kind := range []string{"properties", "$defs"} {
			schemas, _ := v[kind].(map[string]any)
			for name, s := range schemas {
				schema, _ := s.(map[string]any)
				assert.NotEmpty(t, schema["description"], "%s/%s/%s", path, kind, name)
			}
		}
		for name, child := range v {
			assertDescribed(t, path+"/"+name, child)
		}
	case []any:
		for i, child := range v {
			assertDescribed(t, fmt.Sprintf("%s/%d", path, i), child)
		}
	}
}

func BenchmarkParseSeed(b *testing.B) {
	data := []byte(tensorbayjobs.Seed())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSeed(data); err != nil {
			b.Fatal(err)
		}
	}
}
