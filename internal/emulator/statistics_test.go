package emulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

func TestGetLabelStatistics_CountsTheValuesOfTheCatalog(t *testing.T) {
	label := func(raw string) seed.Data {
		return seed.Data{RemotePath: raw, Label: seed.JSON(raw)}
	}
	c := start(t, withSeed(seed.Seed{Datasets: []seed.Dataset{{
		Name: "ds",
		Catalog: seed.JSON(`{
			"POLYGON": {
				"categories": [{"name": "b"}, {"name": "a"}, {"name": "never"}],
				"attributes": [
					{"name": "color", "enum": ["red", 1, null, "never"]},
					{"name": "speed", "type": "number", "minimum": 0, "maximum": 100},
					{"name": "open", "type": "boolean"},
					{"name": "text", "type": "string"},
					{"name": "absent", "type": "boolean"}]
			},
			"SEMANTIC_MASK": {"categories": [{"name": "road", "categoryId": 7}, {"name": "sky", "categoryId": 8}]}}`),
		Commits: []seed.Commit{{Name: "c", Segments: []seed.Segment{{Name: "s", Data: []seed.Data{
			label(`{"POLYGON": [
				{"polygon": [], "category": "new", "attributes": {"color": ["red", 1, "unknown"], "speed": 5, "open": false, "text": "x"}},
				{"polygon": [], "category": "a", "attributes": {"color": null, "speed": 7.5, "open": true}}]}`),
			label(`{"POLYGON": [{"polygon": [], "category": "b", "attributes": {"color": "red", "speed": -3, "open": "yes"}}, {"polygon": []}], "CLASSIFICATION": {"category": "day"}, "BOX2D": []}`),
			label(`{"SEMANTIC_MASK": {"remotePath": "m", "info": [{"categoryId": 8}, {"categoryId": 9}, {"categoryId": 8}]}, "LATER": {"x": 1}}`),
		}}}}},
		Branches: []seed.Ref{{Name: "main", Commit: "c"}},
	}}}))
	_, payload := c.send(http.MethodGet, "datasets/"+c.id("ds")+"/labels/statistics", nil)
	assert.JSONEq(t, `{"labelStatistics": {
		"CLASSIFICATION": {"quantity": 1, "categories": [{"name": "day", "quantity": 1}]},
		"LATER": {"quantity": 1},
		"POLYGON": {
			"quantity": 4,
			"categories": [
				{"name": "b", "quantity": 1, "attributes": [{"name": "color", "enum": ["red"], "quantities": [1]}, {"name": "speed", "minimum": -3, "maximum": -3}]},
				{"name": "a", "quantity": 1, "attributes": [{"name": "color", "enum": [null], "quantities": [1]}, {"name": "speed", "minimum": 7.5, "maximum": 7.5}, {"name": "open", "enum": [true], "quantities": [1]}]},
				{"name": "new", "quantity": 1, "attributes": [{"name": "color", "enum": ["red", 1], "quantities": [1, 1]}, {"name": "speed", "minimum": 5, "maximum": 5}, {"name": "open", "enum": [false], "quantities": [1]}]}
			],
			"attributes": [
				{"name": "color", "enum": ["red", 1, null], "quantities": [2, 1, 1]},
				{"name": "speed", "minimum": -3, "maximum": 7.5},
				{"name": "open", "enum": [true, false], "quantities": [1, 1]}
			]
		},
		"SEMANTIC_MASK": {"quantity": 3, "categories": [{"name": "sky", "quantity": 2}]}
	}}`, string(payload))
}
