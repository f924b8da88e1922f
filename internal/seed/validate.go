package seed

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

// formats are the forms of texts by the name in the tag "format".
var formats = map[string]struct {
	pattern *regexp.Regexp
	want    string
}{
	"datasetId":   {regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`), "1 to 64 letters, digits, - and _"},
	"commitId":    {regexp.MustCompile(`^[0-9a-f]{32}$`), "32 hex digits in lower case"},
	"frameId":     {regexp.MustCompile(`^([0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$`), "a ULID (26 characters) or a UUID"},
	"labelType":   {regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`), "a label type in capitals"},
	"sensorType":  {regexp.MustCompile(`^(LIDAR|RADAR|CAMERA|FISHEYE_CAMERA)$`), "LIDAR, RADAR, CAMERA or FISHEYE_CAMERA"},
	"draftStatus": {regexp.MustCompile(`^(OPEN|CLOSED|COMMITTED)$`), "OPEN, CLOSED or COMMITTED"},
}

// IsLabelType reports whether a text has the form of a label type.
func IsLabelType(text string) bool { return formats["labelType"].pattern.MatchString(text) }

// validate returns the missing fields and the values of a wrong form.
func validate(seed *Seed) []error {
	document, err := contract.Load()
	if err != nil {
		return []error{err}
	}
	v := &validator{schemas: document.Components.Schemas}
	v.value("", reflect.ValueOf(seed).Elem(), "")
	return v.problems
}

type validator struct {
	schemas  openapi3.Schemas
	problems []error
}

func (v *validator) report(at string, format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("seed: %s: %s", at, fmt.Sprintf(format, args...)))
}

func (v *validator) value(at string, value reflect.Value, tag reflect.StructTag) {
	switch value.Kind() {
	case reflect.Struct:
		v.fields(at, value)
	case reflect.Slice:
		if wire, ok := reflect.TypeAssert[JSON](value); ok {
			v.wire(at, wire, tag.Get("schema"))
			return
		}
		for i := range value.Len() {
			v.value(fmt.Sprintf("%s[%d]", at, i), value.Index(i), tag)
		}
	case reflect.String:
		v.format(at, value.String(), tag.Get("format"))
	}
}

func (v *validator) fields(at string, value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		empty := value.Field(i).IsZero() || field.Type.Kind() == reflect.Slice && value.Field(i).Len() == 0 && name != "datasets"
		switch {
		case name == "" || name == "-":
		case !empty:
			v.value(strings.TrimPrefix(at+"."+name, "."), value.Field(i), field.Tag)
		case options != "omitempty":
			v.report(strings.TrimPrefix(at+"."+name, "."), "missing or empty")
		}
	}
}

func (v *validator) format(at string, text, name string) {
	if f, ok := formats[name]; ok && !f.pattern.MatchString(text) {
		v.report(at, "%.60q is not %s", text, f.want)
	}
}

// wire checks a value in its wire form against openapi.yaml.
func (v *validator) wire(at string, wire JSON, schema string) {
	var value map[string]any
	if err := json.Unmarshal(wire, &value); err != nil {
		v.report(at, "the value is not a mapping")
		return
	}
	switch schema {
	case "Sensor":
		v.format(at+".type", fmt.Sprint(value["type"]), "sensorType")
	case "Catalog":
		for labelType := range value {
			v.format(at+"."+labelType, labelType, "labelType")
		}
	case "Label":
		for labelType, label := range value {
			v.format(at+"."+labelType, labelType, "labelType")
			// The contract requires the URL of a mask, and the server adds it.
			if mask, ok := label.(map[string]any); ok && strings.HasSuffix(labelType, "_MASK") {
				if mask["url"] != nil {
					v.report(at+"."+labelType+".url", "the server sets it; remove it")
				}
				mask["url"] = ""
			}
		}
	}
	if err := v.schemas[schema].Value.VisitJSON(value); err != nil {
		var e *openapi3.SchemaError
		if errors.As(err, &e) {
			at = strings.Join(append([]string{at}, e.JSONPointer()...), ".")
			err = errors.New(e.Reason)
		}
		v.report(at, "%v", err)
	}
}
