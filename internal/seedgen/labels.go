package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// poolSize is how many different labels there are of each type. Data share
// them, which keeps the seed small enough to read.
const poolSize = 24

// A labelKind makes the labels of one type.
type labelKind struct {
	labelType string
	anchor    string
	// mask says that the pool holds the info of masks: each has its own path.
	mask bool
	make func(*rand.Rand) string
}

var labelKinds = []labelKind{
	{"CLASSIFICATION", "scene", false, makeClassification},
	{"BOX2D", "box", false, many(1, 4, makeBox2D)},
	{"BOX3D", "cuboid", false, many(1, 3, makeBox3D)},
	{"POLYGON", "area", false, many(1, 2, makePolygon)},
	{"MULTI_POLYGON", "areas", false, many(1, 1, makeMultiPolygon)},
	{"RLE", "rle", false, many(1, 2, makeRLE)},
	{"POLYLINE2D", "line", false, many(1, 2, makePolyline)},
	{"MULTI_POLYLINE2D", "lines", false, many(1, 1, makeMultiPolyline)},
	{"KEYPOINTS2D", "joints", false, many(1, 2, makeKeypoints)},
	{"SENTENCE", "speech", false, many(1, 1, makeSentence)},
	{"SEMANTIC_MASK", "classes", true, many(2, 4, makeSemanticInfo)},
	{"INSTANCE_MASK", "objects", true, numbered(2, 4, makeInstanceInfo)},
	{"PANOPTIC_MASK", "things", true, numbered(2, 4, makePanopticInfo)},
}

func kindOf(labelType string) labelKind {
	for _, k := range labelKinds {
		if k.labelType == labelType {
			return k
		}
	}
	panic("no label type " + labelType)
}

func makePools(r *rand.Rand) map[string][]string {
	pools := map[string][]string{}
	for _, k := range labelKinds {
		for range poolSize {
			pools[k.labelType] = append(pools[k.labelType], k.make(r))
		}
	}
	return pools
}

func many(least, most int, one func(*rand.Rand) string) func(*rand.Rand) string {
	return numbered(least, most, func(r *rand.Rand, _ int) string { return one(r) })
}

