package wire

import (
	"bytes"
	"encoding/json"
)

// Equal reports whether two JSON values are equal. The order of keys, white space and the
// notation of numbers and strings do not matter.
func Equal(a, b []byte) bool {
	x, okX := Canonical(a)
	y, okY := Canonical(b)
	return okX && okY && x == y
}

// Canonical returns a text that is the same for all equal JSON values. It returns false if
// raw is not JSON.
func Canonical(raw []byte) (string, bool) {
	if !json.Valid(raw) {
		return "", false
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	_ = d.Decode(&v)                        // it cannot fail, because the syntax is valid
	text, err := json.Marshal(canonical(v)) // sorts the keys
	return string(text), err == nil
}

// canonical rewrites the numbers of v in one notation.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = canonical(item)
		}
	case []any:
		for i, item := range v {
			v[i] = canonical(item)
		}
	case json.Number:
		return canonicalNumber(v)
	}
	return v
}

// canonicalNumber keeps integers of 64 bits exact. A number that is neither an int64 nor a
// float64 keeps its notation.
func canonicalNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n
	}
	if i := int64(f); f >= -1<<53 && f <= 1<<53 && float64(i) == f {
		return i
	}
	return f
}
