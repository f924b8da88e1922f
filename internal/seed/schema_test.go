package seed

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

// A schema is the part of a JSON schema that the structs determine.
type schema struct {
	Description          string            `json:"description"`
	Ref                  string            `json:"$ref"`
	Pattern              string            `json:"pattern"`
	Enum                 []string          `json:"enum"`
	Required             []string          `json:"required"`
	AdditionalProperties any               `json:"additionalProperties"`
	Properties           map[string]schema `json:"properties"`
	PatternProperties    map[string]schema `json:"patternProperties"`
	Defs                 map[string]schema `json:"$defs"`
}

// pattern returns the pattern of the texts that the schema accepts.
func (s schema) pattern(root schema) string {
	if ref, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		s = root.Defs[ref]
	}
	if s.Enum != nil {
		return "^(" + strings.Join(s.Enum, "|") + ")$"
	}
	return s.Pattern
}

func readSchema(t *testing.T, into any) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/seed.schema.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

func TestSchema_HasTheFieldsOfTheStructs(t *testing.T) {
	var root schema
	readSchema(t, &root)
	for _, test := range []struct {
		of     reflect.Type
		schema schema
	}{
		{reflect.TypeFor[Seed](), root},
		{reflect.TypeFor[Dataset](), root.Defs["dataset"]},
		{reflect.TypeFor[Commit](), root.Defs["commit"]},
		{reflect.TypeFor[Ref](), root.Defs["ref"]},
		{reflect.TypeFor[Draft](), root.Defs["draft"]},
		{reflect.TypeFor[Segment](), root.Defs["segment"]},
		{reflect.TypeFor[Frame](), root.Defs["frame"]},
		{reflect.TypeFor[datum](), root.Defs["datum"]},
	} {
		t.Run(test.of.Name(), func(t *testing.T) {
			var fields, required []string
			for _, field := range yamlFields(test.of) {
				name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
				fields = append(fields, name)
				if option != "omitempty" {
					required = append(required, name)
				}
				if format, ok := formats[field.Tag.Get("format")]; ok {
					assert.Equal(t, format.pattern.String(), test.schema.Properties[name].pattern(root), name)
				}
			}
			assert.ElementsMatch(t, slices.Collect(maps.Keys(test.schema.Properties)), fields)
			assert.ElementsMatch(t, test.schema.Required, required)
			assert.Equal(t, false, test.schema.AdditionalProperties, "unknown fields must be refused")
		})
	}
	labelType := formats["labelType"].pattern.String()
	assert.Contains(t, root.Defs["catalog"].PatternProperties, labelType)
	assert.Contains(t, root.Defs["label"].PatternProperties, labelType)
	assert.Equal(t, formats["sensorType"].pattern.String(), root.Defs["sensor"].Properties["type"].pattern(root))
}

// yamlFields returns the fields of a struct in YAML, also those of inline
// structs.
func yamlFields(of reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for _, field := range reflect.VisibleFields(of) {
		switch tag := field.Tag.Get("yaml"); tag {
		case "-":
		case ",inline":
			fields = append(fields, yamlFields(field.Type)...)
		default:
			fields = append(fields, field)
		}
	}
	return fields
}

func TestSchema_AcceptsTheDefaultSeed(t *testing.T) {
	var document any
	readSchema(t, &document)
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, compiler.AddResource("seed.schema.json", document))
	compiled, err := compiler.Compile("seed.schema.json")
	require.NoError(t, err)

	data, err := os.ReadFile("../../testdata/seed.yaml")
	require.NoError(t, err)
	var node yaml.Node
	require.NoError(t, yaml.Load(data, &node))
	_, err = (expansion{}).measure(&node) // turns times into texts
	require.NoError(t, err)
	var value JSON
	require.NoError(t, value.UnmarshalYAML(&node))
	seed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(value)))
	require.NoError(t, err)
	assert.NoError(t, compiled.Validate(seed))
}

func TestSchema_DescribesEveryProperty(t *testing.T) {
	var document any
	readSchema(t, &document)
	assertDescribed(t, "", document)
}

func assertDescribed(t *testing.T, path string, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		for _, kind := range []string{"properties", "$defs"} {
			schemas, _ := value[kind].(map[string]any)
			for name, s := range schemas {
				schema, _ := s.(map[string]any)
				assert.NotEmpty(t, schema["description"], "%s/%s/%s", path, kind, name)
			}
		}
		for name, child := range value {
			assertDescribed(t, path+"/"+name, child)
		}
	case []any:
		for i, child := range value {
			assertDescribed(t, fmt.Sprintf("%s/%d", path, i), child)
		}
	}
}

func TestFormats_ListTheValuesOfTheContract(t *testing.T) {
	document, err := contract.Load()
	require.NoError(t, err)
	schemas := document.Components.Schemas
	for format, list := range map[string]*openapi3.SchemaRef{
		"sensorType":  schemas["Sensor"].Value.Properties["type"],
		"draftStatus": schemas["DraftStatus"],
	} {
		var values []string
		for _, value := range list.Value.Extensions["x-extensible-enum"].([]any) {
			values = append(values, value.(string))
		}
		assert.Equal(t, "^("+strings.Join(values, "|")+")$", formats[format].pattern.String(), format)
	}
}
