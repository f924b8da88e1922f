package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNesting limits the nesting of labels, catalogs and sensors.
const maxNesting = 64

type rawObject = map[string]json.RawMessage

// canonical returns the one encoding of a JSON object: members by name, numbers in their
// shortest form. So equal values have equal bytes, and a dump changes nothing.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value map[string]any
	if err := decoder.Decode(&value); err != nil || value == nil {
		return nil, errors.New("it is not a JSON object")
	}
	normalized, err := normalize(value, 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(normalized)
}

// normalize gives numbers the types that the decoder of seeds gives them.
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
	if f == 0 {
		f = 0 // not -0
	}
	return f, nil
}
