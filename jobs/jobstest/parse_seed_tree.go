package jobstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxSeedDepth is far above what a seed needs and far below what would exhaust
// the stack of a JSON reader.
const maxSeedDepth = 200

// A seedNode is a YAML value with aliases and merge keys resolved, still
// knowing its line.
type seedNode struct {
	line int
	// value is what the schema sees: map[string]any, []any, string, bool,
	// int64, uint64, float64 or nil.
	value any
	// text is a scalar in JSON, with a number as it was written.
	text    string
	members []seedMember // of a mapping, in the order they were written
	items   []*seedNode  // of a sequence
	size    int
	depth   int
}

type seedMember struct {
	name string
	line int
	node *seedNode
}

func (n *seedNode) member(name string) (seedMember, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m, true
		}
	}
	return seedMember{}, false
}

func (n *seedNode) appendJSON(b []byte) []byte {
	switch n.value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, m := range n.members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, jsonText(m.name)...)
			b = append(b, ':')
			b = m.node.appendJSON(b)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	}
	return append(b, n.text...)
}

func jsonText(s string) string {
	if plainText(s) {
		return `"` + s + `"`
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// plainText says that s needs no escape in JSON, as nearly every text does not.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func parseSeedTree(data []byte) (*seedNode, error) {
	if len(data) > maxSeedSize {
		return nil, seedError{reason: fmt.Sprintf("it has %d bytes, at most %d are read", len(data), maxSeedSize)}
	}
	if err := checkSeedText(data); err != nil {
		return nil, err
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, yamlProblem(err)
	}
	var doc, more yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) != 1:
		return nil, seedError{line: 1, reason: "it is empty"}
	case err != nil:
		return nil, yamlProblem(err)
	}
	switch err := loader.Load(&more); {
	case err == nil:
		return nil, seedError{line: more.Line, reason: "a second YAML document begins; keep one"}
	case !errors.Is(err, io.EOF):
		return nil, yamlProblem(err)
	}
	r := seedReader{done: map[*yaml.Node]*seedNode{}}
	return r.read(doc.Content[0])
}

// checkSeedText finds what the YAML library refuses without saying where.
func checkSeedText(data []byte) error {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			return seedError{line: line, reason: "it is not UTF-8"}
		case r == '\n':
			line++
		case r == '\t' || r == '\r' || r == 0x85:
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return seedError{line: line, reason: fmt.Sprintf("has the control character %U; write it as an escape in a quoted text", r)}
		}
		data = data[n:]
	}
	return nil
}

func yamlProblem(err error) error {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return seedError{reason: fmt.Sprintf("it is not YAML: %v", err)}
	}
	reason := load.Message
	if load.ContextMsg != "" {
		reason = load.ContextMsg + ": " + reason
	}
	return seedError{line: load.Mark.Line, reason: "it is not YAML: " + reason}
}

// A seedReader turns YAML nodes into seed nodes.
type seedReader struct {
	// done holds what anchors name; nil while it is being read, which is how
	// an anchor that contains itself shows.
	done  map[*yaml.Node]*seedNode
	spent int
}

// spend counts what the document expands to: an alias counts as much as what
// it stands for.
func (r *seedReader) spend(n, line int) error {
	r.spent += n
	if r.spent > maxSeedSize {
		return seedError{line: line, reason: fmt.Sprintf("its aliases expand to more than %d bytes; repeat less", maxSeedSize)}
	}
	return nil
}

func (r *seedReader) read(y *yaml.Node) (*seedNode, error) {
	if y.Kind == yaml.AliasNode {
		return r.readAlias(y)
	}
	if y.Anchor != "" {
		r.done[y] = nil
	}
	before := r.spent
	if err := r.spend(1+len(y.Value), y.Line); err != nil {
		return nil, err
	}
	n := &seedNode{line: y.Line, depth: 1}
	var err error
	switch y.Kind {
	case yaml.MappingNode:
		err = r.readMapping(n, y)
	case yaml.SequenceNode:
		err = r.readSequence(n, y)
	default:
		err = readScalar(n, y)
	}
	if err != nil {
		return nil, err
	}
	n.size = r.spent - before
	if y.Anchor != "" {
		r.done[y] = n
	}
	return n, nil
}

func (r *seedReader) readAlias(y *yaml.Node) (*seedNode, error) {
	target := r.done[y.Alias]
	if target == nil {
		return nil, seedError{line: y.Line, reason: fmt.Sprintf("the alias %s stands inside the value it names", shorten(y.Value))}
	}
	if err := r.spend(target.size, y.Line); err != nil {
		return nil, err
	}
	// A value that is wrong where it is repeated is reported there.
	n := *target
	n.line = y.Line
	return &n, nil
}

func (n *seedNode) deepen(child *seedNode) error {
	n.depth = max(n.depth, child.depth+1)
	if n.depth > maxSeedDepth {
		return seedError{line: n.line, reason: fmt.Sprintf("it is nested more than %d deep", maxSeedDepth)}
	}
	return nil
}

