package jobstest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
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

func TestParseSeed_AcceptsTheSeedsOfTheCases(t *testing.T) {
	for _, text := range []string{plainSeed, fusionSeed} {
		_, err := jobstest.ParseSeed([]byte(text))
		require.NoError(t, err)
	}
}

func TestParseSeed_NamesTheLineOfAnUnknownField(t *testing.T) {
	_, err := jobstest.ParseSeed([]byte(plainSeed + "  color: red\n"))
	require.EqualError(t, err, "seed: line 19: field color not found in type seed.Dataset")
}

func TestParseSeed_RefusesInvalidReferences(t *testing.T) {
	const second = "  - {name: c2, parent: c1, title: Second, date: 2021-08-02T10:00:00Z%s}"
	for _, test := range []struct {
		name string
		seed string
		line int
		text string
		want string
	}{
		{"unknown parent", plainSeed, 14, "  - {name: c2, parent: c0, title: Second, date: 2021-08-02T10:00:00Z}", `commit "c2": there is no parent "c0" before it`},
		{"parent after its child", plainSeed, 7, "    title: First\n    parent: c2", `commit "c1": there is no parent "c2" before it`},
		{"own parent", plainSeed, 7, "    title: First\n    parent: c1", `commit "c1": there is no parent "c1" before it`},
		{"branch to an unknown commit", plainSeed, 15, "  branches: [{name: main, commit: c3}]", `branch "main": there is no commit "c3"`},
		{"tag to an unknown commit", plainSeed, 16, "  tags: [{name: v1, commit: c3}]", `tag "v1": there is no commit "c3"`},
		{"tag named as a branch", plainSeed, 16, "  tags: [{name: main, commit: c1}]", `tag "main": the branch or tag "main" is used twice`},
		{"draft on an unknown branch", plainSeed, 18, "  - {title: Draft, branch: dev, status: OPEN}", `draft "Draft": there is no branch "dev"`},
		{"no default branch", plainSeed, 15, "  branches: [{name: dev, commit: c2}]\n  drafts: []\nanchors:", `there is no branch "main", its default branch`},
		{"unknown default branch", plainSeed, 3, "- name: d\n  defaultBranch: trunk", `there is no branch "trunk", its default branch`},
		{"commit twice", plainSeed, 14, "  - {name: c1, title: Second, date: 2021-08-02T10:00:00Z}", `commit "c1": its name or id is used twice`},
		{"commit id of zeros", plainSeed, 14, fmt.Sprintf(second, `, id: "00000000000000000000000000000000"`), `commit "c2": an id of zeros means no commit`},
		{"dataset twice", plainSeed, 19, "- {name: d, commits: [{name: c, title: t, date: 2021-08-02T09:00:00Z}], branches: [{name: main, commit: c}]}", `its name or id is used twice`},
		{"remote path twice", plainSeed, 13, "      - {remotePath: a.txt, content: b}", `commit "c1": segment "s": the remote path "a.txt" is used twice`},
		{"segment twice", plainSeed, 14, "    - {name: s}\n" + fmt.Sprintf(second, ""), `commit "c1": the segment "s" is used twice`},
		{"removal of nothing", plainSeed, 14, fmt.Sprintf(second, ", segments: [{name: s, remove: [c.txt]}]"), `commit "c2": segment "s": there is no "c.txt" to remove`},
		{"removal in a draft of nothing", plainSeed, 18, "  - {title: Draft, branch: main, status: OPEN, segments: [{name: t, remove: [a.txt]}]}", `draft "Draft": segment "t": there is no "a.txt" to remove`},
		{"category twice", plainSeed, 4, "  catalog: {BOX2D: {categories: [{name: car}, {name: car}]}}", `catalog of BOX2D: the category "car" is used twice`},
		{"category id twice", plainSeed, 4, "  catalog: {BOX2D: {categories: [{name: car, categoryId: 1}, {name: bus, categoryId: 1}]}}", `catalog of BOX2D: the categories "car" and "bus" have the same id`},
		{"empty range", plainSeed, 4, "  catalog: {BOX2D: {attributes: [{name: a, type: number, minimum: 2, maximum: 1}]}}", `catalog of BOX2D: attribute "a": the minimum exceeds the maximum`},
		{"frames in a plain dataset", plainSeed, 11, "      frames: []\n      data:", `segment "s": a fusion dataset has sensors and frames, a plain one has data`},
		{"sensor in a plain dataset", plainSeed, 12, "      - {sensor: CAM, remotePath: a.txt, size: 1}", `datum "a.txt": only data of a fusion dataset have a sensor`},
		{"data in a fusion dataset", fusionSeed, 12, "      data: [{remotePath: a, size: 1}]\n      frames:", `segment "s": a fusion dataset has sensors and frames, a plain one has data`},
		{"datum without a sensor", fusionSeed, 15, "        - {remotePath: cam/0, size: 1}", `frame "01FC3P9Y0ZCD3RRY2S7W3T4JQ1": the name of a sensor is missing`},
		{"sensor not described", fusionSeed, 15, "        - {sensor: REAR, remotePath: cam/0, size: 1}", `datum "cam/0": there is no sensor "REAR"`},
		{"sensor twice in a frame", fusionSeed, 16, "        - {sensor: CAM, remotePath: top/0, size: 1}", `the sensor "CAM" is used twice`},
		{"sensor described twice", fusionSeed, 11, "      sensors: [{name: CAM, type: CAMERA}, {name: CAM, type: LIDAR}, {name: TOP, type: LIDAR}]", `segment "s": the sensor "CAM" is used twice`},
		{"frame twice", fusionSeed, 17, "      - {id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ1, data: [{sensor: CAM, remotePath: cam/1, size: 1}]}", `the frame "01FC3P9Y0ZCD3RRY2S7W3T4JQ1" is used twice`},
		{"remote path in two frames", fusionSeed, 17, "      - {id: 0b7e3a44-7b1d-4c52-9d3e-000000000001, data: [{sensor: CAM, remotePath: cam/0, size: 1}]}", `the remote path "cam/0" is used twice`},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := strings.Split(test.seed, "\n")
			lines[test.line-1] = test.text
			s, err := jobstest.ParseSeed([]byte(strings.Join(lines, "\n")))
			require.Error(t, err)
			assert.Regexp(t, `^seed: dataset "[df]": `, err)
			assert.ErrorContains(t, err, test.want)
			assert.Zero(t, s)
		})
	}
}

