package emulator_test

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// albums returns a plain dataset with 300 data, masks and paths that need escapes.
func albums() seed.Seed {
	segment := seed.Segment{Name: "all of it", Description: "everything"}
	stamp := 1.5
	for i := range 300 {
		d := seed.Data{RemotePath: fmt.Sprintf("dir %%/ü?#%03d.bin", i), Size: int64(i)}
		switch i % 3 {
		case 1:
			d.Timestamp = &stamp
			d.Label = seed.JSON(fmt.Sprintf(`{"SEMANTIC_MASK": {"remotePath": "mask %d.png", "info": [{"categoryId": 1}]}, "NEW_TYPE": [[1]]}`, i))
		case 2:
			d.Content = []byte(fmt.Sprint("content ", i))
			d.Label = seed.JSON(`{"NEW_TYPE": [[1]]}`)
		}
		segment.Data = append(segment.Data, d)
	}
	return seed.Seed{Datasets: []seed.Dataset{{
		Name:     "albums",
		Commits:  []seed.Commit{{Name: "c", Segments: []seed.Segment{segment, {Name: "empty"}}}},
		Branches: []seed.Ref{{Name: "main", Commit: "c"}},
	}}}
}

func TestListDataDetails_Pages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, withSeed(albums()))
		base := "datasets/" + c.id("albums")
		const query = "?segmentName=all+of+it"
		seen := 0
		for offset := 0; offset < 300; offset += 128 {
			page := fmt.Sprintf("%s&offset=%d", query, offset)
			details := c.get(base + "/data/details" + page)
			urls := c.get(base + "/data/urls" + page)["urls"].([]any)
			masks := c.get(base + "/masks/urls" + page + "&maskType=SEMANTIC_MASK")["urls"].([]any)
			assert.EqualValues(t, min(128, 300-offset), details["recordSize"])
			assert.EqualValues(t, 300, details["totalCount"])
			for i, detail := range details["dataDetails"].([]any) {
				detail := detail.(object)
				n := offset + i
				path := fmt.Sprintf("dir %%/ü?#%03d.bin", n)
				require.Equal(t, path, detail["remotePath"])
				require.Equal(t, detail["remotePath"], urls[i].(object)["remotePath"])
				require.Equal(t, detail["url"], urls[i].(object)["url"], "signed in the same second")
				switch n % 3 {
				case 0:
					require.Equal(t, object{}, detail["label"])
					require.NotContains(t, detail, "timestamp")
					require.Nil(t, masks[i])
				case 1:
					require.Equal(t, 1.5, detail["timestamp"])
					mask := masks[i].(object)
					require.Equal(t, fmt.Sprintf("mask %d.png", n), mask["remotePath"])
					require.Equal(t, object{
						"SEMANTIC_MASK": object{"remotePath": mask["remotePath"], "url": mask["url"], "info": []any{object{"categoryId": 1.0}}},
						"NEW_TYPE":      []any{[]any{1.0}},
					}, detail["label"])
				case 2:
					require.Equal(t, object{"NEW_TYPE": []any{[]any{1.0}}}, detail["label"])
					require.Nil(t, masks[i])
				}
				seen++
			}
		}
		require.Equal(t, 300, seen)
		assert.Equal(t, []any{}, c.get(base + "/data/details?segmentName=empty")["dataDetails"])
		assert.Equal(t, []any{}, c.get(base + "/sensors?segmentName=empty")["sensors"])
		assert.Equal(t, []any{object{"name": "all of it", "description": "everything"}, object{"name": "empty", "description": ""}}, c.get(base + "/segments")["segments"])
	})
}

func TestListDataDetails_RemotePathSelectsOneDatum(t *testing.T) {
	c := start(t, withSeed(albums()))
	base := "datasets/" + c.id("albums")
	query := "?segmentName=all+of+it&remotePath=" + url.QueryEscape("dir %/ü?#001.bin")
	for read, list := range map[string]string{"/data/details": "dataDetails", "/data/urls": "urls", "/masks/urls": "urls"} {
		page := c.get(base + read + query + "&maskType=SEMANTIC_MASK&isInternal=true")
		if read == "/masks/urls" {
			assert.Equal(t, "mask 1.png", page[list].([]any)[0].(object)["remotePath"])
		} else {
			assert.Equal(t, "dir %/ü?#001.bin", page[list].([]any)[0].(object)["remotePath"])
		}
		assert.EqualValues(t, 1, page["totalCount"])
		page = c.get(base + read + query + "x&maskType=SEMANTIC_MASK")
		assert.Empty(t, page[list])
		assert.EqualValues(t, 0, page["totalCount"])
	}

	c = start(t, withSeed(cameras()))
	base = "datasets/" + c.id("cameras")
	query = "?segmentName=test&remotePath=left/test.png"
	frame := c.get(base + "/data/details" + query)["dataDetails"].([]any)[0].(object)
	assert.Equal(t, "01EMA1VJ6SR5K0ZQ4T8V2W9X3Y", frame["frameId"])
	require.Len(t, frame["frame"], 1)
	assert.Equal(t, "CAM_BACK_LEFT", frame["frame"].([]any)[0].(object)["sensorName"])
	urls := c.get(base + "/data/urls" + query)["urls"].([]any)[0].(object)
	assert.Equal(t, frame["frame"].([]any)[0].(object)["url"], urls["urls"].([]any)[0].(object)["url"])
	assert.Equal(t, []any{nil}, c.get(base + "/masks/urls" + query + "&maskType=INSTANCE_MASK")["urls"])
	assert.Len(t, c.get(base + "/masks/urls?segmentName=test&maskType=INSTANCE_MASK")["urls"], 2, "one item for each datum of the frame")
}
