package jobstest

import (
	"bytes"
	"encoding/json"
)

// rewrite repeats the members of each object in body and replaces each string,
// number and boolean by the result of scalar. It returns invalid JSON unchanged.
func rewrite(body []byte, repeat int, scalar func(json.Token) string) []byte {
	if !json.Valid(body) {
		return body
	}
	w := rewriter{repeat: repeat, scalar: scalar}
	w.value(body)
	return w.out.Bytes()
}

func duplicateKeys(body []byte) []byte { return rewrite(body, 2, nil) }

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

type rewriter struct {
	out    bytes.Buffer
	repeat int
	scalar func(json.Token) string // nil for no change
}

func (w *rewriter) value(raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	token, _ := decoder.Token() // the JSON is valid
	switch token {
	case json.Delim('{'):
		w.object(decoder)
	case json.Delim('['):
		w.array(decoder)
	case nil:
		w.out.WriteString("null")
	default:
		if w.scalar == nil {
			w.out.Write(raw)
		} else {
			w.out.WriteString(w.scalar(token))
		}
	}
}

func (w *rewriter) object(decoder *json.Decoder) {
	var members bytes.Buffer
	inner := rewriter{repeat: w.repeat, scalar: w.scalar}
	for decoder.More() {
		key, _ := decoder.Token()
		quoted, _ := json.Marshal(key)
		var value json.RawMessage
		_ = decoder.Decode(&value)
		inner.out.Reset()
		inner.value(value)
		if members.Len() > 0 {
			members.WriteByte(',')
		}
		members.Write(quoted)
		members.WriteByte(':')
		members.Write(inner.out.Bytes())
	}
	w.out.WriteByte('{')
	for i := range w.repeat {
		if i > 0 && members.Len() > 0 {
			w.out.WriteByte(',')
		}
		w.out.Write(members.Bytes())
	}
	w.out.WriteByte('}')
}

func (w *rewriter) array(decoder *json.Decoder) {
	w.out.WriteByte('[')
	for i := 0; decoder.More(); i++ {
		if i > 0 {
			w.out.WriteByte(',')
		}
		var value json.RawMessage
		_ = decoder.Decode(&value)
		w.value(value)
	}
	w.out.WriteByte(']')
}