func (r *seedReader) readSequence(n *seedNode, y *yaml.Node) error {
	if tag := y.ShortTag(); tag != "!!seq" {
		return tagProblem(y, tag)
	}
	values := make([]any, 0, len(y.Content))
	n.items = make([]*seedNode, 0, len(y.Content))
	for _, c := range y.Content {
		item, err := r.read(c)
		if err != nil {
			return err
		}
		if err := n.deepen(item); err != nil {
			return err
		}
		values = append(values, item.value)
		n.items = append(n.items, item)
	}
	n.value = values
	return nil
}

func (r *seedReader) readMapping(n *seedNode, y *yaml.Node) error {
	if tag := y.ShortTag(); tag != "!!map" {
		return tagProblem(y, tag)
	}
	// A key of the mapping itself wins over one that is merged into it,
	// wherever they stand.
	lines := make(map[string]int, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		tag := key.ShortTag()
		if key.Kind != yaml.ScalarNode || tag != "!!str" && tag != "!!merge" {
			return seedError{line: y.Content[i].Line, reason: "has a key that is not a text; quote it"}
		}
		name := key.Value
		if tag == "!!merge" {
			name = "\x00merge" // a quoted "<<" is an ordinary key
		}
		if first, ok := lines[name]; ok {
			return seedError{line: y.Content[i].Line, reason: fmt.Sprintf("the key %s stands twice in one mapping, first in line %d", shorten(key.Value), first)}
		}
		lines[name] = y.Content[i].Line
	}

	values := make(map[string]any, len(lines))
	n.value = values
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		line := key.Line
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if err := r.spend(len(key.Value), line); err != nil {
			return err
		}
		child, err := r.read(value)
		if err != nil {
			return err
		}
		if err := n.deepen(child); err != nil {
			return err
		}
		if key.ShortTag() == "!!merge" {
			if err := n.merge(child, values, lines); err != nil {
				return err
			}
			continue
		}
		values[key.Value] = child.value
		n.members = append(n.members, seedMember{name: key.Value, line: line, node: child})
	}
	return nil
}

// merge adds the members of from, a mapping or a list of mappings, that the
// mapping does not have. Of a list the first wins.
func (n *seedNode) merge(from *seedNode, values map[string]any, own map[string]int) error {
	sources := from.items
	if _, ok := from.value.([]any); !ok {
		sources = []*seedNode{from}
	}
	for _, source := range sources {
		if _, ok := source.value.(map[string]any); !ok {
			return seedError{line: from.line, reason: "<< merges a mapping or a list of mappings, nothing else"}
		}
		for _, m := range source.members {
			_, explicit := own[m.name]
			if _, merged := values[m.name]; explicit || merged {
				continue
			}
			values[m.name] = m.node.value
			n.members = append(n.members, m)
		}
	}
	return nil
}

func tagProblem(y *yaml.Node, tag string) error {
	return seedError{line: y.Line, reason: fmt.Sprintf("has the tag %s, which JSON has no form for; leave it out", shorten(tag))}
}

func readScalar(n *seedNode, y *yaml.Node) error {
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!timestamp":
		// A number that no float64 holds would silently become a text.
		if _, err := strconv.ParseFloat(y.Value, 64); y.Style == 0 && errors.Is(err, strconv.ErrRange) {
			return seedError{line: y.Line, reason: fmt.Sprintf("%s is too large a number; quote it if it is a text", shorten(y.Value))}
		}
		n.value, n.text = y.Value, jsonText(y.Value)
	case "!!null":
		switch strings.ToLower(y.Value) {
		case "", "~", "null":
			n.text = "null"
		default:
			return scalarProblem(y, "null")
		}
	case "!!bool":
		text := strings.ToLower(y.Value)
		if text != "true" && text != "false" {
			return scalarProblem(y, "a boolean")
		}
		n.value, n.text = text == "true", text
	case "!!int":
		return readInt(n, y)
	case "!!float":
		return readFloat(n, y)
	default:
		return tagProblem(y, tag)
	}
	return nil
}

func readInt(n *seedNode, y *yaml.Node) error {
	text := strings.TrimPrefix(y.Value, "+")
	digits := strings.TrimPrefix(text, "-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return seedError{line: y.Line, reason: fmt.Sprintf("%s is octal to some readers of YAML and decimal to others; quote it or leave out the zeros", shorten(y.Value))}
	}
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		n.value, n.text = i, strconv.FormatInt(i, 10)
		return nil
	}
	if u, err := strconv.ParseUint(text, 0, 64); err == nil {
		n.value, n.text = u, strconv.FormatUint(u, 10)
		return nil
	}
	return scalarProblem(y, "a whole number of 64 bits")
}

func readFloat(n *seedNode, y *yaml.Node) error {
	f, err := strconv.ParseFloat(strings.ReplaceAll(y.Value, "_", ""), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return scalarProblem(y, "a number that JSON can hold")
	}
	n.value, n.text = f, y.Value
	if !json.Valid([]byte(y.Value)) {
		text, err := json.Marshal(f)
		if err != nil {
			return scalarProblem(y, "a number that JSON can hold")
		}
		n.text = string(text)
	}
	return nil
}

func scalarProblem(y *yaml.Node, want string) error {
	return seedError{line: y.Line, reason: fmt.Sprintf("%s is not %s", shorten(y.Value), want)}
}

// shorten keeps an error readable where a value is long.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strconv.Quote(s)
}
