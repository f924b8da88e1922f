package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Jobs creates, reads, lists and deletes the jobs of one type of a dataset. It is safe for
// concurrent use.
//
// [Dataset.SquashAndMerge] returns it with J = [*SquashAndMergeJob] and
// A = [SquashAndMergeArgs]. [Dataset.BasicSearch] returns it with J = [*BasicSearchJob] and
// A = [BasicSearchArgs]. [Dataset.Jobs] returns it with J = [*Job] and A = [RawArgs], for any
// job type.
type Jobs[J Waiter, A Arguments] struct {
	dataset *Dataset
	jobType Type
	wrap    func(*Job) J
}

// jobTypes describes the job types that this package knows.
var jobTypes = map[Type]struct {
	wrap  func(*Job) Waiter
	final bool // a finished job never runs again
}{
	TypeSquashAndMerge: {wrap: func(j *Job) Waiter { return &SquashAndMergeJob{j} }},
	TypeBasicSearch:    {wrap: func(j *Job) Waiter { return &BasicSearchJob{j} }, final: true},
}

// Arguments are the arguments of a new job. Use it with [Waiter] as the constraints of a
// generic function over [Jobs].
type Arguments interface {
	SquashAndMergeArgs | BasicSearchArgs | RawArgs
	// prepare performs all client-side validation and sets the defaults. The request has no
	// job type yet.
	prepare(ctx context.Context, ds *Dataset) (gen.CreateJobRequest, error)
}

// newRequest returns the request for a new job. The arguments are of a generated type.
func newRequest(title, description string, arguments any) (gen.CreateJobRequest, error) {
	raw, err := json.Marshal(arguments)
	return gen.CreateJobRequest{Title: title, Description: optional(description), Arguments: raw}, err
}

// RawArgs holds the arguments of a job of any type.
type RawArgs struct {
	// Title is the title of the job. It is required.
	Title string
	// Description is the description of the job.
	Description string
	// Arguments is sent as JSON. It must be a JSON object.
	Arguments any
}

func (a RawArgs) prepare(context.Context, *Dataset) (gen.CreateJobRequest, error) {
	request, err := newRequest(a.Title, a.Description, a.Arguments)
	switch {
	case a.Title == "":
		err = invalid("the title is empty: set Title")
	case err != nil, !bytes.HasPrefix(request.Arguments, []byte("{")):
		err = invalid("the arguments are not a JSON object: use a map or a struct")
	}
	return request, err
}

// Jobs returns the jobs of a type that this package may not know. Their arguments and results
// stay in the wire form: see [Snapshot] and [Job.RawResult].
func (ds *Dataset) Jobs(jobType Type) Jobs[*Job, RawArgs] {
	return Jobs[*Job, RawArgs]{ds, jobType, func(j *Job) *Job { return j }}
}

func (js Jobs[J, A]) check() error {
	if js.jobType == "" {
		return invalid("the job type is empty: use one such as TypeBasicSearch")
	}
	return nil
}

