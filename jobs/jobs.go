package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Jobs are the jobs of one type of a dataset: J is the type of such a job, A
// what it takes to create one. Get it from [Dataset.SquashAndMerge] or
// [Dataset.BasicSearch].
//
// It is a small value and safe for concurrent use.
type Jobs[J any, A arguments] struct {
	dataset *Dataset
	jobType Type
	wrap    func(*Job) J
}

// typed is a job as its own type, which it remembers: who has the one gets at the
// other.
func (js Jobs[J, A]) typed(job *Job) J {
	j := js.wrap(job)
	job.outer = j
	return j
}

// arguments are what a job is created with.
type arguments interface {
	// request checks the arguments, fills in what they leave out, and returns
	// what to send. Whatever can be found wrong is found here.
	request(ctx context.Context, ds *Dataset) (gen.CreateJobRequest, error)
}

// SquashAndMerge returns the squash-and-merge jobs of the dataset.
func (ds *Dataset) SquashAndMerge() Jobs[*SquashAndMergeJob, SquashAndMergeArgs] {
	return Jobs[*SquashAndMergeJob, SquashAndMergeArgs]{ds, TypeSquashAndMerge, func(j *Job) *SquashAndMergeJob { return &SquashAndMergeJob{j} }}
}

// BasicSearch returns the basic-search jobs of the dataset.
func (ds *Dataset) BasicSearch() Jobs[*BasicSearchJob, BasicSearchArgs] {
	return Jobs[*BasicSearchJob, BasicSearchArgs]{ds, TypeBasicSearch, func(j *Job) *BasicSearchJob { return &BasicSearchJob{j} }}
}

// Create starts a job and returns it as soon as the service has taken it up.
// Arguments that make no sense are [ErrInvalidArgument], before anything is
// created.
//
// Creating is not idempotent. When the request may have taken effect although
// no sound answer came, the error is [ErrAmbiguous], a [*CreateError]: look for
// the job before you create it again, or let the client look, see
// [WithCreateRecovery]. Create never sends a request again that may have made a
// job.
func (js Jobs[J, A]) Create(ctx context.Context, args A) (J, error) {
	var none J
	request, err := args.request(ctx, js.dataset)
	if err != nil {
		return none, fmt.Errorf("create %s job: %w", js.jobType, err)
	}
	c := js.dataset.client
	unsure := &CreateError{DatasetID: js.dataset.id, Type: js.jobType, Title: request.Title, Arguments: request.Arguments, Since: time.Now()}
	leave, err := c.recovery.lock(ctx, unsure)
	if err != nil {
		return none, fmt.Errorf("create %s job %q of dataset %s: another create of the same job is under way, so this one was not sent; wait for that one: %w",
			js.jobType, sanitize(request.Title, maxErrorMessage), js.dataset.id, err)
	}
	defer leave()
	job, err := js.create(ctx, request)
	if errors.Is(err, ErrAmbiguous) {
		unsure.Err = err
		if c.recovery == nil {
			return none, unsure
		}
		job, err = js.recover(ctx, unsure)
	}
	if err != nil {
		return none, err
	}
	c.recovery.claim(job.id)
	job.createdAt = time.Now()
	job.seenAt = job.createdAt
	return js.typed(job), nil
}

