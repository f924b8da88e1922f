package jobs

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/content"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// Contents reads a version of a dataset: a draft, a commit, or the result of a search. Every
// method sends requests. Get one from [Dataset.Contents] or [Draft.Contents]. It is safe for
// concurrent use.
type Contents struct {
	client *Client
	id     string // of the dataset or the search result
	commit string // this or draft
	draft  int64
}

// Contents returns a reader of a revision of the dataset: a branch, a tag or a commit id. An
// empty revision is the one that the dataset is checked out at, which may be a draft. A branch
// or a tag takes a request. A commit id takes none, so an unknown one is not an error here.
func (ds *Dataset) Contents(ctx context.Context, revision string) (*Contents, error) {
	if revision == "" && ds.at.draft != 0 {
		return &Contents{client: ds.client, id: ds.id, draft: ds.at.draft}, nil
	}
	commit, err := ds.commitID(ctx, revision)
	if err != nil {
		return nil, err
	}
	return &Contents{client: ds.client, id: ds.id, commit: commit}, nil
}

// Segment is a named part of a dataset.
type Segment struct {
	Name        string
	Description string
}

// Segments lists the segments.
func (c *Contents) Segments(ctx context.Context) iter.Seq2[Segment, error] {
	return list(ctx, c.client, "listSegments",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListSegmentsRequest(c.client.server, c.id, &gen.ListSegmentsParams{
				Commit: optional(c.commit), DraftNumber: optional(c.draft), Offset: offset, Limit: limit,
			})
		},
		func(p *gen.SegmentList) ([]Segment, int, error) {
			return convert(p.Segments, func(s gen.Segment) Segment { return Segment{s.Name, value(s.Description)} }), p.TotalCount, nil
		},
		func(s Segment) string { return s.Name })
}

// Data lists the data of a segment of a plain dataset. On a fusion dataset the error matches
// [ErrInvalidResponse]: use Frames.
func (c *Contents) Data(ctx context.Context, segment string) iter.Seq2[*Data, error] {
	return details(ctx, c, segment, func(p *content.Page, d plainData) *Data {
		return newData(p, segment, "", gen.FrameData{RemotePath: d.RemotePath, Timestamp: d.Timestamp, URL: d.URL}, d.Label)
	}, func(d *Data, o otherLabels) { d.Label.setOther(o.Label) }, func(d *Data) string { return d.RemotePath })
}

// AllData lists the data of all segments of a plain dataset, one segment after the other.
func (c *Contents) AllData(ctx context.Context) iter.Seq2[*Data, error] {
	return all(ctx, c, c.Data)
}

// AllFrames lists the frames of all segments of a fusion dataset, one segment after the other.
func (c *Contents) AllFrames(ctx context.Context) iter.Seq2[*Frame, error] {
	return all(ctx, c, c.Frames)
}

