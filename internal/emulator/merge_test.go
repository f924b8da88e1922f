package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

func TestMerge_MatchesTheService(t *testing.T) {
	for _, test := range []struct {
		strategy string
		files    int
		labeled1 int // the number of first files with the label 01
	}{
		{"abort", 4, 4},
		{"override", 10, 0},
		{"skip", 10, 4},
	} {
		t.Run(test.strategy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, withSeed(hello()))
				id := c.id("hello")
				result := c.create(id, "squashAndMerge", mergeArguments(test.strategy)).finish()
				require.Equal(t, object{"draftNumber": 1.0}, result)
				details := c.get("datasets/" + id + "/data/details?segmentName=Segment1&draftNumber=1")["dataDetails"].([]any)
				require.Len(t, details, test.files)
				for i, detail := range details {
					want := "02"
					if i < test.labeled1 {
						want = "01"
					}
					require.Equal(t, object{"CLASSIFICATION": object{"category": want}}, detail.(object)["label"])
				}
			})
		})
	}
}

func TestCreateJob_RefusesInvalidMergeArguments(t *testing.T) {
	c := start(t, withSeed(hello()), withBadRequests())
	jobs := "datasets/" + c.id("hello") + "/jobs"
	for name, test := range map[string]struct {
		status int
		code   string
		change func(object)
	}{
		"no title":       {400, "RequestParamsMissing", func(a object) { delete(a, "title") }},
		"empty title":    {400, "RequestParamsMissing", func(a object) { a["title"] = "" }},
		"no source":      {400, "RequestParamsMissing", func(a object) { delete(a, "sourceBranchName") }},
		"null target":    {400, "RequestParamsMissing", func(a object) { a["targetBranchName"] = nil }},
		"no strategy":    {400, "RequestParamsMissing", func(a object) { delete(a, "strategy") }},
		"other strategy": {400, "InvalidParamsValue", func(a object) { a["strategy"] = "ours" }},
		"number":         {400, "InvalidParamsValue", func(a object) { a["title"] = 1 }},
		"unknown source": {404, "ResourceNotExist", func(a object) { a["sourceBranchName"] = "nothing" }},
		"unknown target": {404, "ResourceNotExist", func(a object) { a["targetBranchName"] = "nothing" }},
	} {
		t.Run(name, func(t *testing.T) {
			arguments := mergeArguments("abort")
			test.change(arguments)
			caller{t, c.Emulator, c.accessKey}.doError(test.status, test.code, http.MethodPost, jobs,
				object{"title": "t", "jobType": "squashAndMerge", "arguments": arguments})
		})
	}
}

// datum returns a datum with a content and a category.
func datum(path, content, label string) seed.Data {
	return seed.Data{
		RemotePath: path,
		Content:    []byte(content),
		Label:      seed.JSON(fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, label)),
	}
}

func at(sensor string, d seed.Data) seed.Data {
	d.Sensor = sensor
	return d
}

// twoBranches returns a dataset whose branches main and dev have no common commit.
func twoBranches(fusion bool, main, dev []seed.Segment) seed.Seed {
	return seed.Seed{Datasets: []seed.Dataset{{
		Name:     "ds",
		Fusion:   fusion,
		Commits:  []seed.Commit{{Name: "c1", Segments: main}, {Name: "c2", Segments: dev}},
		Branches: []seed.Ref{{Name: "main", Commit: "c1"}, {Name: "dev", Commit: "c2"}},
	}}}
}

func TestMerge_PlainDatasets(t *testing.T) {
	main := []seed.Segment{
		{Name: "a", Description: "of main", Data: []seed.Data{
			datum("same", "x", "1"), datum("other-label", "x", "1"), datum("other-content", "x", "1"), datum("mine", "x", "1"),
		}},
		{Name: "b", Data: []seed.Data{datum("mine", "x", "1")}},
	}
	dev := []seed.Segment{
		{Name: "c", Data: []seed.Data{datum("same", "y", "2")}},
		{Name: "a", Description: "of dev", Data: []seed.Data{
			datum("theirs", "y", "2"), datum("other-content", "y", "1"), datum("same", "x", "1"), datum("other-label", "x", "2"),
		}},
	}
	withoutConflict := []seed.Segment{dev[0], {Name: "a", Data: []seed.Data{dev[1].Data[0], dev[1].Data[2]}}}
	union := []string{"a", "- mine x 1", "- other-content x 1", "- other-label x 1", "- same x 1", "- theirs y 2", "b", "- mine x 1", "c", "- same y 2"}
	for _, test := range []struct {
		name, strategy string
		dev            []seed.Segment
		want           []string
		description    string
	}{
		{"abort with conflict", "abort", dev, []string{"a", "- mine x 1", "- other-content x 1", "- other-label x 1", "- same x 1", "b", "- mine x 1"}, "of main"},
		{"abort without conflict", "abort", withoutConflict, union, "of main"},
		{"skip", "skip", dev, union, "of main"},
		{"override", "override", dev, []string{"a", "- mine x 1", "- other-content y 1", "- other-label x 2", "- same x 1", "- theirs y 2", "b", "- mine x 1", "c", "- same y 2"}, "of dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, withSeed(twoBranches(false, main, test.dev)))
				base := "datasets/" + c.id("ds")
				before := c.contents(base, "commit=main")
				c.create(c.id("ds"), "squashAndMerge", mergeArguments(test.strategy)).finish()
				require.Equal(t, test.want, c.contents(base, "draftNumber=1"))
				require.Equal(t, test.description, c.get(base + "/segments?draftNumber=1")["segments"].([]any)[0].(object)["description"])
				require.Equal(t, before, c.contents(base, "commit=main"), "the merge must not change the branch")
			})
		})
	}
}

