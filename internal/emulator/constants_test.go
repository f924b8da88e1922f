package emulator

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

func TestConstants_EqualTheListsOfTheContract(t *testing.T) {
	document, err := contract.Load()
	require.NoError(t, err)
	schemas := document.Components.Schemas
	list := func(schema, extension string) []any { return schemas[schema].Value.Extensions[extension].([]any) }
	texts := func(list []any) (texts []string) {
		for _, value := range list {
			texts = append(texts, value.(string))
		}
		return texts
	}
	status := texts(list("JobStatus", "x-extensible-enum"))
	assert.Subset(t, status, []string{statusQueuing, statusProcessing})
	assert.Equal(t, texts(list("JobStatus", "x-finished")), finishedStatuses)
	assert.ElementsMatch(t, texts(list("JobType", "x-extensible-enum")), slices.Collect(maps.Keys(jobTypes)))
	assert.ElementsMatch(t, texts(list("DraftStatus", "x-extensible-enum")), []string{draftOpen, draftClosed, draftCommitted})
	assert.ElementsMatch(t, texts(list("MergeStrategy", "x-extensible-enum")), []string{strategyAbort, strategyOverride, strategySkip})
	assert.ElementsMatch(t, texts(list("SearchConjunction", "x-extensible-enum")), []string{conjunctionAnd, conjunctionOr})
	assert.ElementsMatch(t, texts(list("SearchUnit", "x-extensible-enum")), []string{unitFile, unitFrame})
	assert.ElementsMatch(t, slices.Collect(maps.Keys(schemas["NewSearchFilter"].Value.Discriminator.Mapping)), slices.Collect(maps.Keys(filterKeys)))
	masks := document.Paths.Find("/datasets/{datasetId}/masks/urls").Get.Parameters.GetByInAndName("query", "maskType")
	assert.ElementsMatch(t, texts(masks.Schema.Value.Enum), slices.Collect(maps.Keys(maskIDs)))
	codes := schemas["Error"].Value.Properties["code"].Value.Extensions["x-extensible-enum"].([]any)
	assert.Subset(t, texts(codes), []string{
		codeForbidden, codeInternalServerError, codeInvalidParamsValue, codeNameConflict, codeRequestParamsMissing, codeResourceNotExist, codeUnauthorized,
	})
	assert.NotContains(t, codes, newerCode)
	assert.NotContains(t, status, newerStatus)
	assert.NotContains(t, list("LabelType", "x-extensible-enum"), newerLabelType)
	assert.NotContains(t, list("JobType", "x-extensible-enum"), newerJobType)
}
