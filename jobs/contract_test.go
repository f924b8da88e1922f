package jobs_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// TestTypes_HaveTheFieldsOfTheContract compares the types that jobs decodes directly with the
// models that are generated from openapi.yaml.
func TestTypes_HaveTheFieldsOfTheContract(t *testing.T) {
	for _, pair := range [][2]any{
		{gen.Classification{}, jobs.LabeledClassification{}},
		{gen.LabeledBox2D{}, jobs.LabeledBox2D{}},
		{gen.LabeledBox3D{}, jobs.LabeledBox3D{}},
		{gen.LabeledPolygon{}, jobs.LabeledPolygon{}},
		{gen.LabeledMultiPolygon{}, jobs.LabeledMultiPolygon{}},
		{gen.LabeledRLE{}, jobs.LabeledRLE{}},
		{gen.LabeledPolyline2D{}, jobs.LabeledPolyline2D{}},
		{gen.LabeledMultiPolyline2D{}, jobs.LabeledMultiPolyline2D{}},
		{gen.LabeledKeypoints2D{}, jobs.LabeledKeypoints2D{}},
		{gen.LabeledSentence{}, jobs.LabeledSentence{}},
		{gen.SemanticMaskInfo{}, jobs.SemanticMaskInfo{}},
		{gen.InstanceMaskInfo{}, jobs.InstanceMaskInfo{}},
		{gen.PanopticMaskInfo{}, jobs.PanopticMaskInfo{}},
		{gen.Sensor{}, jobs.Sensor{}},
		{gen.LabelStatistics{}, jobs.TypeStatistics{}},
	} {
		assertSameJSON(t, reflect.TypeOf(pair[1]).Name(), reflect.TypeOf(pair[0]), reflect.TypeOf(pair[1]))
	}
}

// assertSameJSON compares the JSON names of fields, which of them are required, and the kinds
// of their values.
func assertSameJSON(t *testing.T, path string, want, got reflect.Type) {
	t.Helper()
	if want.Kind() == reflect.Pointer && got.Kind() != reflect.Pointer {
		want = want.Elem() // an optional text is empty if it is absent
	}
	if !assert.Equal(t, want.Kind(), got.Kind(), path) {
		return
	}
	switch want.Kind() {
	case reflect.Pointer, reflect.Slice:
		assertSameJSON(t, path, want.Elem(), got.Elem())
	case reflect.Map:
		assertSameJSON(t, path+" key", want.Key(), got.Key())
		assertSameJSON(t, path+" value", want.Elem(), got.Elem())
	case reflect.Struct:
		wantFields, gotFields := jsonFields(want), jsonFields(got)
		assert.Equal(t, sortedKeys(wantFields), sortedKeys(gotFields), path)
		for name, field := range wantFields {
			assertSameJSON(t, path+"."+name, field, gotFields[name])
		}
	}
}

// jsonFields maps the tag of each field to its type.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range of.NumField() {
		fields[of.Field(i).Tag.Get("json")] = of.Field(i).Type
	}
	return fields
}

func sortedKeys(fields map[string]reflect.Type) []string {
	var keys []string
	for key := range fields {
		keys = append(keys, strings.TrimSpace(key))
	}
	slices.Sort(keys)
	return keys
}
