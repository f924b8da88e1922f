package jobstest_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/stretchr/testify/require"
)

func TestSquashAndMergeAsSeen(t *testing.T) {
	for _, test := range []struct {
		strategy  string
		files     int
		labelled1 int // how many, of the first, have the label 01
	}{
		{"abort", 4, 4},
		{"override", 10, 0},
		{"skip", 10, 4},
	} {
		t.Run(test.strategy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(hello()))
				id := c.id("hello")
				result := c.create(id, "squashAndMerge", mergeArguments(test.strategy)).finish()
				require.Equal(t, object{"draftNumber": 1.0}, result)
				details := c.get("datasets/" + id + "/data/details?segmentName=Segment1&draftNumber=1")["dataDetails"].([]any)
				require.Len(t, details, test.files)
				for i, detail := range details {
					want := "02"
					if i < test.labelled1 {
						want = "01"
					}
					require.Equal(t, object{"CLASSIFICATION": object{"category": want}}, detail.(object)["label"])
				}
			})
		})
	}
}

// datum makes a datum whose content and label are one letter each.
func datum(path, content, label string) jobstest.SeedData {
	return jobstest.SeedData{
		RemotePath: path,
		Content:    []byte(content),
		Label:      json.RawMessage(fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, label)),
	}
}

func at(sensor string, d jobstest.SeedData) jobstest.SeedData {
	d.Sensor = sensor
	return d
}

// twoBranches has main and dev, which have nothing in common.
func twoBranches(fusion bool, main, dev []jobstest.SeedSegment) jobstest.Seed {
	return jobstest.Seed{Datasets: []jobstest.SeedDataset{{
		Name:     "ds",
		Fusion:   fusion,
		Commits:  []jobstest.SeedCommit{{Name: "c1", Segments: main}, {Name: "c2", Segments: dev}},
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "c1"}, {Name: "dev", Commit: "c2"}},
	}}}
}

// contents writes a content down: segment, then frame and sensor where there
// are any, path, bytes and category of each datum, in order.
func (c caller) contents(base, query string) []string {
	c.t.Helper()
	var lines []string
	for _, s := range c.get(base + "/segments?" + query)["segments"].([]any) {
		name := s.(object)["name"].(string)
		lines = append(lines, name)
		for _, detail := range c.get(base + "/data/details?segmentName=" + name + "&" + query)["dataDetails"].([]any) {
			detail := detail.(object)
			data, isFrame := detail["frame"].([]any)
			if !isFrame {
				data = []any{detail}
			}
			for _, d := range data {
				d := d.(object)
				place := ""
				if isFrame {
					place = fmt.Sprintf("%s %s ", detail["frameId"], d["sensorName"])
				}
				category := ""
				if label, ok := d["label"].(object); ok {
					category = label["CLASSIFICATION"].(object)["category"].(string)
				}
				_, content := c.download(d["url"].(string), nil)
				lines = append(lines, fmt.Sprintf("- %s%s %s %s", place, d["remotePath"], content, category))
			}
		}
	}
	return lines
}

func TestMergeOfPlainDatasets(t *testing.T) {
	main := []jobstest.SeedSegment{
		{Name: "a", Description: "of main", Data: []jobstest.SeedData{
			datum("same", "x", "1"), datum("other-label", "x", "1"), datum("other-content", "x", "1"), datum("mine", "x", "1"),
		}},
		{Name: "b", Data: []jobstest.SeedData{datum("mine", "x", "1")}},
	}
	dev := []jobstest.SeedSegment{
		{Name: "c", Data: []jobstest.SeedData{datum("same", "y", "2")}},
		{Name: "a", Description: "of dev", Data: []jobstest.SeedData{
			datum("theirs", "y", "2"), datum("other-content", "y", "1"), datum("same", "x", "1"), datum("other-label", "x", "2"),
		}},
	}
	withoutConflict := []jobstest.SeedSegment{dev[0], {Name: "a", Data: []jobstest.SeedData{dev[1].Data[0], dev[1].Data[2]}}}
	union := []string{"a", "- same x 1", "- other-label x 1", "- other-content x 1", "- mine x 1", "- theirs y 2", "b", "- mine x 1", "c", "- same y 2"}
	for _, test := range []struct {
		name, strategy string
		dev            []jobstest.SeedSegment
		want           []string
		description    string
	}{
		{"abort with conflict", "abort", dev, []string{"a", "- same x 1", "- other-label x 1", "- other-content x 1", "- mine x 1", "b", "- mine x 1"}, "of main"},
		{"abort without conflict", "abort", withoutConflict, union, "of main"},
		{"skip", "skip", dev, union, "of main"},
		{"override", "override", dev, []string{"a", "- same x 1", "- other-label x 2", "- other-content y 1", "- mine x 1", "- theirs y 2", "b", "- mine x 1", "c", "- same y 2"}, "of dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(twoBranches(false, main, test.dev)))
				base := "datasets/" + c.id("ds")
				before := c.contents(base, "commit=main")
				c.create(c.id("ds"), "squashAndMerge", mergeArguments(test.strategy)).finish()
				require.Equal(t, test.want, c.contents(base, "draftNumber=1"))
				require.Equal(t, test.description, c.get(base + "/segments?draftNumber=1")["segments"].([]any)[0].(object)["description"])
				require.Equal(t, before, c.contents(base, "commit=main"), "the branch itself does not change")
			})
		})
	}
}

