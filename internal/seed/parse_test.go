package seed

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The cases replace one line of these seeds.
const (
	plainSeed = `owner: me
datasets:
- name: d
  catalog: {BOX2D: {categories: [{name: car}]}}
  commits:
  - name: c1
    title: First
    date: 2021-08-02T09:00:00Z
    segments:
    - name: s
      data:
      - {remotePath: a.txt, size: 1}
      - {remotePath: b.txt, content: b}
  branches: [{name: main, commit: c1}]
  drafts:
  - {title: Draft, branch: main, status: OPEN}
`
	fusionSeed = `owner: me
datasets:
- name: f
  fusion: true
  commits:
  - name: c1
    title: First
    date: 2021-08-02T09:00:00Z
    segments:
    - name: s
      sensors: [{name: CAM, type: CAMERA}, {name: TOP, type: LIDAR}]
      frames:
      - id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ1
        data:
        - {sensor: CAM, remotePath: cam/0, size: 1}
        - {sensor: TOP, remotePath: top/0, size: 1}
      - {id: 0b7e3a44-7b1d-4c52-9d3e-000000000001, data: [{sensor: CAM, remotePath: cam/1, size: 1}]}
  branches: [{name: main, commit: c1}]
`
)

func replaceLine(t *testing.T, seed string, line int, text string) []byte {
	t.Helper()
	lines := strings.Split(seed, "\n")
	require.LessOrEqual(t, line, len(lines))
	lines[line-1] = text
	return []byte(strings.Join(lines, "\n"))
}

func TestParse_AcceptsTheSeedsOfTheCases(t *testing.T) {
	for _, text := range []string{plainSeed, fusionSeed, "owner: me\ndatasets: []\n"} {
		_, err := Parse([]byte(text))
		require.NoError(t, err)
	}
}

