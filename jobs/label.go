package jobs

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/content"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// LabelType is the kind of a label. The service may add further values.
type LabelType string

// The types of labels.
const (
	LabelClassification  LabelType = "CLASSIFICATION"
	LabelBox2D           LabelType = "BOX2D"
	LabelBox3D           LabelType = "BOX3D"
	LabelPolygon         LabelType = "POLYGON"
	LabelMultiPolygon    LabelType = "MULTI_POLYGON"
	LabelRLE             LabelType = "RLE"
	LabelPolyline2D      LabelType = "POLYLINE2D"
	LabelMultiPolyline2D LabelType = "MULTI_POLYLINE2D"
	LabelKeypoints2D     LabelType = "KEYPOINTS2D"
	LabelSentence        LabelType = "SENTENCE"
	LabelSemanticMask    LabelType = "SEMANTIC_MASK"
	LabelInstanceMask    LabelType = "INSTANCE_MASK"
	LabelPanopticMask    LabelType = "PANOPTIC_MASK"
)

// Label holds the labels of a file by type. A type without labels is nil. In each label,
// Category and Instance are empty and Attributes is nil if the label has none.
type Label struct {
	Classification  *LabeledClassification   `json:"CLASSIFICATION,omitempty"`
	Box2D           []LabeledBox2D           `json:"BOX2D,omitempty"`
	Box3D           []LabeledBox3D           `json:"BOX3D,omitempty"`
	Polygon         []LabeledPolygon         `json:"POLYGON,omitempty"`
	MultiPolygon    []LabeledMultiPolygon    `json:"MULTI_POLYGON,omitempty"`
	RLE             []LabeledRLE             `json:"RLE,omitempty"`
	Polyline2D      []LabeledPolyline2D      `json:"POLYLINE2D,omitempty"`
	MultiPolyline2D []LabeledMultiPolyline2D `json:"MULTI_POLYLINE2D,omitempty"`
	Keypoints2D     []LabeledKeypoints2D     `json:"KEYPOINTS2D,omitempty"`
	Sentence        []LabeledSentence        `json:"SENTENCE,omitempty"`
	SemanticMask    *Mask[SemanticMaskInfo]  `json:"SEMANTIC_MASK,omitempty"`
	InstanceMask    *Mask[InstanceMaskInfo]  `json:"INSTANCE_MASK,omitempty"`
	PanopticMask    *Mask[PanopticMaskInfo]  `json:"PANOPTIC_MASK,omitempty"`
	// Other holds the labels of types that this package does not know.
	Other map[LabelType]OtherLabel `json:"-"`
}

// OtherLabel is a label of a type that this package does not know. It may contain a signed
// URL, so only its method JSON reveals it.
type OtherLabel struct{ raw redact.Secret }

// JSON returns the label in its wire form, byte for byte.
func (l OtherLabel) JSON() json.RawMessage { return json.RawMessage(l.raw.Reveal()) }

// Attributes maps attribute names to values: bool, float64, string, nil, or []any of those.
type Attributes = map[string]any

// LabeledClassification classifies a whole file. Category is empty and Attributes is nil if the
// label has none.
type LabeledClassification struct {
	Category   string     `json:"category,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
}

// LabeledBox2D marks an object with a rectangle. Instance identifies the same object in
// several files. Category and Instance are empty and Attributes is nil if the label has none.
type LabeledBox2D struct {
	Box2D      Box2D      `json:"box2d"`
	Category   string     `json:"category,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
	Instance   string     `json:"instance,omitempty"`
}

// Box2D is a rectangle in pixels.
type Box2D struct {
	Xmin float64 `json:"xmin"`
	Ymin float64 `json:"ymin"`
	Xmax float64 `json:"xmax"`
	Ymax float64 `json:"ymax"`
}

// LabeledBox3D marks an object with a cuboid. The other fields are as in [LabeledBox2D].
type LabeledBox3D struct {
	Box3D      Box3D      `json:"box3d"`
	Category   string     `json:"category,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
	Instance   string     `json:"instance,omitempty"`
}

// Box3D is a cuboid. Translation is its center. The uploader chooses the unit and the
// coordinate system.
type Box3D struct {
	Size        Vector3D   `json:"size"`
	Translation Vector3D   `json:"translation"`
	Rotation    Quaternion `json:"rotation"`
}

// LabeledPolygon marks an object with the outline of one area. The other fields are as in
// [LabeledBox2D].
type LabeledPolygon struct {
	Polygon    []Point2D  `json:"polygon"`
	Category   string     `json:"category,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
	Instance   string     `json:"instance,omitempty"`
}

// Point2D is a point in pixels.
type Point2D struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// LabeledMultiPolygon marks an object with the outlines of several areas. The other fields are
// as in [LabeledBox2D].
type LabeledMultiPolygon struct {
	MultiPolygon [][]Point2D `json:"multiPolygon"`
	Category     string      `json:"category,omitempty"`
	Attributes   Attributes  `json:"attributes,omitempty"`
	Instance     string      `json:"instance,omitempty"`
}

