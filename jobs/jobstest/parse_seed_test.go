package jobstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Cases name a line of one of these and put another text in its place.
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
  - {name: c2, parent: c1, title: Second, date: 2021-08-02T10:00:00Z}
  branches: [{name: main, commit: c2}]
  tags: [{name: v1, commit: c1}]
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

func withLine(t *testing.T, seed string, line int, text string) string {
	t.Helper()
	lines := strings.Split(seed, "\n")
	require.LessOrEqual(t, line, len(lines))
	lines[line-1] = text
	return strings.Join(lines, "\n")
}

func TestParseSeedTakesTheSeedsThatTheCasesChange(t *testing.T) {
	for _, text := range []string{plainSeed, fusionSeed} {
		_, err := ParseSeed([]byte(text))
		require.NoError(t, err)
	}
}

func TestParseSeedRefuses(t *testing.T) {
	const label = "      - {remotePath: a.txt, size: 1, label: %s}"
	data := "datasets[0].commits[0].segments[0].data[0]"
	tests := []struct {
		name string
		seed string
		line int
		text string
		want string
	}{
		// What is not YAML, or not the part of it that JSON can say.
		{"broken YAML", plainSeed, 18, "  - {title: Draft", `seed: line 19: it is not YAML: while parsing a flow mapping: did not find expected ',' or '}'`},
		{"two documents", plainSeed, 19, "---\na: b", `seed: line 19: a second YAML document begins; keep one`},
		{"no UTF-8", plainSeed, 3, "- name: \xff", `seed: line 3: it is not UTF-8`},
		{"control character", plainSeed, 3, "- name: \"\x07\"", `seed: line 3: has the control character U+0007; write it as an escape in a quoted text`},
		{"duplicate key", plainSeed, 7, "    name: c1", `seed: line 7: the key "name" stands twice in one mapping, first in line 6`},
		{"duplicate merge key", plainSeed, 12, "      - {<<: {size: 1}, <<: {size: 1}, remotePath: a.txt}", `seed: line 12: the key "<<" stands twice in one mapping, first in line 12`},
		{"key that is a number", plainSeed, 12, fmt.Sprintf(label, "{1: x}"), `seed: line 12: has a key that is not a text; quote it`},
		{"key that is a list", plainSeed, 12, fmt.Sprintf(label, "{[a]: x}"), `seed: line 12: has a key that is not a text; quote it`},
		{"merged list of texts", plainSeed, 12, "      - {<<: [a], remotePath: a.txt, size: 1}", `seed: line 12: << merges a mapping or a list of mappings, nothing else`},
		{"unknown alias", plainSeed, 12, fmt.Sprintf(label, "*none"), `seed: line 12: it is not YAML: unknown anchor 'none' referenced`},
		{"alias inside its anchor", plainSeed, 12, fmt.Sprintf(label, "&x {A: *x}"), `seed: line 12: the alias "x" stands inside the value it names`},
		{"own tag", plainSeed, 12, fmt.Sprintf(label, "!label {}"), `seed: line 12: has the tag "!label", which JSON has no form for; leave it out`},
		{"binary", plainSeed, 13, "      - {remotePath: b.txt, content: !!binary aGk=}", `seed: line 13: has the tag "!!binary", which JSON has no form for; leave it out`},
		{"infinity", plainSeed, 12, "      - {remotePath: a.txt, size: 1, timestamp: .inf}", `seed: line 12: ".inf" is not a number that JSON can hold`},
		{"too large a number", plainSeed, 12, "      - {remotePath: a.txt, size: 1, timestamp: 1e400}", `seed: line 12: "1e400" is too large a number; quote it if it is a text`},
		{"octal or not", plainSeed, 12, fmt.Sprintf(label, "{X: 010}"), `seed: line 12: "010" is octal to some readers of YAML and decimal to others; quote it or leave out the zeros`},
		{"not the number its tag says", plainSeed, 12, "      - {remotePath: a.txt, size: !!int one}", `seed: line 12: "one" is not a whole number of 64 bits`},
		{"not the boolean its tag says", plainSeed, 12, fmt.Sprintf(label, "{X: !!bool perhaps}"), `seed: line 12: "perhaps" is not a boolean`},

		// What the schema refuses.
		{"missing owner", plainSeed, 1, "anchors: {}", `seed: line 1: owner: is missing`},
		{"unknown key", plainSeed, 1, "owner: me\ncolour: red", `seed: line 2: colour: is not a key of this mapping`},
		{"unknown key of a datum", plainSeed, 12, "      - {remotePath: a.txt, size: 1, lable: {}}", `seed: line 12: ` + data + `.lable: is not a key of this mapping`},
		{"missing remote path", plainSeed, 12, "      - {size: 1}", `seed: line 12: ` + data + `.remotePath: is missing`},
		{"empty remote path", plainSeed, 12, `      - {remotePath: "", size: 1}`, `seed: line 12: ` + data + `.remotePath: is empty, want a text`},
		{"remote path that is a number", plainSeed, 12, `      - {remotePath: 1, size: 1}`, `seed: line 12: ` + data + `.remotePath: is a number, want a text`},
		{"label that is null", plainSeed, 12, fmt.Sprintf(label, ""), `seed: line 12: ` + data + `.label: is null, want a mapping`},
		{"size with a fraction", plainSeed, 12, "      - {remotePath: a.txt, size: 1.5}", `seed: line 12: ` + data + `.size: is a number, want a whole number`},
		{"negative size", plainSeed, 12, "      - {remotePath: a.txt, size: -1}", `seed: line 12: ` + data + `.size: is less than 0`},
		{"huge size", plainSeed, 12, "      - {remotePath: a.txt, size: 1073741825}", `seed: line 12: ` + data + `.size: is more than 1073741824`},
		{"no base64", plainSeed, 12, "      - {remotePath: a.txt, contentBase64: aGk}", `seed: line 12: ` + data + `.contentBase64: is "aGk", want bytes in standard base64, with padding`},
		{"no commits", plainSeed, 5, "  commits: []\n  x:", "seed: line 5: datasets[0].commits: has 0 items, want at least 1\nseed: line 6: datasets[0].x: is not a key of this mapping"},
		{"label type in small letters", plainSeed, 12, fmt.Sprintf(label, "{box2d: []}"), `seed: line 12: ` + data + `.label.box2d: is no label type: those are in capitals`},
		{"box without a box", plainSeed, 12, fmt.Sprintf(label, "{BOX2D: [{category: car}]}"), `seed: line 12: ` + data + `.label.BOX2D[0].box2d: is missing`},
		{"box that is no list", plainSeed, 12, fmt.Sprintf(label, "{BOX2D: {category: car}}"), `seed: line 12: ` + data + `.label.BOX2D: is a mapping, want a list`},
		{"category that is a number", plainSeed, 12, fmt.Sprintf(label, "{CLASSIFICATION: {category: 1}}"), `seed: line 12: ` + data + `.label.CLASSIFICATION.category: is a number, want a text`},
		{"attribute that is a mapping", plainSeed, 12, fmt.Sprintf(label, "{CLASSIFICATION: {attributes: {a b: {}}}}"), `seed: line 12: ` + data + `.label.CLASSIFICATION.attributes["a b"]: is a mapping, want null or a boolean or a number or a text or a list`},
		{"mask with a url", plainSeed, 12, fmt.Sprintf(label, "{SEMANTIC_MASK: {remotePath: m.png, url: x, info: []}}"), `seed: line 12: ` + data + `.label.SEMANTIC_MASK.url: must be left out: the server makes it`},
		{"mask info without an id", plainSeed, 12, fmt.Sprintf(label, "{PANOPTIC_MASK: {remotePath: m.png, info: [{categoryId: 1}]}}"), `seed: line 12: ` + data + `.label.PANOPTIC_MASK.info[0].instanceId: is missing`},
		{"malformed commit id", plainSeed, 14, "  - {name: c2, parent: c1, title: Second, date: 2021-08-02T10:00:00Z, id: 12}", `seed: line 14: datasets[0].commits[1].id: is a number, want a text`},
		{"short commit id", plainSeed, 14, "  - {name: c2, parent: c1, title: Second, date: 2021-08-02T10:00:00Z, id: abc}", `seed: line 14: datasets[0].commits[1].id: is "abc", want 32 hex digits in lower case`},
		{"malformed dataset id", plainSeed, 3, "- name: d\n  id: a/b", `seed: line 4: datasets[0].id: is "a/b", want 1 to 64 letters, digits, - and _`},
		{"malformed frame id", fusionSeed, 13, "      - id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ", `seed: line 13: datasets[0].commits[0].segments[0].frames[0].id: is "01FC3P9Y0ZCD3RRY2S7W3T4JQ", want a ULID (26 characters) or a UUID`},
		{"unknown sensor type", fusionSeed, 11, "      sensors: [{name: CAM, type: SONAR}, {name: TOP, type: LIDAR}]", `seed: line 11: datasets[0].commits[0].segments[0].sensors[0].type: is "SONAR", want one of LIDAR, RADAR, CAMERA, FISHEYE_CAMERA`},
		{"unknown status", plainSeed, 18, "  - {title: Draft, branch: main, status: DONE}", `seed: line 18: datasets[0].drafts[0].status: is "DONE", want one of OPEN, CLOSED, COMMITTED`},
		{"date without a time", plainSeed, 8, "    date: 2021-08-02", `seed: line 8: datasets[0].commits[0].date: is "2021-08-02", want a time such as 2021-08-02T09:30:00Z`},

		// What only the whole seed shows.
		{"no such day", plainSeed, 8, "    date: 2021-02-30T09:00:00Z", `seed: line 8: datasets[0].commits[0].date: is "2021-02-30T09:00:00Z", which is no date`},
		{"unknown parent", plainSeed, 14, "  - {name: c2, parent: c0, title: Second, date: 2021-08-02T10:00:00Z}", `seed: line 14: datasets[0].commits[1].parent: there is no commit "c0"`},
		{"parent after its child", plainSeed, 7, "    title: First\n    parent: c2", `seed: line 8: datasets[0].commits[0].parent: the commit "c2" stands after its child; move it before`},
		{"own parent", plainSeed, 7, "    title: First\n    parent: c1", `seed: line 8: datasets[0].commits[0].parent: the commit "c1" stands after its child; move it before`},
		{"branch to an unknown commit", plainSeed, 15, "  branches: [{name: main, commit: c3}]", `seed: line 15: datasets[0].branches[0].commit: there is no commit "c3"`},
		{"tag to an unknown commit", plainSeed, 16, "  tags: [{name: v1, commit: c3}]", `seed: line 16: datasets[0].tags[0].commit: there is no commit "c3"`},
		{"tag named as a branch", plainSeed, 16, "  tags: [{name: main, commit: c1}]", `seed: line 16: datasets[0].tags[0].name: "main" is used twice`},
		{"draft on an unknown branch", plainSeed, 18, "  - {title: Draft, branch: dev, status: OPEN}", `seed: line 18: datasets[0].drafts[0].branch: there is no branch "dev"; the branches are "main"`},
		{"no default branch", plainSeed, 15, "  branches: [{name: dev, commit: c2}, {name: main2, commit: c2}]\n  drafts: []\nanchors:", "seed: line 3: datasets[0].defaultBranch: there is no branch \"main\"; its branches are \"dev\", \"main2\""},
		{"unknown default branch", plainSeed, 3, "- name: d\n  defaultBranch: trunk", `seed: line 4: datasets[0].defaultBranch: there is no branch "trunk"; its branches are "main"`},
		{"commit twice", plainSeed, 14, "  - {name: c1, title: Second, date: 2021-08-02T10:00:00Z}\n  - {name: c2, title: Third, date: 2021-08-02T10:00:00Z}", `seed: line 14: datasets[0].commits[1].name: "c1" is used twice`},
		{"commit id of zeros", plainSeed, 14, `  - {name: c2, title: Second, date: 2021-08-02T10:00:00Z, id: "00000000000000000000000000000000"}`, `seed: line 14: datasets[0].commits[1].id: stands for what is before the first commit; give another id`},
		{"dataset twice", plainSeed, 19, "- {name: d, commits: [{name: c, title: t, date: 2021-08-02T09:00:00Z}], branches: [{name: main, commit: c}]}", `seed: line 19: datasets[1].name: "d" is used twice`},
		{"remote path twice", plainSeed, 13, "      - {remotePath: a.txt, content: b}", `seed: line 13: datasets[0].commits[0].segments[0].data[1].remotePath: "a.txt" is used twice`},
		{"segment twice", plainSeed, 14, "    - {name: s}\n  - {name: c2, title: Second, date: 2021-08-02T10:00:00Z}", `seed: line 14: datasets[0].commits[0].segments[1].name: "s" is used twice`},
		{"removal of nothing", plainSeed, 14, "  - {name: c2, parent: c1, title: Second, date: 2021-08-02T10:00:00Z, segments: [{name: s, remove: [c.txt]}]}", `seed: line 14: datasets[0].commits[1].segments[0].remove[0]: there is no "c.txt" to remove`},
		{"removal in a draft of nothing", plainSeed, 18, "  - {title: Draft, branch: main, status: OPEN, segments: [{name: t, remove: [a.txt]}]}", `seed: line 18: datasets[0].drafts[0].segments[0].remove[0]: there is no "a.txt" to remove`},
		{"content and size", plainSeed, 12, "      - {remotePath: a.txt, size: 1, content: a}", `seed: line 12: ` + data + `: has 2 of content, contentBase64 and size; give one`},
		{"no content", plainSeed, 12, "      - {remotePath: a.txt}", `seed: line 12: ` + data + `: has 0 of content, contentBase64 and size; give one`},
		{"label type in small letters in the catalog", plainSeed, 4, "  catalog: {box2d: {}}", `seed: line 4: datasets[0].catalog.box2d: is no label type: those are in capitals`},
		{"category twice", plainSeed, 4, "  catalog: {BOX2D: {categories: [{name: car}, {name: car}]}}", `seed: line 4: datasets[0].catalog.BOX2D.categories[1].name: "car" is used twice`},
		{"category id twice", plainSeed, 4, "  catalog: {BOX2D: {categories: [{name: car, id: 1}, {name: bus, id: 1}]}}", `seed: line 4: datasets[0].catalog.BOX2D.categories[1].id: "1" is used twice`},
		{"range of a text", plainSeed, 4, "  catalog: {BOX2D: {attributes: [{name: a, type: string, minimum: 1}]}}", `seed: line 4: datasets[0].catalog.BOX2D.attributes[0].minimum: only an attribute of type number has it`},
		{"range upside down", plainSeed, 4, "  catalog: {BOX2D: {attributes: [{name: a, type: number, minimum: 2, maximum: 1}]}}", `seed: line 4: datasets[0].catalog.BOX2D.attributes[0].minimum: is more than the maximum`},
		{"frames in a plain dataset", plainSeed, 11, "      frames: []\n      data:", `seed: line 11: datasets[0].commits[0].segments[0].frames: only a fusion dataset has them; set fusion, or list data`},
		{"sensor in a plain dataset", plainSeed, 12, "      - {sensor: CAM, remotePath: a.txt, size: 1}", `seed: line 12: ` + data + `.sensor: only a datum of a fusion dataset has one`},
		{"data in a fusion dataset", fusionSeed, 12, "      data: [{remotePath: a, size: 1}]\n      frames:", `seed: line 12: datasets[0].commits[0].segments[0].data: a fusion dataset has frames, not data`},
		{"datum without a sensor", fusionSeed, 15, "        - {remotePath: cam/0, size: 1}", `seed: line 15: datasets[0].commits[0].segments[0].frames[0].data[0].sensor: is missing; a datum of a frame names its sensor`},
		{"sensor not described", fusionSeed, 15, "        - {sensor: REAR, remotePath: cam/0, size: 1}", `seed: line 15: datasets[0].commits[0].segments[0].frames[0].data[0].sensor: the segment describes no sensor "REAR"`},
		{"sensor twice in a frame", fusionSeed, 16, "        - {sensor: CAM, remotePath: top/0, size: 1}", `seed: line 16: datasets[0].commits[0].segments[0].frames[0].data[1].sensor: "CAM" is used twice`},
		{"sensor described twice", fusionSeed, 11, "      sensors: [{name: CAM, type: CAMERA}, {name: CAM, type: LIDAR}, {name: TOP, type: LIDAR}]", `seed: line 11: datasets[0].commits[0].segments[0].sensors[1].name: "CAM" is used twice`},
		{"frame twice", fusionSeed, 17, "      - {id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ1, data: [{sensor: CAM, remotePath: cam/1, size: 1}]}", `seed: line 17: datasets[0].commits[0].segments[0].frames[1].id: "01FC3P9Y0ZCD3RRY2S7W3T4JQ1" is used twice`},
		{"remote path in two frames", fusionSeed, 17, "      - {id: 0b7e3a44-7b1d-4c52-9d3e-000000000001, data: [{sensor: CAM, remotePath: cam/0, size: 1}]}", `seed: line 17: datasets[0].commits[0].segments[0].frames[1].data[0].remotePath: "cam/0" is used twice`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seed, err := ParseSeed([]byte(withLine(t, tt.seed, tt.line, tt.text)))
			assert.EqualError(t, err, tt.want)
			assert.Zero(t, seed)
		})
	}
}

