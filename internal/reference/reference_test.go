package reference_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/reference"
)

func page(t *testing.T) string {
	t.Helper()
	document, err := contract.Load()
	require.NoError(t, err)
	page, err := reference.Page(document)
	require.NoError(t, err)
	return string(page)
}

// section returns the section of an operation or a schema.
func section(t *testing.T, page, id string) string {
	t.Helper()
	_, section, found := strings.Cut(page, `id="`+id+`">`)
	require.True(t, found, id)
	section, _, found = strings.Cut(section, "</details>")
	require.True(t, found, id)
	return section
}

func TestPage_ShowsEachOperationWithItsExamples(t *testing.T) {
	document, err := contract.Load()
	require.NoError(t, err)
	page := page(t)
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			text := section(t, page, op.OperationID)
			assert.Contains(t, text, method)
			assert.Contains(t, text, path)
			assert.Contains(t, text, `<figure class="example">`, op.OperationID)
		}
	}
	assert.Contains(t, section(t, page, "createJob"), "&#34;sourceBranchName&#34;: &#34;dev&#34;")
}

func TestPage_ShowsTheValuesOfEnums(t *testing.T) {
	page := page(t)
	for schema, values := range map[string][]string{
		"JobType":   {"squashAndMerge", "basicSearch", "or a value added later"},
		"JobStatus": {"QUEUING", "PROCESSING", "SUCCESS", "FAILED", "ABORTED", "or a value added later"},
		"LabelType": {"CLASSIFICATION", "BOX2D", "PANOPTIC_MASK", "or a value added later"},
	} {
		text := section(t, page, schema)
		_, list, _ := strings.Cut(text, `<p class="values">`)
		for _, value := range values {
			assert.Contains(t, list, value, schema)
		}
	}
	assert.Contains(t, section(t, page, "CreateSquashAndMergeRequest"), "<code>override</code>")
}

func TestPage_HasNoBrokenLinkAndLoadsNothing(t *testing.T) {
	page := page(t)
	links := regexp.MustCompile(`href="#(\w+)"`).FindAllStringSubmatch(page, -1)
	assert.Greater(t, len(links), 100)
	for _, link := range links {
		assert.Contains(t, page, `id="`+link[1]+`"`)
	}
	assert.NotRegexp(t, `<(script|img|link|iframe)[^>]+(src|href)=`, page)
	assert.NotContains(t, page, "@import")
}
