package contract_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	document, err := contract.Load()
	require.NoError(t, err)
	return document
}

func TestDocument_IsValidWithItsExamples(t *testing.T) {
	document, err := contract.Parse()
	require.NoError(t, err)
	require.NoError(t, document.Validate(t.Context(), openapi3.EnableExamplesValidation()))
}

func TestDocument_DescribesEachOperation(t *testing.T) {
	for path, item := range load(t).Paths.Map() {
		for method, op := range item.Operations() {
			t.Run(op.OperationID, func(t *testing.T) {
				assert.NotEmpty(t, op.Summary)
				assert.NotEmpty(t, op.Description)
				assert.IsType(t, true, op.Extensions["x-idempotent"])
				assert.NotNil(t, op.Responses.Value("4XX"))
				assert.NotNil(t, op.Responses.Default())
				for _, p := range slices.Concat(item.Parameters, op.Parameters) {
					assert.NotEmpty(t, p.Value.Description, p.Value.Name)
					assert.NotNil(t, p.Value.Example, p.Value.Name)
				}
				if op.RequestBody != nil {
					assertExample(t, op.RequestBody.Value.Content)
				}
				for _, r := range op.Responses.Map() {
					assertExample(t, r.Value.Content)
				}
				if method != "GET" && !slices.Contains([]string{"createJob", "createDataset", "createDraft", "createCommit"}, op.OperationID) {
					assert.Empty(t, op.Responses.Value("200").Value.Content, "%s %s promises no body", method, path)
				}
			})
		}
	}
}

func assertExample(t *testing.T, content openapi3.Content) {
	t.Helper()
	for _, media := range content {
		assert.True(t, media.Example != nil || len(media.Examples) > 0, "a body has no example")
	}
}

// eachSchema calls f with all schemas of the document.
func eachSchema(document *openapi3.T, f func(path string, s *openapi3.Schema)) {
	var visit func(path string, ref *openapi3.SchemaRef)
	visit = func(path string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Ref != "" {
			return
		}
		f(path, ref.Value)
		for name, p := range ref.Value.Properties {
			visit(path+"."+name, p)
		}
		for _, part := range slices.Concat(ref.Value.AllOf, ref.Value.OneOf, ref.Value.AnyOf) {
			visit(path, part)
		}
		visit(path, ref.Value.Items)
		visit(path, ref.Value.AdditionalProperties.Schema)
	}
	for name, schema := range document.Components.Schemas {
		visit(name, schema)
	}
}

func TestDocument_NamesTheValuesOfOpenEnums(t *testing.T) {
	found := 0
	eachSchema(load(t), func(path string, s *openapi3.Schema) {
		values, _ := s.Extensions["x-extensible-enum"].([]any)
		for _, value := range values {
			found++
			assert.Contains(t, s.Description, "`"+value.(string)+"`", path)
		}
	})
	assert.Greater(t, found, 50)
}

// Requests are closed and responses are open.
func TestDocument_ClosesRequestsOnly(t *testing.T) {
	document := load(t)
	var check func(t *testing.T, path string, s *openapi3.SchemaRef, closed bool, seen map[*openapi3.Schema]bool)
	check = func(t *testing.T, path string, s *openapi3.SchemaRef, closed bool, seen map[*openapi3.Schema]bool) {
		if s == nil || seen[s.Value] || closed && s.Value.Extensions["x-open"] == true {
			return
		}
		seen[s.Value] = true
		if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Schema == nil {
			has := s.Value.AdditionalProperties.Has
			assert.Equal(t, closed, has != nil && !*has, "%s: additionalProperties", path)
		}
		if !closed {
			assert.Empty(t, s.Value.Enum, "%s: enum", path)
		}
		for name, p := range s.Value.Properties {
			check(t, path+"."+name, p, closed, seen)
		}
		for _, part := range slices.Concat(s.Value.AllOf, s.Value.OneOf, s.Value.AnyOf) {
			check(t, path, part, closed, seen)
		}
		check(t, path, s.Value.Items, closed, seen)
		check(t, path, s.Value.AdditionalProperties.Schema, closed, seen)
	}
	requests, responses := map[*openapi3.Schema]bool{}, map[*openapi3.Schema]bool{}
	for _, item := range document.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				check(t, op.OperationID, op.RequestBody.Value.Content.Get("application/json").Schema, true, requests)
			}
			for _, r := range op.Responses.Map() {
				if media := r.Value.Content.Get("application/json"); media != nil {
					check(t, op.OperationID, media.Schema, false, responses)
				}
			}
		}
	}
	views := 0
	for name, schema := range document.Components.Schemas {
		if schema.Value.AllOf != nil { // the typed view of a job
			views++
			check(t, name, schema, false, responses)
		}
	}
	assert.Len(t, document.Components.Schemas["CreateJobRequest"].Value.OneOf, views, "one view for each job type")
}

