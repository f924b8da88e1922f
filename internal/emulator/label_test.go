package emulator_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPutLabels_GivesAMaskWithoutInfoAnEmptyInfo(t *testing.T) {
	c := start(t, withSeed(drafts()))
	plain := c.id("plain")
	status, _ := c.post(c.form(plain, "hello"))
	require.Equal(t, 200, status)
	c.do(http.MethodPut, "datasets/"+plain+"/multi/data/labels", object{"segmentName": "s", "draftNumber": 1, "objects": []any{
		object{"remotePath": "a.txt", "label": object{"SEMANTIC_MASK": object{"checksum": checksumOf("hello"), "fileSize": 5}}},
	}})
	details := c.get("datasets/" + plain + "/data/details?segmentName=s&draftNumber=1")["dataDetails"].([]any)
	assert.Equal(t, []any{}, details[0].(object)["label"].(object)["SEMANTIC_MASK"].(object)["info"])
	assert.Empty(t, c.get("datasets/" + plain + "/labels/statistics?draftNumber=1")["labelStatistics"])
}