func TestParse_RefusesInvalidSeeds(t *testing.T) {
	const label = "      - {remotePath: a.txt, size: 1, label: %s}"
	const data = "datasets[0].commits[0].segments[0].data[0]"
	for _, test := range []struct {
		name string
		seed string
		line int
		text string
		want string
	}{
		// Invalid YAML.
		{"broken YAML", plainSeed, 16, "  - {title: Draft", `line 17: did not find expected ',' or '}'`},
		{"two documents", plainSeed, 17, "---\na: b", `expected single document, found multiple`},
		{"no UTF-8", plainSeed, 3, "- name: \xff", `invalid leading UTF-8 octet`},
		{"control character", plainSeed, 3, "- name: \"\x07\"", `control characters are not allowed`},
		{"duplicate key", plainSeed, 7, "    name: c1", `line 7: mapping key "name" already defined at line 6`},
		{"duplicate merge key", plainSeed, 12, "      - {<<: {size: 1}, <<: {size: 1}, remotePath: a.txt}", `line 12: mapping key "<<" already defined at line 12`},
		{"key that is a number", plainSeed, 12, fmt.Sprintf(label, "{1: x}"), `line 12: a key is not a text; quote it`},
		{"key that is a list", plainSeed, 12, fmt.Sprintf(label, "{[a]: x}"), `line 12: cannot use`},
		{"merged list of texts", plainSeed, 12, "      - {<<: [a], remotePath: a.txt, size: 1}", `line 12: map merge requires map or sequence of maps`},
		{"unknown alias", plainSeed, 12, fmt.Sprintf(label, "*none"), `line 12: unknown anchor 'none' referenced`},
		{"alias inside its anchor", plainSeed, 12, fmt.Sprintf(label, "&x {A: *x}"), `line 12: an anchor contains an alias to itself`},
		{"own tag", plainSeed, 12, fmt.Sprintf(label, "!label {}"), `line 12: the tag "!label" is not supported`},
		{"binary", plainSeed, 13, "      - {remotePath: b.txt, content: !!binary aGk=}", `line 13: the tag "!!binary" is not supported`},
		{"octal or decimal", plainSeed, 12, fmt.Sprintf(label, "{X: 010}"), `line 12: "010" may be octal or decimal; quote it`},
		{"infinity", plainSeed, 12, "      - {remotePath: a.txt, size: 1, timestamp: .inf}", `line 12: ".inf" is not a finite number`},
		{"infinity in a label", plainSeed, 12, fmt.Sprintf(label, "{X: .inf}"), `line 12: ".inf" is not a finite number`},
		{"too large a number", plainSeed, 12, "      - {remotePath: a.txt, size: 1, timestamp: 1e400}", `line 12: cannot construct !!str`},
		{"wrong integer tag", plainSeed, 12, "      - {remotePath: a.txt, size: !!int one}", "cannot construct !!str `one` as a !!int"},
		{"wrong boolean tag", plainSeed, 12, fmt.Sprintf(label, "{X: !!bool perhaps}"), "cannot construct !!str `perhaps` as a !!bool"},

		// Unknown and missing fields.
		{"missing owner", plainSeed, 1, "anchors: {}", `owner: missing or empty`},
		{"unknown field", plainSeed, 1, "owner: me\ncolor: red", `line 2: field color not found in type seed.Seed`},
		{"unknown field of a datum", plainSeed, 12, "      - {remotePath: a.txt, size: 1, lable: {}}", `line 12: field lable not found`},
		{"missing remote path", plainSeed, 12, "      - {size: 1}", data + `.remotePath: missing or empty`},
		{"empty remote path", plainSeed, 12, `      - {remotePath: "", size: 1}`, data + `.remotePath: missing or empty`},
		{"no commits", plainSeed, 5, "  commits: []\n  anchors:", `line 6: field anchors not found`},
		{"no data in a frame", fusionSeed, 17, "      - {id: 0b7e3a44-7b1d-4c52-9d3e-000000000001, data: []}", `datasets[0].commits[0].segments[0].frames[1].data: missing or empty`},
		{"no content", plainSeed, 12, "      - {remotePath: a.txt}", `line 12: 0 of content, contentBase64 and size are set; set one`},
		{"content and size", plainSeed, 12, "      - {remotePath: a.txt, size: 1, content: a}", `line 12: 2 of content, contentBase64 and size are set; set one`},

		// Values of a wrong form.
		{"size with a fraction", plainSeed, 12, "      - {remotePath: a.txt, size: 1.5}", "line 12: cannot construct !!float `1.5` into int64"},
		{"negative size", plainSeed, 12, "      - {remotePath: a.txt, size: -1}", `line 12: size: -1 is not between 0 and 1073741824`},
		{"huge size", plainSeed, 12, "      - {remotePath: a.txt, size: 1073741825}", `line 12: size: 1073741825 is not between`},
		{"no base64", plainSeed, 12, "      - {remotePath: a.txt, contentBase64: aGk}", `line 12: contentBase64: illegal base64 data`},
		{"label type in small letters", plainSeed, 12, fmt.Sprintf(label, "{box2d: []}"), data + `.label.box2d: "box2d" is not a label type in capitals`},
		{"label that is a list", plainSeed, 12, fmt.Sprintf(label, "[1]"), data + `.label: the value is not a mapping`},
		{"box without a box", plainSeed, 12, fmt.Sprintf(label, "{BOX2D: [{category: car}]}"), data + `.label.BOX2D.0.box2d: property "box2d" is missing`},
		{"box that is no list", plainSeed, 12, fmt.Sprintf(label, "{BOX2D: {category: car}}"), data + `.label.BOX2D: value must be an array`},
		{"category that is a number", plainSeed, 12, fmt.Sprintf(label, "{CLASSIFICATION: {category: 1}}"), data + `.label.CLASSIFICATION.category: value must be a string`},
		{"mask with a url", plainSeed, 12, fmt.Sprintf(label, "{SEMANTIC_MASK: {remotePath: m.png, url: x, info: []}}"), data + `.label.SEMANTIC_MASK.url: the server sets it; remove it`},
		{"mask info without an id", plainSeed, 12, fmt.Sprintf(label, "{PANOPTIC_MASK: {remotePath: m.png, info: [{categoryId: 1}]}}"), data + `.label.PANOPTIC_MASK.info.0.instanceId: property "instanceId" is missing`},
		{"label type in small letters in the catalog", plainSeed, 4, "  catalog: {box2d: {}}", `datasets[0].catalog.box2d: "box2d" is not a label type in capitals`},
		{"short commit id", plainSeed, 7, "    title: First\n    id: abc", `datasets[0].commits[0].id: "abc" is not 32 hex digits in lower case`},
		{"malformed dataset id", plainSeed, 3, "- name: d\n  id: a/b", `datasets[0].id: "a/b" is not 1 to 64 letters, digits, - and _`},
		{"malformed frame id", fusionSeed, 13, "      - id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ", `datasets[0].commits[0].segments[0].frames[0].id: "01FC3P9Y0ZCD3RRY2S7W3T4JQ" is not a ULID (26 characters) or a UUID`},
		{"unknown sensor type", fusionSeed, 11, "      sensors: [{name: CAM, type: SONAR}, {name: TOP, type: LIDAR}]", `datasets[0].commits[0].segments[0].sensors[0].type: "SONAR" is not LIDAR, RADAR, CAMERA or FISHEYE_CAMERA`},
		{"sensor without a name", fusionSeed, 11, "      sensors: [{type: CAMERA}, {name: TOP, type: LIDAR}]", `datasets[0].commits[0].segments[0].sensors[0].name: property "name" is missing`},
		{"attribute without a name", plainSeed, 4, "  catalog: {BOX2D: {attributes: [{type: boolean}]}}", `datasets[0].catalog.BOX2D.attributes.0.name: property "name" is missing`},
		{"unknown draft status", plainSeed, 16, "  - {title: Draft, branch: main, status: DONE}", `datasets[0].drafts[0].status: "DONE" is not OPEN, CLOSED or COMMITTED`},
		{"date without a time", plainSeed, 8, "    date: 2021-08-02", `line 8: "2021-08-02" is not a time such as 2021-08-02T09:30:00Z`},
		{"no such day", plainSeed, 8, "    date: 2021-02-30T09:00:00Z", `line 8: "2021-02-30T09:00:00Z" is not a time`},
	} {
		t.Run(test.name, func(t *testing.T) {
			seed, err := Parse(replaceLine(t, test.seed, test.line, test.text))
			require.Error(t, err)
			assert.Regexp(t, "^seed: ", err)
			assert.ErrorContains(t, err, test.want)
			assert.Zero(t, seed)
		})
	}
}