func TestMergeOfFusionDatasets(t *testing.T) {
	sensors := func(names ...string) (described []json.RawMessage) {
		for _, name := range names {
			described = append(described, json.RawMessage(fmt.Sprintf(`{"name": %q, "type": "CAMERA"}`, name)))
		}
		return described
	}
	main := []jobstest.SeedSegment{{Name: "a", Sensors: sensors("L", "R"), Frames: []jobstest.SeedFrame{
		{ID: "f1", Data: []jobstest.SeedData{at("L", datum("l1", "x", "1")), at("R", datum("r1", "x", "1"))}},
		{ID: "f2", Data: []jobstest.SeedData{at("L", datum("l2", "x", "1"))}},
	}}}
	dev := []jobstest.SeedSegment{{Name: "a", Sensors: sensors("R", "T", "L"), Frames: []jobstest.SeedFrame{
		{ID: "f3", Data: []jobstest.SeedData{at("L", datum("l3", "y", "2"))}},
		{ID: "f2", Data: []jobstest.SeedData{at("T", datum("t2", "y", "2")), at("L", datum("l2", "x", "1"))}},
		{ID: "f1", Data: []jobstest.SeedData{
			at("L", datum("l1-new", "y", "2")), // another path in the same slot
			at("R", datum("r1", "x", "1")),     // the same
		}},
	}}}
	for strategy, want := range map[string][]string{
		"abort":    {"a", "- f1 L l1 x 1", "- f1 R r1 x 1", "- f2 L l2 x 1"},
		"override": {"a", "- f1 L l1-new y 2", "- f1 R r1 x 1", "- f2 L l2 x 1", "- f2 T t2 y 2", "- f3 L l3 y 2"},
		"skip":     {"a", "- f1 L l1 x 1", "- f1 R r1 x 1", "- f2 L l2 x 1", "- f2 T t2 y 2", "- f3 L l3 y 2"},
	} {
		t.Run(strategy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(twoBranches(true, main, dev)))
				base := "datasets/" + c.id("ds")
				c.create(c.id("ds"), "squashAndMerge", mergeArguments(strategy)).finish()
				require.Equal(t, want, c.contents(base, "draftNumber=1"))
				var names []any
				for _, sensor := range c.get(base + "/sensors?segmentName=a&draftNumber=1")["sensors"].([]any) {
					names = append(names, sensor.(object)["name"])
				}
				if strategy == "abort" {
					require.Equal(t, []any{"L", "R"}, names)
				} else {
					require.Equal(t, []any{"L", "R", "T"}, names)
				}
			})
		})
	}
}

// The same path in another frame is a conflict too: a path is unique in a
// segment.
func TestMergeMovesADatumToAnotherFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segment := func(frameID string) []jobstest.SeedSegment {
			return []jobstest.SeedSegment{{Name: "a", Sensors: []json.RawMessage{json.RawMessage(`{"name": "L", "type": "LIDAR"}`)},
				Frames: []jobstest.SeedFrame{{ID: frameID, Data: []jobstest.SeedData{at("L", datum("l1", "x", "1"))}}}}}
		}
		c := start(t, jobstest.WithSeed(twoBranches(true, segment("f1"), segment("f2"))))
		id := c.id("ds")
		for number, want := range map[string]string{"override": "f2", "skip": "f1", "abort": "f1"} {
			n := c.create(id, "squashAndMerge", mergeArguments(number)).finish()["draftNumber"]
			require.Equal(t, []string{"a", "- " + want + " L l1 x 1"}, c.contents("datasets/"+id, fmt.Sprintf("draftNumber=%v", n)))
		}
	})
}

func TestMergeSeesTheBranchesWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := hello()
		seed.Datasets[0].Drafts = []jobstest.SeedDraft{{Title: "d", Branch: "main", Segments: []jobstest.SeedSegment{
			{Name: "late", Data: []jobstest.SeedData{datum("late", "z", "3")}},
		}}}
		c := start(t, jobstest.WithSeed(seed))
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("override"))
		require.NoError(t, c.CommitDraft("hello", 1))
		require.Equal(t, object{"draftNumber": 2.0}, j.finish())
		require.Equal(t, 2.0, c.get("datasets/" + j.datasetID + "/segments?draftNumber=2")["totalCount"])
		drafts := c.get("datasets/" + j.datasetID + "/drafts")["drafts"].([]any)
		require.Equal(t, c.head(j.datasetID), drafts[0].(object)["parentCommitId"])
	})
}
