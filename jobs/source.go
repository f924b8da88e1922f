package jobs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/watcher"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// source lets a watcher read the jobs of one type of a dataset.
type source struct {
	client  *Client
	dataset string // its id
	jobType Type
	// schedule is compared by its address: waits with the same option share polls.
	schedule *polling.Schedule
}

// Outage implements [watcher.Source].
func (s source) Outage(err error) {
	log, attrs := s.client.transport.Log, []any{slog.String("dataset", s.dataset), slog.String("type", s.jobType.String())}
	if err == nil {
		log.Info("tensorbay responds again to the polls of waits", attrs...)
		return
	}
	log.Warn("tensorbay fails the polls of waits, which go on", append(attrs, slog.String("error", redact.Text(err.Error())))...)
}

// Schedule implements [watcher.Source].
func (s source) Schedule() *polling.Schedule { return s.schedule }

// Get implements [watcher.Source].
func (s source) Get(ctx context.Context, id string) watcher.Response {
	var item watcher.Item
	o := s.client.transport.Once(ctx, "getJob", func() (*http.Request, error) {
		return s.client.getJobRequest(s.dataset, id, s.jobType)
	}, func(body []byte) error {
		job, err := readSnapshot(body, s.dataset, s.jobType, id)
		if err == nil {
			item = watcher.Item{ID: []byte(id), Status: []byte(job.Status), Finished: job.Status.Finished(), Body: body}
		}
		return err
	})
	return s.response(ctx, o, watcher.Response{Items: []watcher.Item{item}})
}

// List implements [watcher.Source]. It locates the jobs of a page without decoding them,
// because most of them have not changed.
func (s source) List(ctx context.Context, status string, offset, limit int) watcher.Response {
	var r watcher.Response
	o := s.client.transport.Once(ctx, "listJobs", func() (*http.Request, error) {
		return s.client.listJobsRequest(s.dataset, s.jobType, status, &offset, &limit)
	}, func(body []byte) error {
		page, err := wire.ScanJobPage(body)
		r.Total, r.Items = page.Total, make([]watcher.Item, len(page.Jobs))
		for i, job := range page.Jobs {
			r.Items[i] = watcher.Item{ID: job.ID, Status: job.Status, Finished: Status(job.Status).Finished(), Body: job.Raw}
		}
		return err
	})
	return s.response(ctx, o, r)
}

// response adds the outcome of a request to the response of a source. Only an error in the
// form of the service ends a wait, or one that was found before the request was sent.
func (s source) response(ctx context.Context, o transport.Outcome, r watcher.Response) watcher.Response {
	if o.Ended() {
		o.Err = context.Cause(ctx)
	}
	r.RetryAfter, r.Err, r.RequestID = o.RetryAfter, newError(o), o.RequestID
	switch {
	case r.Err == nil:
	case errors.Is(r.Err, ErrRateLimited):
		r.RetryAfter = cmp.Or(r.RetryAfter, time.Second)
	case o.Invalid(), o.Untrusted():
		r.Verdict = watcher.Definitive
	case !o.FromService():
	case errors.Is(r.Err, ErrNotFound):
		r.Verdict = watcher.NotFound
	case errors.Is(r.Err, ErrInvalidArgument), errors.Is(r.Err, ErrUnauthorized), errors.Is(r.Err, ErrForbidden):
		r.Verdict = watcher.Definitive
	}
	return r
}

// applyBody implements [watcher.Apply].
func (j *Job) applyBody(body []byte, requestedAt time.Time) (finished bool, err error) {
	s := j.newest()
	if !bytes.Equal(s.Raw, body) {
		// The copy does not keep the whole page in memory.
		if s, err = newSnapshot(bytes.Clone(body), j.dataset.id, j.jobType); err != nil {
			return false, err
		}
	}
	return j.apply(s, requestedAt), nil
}

// watch starts a wait. It receives from ended when the wait has ended by itself. The function
// event may be nil and must not block.
func (j *Job) watch(ctx context.Context, o waitOptions, ended chan<- *watcher.Wait, event func(Event)) *watcher.Wait {
	options := watcher.Options{ID: j.id, Apply: j.applyBody, MaxOutage: cmp.Or(o.maxOutage, time.Hour), Ended: ended}
	if began := time.Now(); event != nil || o.progress != nil {
		o.progress.record(j, Event{Job: j.Snapshot(), At: began})
		options.Event = func(r watcher.Result) {
			e := j.newEvent(r)
			e.Elapsed = e.At.Sub(began)
			if o.progress.record(j, e); event != nil {
				event(e)
			}
		}
	}
	if s := j.newest(); !s.Status.Finished() {
		options.Status = string(s.Status)
	}
	if !j.createdAt.IsZero() {
		options.VisibleBy = j.createdAt.Add(consistencyWindow)
	}
	options.Deadline, _ = ctx.Deadline()
	options.Since, options.Seen = j.since()
	return j.dataset.client.watch(source{j.dataset.client, j.dataset.id, j.jobType, o.schedule}, options)
}

// since returns when the current run may have started at the earliest, and when the job was
// seen last; zero if that is not known. The time of creation tells nothing about a job that
// has queued since.
func (j *Job) since() (since, seen time.Time) {
	offset := j.dataset.client.transport.ClockOffset()
	j.mu.Lock()
	defer j.mu.Unlock()
	since = j.createdAt
	if started := j.last.StartedAt; !started.IsZero() && started.Add(-offset).After(since) {
		since = started.Add(-offset)
	}
	if j.retry != nil && j.retry.at.After(since) {
		since = j.retry.at
	}
	return since, j.seenAt
}
