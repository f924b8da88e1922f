package jobs_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// allLabels holds a label of every type in its wire form.
const allLabels = `{
	"CLASSIFICATION": {"category": "street", "attributes": {"wet": true, "lanes": 2, "name": "A1", "none": null, "list": ["a", 1]}},
	"BOX2D": [{"box2d": {"xmin": 1, "ymin": 2, "xmax": 3.5, "ymax": 4}, "category": "car", "attributes": {"occluded": false}, "instance": "i1"}],
	"BOX3D": [{"box3d": {"size": {"x": 1, "y": 2, "z": 3}, "translation": {"x": 4, "y": 5, "z": 6}, "rotation": {"w": 1, "x": 0, "y": 0, "z": 0}}}],
	"POLYGON": [{"polygon": [{"x": 1, "y": 2}]}],
	"MULTI_POLYGON": [{"multiPolygon": [[{"x": 1, "y": 2}], []]}],
	"RLE": [{"rle": [0, 5, 3]}],
	"POLYLINE2D": [{"polyline2d": [{"x": 1, "y": 2}], "beizerPointTypes": "LC"}],
	"MULTI_POLYLINE2D": [{"multiPolyline2d": [[{"x": 1, "y": 2}]]}],
	"KEYPOINTS2D": [{"keypoints2d": [{"x": 1, "y": 2, "v": 2}, {"x": 3, "y": 4}]}],
	"SENTENCE": [{"sentence": [{"text": "hello", "begin": 0.5, "end": 1}], "spell": [{"text": "h"}], "phone": [{"text": "HH"}]}],
	"SEMANTIC_MASK": {"remotePath": "s.png", "url": "https://data.example/s.png?sig=1", "info": [{"categoryId": 7, "attributes": {"wet": true}}]},
	"INSTANCE_MASK": {"remotePath": "i.png", "url": "https://data.example/i.png?sig=2", "info": [{"instanceId": 8}]},
	"PANOPTIC_MASK": {"remotePath": "p.png", "url": "https://data.example/p.png?sig=3", "info": [{"instanceId": 9, "categoryId": 10}]},
	"HOLOGRAM": {"text": "unknown", "size": 1.50}
}`

func TestData_DecodesLabelsOfEveryType(t *testing.T) {
	data := collect(t, stubContents(t, respondWith(200, fmt.Sprintf(`{"dataDetails":[{"remotePath":"a","url":"https://data.example/a","timestamp":1.5,"label":%s},{"remotePath":"b","url":"https://data.example/b"}],"totalCount":2}`, allLabels))).Data(t.Context(), "train"))
	require.Len(t, data, 2)
	assert.True(t, data[1].Label.IsZero(), "a datum may have no label")
	assert.Nil(t, data[1].Timestamp)
	require.NotNil(t, data[0].Timestamp)
	assert.InDelta(t, 1.5, *data[0].Timestamp, 0)

	l := data[0].Label
	assert.Equal(t, "street", l.Classification.Category)
	assert.Equal(t, map[string]any{"wet": true, "lanes": 2.0, "name": "A1", "none": nil, "list": []any{"a", 1.0}}, l.Classification.Attributes)
	assert.InDelta(t, 3.5, l.Box2D[0].Box2D.Xmax, 0)
	assert.Equal(t, "i1", l.Box2D[0].Instance)
	assert.Equal(t, jobs.Vector3D{X: 4, Y: 5, Z: 6}, l.Box3D[0].Box3D.Translation)
	assert.InDelta(t, 2, l.Polygon[0].Polygon[0].Y, 0)
	assert.Len(t, l.MultiPolygon[0].MultiPolygon, 2)
	assert.Equal(t, []int64{0, 5, 3}, l.RLE[0].RLE)
	assert.Equal(t, "LC", l.Polyline2D[0].BeizerPointTypes)
	assert.Len(t, l.MultiPolyline2D[0].MultiPolyline2D[0], 1)
	assert.Equal(t, 2, *l.Keypoints2D[0].Keypoints2D[0].V)
	assert.Nil(t, l.Keypoints2D[0].Keypoints2D[1].V)
	assert.InDelta(t, 0.5, *l.Sentence[0].Sentence[0].Begin, 0)
	assert.Equal(t, "HH", l.Sentence[0].Phone[0].Text)
	assert.Equal(t, int64(7), l.SemanticMask.Info[0].CategoryID)
	assert.Equal(t, int64(8), l.InstanceMask.Info[0].InstanceID)
	assert.Equal(t, int64(10), l.PanopticMask.Info[0].CategoryID)
	assert.Equal(t, "https://data.example/p.png?sig=3", l.PanopticMask.URL())
	assert.Equal(t, json.RawMessage(`{"text": "unknown", "size": 1.50}`), l.Other["HOLOGRAM"].JSON(), "unknown labels are not changed")
	assert.Empty(t, l.Other["PHOTOGRAM"].JSON())
	assert.Equal(t, []jobs.LabelType{
		jobs.LabelClassification, jobs.LabelBox2D, jobs.LabelBox3D, jobs.LabelPolygon, jobs.LabelMultiPolygon, jobs.LabelRLE, jobs.LabelPolyline2D, jobs.LabelMultiPolyline2D,
		jobs.LabelKeypoints2D, jobs.LabelSentence, jobs.LabelSemanticMask, jobs.LabelInstanceMask, jobs.LabelPanopticMask, "HOLOGRAM",
	}, l.Types())
}

func TestData_DecodesEveryLabelOfTheSeed(t *testing.T) {
	_, client := connect(t)
	ctx := t.Context()
	types := map[jobs.LabelType]bool{}
	contents := contentsOf(ctx, t, client, "street-scenes")
	n := 0
	for _, segment := range collect(t, contents.Segments(ctx)) {
		for d, err := range contents.Data(ctx, segment.Name) {
			require.NoError(t, err)
			n++
			assert.Empty(t, d.Label.Other, d.RemotePath)
			for _, labelType := range d.Label.Types() {
				types[labelType] = true
			}
		}
	}
	assert.GreaterOrEqual(t, n, 2000)
	assert.Len(t, types, 13, "%v", types)
}

func TestData_AcceptsAMaskWithoutInfo(t *testing.T) {
	for _, info := range []string{``, `,"info":null`} {
		data := collect(t, stubContents(t, respondWith(200, `{"dataDetails":[{"remotePath":"a","url":"https://data.example/a","label":{"SEMANTIC_MASK":`+
			`{"remotePath":"s.png","url":"https://data.example/s.png"`+info+`}}}],"totalCount":1}`)).Data(t.Context(), "train"))
		assert.Equal(t, "s.png", data[0].Label.SemanticMask.RemotePath)
		assert.Empty(t, data[0].Label.SemanticMask.Info)
	}
}
