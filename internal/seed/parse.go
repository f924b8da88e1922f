package seed

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	// maxSize limits the text of a seed, and the text after alias expansion.
	maxSize = 64 << 20
	// maxDepth limits the nesting, because the decoders recurse.
	maxDepth = 200
	// maxProblems limits the problems of one error.
	maxProblems = 10
)

// Parse decodes a seed from YAML. It refuses unknown fields, missing fields and
// values of a wrong form. It does not check references. The error lists up to
// ten problems, one a line.
func Parse(data []byte) (Seed, error) {
	seed, err := Decode(data)
	if err != nil {
		return Seed{}, err
	}
	if problems := validate(&seed); len(problems) > 0 {
		return Seed{}, join(problems)
	}
	return seed, nil
}

// Decode is Parse without the checks of missing fields and of the form of values,
// which take a third of the time. It is for a seed that a test has checked.
func Decode(data []byte) (Seed, error) {
	if len(data) > maxSize {
		return Seed{}, fmt.Errorf("seed: %d bytes exceed the limit of %d", len(data), maxSize)
	}
	var document yaml.Node
	if err := yaml.Load(data, &document); err != nil {
		return Seed{}, join(loadErrors(err))
	}
	if _, err := (expansion{}).measure(&document); err != nil {
		return Seed{}, err
	}
	var seed Seed
	if err := document.Load(&seed, yaml.WithKnownFields()); err != nil {
		return Seed{}, join(loadErrors(err))
	}
	return seed, nil
}

// join returns the first problems as one error.
func join(problems []error) error {
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], fmt.Errorf("seed: %d more problems", more))
	}
	return errors.Join(problems...)
}

// loadErrors returns the errors of the YAML library, each with its line.
func loadErrors(err error) []error {
	var several *yaml.LoadErrors
	if !errors.As(err, &several) {
		one := &yaml.LoadError{Message: err.Error()}
		errors.As(err, &one)
		several = &yaml.LoadErrors{Errors: []*yaml.LoadError{one}}
	}
	var problems []error
	for _, e := range several.Errors {
		for errors.As(e.Unwrap(), &e) { // the innermost has the best position
		}
		position := ""
		if e.Mark.Line > 0 {
			position = fmt.Sprintf("line %d: ", e.Mark.Line)
		}
		problems = append(problems, fmt.Errorf("seed: %s%s", position, strings.ReplaceAll(e.Message, "\n", " ")))
	}
	return problems
}

// extent is the size and the depth of a value after alias expansion.
type extent struct{ size, depth int }

// An expansion maps each measured node to its extent.
type expansion map[*yaml.Node]extent

// measure returns the extent of a node, or an error if a limit is exceeded.
func (x expansion) measure(node *yaml.Node) (extent, error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if known, ok := x[node]; ok {
		if known.depth == 0 {
			return extent{}, fmt.Errorf("seed: line %d: an anchor contains an alias to itself", node.Line)
		}
		return known, nil
	}
	x[node] = extent{} // in progress
	if err := checkTag(node); err != nil {
		return extent{}, err
	}
	total := extent{size: 1 + len(node.Value), depth: 1}
	for _, child := range node.Content {
		e, err := x.measure(child)
		if err != nil {
			return extent{}, err
		}
		total.size += e.size
		total.depth = max(total.depth, e.depth+1)
	}
	if total.size > maxSize || total.depth > maxDepth {
		return extent{}, fmt.Errorf("seed: line %d: the value exceeds %d bytes or %d levels after alias expansion", node.Line, maxSize, maxDepth)
	}
	x[node] = total
	return total, nil
}

// checkTag refuses values that JSON cannot express or that YAML readers
// interpret differently. It turns a time into a text, as in JSON.
func checkTag(node *yaml.Node) error {
	octal := len(node.Value) > 1 && node.Value[0] == '0' && node.Value[1] >= '0' && node.Value[1] <= '9'
	switch tag := node.ShortTag(); {
	case tag == "!!timestamp":
		node.Tag = "!!str"
	case tag == "!!int" && octal:
		return fmt.Errorf("seed: line %d: %q may be octal or decimal; quote it", node.Line, node.Value)
	case tag == "!!float" && strings.ContainsAny(node.Value, "nN"): // .inf or .nan
		return fmt.Errorf("seed: line %d: %q is not a finite number", node.Line, node.Value)
	case tag == "!!binary" || tag != "" && !strings.HasPrefix(tag, "!!"):
		return fmt.Errorf("seed: line %d: the tag %q is not supported", node.Line, tag)
	}
	return nil
}