func TestParse_RefusesDocumentsOfAWrongForm(t *testing.T) {
	for text, want := range map[string]string{
		"":           "seed: yaml: no documents in stream",
		"# nothing":  "seed: yaml: no documents in stream",
		"[]":         "seed: line 1: cannot construct !!seq into seed.Seed",
		"\n\njust":   "seed: line 3: cannot construct !!str `just` into seed.Seed",
		"null":       "seed: owner: missing or empty\nseed: datasets: missing or empty",
		"{}":         "seed: owner: missing or empty\nseed: datasets: missing or empty",
		"datasets: ": "seed: owner: missing or empty\nseed: datasets: missing or empty",
	} {
		_, err := Parse([]byte(text))
		assert.EqualError(t, err, want, "%q", text)
	}
}

func TestParse_LimitsTheSizeAfterAliasExpansion(t *testing.T) {
	bomb := "anchors:\n- &a0 [" + strings.Repeat("x, ", 10) + "]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("- &a%d [%s]\n", i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	merges := "anchors:\n- &m0 {k: " + strings.Repeat("x", 1000) + "}\n"
	for i := 1; i < 40; i++ {
		merges += fmt.Sprintf("- &m%d {<<: *m%d, a%d: *m%d}\n", i, i-1, i, i-1)
	}
	deep := "anchors:\n- &d0 x\n"
	for i := 1; i < 300; i++ {
		deep += fmt.Sprintf("- &d%d [*d%d]\n", i, i-1)
	}
	const exceeds = "exceeds 67108864 bytes or 200 levels after alias expansion"
	for name, test := range map[string]struct{ seed, want string }{
		"aliases of aliases": {bomb, exceeds},
		"merges of merges":   {merges, exceeds},
		"depth by aliases":   {deep, exceeds},
		"depth":              {"anchors: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), exceeds},
		"depth without end":  {"anchors: " + strings.Repeat("[", 100_000), "exceeded max depth"},
		"size":               {strings.Repeat("#", maxSize+1), "67108865 bytes exceed the limit of 67108864"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.seed))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestParse_LimitsTheNumberOfProblems(t *testing.T) {
	text := plainSeed
	for range 15 {
		text += "- {id: d}\n"
	}
	_, err := Parse([]byte(text))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, maxProblems+1)
	assert.Equal(t, "seed: datasets[1].name: missing or empty", lines[0])
	assert.Equal(t, "seed: datasets[2].name: missing or empty", lines[1])
	assert.Equal(t, "seed: 5 more problems", lines[maxProblems])
}

func TestParse_KeepsTheValuesOfLabels(t *testing.T) {
	const label = `{NEW_TYPE: {b: 1.50, a: [~, true, -0x10, "01", 1e3, .5, 18446744073709551615, 2021-01-01, yes]},` +
		` BOX2D: [{extra: {<<: {q: 1, r: 2}, q: "<>&\u2028\""}, box2d: {xmin: 1, ymin: 2.0, xmax: 3, ymax: 4}}]}`
	seed, err := Parse(replaceLine(t, plainSeed, 12, "      - {remotePath: a.txt, size: 1, label: "+label+"}"))
	require.NoError(t, err)
	assert.JSONEq(t,
		`{"NEW_TYPE":{"b":1.50,"a":[null,true,-16,"01",1e3,0.5,18446744073709551615,"2021-01-01","yes"]},`+
			`"BOX2D":[{"extra":{"r":2,"q":"<>&\u2028\""},"box2d":{"xmin":1,"ymin":2.0,"xmax":3,"ymax":4}}]}`,
		string(seed.Datasets[0].Commits[0].Segments[0].Data[0].Label))
}

func BenchmarkParse(b *testing.B) {
	data, err := os.ReadFile("../../testdata/seed.yaml")
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