func TestParseSeedRefusesWhatIsNoMapping(t *testing.T) {
	for text, want := range map[string]string{
		"":           `seed: line 1: it is empty`,
		"# nothing":  `seed: line 1: it is empty`,
		"[]":         `seed: line 1: is a list, want a mapping`,
		"\n\njust":   `seed: line 3: is a text, want a mapping`,
		"null":       `seed: line 1: is null, want a mapping`,
		"{}":         "seed: line 1: datasets: is missing\nseed: line 1: owner: is missing",
		"datasets: ": "seed: line 1: datasets: is null, want a list\nseed: line 1: owner: is missing",
	} {
		_, err := ParseSeed([]byte(text))
		assert.EqualError(t, err, want, "%q", text)
	}
}

func TestParseSeedIsBounded(t *testing.T) {
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
	for name, tt := range map[string]struct{ seed, want string }{
		"aliases of aliases": {bomb, "expand to more than 67108864 bytes"},
		"merges of merges":   {merges, "expand to more than 67108864 bytes"},
		"depth by aliases":   {deep, "it is nested more than 200 deep"},
		"depth":              {"anchors: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), "it is nested more than 200 deep"},
		"depth without end":  {"anchors: " + strings.Repeat("[", 100_000), "exceeded max depth"},
		"size":               {strings.Repeat("#", maxSeedSize+1), "it has 67108865 bytes, at most 67108864 are read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseSeed([]byte(tt.seed))
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestParseSeedListsProblemsInOrderAndNotTooMany(t *testing.T) {
	text := plainSeed
	for i := range 15 {
		text += fmt.Sprintf("- {x%02d: 1, name: d, commits: [], branches: [{name: a, commit: b}]}\n", i)
	}
	_, err := ParseSeed([]byte(text))
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	require.Len(t, lines, maxSeedProblems+1)
	assert.Equal(t, "seed: line 19: datasets[1].commits: has 0 items, want at least 1", lines[0])
	assert.Equal(t, "seed: line 19: datasets[1].x00: is not a key of this mapping", lines[1])
	assert.Equal(t, "seed: and 20 more problems", lines[maxSeedProblems])
}

func TestParseSeedKeepsLabelsAsTheyAreWritten(t *testing.T) {
	const label = `{NEW_TYPE: {b: 1.50, a: [~, true, -0x10, "01", 1e3, .5, 18446744073709551615, 2021-01-01, yes]},` +
		` BOX2D: [{extra: {<<: {q: 1, r: 2}, q: "<>&\u2028\""}, box2d: {xmin: 1, ymin: 2.0, xmax: 3, ymax: 4}}]}`
	seed, err := ParseSeed([]byte(withLine(t, plainSeed, 12, "      - {remotePath: a.txt, size: 1, label: "+label+"}")))
	require.NoError(t, err)
	assert.Equal(t,
		`{"NEW_TYPE":{"b":1.50,"a":[null,true,-16,"01",1e3,0.5,18446744073709551615,"2021-01-01","yes"]},`+
			`"BOX2D":[{"extra":{"r":2,"q":"<>&\u2028\""},"box2d":{"xmin":1,"ymin":2.0,"xmax":3,"ymax":4}}]}`,
		string(seed.Datasets[0].Commits[0].Segments[0].Data[0].Label))
}

func TestParseSeedGives(t *testing.T) {
	seed, err := ParseSeed([]byte(`
owner: me
anchors:
  datum: &datum {timestamp: 1.5, size: 3}
datasets:
- name: d
  id: d-1
  alias: D
  public: true
  defaultBranch: trunk
  catalog:
    BOX2D:
      categories: [{name: car, id: 7}, {name: bus}]
      attributes:
      - {name: a, enum: [1, 2.5, x, true, null]}
      - {name: b, type: number, minimum: -1, maximum: 2.5}
  commits:
  - name: c1
    id: 0123456789abcdef0123456789abcdef
    title: First
    description: The first
    date: 2021-08-02T09:00:00Z
    segments:
    - name: s
      description: S
      data:
      - {<<: *datum, remotePath: made}
      - {remotePath: empty, content: ""}
      - {remotePath: text, content: hi, label: {}}
      - {remotePath: bytes, contentBase64: AAE=}
  - {name: c2, parent: c1, title: Second, date: 2021-08-02T09:00:01Z, segments: [{name: s, remove: [made]}]}
  branches: [{name: trunk, commit: c2}]
  tags: [{name: v1, commit: c1}]
  drafts: [{title: T, description: D, branch: trunk, status: CLOSED, segments: [{name: s, remove: [unknown]}]}]
`))
	require.NoError(t, err)
	f := func(v float64) *float64 { return &v }
	assert.Equal(t, Seed{Owner: "me", Datasets: []SeedDataset{{
		ID: "d-1", Name: "d", Alias: "D", Public: true, DefaultBranch: "trunk",
		Catalog: map[string]SeedCatalog{"BOX2D": {
			Categories: []SeedCategory{{"car", 7}, {"bus", 0}},
			Attributes: []SeedAttribute{
				{Name: "a", Enum: []any{1.0, 2.5, "x", true, nil}},
				{Name: "b", Type: "number", Minimum: f(-1), Maximum: f(2.5)},
			},
		}},
		Commits: []SeedCommit{
			{
				Name: "c1", ID: "0123456789abcdef0123456789abcdef", Title: "First", Description: "The first", Date: 1627894800,
				Segments: []SeedSegment{{Name: "s", Description: "S", Data: []SeedData{
					{RemotePath: "made", Timestamp: f(1.5), Size: 3},
					{RemotePath: "empty", Content: []byte{}},
					{RemotePath: "text", Content: []byte("hi"), Size: 2, Label: []byte("{}")},
					{RemotePath: "bytes", Content: []byte{0, 1}, Size: 2},
				}}},
			},
			{Name: "c2", Parent: "c1", Title: "Second", Date: 1627894801, Segments: []SeedSegment{{Name: "s", Remove: []string{"made"}}}},
		},
		Branches: []SeedRef{{"trunk", "c2"}},
		Tags:     []SeedRef{{"v1", "c1"}},
		Drafts: []SeedDraft{{
			Title: "T", Description: "D", Branch: "trunk", Status: "CLOSED",
			Segments: []SeedSegment{{Name: "s", Remove: []string{"unknown"}}},
		}},
	}}}, seed)
}
