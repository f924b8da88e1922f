package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Conjunction combines the filters of a search.
type Conjunction string

// The conjunctions of filters.
const (
	And Conjunction = "and" // all filters must match
	Or  Conjunction = "or"  // one filter must match
)

// Unit is the unit of the results of a search.
type Unit string

// The units of a search.
const (
	// UnitFile finds the files that match.
	UnitFile Unit = "file"
	// UnitFrame finds all files of a frame if at least one of them matches. It needs a
	// fusion dataset.
	UnitFrame Unit = "frame"
)

// BasicSearchArgs holds the arguments of a job that searches a commit.
type BasicSearchArgs struct {
	// Revision is the branch, tag or commit id to search. The default is the revision that
	// the dataset is checked out at. A draft cannot be searched. Create resolves a branch or
	// a tag to its commit, which takes a request.
	Revision string
	// Conjunction combines the filters. The default is And.
	Conjunction Conjunction
	// Unit is the unit of the results. The default is UnitFile.
	Unit Unit
	// Filters are the conditions. At least one is required.
	Filters []Filter
	// Title is the title of the job. The default is "search(<first 7 characters of the commit
	// id>): <first filter>".
	Title string
	// Description is the description of the job.
	Description string
}

// BasicSearch returns the basic-search jobs of the dataset.
func (ds *Dataset) BasicSearch() Jobs[*BasicSearchJob, BasicSearchArgs] {
	return Jobs[*BasicSearchJob, BasicSearchArgs]{ds, TypeBasicSearch, func(j *Job) *BasicSearchJob { return &BasicSearchJob{j} }}
}

func (a BasicSearchArgs) prepare(ctx context.Context, ds *Dataset) (r gen.CreateJobRequest, err error) {
	a.Conjunction, a.Unit = cmp.Or(a.Conjunction, And), cmp.Or(a.Unit, UnitFile)
	if err := a.check(ctx, ds); err != nil {
		return r, err
	}
	commit, err := ds.commitID(ctx, a.Revision)
	if err != nil {
		return r, err
	}
	title := cmp.Or(a.Title, fmt.Sprintf("search(%.7s): %s", commit, a.Filters[0]))
	return newRequest(title, a.Description, gen.BasicSearchArguments{
		Commit:      commit,
		Conjunction: string(a.Conjunction),
		Unit:        string(a.Unit),
		Filters:     convert(a.Filters, func(f Filter) gen.SearchFilter { return f.wire }),
	})
}

// check validates the arguments without the commit. It reads the dataset only if a check
// depends on its kind and the kind is unknown.
func (a BasicSearchArgs) check(ctx context.Context, ds *Dataset) error {
	switch {
	case a.Conjunction != And && a.Conjunction != Or:
		return invalid("unknown conjunction %q: use %q or %q", a.Conjunction, And, Or)
	case a.Unit != UnitFile && a.Unit != UnitFrame:
		return invalid("unknown unit %q: use %q or %q", a.Unit, UnitFile, UnitFrame)
	case len(a.Filters) == 0:
		return invalid("the filter list is empty: add one filter at least")
	}
	for i, f := range a.Filters {
		if err := f.check(i); err != nil {
			return err
		}
	}
	if a.Revision == "" && ds.at.draft != 0 {
		_, err := ds.revision(ctx)
		return err
	}
	special := slices.IndexFunc(a.Filters, Filter.needsFusion)
	if a.Unit != UnitFrame && special < 0 {
		return nil
	}
	info, err := ds.Info(ctx)
	switch {
	case err != nil || info.Fusion:
		return err
	case a.Unit == UnitFrame:
		return invalid("unit %s on plain dataset %s: only fusion datasets have frames, use UnitFile", a.Unit, ds.id)
	default:
		return invalid("filter %d, %s, on plain dataset %s: only fusion datasets have frames and sensors, leave it out", special, a.Filters[special], ds.id)
	}
}

// BasicSearchJob is a job that searches a commit. It is safe for concurrent use. It also has
// the methods of [Job]:
//
//	Wait(ctx, options...) error                           waits for the end
//	Watch(ctx, options...) iter.Seq2[Event, error]        the same, with an event for each poll
//	Update(ctx) error                                     reads the job once
//	Abort(ctx) error                                      asks the service to stop it
//	Snapshot() Snapshot, Status() Status, ID() string     the newest known state
//	Dataset() *Dataset
//	MarshalJSON() ([]byte, error)                         saves it for Client.Resume
type BasicSearchJob struct{ *Job }

// Arguments returns the arguments with which the job was created. The revision is the id of
// the commit that was searched.
func (j *BasicSearchJob) Arguments() (BasicSearchArgs, error) {
	a, s, err := argumentsOf[gen.BasicSearchArguments](j.Job)
	if err != nil {
		return BasicSearchArgs{}, err
	}
	return BasicSearchArgs{
		Revision:    a.Commit,
		Conjunction: Conjunction(a.Conjunction),
		Unit:        Unit(a.Unit),
		Filters:     convert(a.Filters, func(f gen.SearchFilter) Filter { return Filter{wire: f} }),
		Title:       s.Title,
		Description: s.Description,
	}, nil
}