func TestMerge_FusionDatasets(t *testing.T) {
	sensors := func(names ...string) (described []seed.JSON) {
		for _, name := range names {
			described = append(described, seed.JSON(fmt.Sprintf(`{"name": %q, "type": "CAMERA"}`, name)))
		}
		return described
	}
	main := []seed.Segment{{Name: "a", Sensors: sensors("L", "R"), Frames: []seed.Frame{
		{ID: "f1", Data: []seed.Data{at("L", datum("l1", "x", "1")), at("R", datum("r1", "x", "1"))}},
		{ID: "f2", Data: []seed.Data{at("L", datum("l2", "x", "1"))}},
	}}}
	dev := []seed.Segment{{Name: "a", Sensors: sensors("R", "T", "L"), Frames: []seed.Frame{
		{ID: "f3", Data: []seed.Data{at("L", datum("l3", "y", "2"))}},
		{ID: "f2", Data: []seed.Data{at("T", datum("t2", "y", "2")), at("L", datum("l2", "x", "1"))}},
		{ID: "f1", Data: []seed.Data{
			at("L", datum("l1-new", "y", "2")), // another path of the same sensor and frame
			at("R", datum("r1", "x", "1")),     // no difference
		}},
	}}}
	for strategy, want := range map[string][]string{
		"abort":    {"a", "- f1 L l1 x 1", "- f1 R r1 x 1", "- f2 L l2 x 1"},
		"override": {"a", "- f1 L l1-new y 2", "- f1 R r1 x 1", "- f2 L l2 x 1", "- f2 T t2 y 2", "- f3 L l3 y 2"},
		"skip":     {"a", "- f1 L l1 x 1", "- f1 R r1 x 1", "- f2 L l2 x 1", "- f2 T t2 y 2", "- f3 L l3 y 2"},
	} {
		t.Run(strategy, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, withSeed(twoBranches(true, main, dev)))
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

// A remote path is unique in a segment, so it conflicts in another frame too.
func TestMerge_SameRemotePathInAnotherFrameConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		segment := func(frameID string) []seed.Segment {
			return []seed.Segment{{Name: "a", Sensors: []seed.JSON{seed.JSON(`{"name": "L", "type": "LIDAR"}`)},
				Frames: []seed.Frame{{ID: frameID, Data: []seed.Data{at("L", datum("l1", "x", "1"))}}}}}
		}
		c := start(t, withSeed(twoBranches(true, segment("f1"), segment("f2"))))
		id := c.id("ds")
		for number, want := range map[string]string{"override": "f2", "skip": "f1", "abort": "f1"} {
			n := c.create(id, "squashAndMerge", mergeArguments(number)).finish()["draftNumber"]
			require.Equal(t, []string{"a", "- " + want + " L l1 x 1"}, c.contents("datasets/"+id, fmt.Sprintf("draftNumber=%v", n)))
		}
	})
}

func TestMerge_UsesTheBranchesAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hello()
		s.Datasets[0].Drafts = []seed.Draft{{Title: "d", Branch: "main", Segments: []seed.Segment{
			{Name: "late", Data: []seed.Data{datum("late", "z", "3")}},
		}}}
		c := start(t, withSeed(s))
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("override"))
		require.NoError(t, c.CommitDraft("hello", 1))
		require.Equal(t, object{"draftNumber": 2.0}, j.finish())
		require.Equal(t, 2.0, c.get("datasets/" + j.datasetID + "/segments?draftNumber=2")["totalCount"])
		drafts := c.get("datasets/" + j.datasetID + "/drafts")["drafts"].([]any)
		require.Equal(t, c.head(j.datasetID), drafts[0].(object)["parentCommitId"])
	})
}
