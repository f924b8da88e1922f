package jobs

import (
	"context"
	"iter"
)

// A SearchResult is what a search found in a plain dataset. Every method asks
// the service anew. It is safe for concurrent use.
type SearchResult struct{ contents *Contents }

// ID is the id of the search result.
func (r *SearchResult) ID() string { return r.contents.id }

// CommitID is the id of the commit that holds the result.
func (r *SearchResult) CommitID() string { return r.contents.commit }

// Segments lists the segments in which something was found.
func (r *SearchResult) Segments(ctx context.Context) iter.Seq2[Segment, error] {
	return r.contents.Segments(ctx)
}

// Data lists what was found in a segment.
func (r *SearchResult) Data(ctx context.Context, segment string) iter.Seq2[*Data, error] {
	return r.contents.Data(ctx, segment)
}

// LabelStatistics counts the labels of what was found.
func (r *SearchResult) LabelStatistics(ctx context.Context) (LabelStatistics, error) {
	return r.contents.LabelStatistics(ctx)
}

// A FusionSearchResult is what a search found in a fusion dataset. Every method
// asks the service anew. It is safe for concurrent use.
type FusionSearchResult struct{ contents *Contents }

// ID is the id of the search result.
func (r *FusionSearchResult) ID() string { return r.contents.id }

// CommitID is the id of the commit that holds the result.
func (r *FusionSearchResult) CommitID() string { return r.contents.commit }

// Segments lists the segments in which something was found.
func (r *FusionSearchResult) Segments(ctx context.Context) iter.Seq2[Segment, error] {
	return r.contents.Segments(ctx)
}

// Frames lists what was found in a segment.
func (r *FusionSearchResult) Frames(ctx context.Context, segment string) iter.Seq2[*Frame, error] {
	return r.contents.Frames(ctx, segment)
}

// Sensors returns all sensors of a segment, whether or not data of theirs were
// found.
func (r *FusionSearchResult) Sensors(ctx context.Context, segment string) ([]Sensor, error) {
	return r.contents.Sensors(ctx, segment)
}

// LabelStatistics counts the labels of what was found.
func (r *FusionSearchResult) LabelStatistics(ctx context.Context) (LabelStatistics, error) {
	return r.contents.LabelStatistics(ctx)
}