// Result returns the files found in a plain dataset. The error is [ErrNotFinished] before the
// end of the job, a [*JobError] if the job failed or was aborted, and [ErrInvalidArgument] on
// a fusion dataset: see FusionResult.
//
// Only the latest five results of a dataset can be read. Reading an older one fails with
// [ErrNotFound]. Result may need a ctx of its own, because that of the wait may have ended.
func (j *BasicSearchJob) Result(ctx context.Context) (*SearchResult, error) {
	contents, err := j.contents(ctx, false)
	if err != nil {
		return nil, err
	}
	return &SearchResult{searchResult{contents}}, nil
}

// FusionResult returns the frames found in a fusion dataset. Its errors are those of Result.
func (j *BasicSearchJob) FusionResult(ctx context.Context) (*FusionSearchResult, error) {
	contents, err := j.contents(ctx, true)
	if err != nil {
		return nil, err
	}
	return &FusionSearchResult{searchResult{contents}}, nil
}

func (j *BasicSearchJob) contents(ctx context.Context, fusion bool) (*Contents, error) {
	var r gen.BasicSearchResult
	s, err := j.result(ctx, &r)
	if err != nil {
		return nil, err
	}
	if err := checkReceivedID("search result id", r.SearchResultID); err != nil {
		return nil, fmt.Errorf("result of job %s: %w; its Snapshot holds the response", s.ID, err)
	}
	info, err := j.dataset.Info(ctx)
	switch {
	case err != nil:
		return nil, err
	case fusion && !info.Fusion:
		return nil, invalid("dataset %s is a plain dataset: use Result", j.dataset.id)
	case !fusion && info.Fusion:
		return nil, invalid("dataset %s is a fusion dataset: use FusionResult", j.dataset.id)
	}
	return &Contents{client: j.dataset.client, id: r.SearchResultID, commit: r.SearchResultCommitID}, nil
}

// DatasetSpec describes the dataset that [BasicSearchJob.CreateDataset] creates.
type DatasetSpec struct {
	// Name is the name of the dataset. It is required and must not be in use.
	Name string
	// Alias is the display name; it may be empty.
	Alias string
	// Public makes the dataset readable for all users.
	Public bool
}

// CreateDataset creates a dataset from the files found. The job must have succeeded, and its
// result must be among the latest five of its dataset. The error matches [ErrConflict] if the
// name is taken. It matches [ErrAmbiguous] if the dataset may have been created without a
// valid response: check with [Client.Dataset].
func (j *BasicSearchJob) CreateDataset(ctx context.Context, dataset DatasetSpec) error {
	if dataset.Name == "" {
		return invalid("the name of the new dataset is empty: set Name")
	}
	if _, err := j.RawResult(ctx); err != nil {
		return err
	}
	c := j.dataset.client
	return c.send(ctx, "createDatasetFromSearch", func() (*http.Request, error) {
		return gen.NewCreateDatasetFromSearchRequest(c.server, j.id, gen.CreateDatasetRequest{
			DatasetName: dataset.Name, Alias: dataset.Alias, IsPublic: dataset.Public,
		})
	}, nil)
}

// searchResult holds the common methods of SearchResult and FusionSearchResult.
type searchResult struct{ contents *Contents }

// ID returns the id of the search result.
func (r searchResult) ID() string { return r.contents.id }

// CommitID returns the id of the commit that holds the result.
func (r searchResult) CommitID() string { return r.contents.commit }

// Segments lists the segments with matches.
func (r searchResult) Segments(ctx context.Context) iter.Seq2[Segment, error] {
	return r.contents.Segments(ctx)
}

// LabelStatistics counts the labels of the files found.
func (r searchResult) LabelStatistics(ctx context.Context) (LabelStatistics, error) {
	return r.contents.LabelStatistics(ctx)
}

// SearchResult reads the result of a search in a plain dataset. Get one from
// [BasicSearchJob.Result]. Every method sends requests. It is safe for concurrent use.
type SearchResult struct{ searchResult }

// Data lists the files found in a segment.
func (r *SearchResult) Data(ctx context.Context, segment string) iter.Seq2[*Data, error] {
	return r.contents.Data(ctx, segment)
}

// All lists the files found in all segments, one segment after the other.
func (r *SearchResult) All(ctx context.Context) iter.Seq2[*Data, error] {
	return r.contents.AllData(ctx)
}

// FusionSearchResult reads the result of a search in a fusion dataset. Get one from
// [BasicSearchJob.FusionResult]. Every method sends requests. It is safe for concurrent use.
type FusionSearchResult struct{ searchResult }

// Frames lists the frames found in a segment.
func (r *FusionSearchResult) Frames(ctx context.Context, segment string) iter.Seq2[*Frame, error] {
	return r.contents.Frames(ctx, segment)
}

// All lists the frames found in all segments, one segment after the other.
func (r *FusionSearchResult) All(ctx context.Context) iter.Seq2[*Frame, error] {
	return r.contents.AllFrames(ctx)
}

// Sensors returns all sensors of a segment, also those without matches.
func (r *FusionSearchResult) Sensors(ctx context.Context, segment string) ([]Sensor, error) {
	return r.contents.Sensors(ctx, segment)
}