// all concatenates the lists of all segments.
func all[T any](ctx context.Context, c *Contents, list func(context.Context, string) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for segment, err := range c.Segments(ctx) {
			if err != nil {
				yield(none, err)
				return
			}
			for item, err := range list(ctx, segment.Name) {
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// Frame holds the data of several sensors of a fusion dataset that belong together.
type Frame struct {
	// ID is a ULID; in old datasets a UUID.
	ID   string
	Data []*Data
}

// Frames lists the frames of a segment of a fusion dataset. On a plain dataset the error
// matches [ErrInvalidResponse]: use Data.
func (c *Contents) Frames(ctx context.Context, segment string) iter.Seq2[*Frame, error] {
	return details(ctx, c, segment, func(p *content.Page, f wireFrame) *Frame {
		return &Frame{ID: f.FrameID, Data: convert(f.Frame, func(d frameData) *Data { return newData(p, segment, f.FrameID, d.FrameData, d.Label) })}
	}, func(f *Frame, o otherLabels) {
		for i, d := range f.Data {
			d.Label.setOther(o.Frame[i].Label)
		}
	}, func(f *Frame) string { return f.ID })
}

// The wire forms of data and frames are the generated ones with decoded labels.
type (
	plainData struct {
		gen.Data
		Label *wireLabel `json:"label,omitempty"`
	}
	frameData struct {
		gen.FrameData
		Label *wireLabel `json:"label,omitempty"`
	}
	wireFrame struct {
		FrameID string      `json:"frameId"`
		Frame   []frameData `json:"frame"`
	}
	// detailPage is a page of plainData or wireFrame.
	detailPage[W any] struct {
		gen.DataDetailList
		DataDetails []W `json:"dataDetails"`
	}
	// otherLabels is a datum or a frame of which only the labels matter.
	otherLabels struct {
		Label map[LabelType]json.RawMessage `json:"label"`
		Frame []struct {
			Label map[LabelType]json.RawMessage `json:"label"`
		} `json:"frame"`
	}
)

// details lists the data or frames of a segment, whose wire form is W. A page is decoded once.
// Only if it has labels of unknown types, setOther sets those from a second decoding.
func details[W, T any](ctx context.Context, c *Contents, segment string,
	adapt func(*content.Page, W) T, setOther func(T, otherLabels), id func(T) string,
) iter.Seq2[T, error] {
	if segment == "" {
		return failed[T](errNoSegment)
	}
	source := content.Source{Transport: c.client.transport, Fail: newError, ID: c.id, Commit: optional(c.commit), Draft: optional(c.draft)}
	return pages(ctx, c.client, "listDataDetails",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListDataDetailsRequest(c.client.server, c.id, &gen.ListDataDetailsParams{
				SegmentName: segment, Commit: optional(c.commit), DraftNumber: optional(c.draft), Offset: offset, Limit: limit,
			})
		},
		func(body []byte, offset int) ([]T, int, error) {
			list := detailPage[W]{DataDetails: make([]W, 0, wire.PageSize)}
			unknown, err := wire.DecodeOpen(body, &list)
			if err != nil {
				return nil, 0, err
			}
			page := source.Page(segment, offset, len(list.DataDetails))
			items := convert(list.DataDetails, func(w W) T { return adapt(page, w) })
			if unknown {
				var other detailPage[otherLabels]
				_ = json.Unmarshal(body, &other) // the labels were decoded before; other fields do not matter
				for i, item := range items {
					setOther(item, other.DataDetails[i])
				}
			}
			return items, list.TotalCount, nil
		}, id)
}

var errNoSegment = invalid("segment name is empty: Segments lists the names")

// SensorType is the kind of a sensor. The service may add further values.
type SensorType string

// The types of sensors.
const (
	SensorLidar         SensorType = "LIDAR"
	SensorRadar         SensorType = "RADAR"
	SensorCamera        SensorType = "CAMERA"
	SensorFisheyeCamera SensorType = "FISHEYE_CAMERA"
)

// Sensor describes a sensor of a segment.
type Sensor struct {
	Name        string     `json:"name"`
	Type        SensorType `json:"type"`
	Description string     `json:"description,omitempty"`
	// Extrinsics and Intrinsics are nil if they are unknown.
	Extrinsics *Extrinsics `json:"extrinsics,omitempty"`
	Intrinsics *Intrinsics `json:"intrinsics,omitempty"`
}

// Extrinsics is the pose of a sensor in the coordinate system of the vehicle. A field is nil
// if it is unknown.
type Extrinsics struct {
	Translation *Vector3D   `json:"translation,omitempty"`
	Rotation    *Quaternion `json:"rotation,omitempty"`
}

// Intrinsics is the projection of a camera.
type Intrinsics struct {
	// CameraMatrix is nil if it is unknown.
	CameraMatrix *CameraMatrix `json:"cameraMatrix,omitempty"`
	// DistortionCoefficients holds the radial (k1, k2, …) and tangential (p1, p2, …)
	// coefficients by name.
	DistortionCoefficients map[string]float64 `json:"distortionCoefficients,omitempty"`
}

// CameraMatrix holds focal lengths (Fx, Fy) and optical center (Cx, Cy) in pixels.
type CameraMatrix struct {
	Fx float64 `json:"fx"`
	Fy float64 `json:"fy"`
	Cx float64 `json:"cx"`
	Cy float64 `json:"cy"`
	// Skew is nil if it is unknown.
	Skew *float64 `json:"skew,omitempty"`
}

// Vector3D is a position or a size in space. The uploader chooses the unit.
type Vector3D struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	Z float64 `json:"z"`
}

// Quaternion is a rotation in space.
type Quaternion struct {
	W float64 `json:"w"`
	X float64 `json:"x"`
	Y float64 `json:"y"`
	Z float64 `json:"z"`
}

// Sensors returns the sensors of a segment of a fusion dataset.
func (c *Contents) Sensors(ctx context.Context, segment string) ([]Sensor, error) {
	if segment == "" {
		return nil, errNoSegment
	}
	type response struct {
		Sensors []Sensor `json:"sensors"`
	}
	body, err := call[response](ctx, c.client, "listSensors", func() (*http.Request, error) {
		return gen.NewListSensorsRequest(c.client.server, c.id, &gen.ListSensorsParams{
			SegmentName: segment, Commit: optional(c.commit), DraftNumber: optional(c.draft),
		})
	}, nil)
	return body.Sensors, err
}

// LabelStatistics counts labels by label type.
type LabelStatistics map[LabelType]TypeStatistics

// TypeStatistics counts the labels of one type.
type TypeStatistics struct {
	// Quantity is the number of labels.
	Quantity   int64                 `json:"quantity"`
	Categories []CategoryStatistics  `json:"categories,omitempty"`
	Attributes []AttributeStatistics `json:"attributes,omitempty"`
}

// CategoryStatistics counts the labels of one category.
type CategoryStatistics struct {
	Name string `json:"name"`
	// Quantity is the number of labels.
	Quantity   int64                 `json:"quantity"`
	Attributes []AttributeStatistics `json:"attributes,omitempty"`
}

// AttributeStatistics counts the values of one attribute. An attribute of numbers has Minimum
// and Maximum in place of Enum and Quantities.
type AttributeStatistics struct {
	Name string `json:"name"`
	// Enum holds the values: bool, float64, string or nil. Quantities holds the number of
	// labels for each value of Enum.
	Enum       []any   `json:"enum,omitempty"`
	Quantities []int64 `json:"quantities,omitempty"`
	// Minimum and Maximum are nil for an attribute that is not numeric.
	Minimum *float64 `json:"minimum,omitempty"`
	Maximum *float64 `json:"maximum,omitempty"`
}

// LabelStatistics counts the labels by type, category and attribute. Only attributes with a
// closed set of values, such as booleans and enums, are counted. Attributes of numbers have a
// minimum and a maximum instead.
func (c *Contents) LabelStatistics(ctx context.Context) (LabelStatistics, error) {
	type response struct {
		LabelStatistics LabelStatistics `json:"labelStatistics"`
	}
	body, err := call[response](ctx, c.client, "getLabelStatistics", func() (*http.Request, error) {
		return gen.NewGetLabelStatisticsRequest(c.client.server, c.id, &gen.GetLabelStatisticsParams{
			Commit: optional(c.commit), DraftNumber: optional(c.draft),
		})
	}, nil)
	return body.LabelStatistics, err
}
