package jobs

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A LabelType is the kind of a label. The service may add others than those
// named here.
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

// A Label is what is known of a datum, by the type of the label. A type that
// the datum has no label of is nil.
type Label struct {
	Classification  *LabeledClassification
	Box2D           []LabeledBox2D
	Box3D           []LabeledBox3D
	Polygon         []LabeledPolygon
	MultiPolygon    []LabeledMultiPolygon
	RLE             []LabeledRLE
	Polyline2D      []LabeledPolyline2D
	MultiPolyline2D []LabeledMultiPolyline2D
	Keypoints2D     []LabeledKeypoints2D
	Sentence        []LabeledSentence
	SemanticMask    *Mask[SemanticMaskInfo]
	InstanceMask    *Mask[InstanceMaskInfo]
	PanopticMask    *Mask[PanopticMaskInfo]
	// Other holds the labels of types that are not named above.
	Other map[LabelType]OtherLabel
}

// An OtherLabel is a label of a type that this package does not know. There may
// be a signed URL in it, as there is in a mask, so it is shown only when asked
// for.
type OtherLabel struct{ raw secret }

// JSON is the label in its wire form, byte for byte.
func (l OtherLabel) JSON() json.RawMessage { return json.RawMessage(l.raw.text()) }

// What labels are made of, as openapi.yaml describes it. Attribute values are
// bool, float64, string, nil, or []any of those.
type (
	// LabeledClassification is the class of a whole datum.
	LabeledClassification = gen.Classification
	// LabeledBox2D is a rectangle in pixels.
	LabeledBox2D = gen.LabeledBox2D
	// LabeledBox3D is a box in space.
	LabeledBox3D = gen.LabeledBox3D
	// LabeledPolygon is an area within one line.
	LabeledPolygon = gen.LabeledPolygon
	// LabeledMultiPolygon is an area within several lines.
	LabeledMultiPolygon = gen.LabeledMultiPolygon
	// LabeledRLE is a mask as run lengths.
	LabeledRLE = gen.LabeledRLE
	// LabeledPolyline2D is a line.
	LabeledPolyline2D = gen.LabeledPolyline2D
	// LabeledMultiPolyline2D is a set of lines.
	LabeledMultiPolyline2D = gen.LabeledMultiPolyline2D
	// LabeledKeypoints2D is a set of points of one object.
	LabeledKeypoints2D = gen.LabeledKeypoints2D
	// LabeledSentence is what is said in a recording.
	LabeledSentence = gen.LabeledSentence
	// SemanticMaskInfo describes one category of a mask.
	SemanticMaskInfo = gen.SemanticMaskInfo
	// InstanceMaskInfo describes one instance of a mask.
	InstanceMaskInfo = gen.InstanceMaskInfo
	// PanopticMaskInfo describes one instance of a mask and its category.
	PanopticMaskInfo = gen.PanopticMaskInfo
)

// A Mask is a picture whose pixels are ids. Info describes the ids: it is a
// [SemanticMaskInfo], [InstanceMaskInfo] or [PanopticMaskInfo].
type Mask[Info any] struct {
	// RemotePath is the path of the mask.
	RemotePath string
	Info       []Info

	content *remote
}

// Open reads the mask. The caller closes it. It behaves like [Data.Open].
func (m *Mask[Info]) Open(ctx context.Context) (io.ReadCloser, error) { return m.content.open(ctx) }

// URL is the signed URL of the mask; see [Data.URL].
func (m *Mask[Info]) URL() string { return m.content.signed() }

// IsZero reports whether nothing is known.
func (l Label) IsZero() bool { return len(l.Types()) == 0 }

// Types returns the types of the labels that are there, in the order of the
// fields; those in Other come last, in no order.
func (l Label) Types() []LabelType {
	var types []LabelType
	for _, t := range []struct {
		of    LabelType
		there bool
	}{
		{LabelClassification, l.Classification != nil},
		{LabelBox2D, l.Box2D != nil},
		{LabelBox3D, l.Box3D != nil},
		{LabelPolygon, l.Polygon != nil},
		{LabelMultiPolygon, l.MultiPolygon != nil},
		{LabelRLE, l.RLE != nil},
		{LabelPolyline2D, l.Polyline2D != nil},
		{LabelMultiPolyline2D, l.MultiPolyline2D != nil},
		{LabelKeypoints2D, l.Keypoints2D != nil},
		{LabelSentence, l.Sentence != nil},
		{LabelSemanticMask, l.SemanticMask != nil},
		{LabelInstanceMask, l.InstanceMask != nil},
		{LabelPanopticMask, l.PanopticMask != nil},
	} {
		if t.there {
			types = append(types, t.of)
		}
	}
	for of := range l.Other {
		types = append(types, of)
	}
	return types
}

// newLabel adapts a label of the datum d.
func (c *Contents) newLabel(d *Data, l *gen.Label) Label {
	label := Label{
		Classification:  l.Classification,
		Box2D:           l.Box2D,
		Box3D:           l.Box3D,
		Polygon:         l.Polygon,
		MultiPolygon:    l.MultiPolygon,
		RLE:             l.RLE,
		Polyline2D:      l.Polyline2D,
		MultiPolyline2D: l.MultiPolyline2D,
		Keypoints2D:     l.Keypoints2D,
		Sentence:        l.Sentence,
	}
	if m := l.SemanticMask; m != nil {
		label.SemanticMask = &Mask[SemanticMaskInfo]{m.RemotePath, m.Info, c.mask(d, LabelSemanticMask, m.RemotePath, m.URL)}
	}
	if m := l.InstanceMask; m != nil {
		label.InstanceMask = &Mask[InstanceMaskInfo]{m.RemotePath, m.Info, c.mask(d, LabelInstanceMask, m.RemotePath, m.URL)}
	}
	if m := l.PanopticMask; m != nil {
		label.PanopticMask = &Mask[PanopticMaskInfo]{m.RemotePath, m.Info, c.mask(d, LabelPanopticMask, m.RemotePath, m.URL)}
	}
	if len(l.AdditionalProperties) > 0 {
		label.Other = make(map[LabelType]OtherLabel, len(l.AdditionalProperties))
		for of, raw := range l.AdditionalProperties {
			label.Other[LabelType(of)] = OtherLabel{newSecret(string(raw))}
		}
	}
	return label
}

func (c *Contents) mask(d *Data, of LabelType, path, url string) *remote {
	return &remote{
		client: c.client,
		path:   sanitize(d.Segment+"/"+path, maxPath),
		url:    newSecret(url),
		renew:  func(ctx context.Context) (string, error) { return c.renewMask(ctx, d, of, path) },
	}
}

func (c *Contents) renewMask(ctx context.Context, d *Data, of LabelType, path string) (fresh string, err error) {
	err = c.client.call(ctx, opListMaskUrls,
		func() (*http.Request, error) {
			return gen.NewListMaskUrlsRequest(c.client.server, c.id, &gen.ListMaskUrlsParams{
				SegmentName: d.Segment, MaskType: string(of), RemotePath: &d.RemotePath,
				Commit: optional(c.commit), DraftNumber: optional(c.draft),
			})
		},
		func(body []byte) error {
			var p gen.MaskURLList
			if err := decode(body, &p); err != nil {
				return err
			}
			for _, u := range p.Urls {
				if u != nil && u.RemotePath == path {
					fresh = u.URL
					return nil
				}
			}
			return invalidResponse("it holds no url of %s", sanitize(path, maxPath))
		})
	return fresh, err
}
