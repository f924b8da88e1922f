package jobs_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func schemas(t *testing.T) openapi3.Schemas {
	t.Helper()
	document, err := contract.Load()
	require.NoError(t, err)
	return document.Components.Schemas
}

// TestTypes_HaveTheFieldsOfTheContract compares the types that jobs decodes directly with
// openapi.yaml.
func TestTypes_HaveTheFieldsOfTheContract(t *testing.T) {
	for name, v := range map[string]any{
		"Label":           jobs.Label{},
		"Sensor":          jobs.Sensor{},
		"LabelStatistics": jobs.TypeStatistics{},
	} {
		assertSameJSON(t, name, schemas(t)[name], reflect.TypeOf(v))
	}
}

// assertSameJSON compares the JSON names of fields, which of them are required, and the kinds
// of their values.
func assertSameJSON(t *testing.T, path string, ref *openapi3.SchemaRef, got reflect.Type) {
	t.Helper()
	if got.Kind() == reflect.Pointer {
		got = got.Elem()
	}
	schema := ref.Value
	var kind string
	if schema.Type != nil {
		kind = schema.Type.Slice()[0]
	}
	switch got.Kind() {
	case reflect.String:
		assert.Equal(t, "string", kind, path)
	case reflect.Float64:
		assert.Equal(t, "number", kind, path)
	case reflect.Int, reflect.Int64:
		assert.Equal(t, "integer", kind, path)
	case reflect.Interface:
		assert.NotEmpty(t, schema.OneOf, path)
	case reflect.Slice:
		if assert.Equal(t, "array", kind, path) {
			assertSameJSON(t, path, schema.Items, got.Elem())
		}
	case reflect.Map:
		if assert.NotNil(t, schema.AdditionalProperties.Schema, path) {
			assertSameJSON(t, path, schema.AdditionalProperties.Schema, got.Elem())
		}
	case reflect.Struct:
		want, fields := map[string]bool{}, jsonFields(got)
		for name := range schema.Properties {
			if name != "url" { // a mask keeps it apart, because it is a secret
				want[name] = slices.Contains(schema.Required, name)
			}
		}
		required := map[string]bool{}
		for name, field := range fields {
			required[name] = !strings.Contains(field.Tag.Get("json"), ",omitempty")
			if property := schema.Properties[name]; property != nil {
				assertSameJSON(t, path+"."+name, property, field.Type)
			}
		}
		assert.Equal(t, want, required, path)
	default:
		assert.Fail(t, "a type without a JSON form", "%s: %s", path, got)
	}
}

func jsonFields(of reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = field
		}
	}
	return fields
}

func TestSnapshot_HoldsEachFieldOfAJob(t *testing.T) {
	job := map[string]any{
		"title": "a", "jobId": "6f2a", "jobType": "squashAndMerge", "arguments": map[string]any{}, "createdAt": 1, "startedAt": 1, "finishedAt": 1,
		"status": "SUCCESS", "errorMessage": "a", "result": map[string]any{}, "description": "a",
	}
	other := map[string]any{
		"title": "b", "jobId": "7b3c", "jobType": "basicSearch", "arguments": map[string]any{"b": 1}, "createdAt": 2, "startedAt": 2, "finishedAt": 2,
		"status": "FAILED", "errorMessage": "b", "result": map[string]any{"b": 1}, "description": "b",
	}
	ds := datasetByID(t, stubClient(t, respondWith(500, "")))
	snapshot := func(job map[string]any) jobs.Snapshot {
		body, err := json.Marshal(job)
		require.NoError(t, err)
		jobType := jobs.Type(job["jobType"].(string))
		resumed, err := ds.Jobs(jobType).Resume(savedJob(ds, jobType, string(body)))
		require.NoError(t, err)
		s := resumed.Snapshot()
		assert.Equal(t, string(body), string(s.Raw))
		s.Raw = nil
		return s
	}
	before := snapshot(job)
	for name := range schemas(t)["Job"].Value.Properties {
		require.Contains(t, other, name, "a new field: give it a place in Snapshot")
		changed := maps.Clone(job)
		changed[name] = other[name]
		assert.NotEqual(t, before, snapshot(changed), "Snapshot ignores %s", name)
	}
}

func TestConstants_EqualTheListsOfTheContract(t *testing.T) {
	all := schemas(t)
	properties := func(schema string) openapi3.Schemas {
		return all[schema].Value.Properties["arguments"].Value.Properties
	}
	document, err := contract.Load()
	require.NoError(t, err)
	draftStatus := document.Paths.Find("/datasets/{datasetId}/drafts").Get.Parameters.GetByInAndName("query", "status")
	for typeName, list := range map[string][]any{
		"Status":      openEnum(all["JobStatus"]),
		"Type":        openEnum(all["JobType"]),
		"LabelType":   openEnum(all["LabelType"]),
		"SensorType":  openEnum(all["Sensor"].Value.Properties["type"]),
		"DraftStatus": draftStatus.Schema.Value.Enum,
		"Strategy":    properties("CreateSquashAndMergeRequest")["strategy"].Value.Enum[:3], // without null
		"Conjunction": properties("CreateBasicSearchRequest")["conjunction"].Value.Enum,
		"Unit":        properties("CreateBasicSearchRequest")["unit"].Value.Enum,
	} {
		assert.ElementsMatch(t, list, constants(t, typeName), typeName)
	}
}

func openEnum(schema *openapi3.SchemaRef) []any {
	values, _ := schema.Value.Extensions["x-extensible-enum"].([]any)
	return values
}

// constants returns the values of the constants of a type in package jobs.
func constants(t *testing.T, typeName string) (values []any) {
	t.Helper()
	for _, file := range sourceFiles(t) {
		for _, decl := range file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.CONST {
				continue
			}
			for _, spec := range d.Specs {
				v := spec.(*ast.ValueSpec)
				if id, ok := v.Type.(*ast.Ident); !ok || id.Name != typeName {
					continue
				}
				value, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				values = append(values, value)
			}
		}
	}
	return values
}

func TestStatusFinished_EqualsTheContract(t *testing.T) {
	status := schemas(t)["JobStatus"]
	finished := status.Value.Extensions["x-finished"].([]any)
	for _, value := range append(openEnum(status), "ADDED_LATER", "") {
		assert.Equal(t, slices.Contains(finished, value), jobs.Status(value.(string)).Finished(), value)
	}
}
