package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Job is a job of TensorBay. [SquashAndMergeJob] and [BasicSearchJob] embed it. Get one from
// [Jobs] or [Client.Resume].
//
// A Job is safe for concurrent use. It holds the newest [Snapshot] that it has received;
// Update and Wait replace it.
type Job struct {
	dataset *Dataset
	id      string
	jobType Type

	mu        sync.Mutex
	last      *Snapshot // never changed, only replaced
	lastEnd   *Snapshot // of the newest run that a response showed as finished; nil before
	seenAt    time.Time // the time of last; zero for a resumed job
	createdAt time.Time // when Create returned; zero for any other job
	retry     *retriedRun
}

// retriedRun describes the newest Retry.
type retriedRun struct {
	previous *Snapshot // the last run before it
	at       time.Time
	seen     time.Time // when a poll showed the new run; zero before
}

// consistencyWindow is how long reads may be stale after a write: a new job may be unknown,
// and a retried job may appear as before the retry.
const consistencyWindow = 30 * time.Second

// ID returns the id of the job.
func (j *Job) ID() string { return j.id }

// String returns the id and the status of the job.
func (j *Job) String() string { return j.Snapshot().String() }

// Snapshot returns the newest known state of the job, without a request.
func (j *Job) Snapshot() Snapshot { return *j.newest() }

// Status returns the newest known status, without a request.
func (j *Job) Status() Status { return j.newest().Status }

// Dataset returns the dataset of the job.
func (j *Job) Dataset() *Dataset { return j.dataset }

// savedJob is the JSON of a job.
type savedJob struct {
	DatasetID string          `json:"datasetId"`
	JobType   Type            `json:"jobType"`
	Job       json.RawMessage `json:"job"` // in its wire form
}

// MarshalJSON returns the ids of the job and of its dataset, its type and its newest known
// state. [Client.Resume] restores the job from it, also in another process.
func (j *Job) MarshalJSON() ([]byte, error) {
	return json.Marshal(savedJob{j.dataset.id, j.jobType, j.newest().Raw})
}

// UnmarshalJSON fails: a job needs its client. Use [Client.Resume].
func (j *Job) UnmarshalJSON([]byte) error {
	return invalid("a job cannot be unmarshaled: pass its JSON to Resume")
}

// LogValue returns the log value of the newest known state.
func (j *Job) LogValue() slog.Value { return j.Snapshot().LogValue() }

// getJobRequest builds the request that reads a job.
func (c *Client) getJobRequest(dataset, id string, jobType Type) (*http.Request, error) {
	return gen.NewGetJobRequest(c.server, dataset, id, &gen.GetJobParams{JobType: string(jobType)})
}

// listJobsRequest builds the request that reads a page of the jobs with a status, or of all
// jobs if status is empty.
func (c *Client) listJobsRequest(dataset string, jobType Type, status string, offset, limit *int) (*http.Request, error) {
	return gen.NewListJobsRequest(c.server, dataset, &gen.ListJobsParams{
		JobType: string(jobType), Status: optional(status), Offset: offset, Limit: limit,
	})
}

// Update reads the job once and replaces its [Snapshot], unless the response is stale. The
// error matches [ErrNotFound] if the job was deleted. A job may be unknown for some seconds
// after it was created.
func (j *Job) Update(ctx context.Context) error {
	var s *Snapshot
	requestedAt := time.Now()
	err := j.dataset.client.send(ctx, "getJob", func() (*http.Request, error) {
		return j.dataset.client.getJobRequest(j.dataset.id, j.id, j.jobType)
	}, func(body []byte) (err error) {
		s, err = readSnapshot(body, j.dataset.id, j.jobType, j.id)
		return err
	})
	if err != nil {
		return err
	}
	j.apply(s, requestedAt)
	return nil
}

