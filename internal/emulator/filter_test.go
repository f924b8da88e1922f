package emulator_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// The test compares random searches with a second implementation of the filters,
// which reads the seed and shares no code with the emulator.
func TestSearch_MatchesAPlainEvaluation(t *testing.T) {
	source := uint64(time.Now().UnixNano())
	for _, fusion := range []bool{false, true} {
		t.Run(fmt.Sprintf("fusion=%v", fusion), func(t *testing.T) {
			t.Logf("random source %d", source)
			g := &generator{rand.New(rand.NewPCG(source, 0))}
			ds := g.dataset(fusion)
			c := start(t, withSeed(seed.Seed{Datasets: []seed.Dataset{ds}}),
				withTimes(0, 0), withoutContractCheck())
			id := c.id(ds.Name)
			commit := c.head(id)
			searches, found := size(1000)/2, 0
			for range searches {
				search := g.search(commit, fusion)
				want := evaluate(ds, search)
				result := c.create(id, "basicSearch", search).state()["result"].(object)
				got := c.paths("datasets/" + result["searchResultId"].(string))
				require.Equal(t, want, got, "%v", search)
				found += min(len(want), 1)
			}
			t.Logf("%d of %d searches found data", found, searches)
			require.Greater(t, found, searches*2/10, "most searches find nothing")
			require.Less(t, found, searches, "all searches find data")
		})
	}
}

// paths returns the segment, the frame and the path of all data in order.
func (c caller) paths(base string) []string {
	var paths []string
	for _, s := range c.get(base + "/segments")["segments"].([]any) {
		name := s.(object)["name"].(string)
		for _, detail := range c.get(base + "/data/details?segmentName=" + name)["dataDetails"].([]any) {
			detail := detail.(object)
			if frame, ok := detail["frame"].([]any); ok {
				for _, d := range frame {
					paths = append(paths, fmt.Sprintf("%s|%s|%s", name, detail["frameId"], d.(object)["remotePath"]))
				}
			} else {
				paths = append(paths, fmt.Sprintf("%s||%s", name, detail["remotePath"]))
			}
		}
	}
	return paths
}

type generator struct{ *rand.Rand }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// some returns one to three values.
func some[T any](g *generator, from ...T) []any {
	var values []any
	for range 1 + g.IntN(3) {
		values = append(values, pick(g, from...))
	}
	return values
}

var (
	segmentNames  = []string{"train", "test", "val"}
	sensorNames   = []string{"CAM_L", "CAM_R", "LIDAR"}
	categories    = []string{"car", "bus", "tram", "road"}
	labelTypes    = []string{"BOX2D", "CLASSIFICATION", "SEMANTIC_MASK", "SENTENCE", "LATER"}
	attributes    = []string{"color", "open", "speed"}
	attributeVals = []any{true, false, nil, 1, 2.5, "red", "blue"}
)

func (g *generator) dataset(fusion bool) seed.Dataset {
	commit := seed.Commit{Name: "c"}
	for _, name := range segmentNames {
		segment := seed.Segment{Name: name}
		for n := range 8 {
			if !fusion {
				segment.Data = append(segment.Data, g.datum("", n))
				continue
			}
			frame := seed.Frame{ID: fmt.Sprintf("frame-%s-%d", name, n)}
			for _, sensor := range sensorNames {
				if g.IntN(4) > 0 {
					frame.Data = append(frame.Data, g.datum(sensor, n))
				}
			}
			segment.Frames = append(segment.Frames, frame)
		}
		if fusion {
			for _, sensor := range sensorNames {
				segment.Sensors = append(segment.Sensors, seed.JSON(fmt.Sprintf(`{"name": %q, "type": "CAMERA"}`, sensor)))
			}
		}
		commit.Segments = append(commit.Segments, segment)
	}
	return seed.Dataset{
		Name:     "random",
		Fusion:   fusion,
		Catalog:  seed.JSON(`{"SEMANTIC_MASK": {"categories": [{"name": "road", "categoryId": 1}, {"name": "car", "categoryId": 2}]}}`),
		Commits:  []seed.Commit{commit},
		Branches: []seed.Ref{{Name: "main", Commit: "c"}},
	}
}

func (g *generator) datum(sensor string, n int) seed.Data {
	d := seed.Data{Sensor: sensor, RemotePath: fmt.Sprintf("%s%02d.bin", sensor, n), Size: g.Int64N(10)}
	if g.IntN(4) == 0 {
		d.Content, d.Size = []byte(strings.Repeat("x", g.IntN(10))), 99
	}
	label := object{}
	for _, labelType := range labelTypes {
		if g.IntN(3) > 0 {
			continue
		}
		switch labelType {
		case "CLASSIFICATION", "LATER":
			label[labelType] = g.labeled()
		case "SEMANTIC_MASK":
			info := []any{}
			for range g.IntN(3) {
				it := g.labeled()
				delete(it, "category")
				it["categoryId"] = 1 + g.IntN(3) // 3 is not in the catalog
				info = append(info, it)
			}
			label[labelType] = object{"remotePath": "mask/" + d.RemotePath, "info": info}
		default:
			list := []any{}
			for range g.IntN(3) {
				list = append(list, g.labeled())
			}
			label[labelType] = list
		}
	}
	if len(label) > 0 || g.IntN(2) == 0 { // {} means no label too
		d.Label, _ = json.Marshal(label)
	}
	return d
}