// LabeledRLE marks an object with a run-length encoded mask: RLE holds the lengths of its runs.
// The other fields are as in [LabeledBox2D].
type LabeledRLE struct {
	RLE        []int64    `json:"rle"`
	Category   string     `json:"category,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
	Instance   string     `json:"instance,omitempty"`
}

// LabeledPolyline2D marks an object with a line. The other fields are as in [LabeledBox2D].
type LabeledPolyline2D struct {
	Polyline2D []Point2D `json:"polyline2d"`
	// BeizerPointTypes holds the Bézier type of each point; it may be empty. The service uses
	// this spelling.
	BeizerPointTypes string     `json:"beizerPointTypes,omitempty"`
	Category         string     `json:"category,omitempty"`
	Attributes       Attributes `json:"attributes,omitempty"`
	Instance         string     `json:"instance,omitempty"`
}

// LabeledMultiPolyline2D marks an object with several lines. The other fields are as in
// [LabeledBox2D].
type LabeledMultiPolyline2D struct {
	MultiPolyline2D [][]Point2D `json:"multiPolyline2d"`
	Category        string      `json:"category,omitempty"`
	Attributes      Attributes  `json:"attributes,omitempty"`
	Instance        string      `json:"instance,omitempty"`
}

// LabeledKeypoints2D marks an object with points. The other fields are as in [LabeledBox2D].
type LabeledKeypoints2D struct {
	Keypoints2D []Keypoint2D `json:"keypoints2d"`
	Category    string       `json:"category,omitempty"`
	Attributes  Attributes   `json:"attributes,omitempty"`
	Instance    string       `json:"instance,omitempty"`
}

// Keypoint2D is a point in pixels. V is its visibility, with values that the dataset defines;
// nil if unknown.
type Keypoint2D struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	V *int    `json:"v,omitempty"`
}

// LabeledSentence is the transcript of a recording. Spell holds its spelling and Phone its
// phonemes. They and Attributes are nil if the label has none.
type LabeledSentence struct {
	Sentence   []Word     `json:"sentence"`
	Spell      []Word     `json:"spell,omitempty"`
	Phone      []Word     `json:"phone,omitempty"`
	Attributes Attributes `json:"attributes,omitempty"`
}

// Word is a part of a transcript. Begin and End are seconds from the start of the recording;
// nil if unknown.
type Word struct {
	Text  string   `json:"text"`
	Begin *float64 `json:"begin,omitempty"`
	End   *float64 `json:"end,omitempty"`
}

// Mask is an image whose pixels are ids. Info describes the ids: it is [SemanticMaskInfo],
// [InstanceMaskInfo] or [PanopticMaskInfo].
type Mask[Info any] struct {
	// RemotePath is the path of the mask.
	RemotePath string `json:"remotePath"`
	Info       []Info `json:"info"`

	file
}

// SemanticMaskInfo describes one category of a mask. Attributes is nil if there are none.
type SemanticMaskInfo struct {
	CategoryID int64      `json:"categoryId"`
	Attributes Attributes `json:"attributes,omitempty"`
}

// InstanceMaskInfo describes one instance of a mask. Attributes is nil if there are none.
type InstanceMaskInfo struct {
	InstanceID int64      `json:"instanceId"`
	Attributes Attributes `json:"attributes,omitempty"`
}

// PanopticMaskInfo describes one instance of a mask and its category. Attributes is nil if
// there are none.
type PanopticMaskInfo struct {
	InstanceID int64      `json:"instanceId"`
	CategoryID int64      `json:"categoryId"`
	Attributes Attributes `json:"attributes,omitempty"`
}

// IsZero reports whether there are no labels.
func (l Label) IsZero() bool { return len(l.Types()) == 0 }

// Types returns the types that have labels, in the order of the fields. Those in Other come
// last, sorted.
func (l Label) Types() (types []LabelType) {
	for i, t := range labelFields {
		if !reflect.ValueOf(l).Field(i).IsNil() {
			types = append(types, t)
		}
	}
	return append(types, slices.Sorted(maps.Keys(l.Other))...)
}

// labelFields holds the label types of the fields of Label before Other.
var labelFields = func() (types []LabelType) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Label]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" {
			types = append(types, LabelType(name))
		}
	}
	return types
}()

// A wireLabel is a Label in its wire form, in which masks have URLs.
type wireLabel struct {
	Label
	SemanticMask *wireMask[SemanticMaskInfo] `json:"SEMANTIC_MASK,omitempty"`
	InstanceMask *wireMask[InstanceMaskInfo] `json:"INSTANCE_MASK,omitempty"`
	PanopticMask *wireMask[PanopticMaskInfo] `json:"PANOPTIC_MASK,omitempty"`
}

type wireMask[Info any] struct {
	RemotePath string `json:"remotePath"`
	URL        string `json:"url"`
	Info       []Info `json:"info,omitempty"`
}

func newMask[Info any](p *content.Page, d *Data, labelType LabelType, m *wireMask[Info]) *Mask[Info] {
	if m == nil {
		return nil
	}
	image := p.Masks(string(labelType)).File(content.Key{Path: m.RemotePath}, d.RemotePath, m.URL)
	return &Mask[Info]{RemotePath: m.RemotePath, Info: m.Info, file: file{image}}
}

// setOther keeps the labels of unknown types.
func (l *Label) setOther(raw map[LabelType]json.RawMessage) {
	for t, label := range raw {
		if string(label) == "null" || slices.Contains(labelFields, t) {
			continue
		}
		if l.Other == nil {
			l.Other = map[LabelType]OtherLabel{}
		}
		l.Other[t] = OtherLabel{redact.New(string(label))}
	}
}