func numbered(least, most int, one func(*rand.Rand, int) string) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		var items []string
		for i := range least + r.IntN(most-least+1) {
			items = append(items, one(r, i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func yesNo(r *rand.Rand) string { return pick(r, "true", "false") }

func makeClassification(r *rand.Rand) string {
	return fmt.Sprintf("{category: %s, attributes: {weather: %s, lit: %s, lanes: %d}}",
		pick(r, "city", "highway", "residential", "tunnel"), pick(r, "clear", "rain", "fog", "snow"), yesNo(r), 1+r.IntN(6))
}

// makeBox2D gives some boxes a value of every kind that an attribute may have,
// and some boxes no attributes at all.
func makeBox2D(r *rand.Rand) string {
	x, y := r.IntN(6000), r.IntN(3000)
	box := fmt.Sprintf("{box2d: {xmin: %s, ymin: %s, xmax: %s, ymax: %s}, category: %s",
		quarters(x), quarters(y), quarters(x+40+r.IntN(1600)), quarters(y+40+r.IntN(1200)),
		pick(r, "car", "car", "car", "bus", "truck", "pedestrian", "pedestrian", "cyclist", "motorcycle"))
	if r.IntN(8) > 0 {
		box += fmt.Sprintf(", attributes: {occluded: %s, color: %s, distance: %s",
			yesNo(r), pick(r, "red", "white", "black", "blue", "null"), quarters(r.IntN(800)))
		switch r.IntN(4) {
		case 0:
			box += fmt.Sprintf(", plate: %s-%03d", pick(r, "A", "B", "K", "M"), r.IntN(1000))
		case 1:
			box += ", signals: [brake, " + pick(r, "left", "right") + "]"
		case 2:
			box += fmt.Sprintf(", readings: [%d, %s, %s, null]", r.IntN(9), quarters(r.IntN(99)), yesNo(r))
		}
		box += "}"
	}
	if r.IntN(3) == 0 {
		box += fmt.Sprintf(", instance: %q", fmt.Sprintf("%04d", r.IntN(500)))
	}
	return box + "}"
}

// Rotations are quarter turns: their quaternions need no rounding.
func makeBox3D(r *rand.Rand) string {
	return fmt.Sprintf("{box3d: {size: {x: %s, y: %s, z: %s}, translation: {x: %s, y: -%s, z: %s}, rotation: %s}, category: %s, attributes: {parked: %s, speed: %s}}",
		quarters(4+r.IntN(40)), quarters(4+r.IntN(10)), quarters(4+r.IntN(12)),
		quarters(r.IntN(300)), quarters(1+r.IntN(200)), quarters(r.IntN(8)),
		pick(r, "{w: 1, x: 0, y: 0, z: 0}", "{w: 0, x: 0, y: 0, z: 1}", "{w: 0.5, x: 0.5, y: 0.5, z: 0.5}"),
		pick(r, "car", "truck", "pedestrian", "cyclist"), yesNo(r), quarters(r.IntN(160)))
}

func points(r *rand.Rand, n int) string {
	var p []string
	for range n {
		p = append(p, fmt.Sprintf("{x: %s, y: %s}", quarters(r.IntN(7680)), quarters(r.IntN(4320))))
	}
	return "[" + strings.Join(p, ", ") + "]"
}

func makePolygon(r *rand.Rand) string {
	return fmt.Sprintf("{polygon: %s, category: %s, attributes: {wet: %s}}", points(r, 3+r.IntN(3)), pick(r, "road", "sidewalk", "vegetation"), yesNo(r))
}

func makeMultiPolygon(r *rand.Rand) string {
	return fmt.Sprintf("{multiPolygon: [%s, %s], category: %s}", points(r, 3), points(r, 4), pick(r, "building", "fence"))
}

func makeRLE(r *rand.Rand) string {
	var runs []string
	for range 4 + r.IntN(6) {
		runs = append(runs, fmt.Sprint(r.IntN(4000)))
	}
	return fmt.Sprintf("{rle: [%s], category: %s}", strings.Join(runs, ", "), pick(r, "sky", "road"))
}

func makePolyline(r *rand.Rand) string {
	n := 3 + r.IntN(2)
	line := fmt.Sprintf("{polyline2d: %s, category: %s, attributes: {style: %s}", points(r, n), pick(r, "lane", "curb"), pick(r, "solid", "dashed", "double"))
	if r.IntN(2) == 0 {
		line += ", beizerPointTypes: " + "LCCL"[:n]
	}
	return line + "}"
}

func makeMultiPolyline(r *rand.Rand) string {
	return fmt.Sprintf("{multiPolyline2d: [%s, %s], category: crosswalk}", points(r, 2), points(r, 2))
}

func makeKeypoints(r *rand.Rand) string {
	var p []string
	for range 4 {
		point := fmt.Sprintf("{x: %s, y: %s", quarters(r.IntN(7680)), quarters(r.IntN(4320)))
		if r.IntN(4) > 0 {
			point += fmt.Sprintf(", v: %d", r.IntN(3))
		}
		p = append(p, point+"}")
	}
	return fmt.Sprintf("{keypoints2d: [%s], category: pedestrian, attributes: {age: %s}}", strings.Join(p, ", "), pick(r, "child", "adult", "null"))
}

func makeSentence(r *rand.Rand) string {
	var words, phones []string
	at := 0
	for range 2 + r.IntN(3) {
		end := at + 1 + r.IntN(4)
		words = append(words, fmt.Sprintf("{text: %s, begin: %s, end: %s}", pick(r, "turn", "left", "right", "slow", "down", "stop", "ahead"), quarters(at), quarters(end)))
		phones = append(phones, fmt.Sprintf("{text: %s}", pick(r, "T-ER1-N", "L-EH1-F-T", "R-AY1-T", "S-T-AA1-P")))
		at = end
	}
	return fmt.Sprintf("{sentence: [%s], spell: [{text: %s}], phone: [%s], attributes: {language: %s}}",
		strings.Join(words, ", "), pick(r, "s-t-o-p", "l-e-f-t"), strings.Join(phones, ", "), pick(r, "en", "zh"))
}

func makeSemanticInfo(r *rand.Rand) string {
	return fmt.Sprintf("{categoryId: %d, attributes: {wet: %s}}", 1+r.IntN(6), yesNo(r))
}

func makeInstanceInfo(r *rand.Rand, i int) string {
	return fmt.Sprintf("{instanceId: %d, attributes: {moving: %s}}", i+1, yesNo(r))
}

func makePanopticInfo(r *rand.Rand, i int) string {
	return fmt.Sprintf("{instanceId: %d, categoryId: %d, attributes: {occluded: %s}}", i+1, 1+r.IntN(6), yesNo(r))
}