// mistake matches a constant of mistakes.ts, such as
//
//	export const unit: Schemas["CreateJobRequest"] = {...};
var mistake = regexp.MustCompile(`(?m)^// @ts-expect-error .*\nexport const (\w+): (Schemas|Query)\[?<?"(\w+)"\]?>? = (.*);$`)

// The TypeScript compiler refuses the requests in mistakes.ts, and so does the contract.
func TestMistakes_AreRefused(t *testing.T) {
	text, err := os.ReadFile("../../interop/typescript/src/mistakes.ts")
	require.NoError(t, err)
	mistakes := mistake.FindAllStringSubmatch(string(text), -1)
	assert.GreaterOrEqual(t, len(mistakes), 12)
	assert.Len(t, mistakes, strings.Count(string(text), "export const"), "a constant has another form")
	document := load(t)
	for _, m := range mistakes {
		t.Run(m[1], func(t *testing.T) {
			var value map[string]any
			require.NoError(t, json.Unmarshal([]byte(m[4]), &value))
			if m[2] == "Schemas" {
				require.Error(t, document.Components.Schemas[m[3]].Value.VisitJSON(value))
				return
			}
			require.False(t, acceptsQuery(t, document, m[3], value))
		})
	}
	require.NoError(t, document.Components.Schemas["CreateJobRequest"].Value.VisitJSON(map[string]any{
		"title": "t", "jobType": "squashAndMerge",
		"arguments": map[string]any{"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"},
	}))
	require.True(t, acceptsQuery(t, document, "listMaskUrls", map[string]any{"segmentName": "train", "maskType": "SEMANTIC_MASK"}))
}

func acceptsQuery(t *testing.T, document *openapi3.T, operation string, query map[string]any) bool {
	t.Helper()
	for _, item := range document.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID != operation {
				continue
			}
			for _, p := range op.Parameters {
				value, given := query[p.Value.Name]
				if p.Value.Required && !given || given && p.Value.Schema.Value.VisitJSON(value) != nil {
					return false
				}
			}
			return true
		}
	}
	require.Fail(t, "no operation", operation)
	return false
}

// The requests in the fixtures of all languages conform to the contract.
func TestExchanges_SendValidJobs(t *testing.T) {
	text, err := os.ReadFile("../../testdata/conformance/exchanges.json")
	require.NoError(t, err)
	var file struct {
		Exchanges []struct {
			Name, Call string
			Request    struct{ Body any }
		}
	}
	require.NoError(t, json.Unmarshal(text, &file))
	keys := map[string]bool{}
	for _, e := range file.Exchanges {
		if e.Call != "createMerge" && e.Call != "createSearch" {
			continue
		}
		require.NoError(t, load(t).Components.Schemas["CreateJobRequest"].Value.VisitJSON(e.Request.Body), e.Name)
		filters, _ := e.Request.Body.(map[string]any)["arguments"].(map[string]any)["filters"].([]any)
		for _, f := range filters {
			keys[f.(map[string]any)["key"].(string)] = true
		}
	}
	want := load(t).Components.Schemas["NewSearchFilter"].Value.Discriminator.Mapping
	assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(keys)), "a fixture for each key")
}
