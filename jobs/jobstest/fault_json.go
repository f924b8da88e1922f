package jobstest

import (
	"bytes"
	"encoding/json"
	"slices"
)

func duplicateKeys(body []byte) []byte {
	return rewrite(body, 2, func(token json.Token) string {
		encoded, _ := json.Marshal(token) // a token of JSON always encodes
		return string(encoded)
	})
}

func wrongTypes(body []byte) []byte {
	return rewrite(body, 1, func(token json.Token) string {
		if _, ok := token.(string); ok {
			return "1"
		}
		return `"1"`
	})
}

func nulls(body []byte) []byte {
	return rewrite(body, 1, func(json.Token) string { return "null" })
}

// rewrite repeats the members of each object in body and replaces each string,
// number and boolean by the result of scalar. It returns invalid JSON unchanged.
func rewrite(body []byte, repeat int, scalar func(json.Token) string) []byte {
	if !json.Valid(body) {
		return body
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value func() []byte
	value = func() []byte {
		token, _ := decoder.Token() // the JSON is valid
		var items [][]byte
		switch token {
		case json.Delim('{'):
			for decoder.More() {
				key, _ := decoder.Token()
				quoted, _ := json.Marshal(key)
				items = append(items, slices.Concat(quoted, []byte(":"), value()))
			}
			_, _ = decoder.Token() // the end of the object
			return slices.Concat([]byte("{"), bytes.Join(slices.Repeat(items, repeat), []byte(",")), []byte("}"))
		case json.Delim('['):
			for decoder.More() {
				items = append(items, value())
			}
			_, _ = decoder.Token()
			return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]"))
		case nil:
			return []byte("null")
		}
		return []byte(scalar(token))
	}
	return value()
}
