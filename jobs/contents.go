package jobs

import (
	"context"
	"iter"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Contents reads what a version of a dataset holds: a draft, a revision, or,
// behind [SearchResult], what a search found. Every method asks the service
// anew. It is safe for concurrent use.
type Contents struct {
	client *Client
	id     string // of the dataset or the search result
	commit string // this or draft
	draft  int64
}

// Contents reads what a revision of the dataset holds: a branch, a tag or a
// commit id. An empty revision is where the dataset stands, which may be a
// draft.
func (ds *Dataset) Contents(ctx context.Context, revision string) (*Contents, error) {
	if revision == "" && ds.at.draft != 0 {
		return &Contents{client: ds.client, id: ds.id, draft: ds.at.draft}, nil
	}
	commit, err := ds.Resolve(ctx, revision)
	if err != nil {
		return nil, err
	}
	return &Contents{client: ds.client, id: ds.id, commit: commit.ID}, nil
}

// A Segment is a part of a dataset.
type Segment struct {
	Name        string
	Description string
}

// Segments lists the segments.
func (c *Contents) Segments(ctx context.Context) iter.Seq2[Segment, error] {
	return list(ctx, c.client, opListSegments,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListSegmentsRequest(c.client.server, c.id, &gen.ListSegmentsParams{
				Commit: optional(c.commit), DraftNumber: optional(c.draft), Offset: &offset, Limit: &limit,
			})
		},
		func(body []byte) ([]Segment, int, error) {
			var p gen.SegmentList
			err := decode(body, &p)
			return each(p.Segments, func(s gen.Segment) Segment { return Segment{s.Name, value(s.Description)} }), p.TotalCount, err
		},
		func(s Segment) string { return s.Name })
}

// Data lists the data of a segment of a plain dataset. On a fusion dataset the
// error is [ErrInvalidResponse]: use Frames.
func (c *Contents) Data(ctx context.Context, segment string) iter.Seq2[*Data, error] {
	return details(ctx, c, segment, func(raw []byte) (*Data, error) {
		var d gen.Data
		if err := decode(raw, &d); err != nil {
			return nil, err
		}
		return c.newData(segment, gen.FrameData{RemotePath: d.RemotePath, Timestamp: d.Timestamp, URL: d.URL, Label: d.Label}), nil
	}, func(d *Data) string { return d.RemotePath })
}

// A Frame of a fusion dataset holds what several sensors recorded at one
// moment.
type Frame struct {
	// ID is a ULID; in old datasets a UUID.
	ID   string
	Data []*Data
}

// Frames lists the frames of a segment of a fusion dataset. On a plain dataset
// the error is [ErrInvalidResponse]: use Data.
func (c *Contents) Frames(ctx context.Context, segment string) iter.Seq2[*Frame, error] {
	return details(ctx, c, segment, func(raw []byte) (*Frame, error) {
		var f gen.Frame
		if err := decode(raw, &f); err != nil {
			return nil, err
		}
		frame := &Frame{ID: f.FrameID, Data: make([]*Data, len(f.Frame))}
		for i, d := range f.Frame {
			frame.Data[i] = c.newData(segment, d)
			frame.Data[i].FrameID = f.FrameID
		}
		return frame, nil
	}, func(f *Frame) string { return f.ID })
}

func details[T any](ctx context.Context, c *Contents, segment string, parse func([]byte) (T, error), id func(T) string) iter.Seq2[T, error] {
	if segment == "" {
		return func(yield func(T, error) bool) {
			var none T
			yield(none, invalid("segment name is empty: Segments lists the names"))
		}
	}
	return list(ctx, c.client, opListDataDetails,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListDataDetailsRequest(c.client.server, c.id, &gen.ListDataDetailsParams{
				SegmentName: segment, Commit: optional(c.commit), DraftNumber: optional(c.draft), Offset: &offset, Limit: &limit,
			})
		},
		func(body []byte) ([]T, int, error) {
			var p gen.DataDetailList
			if err := decode(body, &p); err != nil {
				return nil, 0, err
			}
			items := make([]T, len(p.DataDetails))
			for i, raw := range p.DataDetails {
				var err error
				if items[i], err = parse(raw); err != nil {
					return nil, 0, err
				}
			}
			return items, p.TotalCount, nil
		}, id)
}
