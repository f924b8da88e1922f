package jobstest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func FuzzParseSeed(f *testing.F) {
	for _, text := range []string{
		plainSeed,
		fusionSeed,
		"",
		"owner: me\ndatasets: []\n",
		"a: &a [*a]",
		"? {a: b}\n: c",
		"<<: [*x, {a: 1}]",
		"owner: !!binary aGk=\n",
		"anchors: [.nan, 0x1f, 1_000, 1e999, ~, 2021-08-02, \"\\u2028\"]",
		"- \x00\xff",
		"--- {}\n--- {}\n",
		"\"\": {0: [[[[",
		"!%0A",
		"owner: a\ndatasets:\n- 721e: 2\n  catalog: {a}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		seed, err := ParseSeed(data)
		if err != nil {
			assert.Zero(t, seed)
			for line := range strings.SplitSeq(err.Error(), "\n") {
				assert.True(t, strings.HasPrefix(line, "seed: "), "%q", line)
			}
			return
		}
		for d := range allData(seed) {
			if d.Label != nil {
				assert.True(t, json.Valid(d.Label), "%s", d.Label)
			}
		}
	})
}
