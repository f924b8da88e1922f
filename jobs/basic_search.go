package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Match says how the filters of a search go together.
type Conjunction string

// The ways filters go together.
const (
	// All: a datum must match every filter.
	And Conjunction = "and"
	// Any: a datum must match one of them.
	Or Conjunction = "or"
)

// A Unit is what a search finds.
type Unit string

// The units of a search.
const (
	// UnitFile finds the data that match.
	UnitFile Unit = "file"
	// UnitFrame finds every datum of a frame in which at least one matches;
	// fusion datasets only.
	UnitFrame Unit = "frame"
)

// BasicSearch is what [Jobs.Create] needs to search a commit.
type BasicSearchArgs struct {
	// Revision is the branch, tag or commit id to search. It is resolved to a
	// commit when the job is created. The default is where the dataset stands;
	// a draft cannot be searched.
	Revision string
	// Match is how the filters go together. The default is All.
	Conjunction Conjunction
	// Unit is what is found. The default is UnitFile.
	Unit Unit
	// Filters are the conditions: at least one.
	Filters []Filter
	// Title is the title of the job. The default is
	// search(<first 7 of the commit id>): <first filter>.
	Title string
	// Description is the description of the job.
	Description string
}

func (a BasicSearchArgs) request(ctx context.Context, ds *Dataset) (gen.CreateJobRequest, error) {
	var none gen.CreateJobRequest
	a.Conjunction, a.Unit = orDefault(a.Conjunction, And), orDefault(a.Unit, UnitFile)
	if err := a.check(ctx, ds); err != nil {
		return none, err
	}
	commit, err := ds.Resolve(ctx, a.Revision)
	if err != nil {
		return none, err
	}
	arguments, err := json.Marshal(gen.BasicSearchArguments{
		Commit:      commit.ID,
		Conjunction: string(a.Conjunction),
		Unit:        string(a.Unit),
		Filters:     each(a.Filters, func(f Filter) gen.SearchFilter { return f.wire }),
	})
	if err != nil {
		return none, err
	}
	return gen.CreateJobRequest{
		JobType:     string(TypeBasicSearch),
		Title:       orDefault(a.Title, fmt.Sprintf("search(%.7s): %s", commit.ID, a.Filters[0])),
		Description: optional(a.Description),
		Arguments:   arguments,
	}, nil
}

// check finds what can be found wrong without the commit. Only where it hangs
// on the kind of the dataset, and that is not known yet, is the dataset read.
func (a BasicSearchArgs) check(ctx context.Context, ds *Dataset) error {
	switch {
	case a.Conjunction != And && a.Conjunction != Or:
		return invalid("unknown match %q: want %q or %q", a.Conjunction, And, Or)
	case a.Unit != UnitFile && a.Unit != UnitFrame:
		return invalid("unknown unit %q: want %q or %q", a.Unit, UnitFile, UnitFrame)
	case len(a.Filters) == 0:
		return invalid("the filter list is empty: a search needs at least one")
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

// A BasicSearchJob searches a commit. It is safe for concurrent use.
type BasicSearchJob struct{ *Job }

// Arguments returns what the job was created with; the revision is the commit
// that was searched.
func (j *BasicSearchJob) Arguments() (BasicSearchArgs, error) {
	s := j.Snapshot()
	var a gen.BasicSearchArguments
	if err := decode(s.Arguments, &a); err != nil {
		return BasicSearchArgs{}, unreadable("arguments", s.ID, err)
	}
	return BasicSearchArgs{
		Revision:    a.Commit,
		Conjunction: Conjunction(a.Conjunction),
		Unit:        Unit(a.Unit),
		Filters:     each(a.Filters, func(f gen.SearchFilter) Filter { return Filter{wire: f} }),
		Title:       s.Title,
		Description: s.Description,
	}, nil
}

// Result returns what the search found in a plain dataset. The error is
// [ErrNotFinished] while the job has not ended, a [*JobError] when it failed or
// was aborted, and [ErrInvalidArgument] on a fusion dataset: see FusionResult.
//
// Only the latest five results of a dataset can be read; what is older answers
// [ErrNotFound].
func (j *BasicSearchJob) Result(ctx context.Context) (*SearchResult, error) {
	contents, err := j.contents(ctx, false)
	if err != nil {
		return nil, err
	}
	return &SearchResult{contents}, nil
}

// FusionResult returns what the search found in a fusion dataset. The errors
// are those of Result.
func (j *BasicSearchJob) FusionResult(ctx context.Context) (*FusionSearchResult, error) {
	contents, err := j.contents(ctx, true)
	if err != nil {
		return nil, err
	}
	return &FusionSearchResult{contents}, nil
}

func (j *BasicSearchJob) contents(ctx context.Context, fusion bool) (*Contents, error) {
	s, err := j.result(ctx)
	if err != nil {
		return nil, err
	}
	var r gen.BasicSearchResult
	if err := decode(s.Result, &r); err != nil {
		return nil, unreadable("result", s.ID, err)
	}
	if err := checkID("search result id", r.SearchResultID); err != nil {
		return nil, unreadable("result", s.ID, invalidResponse("%v", err))
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

// DatasetSpec says how the dataset is called that [BasicSearchJob.CreateDataset]
// makes.
type DatasetSpec struct {
	// Name of the dataset; required, and unused so far.
	Name string
	// Alias is a name for people; it may be empty.
	Alias string
	// Public lets everybody read the dataset.
	Public bool
}

// CreateDataset makes a dataset of what the search found. The job must have
// succeeded, and its result must be among the latest five of its dataset. The
// error is [ErrConflict] when the name is taken, and [ErrAmbiguous] when the
// dataset may have been made although no sound answer came: look for its name
// with [Client.Dataset].
func (j *BasicSearchJob) CreateDataset(ctx context.Context, dataset DatasetSpec) error {
	if dataset.Name == "" {
		return invalid("the name of the new dataset is empty: set Name")
	}
	if _, err := j.result(ctx); err != nil {
		return err
	}
	c := j.dataset.client
	return c.call(ctx, opCreateDatasetFromSearch,
		func() (*http.Request, error) {
			return gen.NewCreateDatasetFromSearchRequest(c.server, j.id, gen.CreateDatasetRequest{
				DatasetName: dataset.Name, Alias: dataset.Alias, IsPublic: dataset.Public,
			})
		}, nil)
}