// Create starts a job and returns it when the service has accepted it. If an argument is
// invalid, it creates nothing and the error matches [ErrInvalidArgument].
//
// Creating is not idempotent. If the request may have taken effect without a valid response,
// the error is a [*CreateError], which matches [ErrAmbiguous]: check the list of jobs before
// you create the job again, or use [WithCreateRecovery]. Create never repeats a request that
// may have created a job.
func (js Jobs[J, A]) Create(ctx context.Context, args A) (J, error) {
	var none J
	if err := js.check(); err != nil {
		return none, err
	}
	request, err := args.prepare(ctx, js.dataset)
	if err != nil {
		return none, fmt.Errorf("create %s job: %w", js.jobType, err)
	}
	request.JobType = string(js.jobType)
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
		uncertain.Err, uncertain.JobID, uncertain.clockOffset = err, receivedJobID(err), c.transport.ClockOffset()
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

// Run creates a job and waits for its end. Its errors are those of [Jobs.Create] and
// [Job.Wait]. The job is nil if an option is invalid or Create failed. After a [*WaitError],
// wait for the job again or abort it.
func (js Jobs[J, A]) Run(ctx context.Context, args A, options ...WaitOption) (J, error) {
	if _, err := newWaitOptions(options); err != nil {
		var none J
		return none, err
	}
	job, err := js.Create(ctx, args)
	if err == nil {
		err = job.Wait(ctx, options...)
	}
	return job, err
}

// receivedJobID returns the job id in the invalid response of a create, or "".
func receivedJobID(err error) string {
	var failed *Error
	var body struct {
		JobID string `json:"jobId"`
	}
	if !errors.As(err, &failed) || json.Unmarshal([]byte(failed.outcome.Body.Reveal()), &body) != nil || checkReceivedID("job id", body.JobID) != nil {
		return ""
	}
	return body.JobID
}

// create sends the request and returns the new job.
func (js Jobs[J, A]) create(ctx context.Context, request gen.CreateJobRequest) (*Job, error) {
	c := js.dataset.client
	created, err := call(ctx, c, "createJob",
		func() (*http.Request, error) { return gen.NewCreateJobRequest(c.server, js.dataset.id, request) },
		func(created *gen.CreatedJob) error { return checkReceivedID("job id", created.JobID) })
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
	return js.dataset.resume(savedJob{js.dataset.id, js.jobType, raw})
}

// Get reads one job. The error matches [ErrNotFound] if the dataset has no job of this type
// with this id.
func (js Jobs[J, A]) Get(ctx context.Context, id string) (J, error) {
	var none J
	if err := cmp.Or(js.check(), checkID("job id", id)); err != nil {
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

// List lists the jobs, newest first. It fetches pages of 128 as the iterator advances, and some
// of them ahead, see [WithConcurrentPages].
func (js Jobs[J, A]) List(ctx context.Context, options ListOptions) iter.Seq2[J, error] {
	c := js.dataset.client
	return only(list(ctx, c, "listJobs",
		func(offset, limit *int) (*http.Request, error) {
			if err := js.check(); err != nil {
				return nil, err
			}
			return c.listJobsRequest(js.dataset.id, js.jobType, string(options.Status), offset, limit)
		},
		func(p *gen.JobList) ([]J, int, error) {
			jobs := make([]J, len(p.Jobs))
			for i, raw := range p.Jobs {
				s, err := newSnapshot(raw, js.dataset.id, js.jobType)
				if err != nil && !errors.Is(err, errOtherType) {
					return nil, 0, err
				}
				jobs[i] = js.wrap(&Job{dataset: js.dataset, id: s.ID, jobType: s.Type, last: s, seenAt: time.Now()})
			}
			return jobs, p.TotalCount, nil
		},
		func(j J) string { return string(j.job().jobType) + " " + j.job().id }), func(j J) bool { // also drops jobs of other types
		s := j.job().newest()
		return s.Type == js.jobType && (options.Status == "" || s.Status == options.Status)
	})
}

// Delete deletes a finished job. A draft or dataset that was made from it remains. The error
// for an unfinished job is as in [Job.Abort].
func (js Jobs[J, A]) Delete(ctx context.Context, id string) error {
	if err := cmp.Or(js.check(), checkID("job id", id)); err != nil {
		return err
	}
	c := js.dataset.client
	err := c.send(ctx, "deleteJob", func() (*http.Request, error) {
		return gen.NewDeleteJobRequest(c.server, js.dataset.id, id, &gen.DeleteJobParams{JobType: string(js.jobType)})
	}, nil)
	if refusedOnRetry(err) && errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// Resume restores a job of this dataset and type from the JSON of [Job.MarshalJSON], without a
// request. The error matches [ErrInvalidArgument] if the job has another dataset or type.
// [Client.Resume] restores any job, but returns an untyped [Waiter].
func (js Jobs[J, A]) Resume(data []byte) (J, error) {
	var none J
	saved, err := parseSavedJob(data)
	if err != nil {
		return none, err
	}
	if saved.DatasetID != js.dataset.id || saved.JobType != js.jobType {
		return none, fmt.Errorf("resume job: %w", invalid("it is of type %s in dataset %s, not of type %s in dataset %s: use Client.Resume",
			saved.JobType, saved.DatasetID, js.jobType, js.dataset.id))
	}
	job, err := js.dataset.resume(saved)
	if err != nil {
		return none, err
	}
	return js.wrap(job), nil
}

// Resume restores a job from the JSON of [Job.MarshalJSON], without a request. It returns a
// [*SquashAndMergeJob] or a [*BasicSearchJob], and a [*Job] if the type is unknown. The job
// has the state at the time of MarshalJSON, and Wait continues from there. Its dataset is
// checked out at the default branch. The error matches [ErrInvalidResponse] if data is not the
// JSON of a job. Resume does not retain data.
func (c *Client) Resume(data []byte) (Waiter, error) {
	saved, err := parseSavedJob(data)
	if err != nil {
		return nil, err
	}
	ds, err := c.DatasetByID(saved.DatasetID)
	if err != nil {
		return nil, err
	}
	job, err := ds.resume(saved)
	if err != nil {
		return nil, err
	}
	if known, ok := jobTypes[saved.JobType]; ok {
		return known.wrap(job), nil
	}
	return job, nil
}

func parseSavedJob(data []byte) (saved savedJob, err error) {
	if err = decode(data, &saved); err == nil {
		err = cmp.Or(checkReceivedID("dataset id", saved.DatasetID), checkReceivedID("job type", string(saved.JobType)))
	}
	if err != nil {
		err = fmt.Errorf("resume job: %w; pass the JSON of a job", err)
	}
	return saved, err
}

// resume returns a saved job of the dataset.
func (ds *Dataset) resume(saved savedJob) (*Job, error) {
	s, err := newSnapshot(saved.Job, ds.id, saved.JobType)
	if err != nil {
		return nil, fmt.Errorf("resume %s job: %w; pass the JSON of such a job", saved.JobType, err)
	}
	return &Job{dataset: ds, id: s.ID, jobType: saved.JobType, last: s}, nil
}
