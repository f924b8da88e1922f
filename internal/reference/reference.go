// Package reference renders openapi.yaml as one static HTML page, which needs no network.
package reference

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

//go:embed page.html
var source string

// Page returns the HTML of a document.
func Page(document *openapi3.T) ([]byte, error) {
	page, err := template.New("page").Funcs(template.FuncMap{
		"markdown": markdown, "json": indented, "type": typeOf, "values": valuesOf, "properties": propertiesOf, "form": form,
	}).Parse(source)
	if err != nil {
		return nil, err
	}
	schemas := document.Components.Schemas
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Info": document.Info, "Servers": document.Servers, "Groups": groups(document), "Schemas": sorted(schemas),
	})
	return out.Bytes(), err
}

// A group holds the operations with one tag.
type group struct {
	Tag        *openapi3.Tag
	Operations []operation
}

type operation struct {
	Method, Path string
	*openapi3.Operation
	Parameters openapi3.Parameters // also those of the path
	Idempotent any
	Request    []example
	Body       *openapi3.SchemaRef
	Responses  []response
}

type response struct {
	Status, Description string
	Headers             []named[*openapi3.HeaderRef]
	Schema              *openapi3.SchemaRef
	Examples            []example
}

type example struct {
	Name  string
	Value any
}

type named[T any] struct {
	Name  string
	Value T
}

func sorted[T any](items map[string]T) []named[T] {
	list := make([]named[T], 0, len(items))
	for _, name := range slices.Sorted(maps.Keys(items)) {
		list = append(list, named[T]{name, items[name]})
	}
	return list
}

func groups(document *openapi3.T) []group {
	all := make([]group, len(document.Tags))
	for i, tag := range document.Tags {
		all[i].Tag = tag
		for _, path := range sorted(document.Paths.Map()) {
			for _, op := range sorted(path.Value.Operations()) {
				if slices.Contains(op.Value.Tags, tag.Name) {
					all[i].Operations = append(all[i].Operations, newOperation(path.Name, path.Value, op))
				}
			}
		}
	}
	return all
}

func newOperation(path string, item *openapi3.PathItem, op named[*openapi3.Operation]) operation {
	o := operation{
		Method: op.Name, Path: path, Operation: op.Value,
		Parameters: slices.Concat(item.Parameters, op.Value.Parameters), Idempotent: op.Value.Extensions["x-idempotent"],
	}
	if op.Value.RequestBody != nil {
		o.Body, o.Request = contentOf(op.Value.RequestBody.Value.Content)
	}
	for _, r := range sorted(op.Value.Responses.Map()) {
		schema, examples := contentOf(r.Value.Value.Content)
		o.Responses = append(o.Responses, response{r.Name, *r.Value.Value.Description, sorted(r.Value.Value.Headers), schema, examples})
	}
	return o
}

func contentOf(content openapi3.Content) (*openapi3.SchemaRef, []example) {
	media := content.Get("application/json")
	if media == nil {
		return nil, nil
	}
	var examples []example
	if media.Example != nil {
		examples = append(examples, example{"", media.Example})
	}
	for _, e := range sorted(media.Examples) {
		examples = append(examples, example{e.Name, e.Value.Value.Value})
	}
	return media.Schema, examples
}

// A property is a property of a schema.
type property struct {
	Name     string
	Required bool
	Schema   *openapi3.SchemaRef
}

// propertiesOf returns the properties of a schema and of the parts of its allOf.
func propertiesOf(ref *openapi3.SchemaRef) (properties []property) {
	for _, part := range append(ref.Value.AllOf, ref) {
		if part != ref && part.Ref != "" {
			continue // typeOf links it
		}
		for _, p := range sorted(part.Value.Properties) {
			properties = append(properties, property{p.Name, slices.Contains(part.Value.Required, p.Name), p.Value})
		}
	}
	return properties
}

// values lists the values of a string. Open means that there may be others.
type values struct {
	List []any
	Open bool
}

func valuesOf(ref *openapi3.SchemaRef) values {
	if list, ok := ref.Value.Extensions["x-extensible-enum"].([]any); ok {
		return values{list, true}
	}
	return values{ref.Value.Enum, false}
}

// typeOf returns the type of a schema, with links to the schemas that it refers to.
func typeOf(ref *openapi3.SchemaRef) template.HTML {
	if name := strings.TrimPrefix(ref.Ref, "#/components/schemas/"); name != "" {
		name = template.HTMLEscapeString(name)
		return template.HTML(fmt.Sprintf(`<a href="#%s">%s</a>`, name, name)) //nolint:gosec // it is escaped
	}
	return form(ref.Value)
}

// form returns the type of a schema without a link to itself.
func form(s *openapi3.Schema) template.HTML {
	union := func(parts openapi3.SchemaRefs, separator string) template.HTML {
		var texts []string
		for _, part := range parts {
			if part.Ref != "" || part.Value.Type != nil && !part.Value.Type.Is("object") {
				texts = append(texts, string(typeOf(part)))
			}
		}
		return template.HTML(strings.Join(texts, separator)) //nolint:gosec // typeOf escapes it
	}
	switch {
	case s.OneOf != nil:
		return union(s.OneOf, " or ")
	case s.AllOf != nil:
		return union(s.AllOf, " and ")
	case s.Type == nil:
		return "any"
	case s.Type.Is("array"):
		return "list of " + typeOf(s.Items)
	case s.Type.Is("object") && s.AdditionalProperties.Schema != nil:
		return "object with values of " + typeOf(s.AdditionalProperties.Schema)
	}
	text := template.HTMLEscapeString(cmp.Or(s.Type.Slice()[0], "any"))
	if s.Nullable {
		text += " or null"
	}
	return template.HTML(text) //nolint:gosec // it is escaped
}

var converter = goldmark.New(goldmark.WithExtensions(extension.Table))

func markdown(text string) (template.HTML, error) {
	var out bytes.Buffer
	err := converter.Convert([]byte(text), &out)
	return template.HTML(out.String()), err //nolint:gosec // goldmark leaves out raw HTML
}

func indented(value any) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the template escapes it
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return out.String(), err
}