// apply records s unless it is stale, and reports whether the current run has finished.
func (j *Job) apply(s *Snapshot, requestedAt time.Time) (finished bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.stale(s, requestedAt) {
		now := time.Now()
		j.last, j.seenAt = s, now
		if r := j.retry; r != nil && r.seen.IsZero() && (now.Sub(r.at) >= consistencyWindow || !s.sameRun(r.previous)) {
			r.seen = now
		}
	}
	if !j.finished() {
		return false
	}
	j.lastEnd = j.last
	return true
}

// stale reports whether s is older than the known state: responses may overtake each other,
// and the service may respond with an earlier state. mu must be held.
func (j *Job) stale(s *Snapshot, requestedAt time.Time) bool {
	if j.last == nil {
		return false
	}
	if r := j.retry; r != nil {
		if requestedAt.Before(r.at) {
			return true
		}
		if !r.seen.IsZero() && s.sameRun(r.previous) && (requestedAt.Before(r.seen) || time.Since(r.at) < consistencyWindow) {
			return true
		}
	}
	return j.last.Status.Finished() && !s.Status.Finished() && (jobTypes[j.jobType].final || requestedAt.Before(j.seenAt))
}

// finished reports whether the current run is known to have ended. mu must be held.
func (j *Job) finished() bool {
	return j.last.Status.Finished() && (j.retry == nil || !j.retry.seen.IsZero())
}

func (j *Job) newest() *Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// end returns the final state of the current run, or nil while it is not known.
func (j *Job) end() *Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.finished() {
		return nil
	}
	return j.last
}

// waitedEnd returns the final state of the newest run that has finished. After a wait has ended,
// a new run may have started.
func (j *Job) waitedEnd() *Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lastEnd
}

// Abort asks the service to stop the job. It returns when the service has accepted the
// request; use [Job.Wait] to observe it. A finished job cannot be aborted. The embedded
// TensorBay then returns [ErrInvalidArgument]; the error of the service is not documented.
func (j *Job) Abort(ctx context.Context) error {
	c := j.dataset.client
	err := c.send(ctx, "abortJob", func() (*http.Request, error) {
		return gen.NewAbortJobRequest(c.server, j.dataset.id, j.id, &gen.AbortJobParams{JobType: string(j.jobType)})
	}, nil)
	if refusedOnRetry(err) && j.Update(ctx) == nil && j.Status() == StatusAborted {
		return nil
	}
	return err
}

// RawResult returns the result of the job in its wire form, for a job type that this package
// does not know. The error is [ErrNotFinished] before the end of the job and a [*JobError] if
// the job failed or was aborted.
func (j *Job) RawResult(ctx context.Context) (json.RawMessage, error) {
	var raw json.RawMessage
	_, err := j.result(ctx, &raw)
	return raw, err
}

// result decodes the result of a successful job into v and returns its snapshot.
func (j *Job) result(ctx context.Context, v any) (*Snapshot, error) {
	s := j.end()
	if s != nil && s.Status == StatusSuccess && s.Result == nil {
		// Some services write the status before the result.
		if err := j.Update(ctx); err != nil {
			return nil, err
		}
		s = j.end()
	}
	if s == nil {
		return nil, fmt.Errorf("%w: job %s was last seen %s; wait for it or update it", ErrNotFinished, j.id, j.Status())
	}
	if err := s.outcome(); err != nil {
		return nil, err
	}
	if s.Result == nil {
		return nil, invalidResponse("job %s is %s without a result: update it later", s.ID, s.Status)
	}
	if err := decode(s.Result, v); err != nil {
		return nil, fmt.Errorf("result of job %s: %w; its Snapshot holds the response", s.ID, err)
	}
	return s, nil
}

// argumentsOf decodes the arguments of a job and returns its snapshot.
func argumentsOf[A any](j *Job) (a A, s *Snapshot, err error) {
	s = j.newest()
	if err := decode(s.Arguments, &a); err != nil {
		return a, nil, fmt.Errorf("arguments of job %s: %w; its Snapshot holds the response", s.ID, err)
	}
	return a, s, nil
}
