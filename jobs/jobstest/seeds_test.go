package jobstest_test

import (
	"encoding/json"
	"fmt"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func boxes(category string, attributes string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(
		`{"BOX2D": [{"box2d": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}, "category": %q, "attributes": %s}]}`,
		category, attributes))
}

// hello has the two branches of the merges that were seen: main with hello0..3
// labelled 01, dev with hello0..9 labelled 02.
func hello() jobstest.Seed {
	data := func(n int, category string) []jobstest.SeedSegment {
		segment := jobstest.SeedSegment{Name: "Segment1"}
		for i := range n {
			segment.Data = append(segment.Data, jobstest.SeedData{
				RemotePath: fmt.Sprintf("hello%d.txt", i),
				Size:       10,
				Label:      json.RawMessage(fmt.Sprintf(`{"CLASSIFICATION": {"category": %q}}`, category)),
			})
		}
		return []jobstest.SeedSegment{segment}
	}
	return jobstest.Seed{Owner: "tester", Datasets: []jobstest.SeedDataset{{
		Name: "hello",
		Commits: []jobstest.SeedCommit{
			{Name: "c1", Title: "first", Date: 1700000000, Segments: data(4, "01")},
			{Name: "c2", Parent: "c1", Title: "second", Description: "more", Date: 1700000100, Segments: data(10, "02")},
		},
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "c1"}, {Name: "dev", Commit: "c2"}},
		Tags:     []jobstest.SeedRef{{Name: "v1", Commit: "c1"}},
	}}}
}

// cameras is the fusion dataset of the search that was seen.
func cameras() jobstest.Seed {
	sensors := []json.RawMessage{
		json.RawMessage(`{"name": "CAM_BACK_RIGHT", "type": "CAMERA", "extrinsics": {"translation": {"x": 1, "y": 2, "z": 3}, "rotation": {"w": 1, "x": 0, "y": 0, "z": 0}}}`),
		json.RawMessage(`{"name": "CAM_BACK_LEFT", "type": "CAMERA"}`),
	}
	segment := func(name, frameID string) jobstest.SeedSegment {
		return jobstest.SeedSegment{Name: name, Sensors: sensors, Frames: []jobstest.SeedFrame{{ID: frameID, Data: []jobstest.SeedData{
			{Sensor: "CAM_BACK_RIGHT", RemotePath: "right/" + name + ".png", Size: 5, Label: boxes("01", `{"attribute_1": true, "attribute_2": 3}`)},
			{Sensor: "CAM_BACK_LEFT", RemotePath: "left/" + name + ".png", Size: 6, Label: boxes("02", `{"attribute_1": false, "attribute_2": 1}`)},
		}}}}
	}
	return jobstest.Seed{Owner: "tester", Datasets: []jobstest.SeedDataset{{
		Name:   "cameras",
		Fusion: true,
		Catalog: map[string]jobstest.SeedCatalog{"BOX2D": {
			Categories: []jobstest.SeedCategory{{Name: "01"}, {Name: "02"}},
			Attributes: []jobstest.SeedAttribute{{Name: "attribute_1", Type: "boolean"}, {Name: "attribute_2", Type: "number"}},
		}},
		Commits: []jobstest.SeedCommit{{Name: "c1", Title: "first", Date: 1700000000, Segments: []jobstest.SeedSegment{
			segment("test", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y"),
			segment("train", "01EMA1VJ6SR5K0ZQ4T8V2W9X3Z"),
		}}},
		Branches: []jobstest.SeedRef{{Name: "main", Commit: "c1"}},
	}}}
}