func TestParseSeed_ReturnsAllFields(t *testing.T) {
	s, err := jobstest.ParseSeed([]byte(`
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
      categories: [{name: car, categoryId: 7}, {name: bus}]
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
- name: f
  fusion: true
  commits:
  - name: c1
    title: First
    date: 2021-08-02T09:00:00Z
    segments:
    - name: s
      sensors: [{name: CAM, type: CAMERA}]
      frames: [{id: 01FC3P9Y0ZCD3RRY2S7W3T4JQ1, data: [{sensor: CAM, remotePath: cam/0, size: 1, label: {NEW: [1]}}]}]
  branches: [{name: main, commit: c1}]
`))
	require.NoError(t, err)
	f := func(v float64) *float64 { return &v }
	assert.Equal(t, jobstest.Seed{Owner: "me", Datasets: []jobstest.SeedDataset{{
		ID: "d-1", Name: "d", Alias: "D", Public: true, DefaultBranch: "trunk",
		Catalog: []byte(`{"BOX2D":{"attributes":[{"enum":[1,2.5,"x",true,null],"name":"a"},{"maximum":2.5,"minimum":-1,"name":"b","type":"number"}],"categories":[{"categoryId":7,"name":"car"},{"name":"bus"}]}}`),
		Commits: []jobstest.SeedCommit{
			{
				Name: "c1", ID: "0123456789abcdef0123456789abcdef", Title: "First", Description: "The first", Date: 1627894800,
				Segments: []jobstest.SeedSegment{{Name: "s", Description: "S", Data: []jobstest.SeedData{
					{RemotePath: "made", Timestamp: f(1.5), Size: 3},
					{RemotePath: "empty", Content: []byte{}},
					{RemotePath: "text", Content: []byte("hi"), Size: 2, Label: []byte("{}")},
					{RemotePath: "bytes", Content: []byte{0, 1}, Size: 2},
				}}},
			},
			{Name: "c2", Parent: "c1", Title: "Second", Date: 1627894801, Segments: []jobstest.SeedSegment{{Name: "s", Remove: []string{"made"}}}},
		},
		Branches: []jobstest.SeedRef{{"trunk", "c2"}},
		Tags:     []jobstest.SeedRef{{"v1", "c1"}},
		Drafts: []jobstest.SeedDraft{{
			Title: "T", Description: "D", Branch: "trunk", Status: "CLOSED",
			Segments: []jobstest.SeedSegment{{Name: "s", Remove: []string{"unknown"}}},
		}},
	}, {
		Name: "f", Fusion: true,
		Commits: []jobstest.SeedCommit{{Name: "c1", Title: "First", Date: 1627894800, Segments: []jobstest.SeedSegment{{
			Name:    "s",
			Sensors: []json.RawMessage{[]byte(`{"name":"CAM","type":"CAMERA"}`)},
			Frames: []jobstest.SeedFrame{{ID: "01FC3P9Y0ZCD3RRY2S7W3T4JQ1", Data: []jobstest.SeedData{
				{Sensor: "CAM", RemotePath: "cam/0", Size: 1, Label: []byte(`{"NEW":[1]}`)},
			}}},
		}}}},
		Branches: []jobstest.SeedRef{{"main", "c1"}},
	}}}, s)
	_, err = jobstest.NewServer(jobstest.WithSeed(s))
	require.NoError(t, err)
}

func TestSeed_HasTheFieldsOfTheFormat(t *testing.T) {
	assertSameFields(t, reflect.TypeFor[jobstest.Seed](), reflect.TypeFor[seed.Seed]())
}

// assertSameFields checks that a public type and its type in package seed have
// equal fields, so that none is lost in a conversion.
func assertSameFields(t *testing.T, public, internal reflect.Type) {
	t.Helper()
	require.Equal(t, public.Kind(), internal.Kind(), "%v", public)
	switch public.Kind() {
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(internal) {
			other, ok := public.FieldByName(field.Name)
			if field.Name == "Anchors" {
				continue // only in YAML
			}
			if assert.True(t, ok, "%v has no field %s", public, field.Name) {
				assertSameFields(t, other.Type, field.Type)
			}
		}
		for _, field := range reflect.VisibleFields(public) {
			_, ok := internal.FieldByName(field.Name)
			assert.True(t, ok, "%v has no field %s", internal, field.Name)
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		assertSameFields(t, public.Elem(), internal.Elem())
	}
}

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
		s, err := jobstest.ParseSeed(data)
		if err != nil {
			assert.Zero(t, s)
			for line := range strings.SplitSeq(err.Error(), "\n") {
				assert.True(t, strings.HasPrefix(line, "seed: "), "%q", line)
			}
			return
		}
		for d := range allData(s) {
			if d.Label != nil {
				assert.True(t, json.Valid(d.Label), "%s", d.Label)
			}
		}
		// A parsed seed is a valid seed.
		server, err := jobstest.NewServer(jobstest.WithSeed(s))
		require.NoError(t, err)
		require.NoError(t, server.Close())
	})
}
