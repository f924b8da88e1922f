package jobstest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
)

const seedSchemaName = "seed.schema.json"

type compiledSeedSchema struct {
	schema *jsonschema.Schema
	doc    any
}

var seedSchema = sync.OnceValues(func() (compiledSeedSchema, error) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(tensorbayjobs.SeedSchema()))
	if err != nil {
		return compiledSeedSchema{}, fmt.Errorf("read the schema of seeds: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(seedSchemaName, doc); err != nil {
		return compiledSeedSchema{}, fmt.Errorf("read the schema of seeds: %w", err)
	}
	schema, err := c.Compile(seedSchemaName)
	if err != nil {
		return compiledSeedSchema{}, fmt.Errorf("compile the schema of seeds: %w", err)
	}
	return compiledSeedSchema{schema, doc}, nil
})

// The schema does without propertyNames: of those the validator (as of v6.0.3)
// may report another place than the one that is wrong.

// validateSeed holds the document against the schema. The error is for a
// schema that cannot be used.
func validateSeed(doc *seedNode) ([]seedError, error) {
	s, err := seedSchema()
	if err != nil {
		return nil, err
	}
	err = s.schema.Validate(doc.value)
	if err == nil {
		return nil, nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, fmt.Errorf("validate the seed: %w", err)
	}
	return s.problems(nil, doc, invalid), nil
}

// problems appends what is wrong at the leaves of a validation error.
func (s compiledSeedSchema) problems(to []seedError, doc *seedNode, e *jsonschema.ValidationError) []seedError {
	at := locateSeed(doc, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			to = append(to, seedError{at.childLine(), at.child(name).path(), "is missing"})
		}
		return to
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			child := at.child(name)
			to = append(to, seedError{child.line(), child.path(), "is not a key of this mapping"})
		}
		return to
	}
	if len(e.Causes) == 0 {
		return append(to, seedError{at.line(), at.path(), s.reason(e)})
	}
	for _, cause := range e.Causes {
		to = s.problems(to, doc, cause)
	}
	return to
}

func (s compiledSeedSchema) reason(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		want := slices.Clone(k.Want)
		for i := range want {
			want[i] = withArticle(want[i])
		}
		return fmt.Sprintf("is %s, want %s", withArticle(k.Got), strings.Join(want, " or "))
	case *kind.Enum:
		want := make([]string, len(k.Want))
		for i, w := range k.Want {
			want[i] = fmt.Sprint(w)
		}
		return fmt.Sprintf("is %s, want one of %s", shorten(fmt.Sprint(k.Got)), strings.Join(want, ", "))
	case *kind.Pattern:
		return fmt.Sprintf("is %s, want %s", shorten(k.Got), s.description(e.SchemaURL))
	case *kind.MinLength:
		return "is empty, want a text"
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, want at least %d", k.Got, k.Want)
	case *kind.Minimum:
		return "is less than " + k.Want.RatString()
	case *kind.Maximum:
		return "is more than " + k.Want.RatString()
	case *kind.Not:
		return s.description(e.SchemaURL)
	}
	return "does not match the schema"
}

// description is that of the schema at the URL. One with a pattern is worded
// to follow "want", one that nothing matches to follow the path.
func (s compiledSeedSchema) description(url string) string {
	_, fragment, _ := strings.Cut(url, "#/")
	v := s.doc
	for part := range strings.SplitSeq(fragment, "/") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	m, _ := v.(map[string]any)
	text, _ := m["description"].(string)
	return text
}

func withArticle(jsonType string) string {
	switch jsonType {
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "integer":
		return "a whole number"
	case "string":
		return "a text"
	case "null":
		return "null"
	}
	return "a " + jsonType
}

// A seedAt is a place in the document. Its path is only made when a problem
// has to name it.
type seedAt struct {
	up      *seedAt
	name    string // of a member
	index   int    // of an item, where name is empty
	keyLine int
	node    *seedNode // nil where the member is missing
}

// child is the member of that name, whether or not it is there.
func (a seedAt) child(name string) seedAt {
	if a.node == nil {
		return seedAt{up: &a, name: name}
	}
	m, _ := a.node.member(name)
	return seedAt{up: &a, name: name, keyLine: m.line, node: m.node}
}

func (a seedAt) item(i int) seedAt {
	return seedAt{up: &a, index: i, node: a.node.items[i]}
}

// line is where to look: the key, so that a block below it is found too, or
// the mapping that should have had it.
func (a seedAt) line() int {
	switch {
	case a.keyLine > 0:
		return a.keyLine
	case a.node != nil:
		return a.node.line
	case a.up != nil:
		return a.up.line()
	}
	return 0
}

// childLine is where to look for a member that is missing.
func (a seedAt) childLine() int {
	if a.node == nil {
		return a.line()
	}
	return a.node.line
}

func (a seedAt) path() string {
	if a.up == nil {
		return ""
	}
	up := a.up.path()
	switch {
	case a.name == "" && a.node != nil && a.keyLine == 0:
		return up + "[" + strconv.Itoa(a.index) + "]"
	case !plainKey(a.name):
		return up + "[" + shorten(a.name) + "]"
	case up == "":
		return a.name
	}
	return up + "." + a.name
}

func plainKey(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func locateSeed(doc *seedNode, location []string) seedAt {
	at := seedAt{node: doc}
	for _, part := range location {
		if at.node == nil {
			return at
		}
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(at.node.items) {
			at = at.item(i)
			continue
		}
		at = at.child(part)
	}
	return at
}
