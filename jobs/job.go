package jobs

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A Job is work that TensorBay does: what [SquashAndMergeJob] and
// [BasicSearchJob] have in common.
//
// A Job is safe for concurrent use. It holds the newest [Snapshot] it has seen;
// Update and Wait replace it.
type Job struct {
	dataset *Dataset
	id      string
	jobType Type

	mu        sync.Mutex
	last      *Snapshot
	seenAt    time.Time // when last was seen; zero for a loaded job
	createdAt time.Time // when Create returned; zero for any other job
	retry     *retriedRun

	reading builder // copies the request that get has built

	outer any          // the job as its own type
	slot  polling.Slot // of its fleet's group
}

// A rerun is the newest Retry.
type retriedRun struct {
	previous *Snapshot // the run before
	at       time.Time
	seen     time.Time // when the new run was; zero before
}

// settling is how long the service may take until everybody sees what was done:
// until then a job just created may be unknown, and a job just retried may
// still read as it was before.
const consistencyWindow = 30 * time.Second

// ID is the id of the job.
func (j *Job) ID() string { return j.id }

// String names the job by its id and status.
func (j *Job) String() string { return j.Snapshot().String() }

// Snapshot returns the job as it was last seen, without a request.
func (j *Job) Snapshot() Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return *j.last
}

// Status returns the status that was last seen, without a request.
func (j *Job) Status() Status { return j.Snapshot().Status }

// Dataset returns the dataset of the job.
func (j *Job) Dataset() *Dataset { return j.dataset }

// MarshalJSON returns the job in its wire form, as it was last seen: what
// [Jobs.Resume] reads in another process.
func (j *Job) MarshalJSON() ([]byte, error) { return j.Snapshot().MarshalJSON() }

// Update reads the job from the service.
func (j *Job) Update(ctx context.Context) error {
	var s *Snapshot
	c, asked := j.dataset.client, time.Now()
	if err := c.call(ctx, opGetJob, j.get, j.parse(&s)); err != nil {
		return err
	}
	j.apply(s, asked)
	return nil
}

// get makes the request that reads the job. It is the same every time, so it is
// built once: looking at a job is what a client does most.
func (j *Job) get() (*http.Request, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.reading == nil {
		built, err := gen.NewGetJobRequest(j.dataset.client.server, j.dataset.id, j.id, &gen.GetJobParams{JobType: string(j.jobType)})
		if err != nil {
			return nil, err
		}
		j.reading = func() (*http.Request, error) {
			req := *built
			req.Header = make(http.Header, 4)
			return &req, nil
		}
	}
	return j.reading()
}

func (j *Job) parse(out **Snapshot) func([]byte) error {
	return func(body []byte) error {
		// Most looks see nothing new.
		if last := j.newest(); last != nil && bytes.Equal(last.Raw, body) {
			*out = last
			return nil
		}
		s, err := newSnapshot(body, j.jobType)
		if err == nil && s.ID != j.id {
			err = invalidResponse("the answer is about job %s", s.ID)
		}
		*out = s
		return err
	}
}

// observe takes in what a request has shown, and returns what is known now and whether
// that is the end of the job's present run. The end of the run before a Retry is not
// that, for as long as the retry may need to show.
func (j *Job) apply(s *Snapshot, asked time.Time) (believed *Snapshot, ended bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stale(s, asked) {
		return j.last, j.ended()
	}
	now := time.Now()
	j.last, j.seenAt = s, now
	if r := j.retry; r != nil && r.seen.IsZero() && (now.Sub(r.at) >= consistencyWindow || !sameRun(r.previous, s)) {
		r.seen = now
	}
	return j.last, j.ended()
}

// late reports whether what a request shows is older than what is known: requests may
// overtake each other, and the service may answer with what it knew before. The caller
// holds mu.
func (j *Job) stale(s *Snapshot, asked time.Time) bool {
	if j.last == nil {
		return false
	}
	if j.last.Status.Finished() && !s.Status.Finished() {
		// A search never runs again after its end.
		return j.jobType == TypeBasicSearch || asked.Before(j.seenAt)
	}
	r := j.retry
	return r != nil && (asked.Before(r.at) || asked.Before(r.seen) && sameRun(r.previous, s))
}

// ended reports whether the present run is known to have ended. The caller
// holds mu.
func (j *Job) ended() bool {
	return j.last.Status.Finished() && (j.retry == nil || !j.retry.seen.IsZero())
}

// seenSince reports whether the job was seen at that time or after.
func (j *Job) seenSince(t time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.seenAt.Before(t)
}

// newest is the snapshot itself, which nobody changes.
func (j *Job) newest() *Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// end is the snapshot that shows the end of the present run; nil where none was seen.
func (j *Job) end() *Snapshot {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.ended() {
		return nil
	}
	return j.last
}

// sameRun reports whether s shows the run that before was, or may be, the last
// look at. A run whose end was not seen is known by its start.
func sameRun(before, s *Snapshot) bool {
	if before.Status.Finished() && (s.Status != before.Status || !s.FinishedAt.Equal(before.FinishedAt)) {
		return false
	}
	return s.StartedAt.Equal(before.StartedAt)
}

// young reports whether the service may not know the job yet.
func (j *Job) young() bool {
	return !j.createdAt.IsZero() && time.Since(j.createdAt) < consistencyWindow
}

// Abort asks the service to stop the job. It returns when the service has taken
// up the wish; [Job.Wait] sees it come true. A finished job cannot be aborted.
func (j *Job) Abort(ctx context.Context) error {
	c := j.dataset.client
	err := c.call(ctx, opAbortJob,
		func() (*http.Request, error) {
			return gen.NewAbortJobRequest(c.server, j.dataset.id, j.id, &gen.AbortJobParams{JobType: string(j.jobType)})
		}, nil)
	if rejectedOnRetry(err) && j.Update(ctx) == nil && j.Status() == StatusAborted {
		return nil
	}
	return err
}

// result returns the result of a successful job in its wire form.
func (j *Job) result(ctx context.Context) (*Snapshot, error) {
	s := j.end()
	if s != nil && s.Status == StatusSuccess && s.Result == nil {
		// Seen at services that write status and result one after the other.
		if err := j.Update(ctx); err != nil {
			return nil, err
		}
		s = j.end()
	}
	if s == nil {
		return nil, fmt.Errorf("%w: job %s was last seen %s; wait for it or update it", ErrNotFinished, j.id, j.Status())
	}
	if err := outcome(s); err != nil {
		return nil, err
	}
	if s.Result == nil {
		return nil, invalidResponse("job %s is %s without a result: update it later", s.ID, s.Status)
	}
	return s, nil
}
