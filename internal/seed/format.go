package seed

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Format encodes a seed as YAML. Parse returns it again. It returns an error if Parse would
// refuse it.
func Format(seed Seed) ([]byte, error) {
	if problems := validate(&seed); len(problems) > 0 {
		return nil, join(problems)
	}
	encoded, err := yaml.Dump(&seed)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	if len(encoded) > maxSize {
		return nil, fmt.Errorf("seed: %d bytes exceed the limit of %d", len(encoded), maxSize)
	}
	return encoded, nil
}

// MarshalYAML encodes the content as text, in base64, or as a size.
func (d Data) MarshalYAML() (any, error) {
	y := datum{Plain: plainData(d)}
	switch {
	case d.Content == nil:
		y.Size = &d.Size
	case utf8.Valid(d.Content) && !bytes.ContainsFunc(d.Content, notText):
		text := string(d.Content)
		y.Content = &text
	default:
		encoded := base64.StdEncoding.EncodeToString(d.Content)
		y.ContentBase64 = &encoded
	}
	return y, nil
}

// notText reports whether a text with r is encoded in base64. Readers of YAML change some
// line breaks.
func notText(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r > '~' && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r == utf8.RuneError
}

// MarshalYAML encodes a UTC time.
func (d Date) MarshalYAML() (any, error) {
	return time.Unix(int64(d), 0).UTC().Format("2006-01-02T15:04:05Z"), nil
}

// MarshalYAML encodes the value itself.
func (j JSON) MarshalYAML() (any, error) { return DecodeJSON(j) }

// maxNesting limits the nesting of JSON.
const maxNesting = 64

// DecodeJSON decodes JSON to the types that the decoder of YAML gives its values, so that a
// value that is formatted and parsed stays the same.
func DecodeJSON(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return normalize(value, 0)
}

func normalize(value any, depth int) (any, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxNesting)
	}
	var err error
	switch v := value.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			if v[i], err = normalize(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name := range v {
			if v[name], err = normalize(v[name], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func number(n json.Number) (any, error) {
	if !strings.ContainsAny(n.String(), ".eE") {
		if i, err := n.Int64(); err == nil {
			return i, nil
		}
		if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			return u, nil
		}
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("the number %.40s is too large", n)
	}
	return f + 0, nil // not -0
}
