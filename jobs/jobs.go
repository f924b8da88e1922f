package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Jobs creates, reads, lists and deletes the jobs of one type of a dataset. J is the type of
// such a job, and A its arguments. Get it from [Dataset.SquashAndMerge] or
// [Dataset.BasicSearch].
//
// It is a small value and safe for concurrent use.
type Jobs[J any, A arguments] struct {
	dataset *Dataset
	jobType Type
	wrap    func(*Job) J
}

// arguments are the arguments of a new job.
type arguments interface {
	// request performs all client-side validation, sets the defaults and returns the body of
	// the request.
	request(ctx context.Context, ds *Dataset) (gen.CreateJobRequest, error)
}

// Create starts a job and returns it when the service has accepted it. Arguments that make
// no sense are [ErrInvalidArgument], before anything is created.
//
// Creating is not idempotent. If the request may have taken effect without a valid response,
// the error is a [*CreateError], which matches [ErrAmbiguous]: check the list of jobs before
// you create the job again, or use [WithCreateRecovery]. Create never repeats a request that
// may have created a job.
func (js Jobs[J, A]) Create(ctx context.Context, args A) (J, error) {
	var none J
	request, err := args.request(ctx, js.dataset)
	if err != nil {
		return none, fmt.Errorf("create %s job: %w", js.jobType, err)
	}
	c := js.dataset.client
	uncertain := &CreateError{DatasetID: js.dataset.id, Type: js.jobType, Title: request.Title, Arguments: request.Arguments, Since: time.Now()}
	unlock, err := c.recovery.lock(ctx, uncertain)
	if err != nil {
		return none, fmt.Errorf("create %s job %q of dataset %s: not sent, because another create of an equal job is in progress; wait for that one: %w",
			js.jobType, sanitize(request.Title), js.dataset.id, err)
	}
	defer unlock()
	job, err := js.create(ctx, request)
	if errors.Is(err, ErrAmbiguous) {
		uncertain.Err = err
		if c.recovery == nil {
			return none, uncertain
		}
		job, err = js.recover(ctx, uncertain)
	}
	if err != nil {
		return none, err
	}
	c.recovery.claim(job.id)
	job.createdAt = time.Now()
	job.seenAt = job.createdAt
	return js.wrap(job), nil
}

// create sends the request and returns the new job.
func (js Jobs[J, A]) create(ctx context.Context, request gen.CreateJobRequest) (*Job, error) {
	c := js.dataset.client
	var created gen.CreatedJob
	err := c.call(ctx, "createJob",
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
	// The response holds only id and time of creation; the rest is known from the request.
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
	job, err := js.resume(raw)
	if err != nil {
		return nil, fmt.Errorf("job %s was created, get it by its id: %w", created.JobID, err)
	}
	return job, nil
}

// Get reads one job. The error matches [ErrNotFound] if the dataset has no job of this type
// with this id.
func (js Jobs[J, A]) Get(ctx context.Context, id string) (J, error) {
	var none J
	if err := checkID("job id", id); err != nil {
		return none, err
	}
	job := &Job{dataset: js.dataset, id: id, jobType: js.jobType}
	if err := job.Update(ctx); err != nil {
		return none, err
	}
	return js.wrap(job), nil
}

// ListOptions filters a list of jobs. The zero value selects all.
type ListOptions struct {
	// Status selects the jobs with this status if it is not empty.
	Status Status
}

// List lists the jobs, newest first. It fetches pages of 128 as the iterator advances.
func (js Jobs[J, A]) List(ctx context.Context, options ListOptions) iter.Seq2[J, error] {
	return func(yield func(J, error) bool) {
		for job, err := range js.list(ctx, options) {
			var j J
			if err == nil {
				j = js.wrap(job)
			}
			if !yield(j, err) {
				return
			}
		}
	}
}

func (js Jobs[J, A]) list(ctx context.Context, options ListOptions) iter.Seq2[*Job, error] {
	return list(ctx, js.dataset.client, "listJobs",
		func(offset, limit *int) (*http.Request, error) { return js.listRequest(options.Status, offset, limit) },
		func(p *gen.JobList) ([]*Job, int, error) {
			jobs := make([]*Job, 0, len(p.Jobs))
			for _, raw := range p.Jobs {
				job, err := js.resume(raw)
				if errors.Is(err, errOtherType) {
					continue // a mistake of the service, which must not hide the other jobs
				}
				if err != nil {
					return nil, 0, err
				}
				job.seenAt = time.Now()
				jobs = append(jobs, job)
			}
			return jobs, p.TotalCount, nil
		},
		(*Job).ID)
}

func (js Jobs[J, A]) listRequest(status Status, offset, limit *int) (*http.Request, error) {
	return gen.NewListJobsRequest(js.dataset.client.server, js.dataset.id, &gen.ListJobsParams{
		JobType: string(js.jobType), Status: optional(string(status)), Offset: offset, Limit: limit,
	})
}

// Delete deletes a finished job. The draft or dataset that it made remains.
func (js Jobs[J, A]) Delete(ctx context.Context, id string) error {
	if err := checkID("job id", id); err != nil {
		return err
	}
	c := js.dataset.client
	err := c.call(ctx, "deleteJob", func() (*http.Request, error) {
		return gen.NewDeleteJobRequest(c.server, js.dataset.id, id, &gen.DeleteJobParams{JobType: string(js.jobType)})
	}, nil)
	if refusedOnRetry(err) && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Resume restores a job from its JSON without a request. The job has the state with which it
// was saved; Wait continues from there.
func (js Jobs[J, A]) Resume(data []byte) (J, error) {
	job, err := js.resume(bytes.Clone(data))
	if err != nil {
		var none J
		return none, fmt.Errorf("resume %s job: %w; pass the JSON of such a job", js.jobType, err)
	}
	return js.wrap(job), nil
}

func (js Jobs[J, A]) resume(raw []byte) (*Job, error) {
	s, err := newSnapshot(raw, js.jobType)
	if err != nil {
		return nil, err
	}
	return &Job{dataset: js.dataset, id: s.ID, jobType: js.jobType, last: s}, nil
}