// create sends the request and makes a job of the answer.
func (js Jobs[J, A]) create(ctx context.Context, request gen.CreateJobRequest) (*Job, error) {
	c := js.dataset.client
	var created gen.CreatedJob
	err := c.call(ctx, opCreateJob,
		func() (*http.Request, error) { return gen.NewCreateJobRequest(c.server, js.dataset.id, request) },
		func(body []byte) error {
			if err := decode(body, &created); err != nil {
				return err
			}
			if err := checkID("job id", created.JobID); err != nil {
				return invalidResponse("%v", err)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	// The answer holds no more than this; the rest is what was sent.
	raw, err := json.Marshal(gen.Job{
		JobID:       created.JobID,
		JobType:     &request.JobType,
		Title:       request.Title,
		Arguments:   request.Arguments,
		CreatedAt:   created.CreatedAt,
		Status:      string(StatusQueuing),
		Description: request.Description,
	})
	if err != nil {
		return nil, fmt.Errorf("job %s was created, get it by its id: %w", created.JobID, err)
	}
	job, err := js.load(raw)
	if err != nil {
		return nil, fmt.Errorf("job %s was created, get it by its id: %w", created.JobID, err)
	}
	return job, nil
}

// Get reads one job. The error is [ErrNotFound] when the dataset has no job of
// this type with this id.
func (js Jobs[J, A]) Get(ctx context.Context, id string) (J, error) {
	var none J
	if err := checkID("job id", id); err != nil {
		return none, err
	}
	job := &Job{dataset: js.dataset, id: id, jobType: js.jobType}
	if err := job.Update(ctx); err != nil {
		return none, err
	}
	return js.typed(job), nil
}

// ListOptions narrow a list of jobs. The zero value lists all.
type ListOptions struct {
	// Status, when not empty, is that of every job listed.
	Status Status
}

// List lists the jobs, newest first, in as many requests as the caller goes on
// for: 128 jobs each.
func (js Jobs[J, A]) List(ctx context.Context, options ListOptions) iter.Seq2[J, error] {
	return func(yield func(J, error) bool) {
		for job, err := range js.pages(ctx, options) {
			var j J
			if err == nil {
				j = js.typed(job)
			}
			if !yield(j, err) {
				return
			}
		}
	}
}

func (js Jobs[J, A]) pages(ctx context.Context, options ListOptions) iter.Seq2[*Job, error] {
	c := js.dataset.client
	return list(ctx, c, opListJobs,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListJobsRequest(c.server, js.dataset.id, &gen.ListJobsParams{
				JobType: string(js.jobType), Status: optional(string(options.Status)), Offset: &offset, Limit: &limit,
			})
		},
		func(body []byte) ([]*Job, int, error) {
			var p gen.JobList
			if err := decode(body, &p); err != nil {
				return nil, 0, err
			}
			jobs := make([]*Job, 0, len(p.Jobs))
			for _, raw := range p.Jobs {
				job, err := js.load(raw)
				if errors.Is(err, errOtherType) {
					// A list of one type that shows another is the service's
					// mistake; it hides none of the jobs asked for.
					continue
				}
				if err != nil {
					return nil, 0, err
				}
				job.seenAt = time.Now()
				jobs = append(jobs, job)
			}
			return jobs, p.TotalCount, nil
		},
		func(j *Job) string { return j.id })
}

// Delete deletes a finished job. What it made stays.
func (js Jobs[J, A]) Delete(ctx context.Context, id string) error {
	if err := checkID("job id", id); err != nil {
		return err
	}
	c := js.dataset.client
	err := c.call(ctx, opDeleteJob,
		func() (*http.Request, error) {
			return gen.NewDeleteJobRequest(c.server, js.dataset.id, id, &gen.DeleteJobParams{JobType: string(js.jobType)})
		}, nil)
	if rejectedOnRetry(err) && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Load takes up a job that was saved as JSON, such as by json.Marshal of the
// job, without a request. Its state is the one it was saved with; Wait goes on
// from there.
func (js Jobs[J, A]) Resume(data []byte) (J, error) {
	job, err := js.load(append([]byte(nil), data...))
	if err != nil {
		var none J
		return none, fmt.Errorf("resume %s job: %w; pass what the JSON of such a job was", js.jobType, err)
	}
	return js.typed(job), nil
}

func (js Jobs[J, A]) load(raw []byte) (*Job, error) {
	s, err := newSnapshot(raw, js.jobType)
	if err != nil {
		return nil, err
	}
	return &Job{dataset: js.dataset, id: s.ID, jobType: js.jobType, last: s}, nil
}
