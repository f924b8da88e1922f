package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

func TestEqual_ComparesJSONValues(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{`{"a":1,"b":[2.0,null]}`, ` {"b": [2,null], "a":1e0}`}: true,
		{`"\u0061<\u003c"`, `"a\u003c<"`}:                       true,
		{`-0`, `0.0`}:                                           true,
		{`1000000000000000000`, `1e18`}:                         true,
		{`1e400`, `1e400`}:                                      true,
		{`{"a":1,"a":2}`, `{"a":2}`}:                            true,
		{`9007199254740993`, `9007199254740992`}:                false,
		{`{}`, `[]`}:                                            false,
		{`1`, `"1"`}:                                            false,
		{`true`, `"true"`}:                                      false,
		{`null`, `{}`}:                                          false,
		{`{"a":{"b":1}}`, `{"a":{},"b":1}`}:                     false,
		{`["a,b"]`, `["a","b"]`}:                                false,
		{`[1,2]`, `[2,1]`}:                                      false,
		{`0.1`, `0.2`}:                                          false,
		{`1 x`, `1`}:                                            false,
		{`1 1`, `1`}:                                            false,
		{``, ``}:                                                false,
		{`{`, `{`}:                                              false,
	} {
		assert.Equal(t, want, wire.Equal([]byte(pair[0]), []byte(pair[1])), pair)
		assert.Equal(t, want, wire.Equal([]byte(pair[1]), []byte(pair[0])), pair)
	}
}

func TestCanonical_IsTheSameTextForEqualValues(t *testing.T) {
	text, ok := wire.Canonical([]byte(`{"b":[1.50,1e0,"\u0061"], "a":{"d":null,"c":true}}`))
	assert.True(t, ok)
	assert.JSONEq(t, `{"a":{"c":true,"d":null},"b":[1.5,1,"a"]}`, text)
	again, _ := wire.Canonical([]byte(text))
	assert.Equal(t, text, again)
	_, ok = wire.Canonical([]byte(`{} {}`))
	assert.False(t, ok)
}

func FuzzEqual(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":1,"b":[2.0,null]}`, `{"b":[2,null],"a":1e0}`}, {`"\u0061"`, `"a"`}, {`{}`, `[]`}, {`1`, `"1"`}, {`{"a":{"b":1}}`, `{"a":{},"b":1}`}, {`["a,b"]`, `["a","b"]`},
		{`1e999999999`, `1`}, {`9007199254740993`, `9007199254740992`}, {``, ``}, {`1 x`, `1`},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		equal := wire.Equal(a, b)
		require.Equal(t, equal, wire.Equal(b, a))
		require.Equal(t, json.Valid(a), wire.Equal(a, a))
		var x, y any
		if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
			return // invalid, or a number that is not a float64
		}
		if equal {
			require.Equal(t, x, y)
		}
	})
}
