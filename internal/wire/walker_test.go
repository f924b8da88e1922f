package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

func TestFields_IteratesOverKeysAndValues(t *testing.T) {
	type entry struct{ key, value string }
	for object, want := range map[string][]entry{
		`{}`:   nil,
		` { }`: nil,
		`[1]`:  nil, `null`: nil, `"{"`: nil,
		"\n{ \"a\\\"\" : [ 1 , {\"b\":\"]\"} ] ,\t\"\\u0062\":-1.5e3,\"c\" : \"\\\\\" , \"d\":true,\"d\":null}": {
			{`a"`, `[ 1 , {"b":"]"} ]`}, {"b", "-1.5e3"}, {"c", `"\\"`}, {"d", "true"}, {"d", "null"},
		},
	} {
		var got []entry
		for key, value := range wire.Fields([]byte(object)) {
			got = append(got, entry{key, string(value)})
		}
		assert.Equal(t, want, got, object)
	}
}

func TestFields_StopsWithTheLoop(t *testing.T) {
	var keys []string
	for key := range wire.Fields([]byte(`{"a":1,"b":2,"c":3}`)) {
		if keys = append(keys, key); key == "b" {
			break
		}
	}
	assert.Equal(t, []string{"a", "b"}, keys)
}

// FuzzFields compares Fields with encoding/json.
func FuzzFields(f *testing.F) {
	for _, object := range []string{`{}`, `{"a":1,"b":[{}],"a":"\"}"}`, `{"\ud800":{"":[]}}`, `[]`, ` {"a" : "\\" , "b":1e5} `} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		if !json.Valid(object) {
			t.Skip()
		}
		var want map[string]json.RawMessage
		isObject := json.Unmarshal(object, &want) == nil
		got := map[string]json.RawMessage{}
		for key, value := range wire.Fields(object) {
			var plain string // encoding/json replaces invalid UTF-8 in keys
			quoted, err := json.Marshal(key)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(quoted, &plain))
			got[plain] = value
		}
		if !isObject || want == nil {
			require.Empty(t, got)
			return
		}
		require.Equal(t, want, got)
	})
}