func (g *generator) labeled() object {
	l := object{}
	if g.IntN(4) > 0 {
		l["category"] = pick(g, categories...)
	}
	values := object{}
	for _, name := range attributes {
		switch g.IntN(4) {
		case 0:
			values[name] = some(g, attributeVals...)
		case 1, 2:
			values[name] = pick(g, attributeVals...)
		}
	}
	if len(values) > 0 {
		l["attributes"] = values
	}
	return l
}

func (g *generator) search(commit string, fusion bool) object {
	var filters []object
	for range 1 + g.IntN(3) {
		filters = append(filters, g.filter())
	}
	unit := "file"
	if fusion && g.IntN(2) == 0 {
		unit = "frame"
	}
	return searchArguments(commit, pick(g, "and", "or"), unit, filters...)
}

func (g *generator) filter() object {
	switch key := pick(g, "segment", "size", "withLabel", "frame", "sensor", "category", "attribute", "keyword"); key {
	case "segment":
		return filterOf(key, "in", some(g, append(segmentNames, "nothing")...))
	case "sensor":
		return filterOf(key, "in", some(g, append(sensorNames, "nothing")...))
	case "size":
		return filterOf(key, pick(g, "=", ">", "<", ">=", "<="), g.IntN(12)-1)
	case "withLabel":
		return filterOf(key, "=", g.IntN(2) == 0)
	case "frame":
		return filterOf(key, pick(g, "like", "="), pick(g, "frame", "train", "-1", "frame-test-7", "frame-val-3"))
	case "keyword":
		return filterOf(key, pick(g, "like", "="), pick(g, "0", "1", ".bin", "CAM_", "07.bin", "CAM_L07.bin"))
	case "category":
		return filterOf(key, "in", some(g, categories...), pick(g, labelTypes...))
	default:
		allowed := object{}
		for range 1 + g.IntN(2) {
			allowed[pick(g, attributes...)] = some(g, attributeVals...)
		}
		return filterOf(key, "in", allowed, pick(g, labelTypes...))
	}
}

// evaluate returns the expected result of a search, as paths does.
func evaluate(ds seed.Dataset, search object) []string {
	var paths []string
	for _, segment := range ds.Commits[0].Segments {
		for _, d := range segment.Data {
			if wanted(search, segment.Name, "", d) {
				paths = append(paths, segment.Name+"||"+d.RemotePath)
			}
		}
		for _, frame := range segment.Frames {
			whole := false
			for _, d := range frame.Data {
				whole = whole || search["unit"] == "frame" && wanted(search, segment.Name, frame.ID, d)
			}
			for _, d := range frame.Data {
				if whole || search["unit"] == "file" && wanted(search, segment.Name, frame.ID, d) {
					paths = append(paths, segment.Name+"|"+frame.ID+"|"+d.RemotePath)
				}
			}
		}
	}
	return paths
}

func wanted(search object, segment, frame string, d seed.Data) bool {
	yes, no := 0, 0
	for _, f := range search["filters"].([]object) {
		if accepts(f, segment, frame, d) {
			yes++
		} else {
			no++
		}
	}
	if search["conjunction"] == "and" {
		return no == 0
	}
	return yes > 0
}

func accepts(f object, segment, frame string, d seed.Data) bool {
	value := f["value"]
	var label map[string]any
	if d.Label != nil {
		if err := json.Unmarshal(d.Label, &label); err != nil {
			panic(err)
		}
	}
	text := func(s string) bool {
		if f["operator"] == "=" {
			return s == value
		}
		return strings.Contains(s, value.(string))
	}
	switch f["key"] {
	case "segment":
		return oneOf(segment, value.([]any))
	case "sensor":
		return oneOf(d.Sensor, value.([]any))
	case "frame":
		return text(frame)
	case "keyword":
		return text(d.RemotePath)
	case "withLabel":
		return (len(label) > 0) == value.(bool)
	case "size":
		size, limit := int(d.Size), value.(int)
		if d.Content != nil {
			size = len(d.Content)
		}
		switch f["operator"] {
		case "=":
			return size == limit
		case ">":
			return size > limit
		case "<":
			return size < limit
		case ">=":
			return size >= limit
		}
		return size <= limit
	}
	labelType := f["extraInfo"].(object)["labelType"].(string)
	var things []any
	switch labels := label[labelType].(type) {
	case []any:
		things = labels
	case object:
		things = []any{labels}
		if labelType == "SEMANTIC_MASK" {
			things = labels["info"].([]any)
		}
	}
	for _, thing := range things {
		thing := thing.(object)
		if f["key"] == "category" {
			name := thing["category"]
			if labelType == "SEMANTIC_MASK" {
				name = map[any]any{1.0: "road", 2.0: "car"}[thing["categoryId"]]
			}
			if name != nil && oneOf(name, value.([]any)) {
				return true
			}
			continue
		}
		values, _ := thing["attributes"].(object)
		all := true
		for name, allowed := range value.(object) {
			has, ok := values[name]
			list, isList := has.([]any)
			if !isList {
				list = []any{has}
			}
			fits := false
			for _, element := range list {
				fits = fits || oneOf(element, allowed.([]any))
			}
			all = all && ok && fits
		}
		if all {
			return true
		}
	}
	return false
}

func oneOf(value any, allowed []any) bool {
	for _, a := range allowed {
		if n, ok := a.(int); ok {
			a = float64(n)
		}
		if a == value {
			return true
		}
	}
	return false
}
