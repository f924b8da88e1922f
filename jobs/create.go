package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// CreateError reports that Create failed and the job may exist. It matches [ErrAmbiguous]. It
// holds what identifies the job in the list:
//
//	var uncertain *jobs.CreateError
//	if errors.As(err, &uncertain) {
//		for job, err := range ds.SquashAndMerge().List(ctx, jobs.ListOptions{}) {
//			if err == nil && uncertain.Matches(job.Snapshot()) { ... }
//		}
//	}
//
// With [WithCreateRecovery] the client has already searched the list.
type CreateError struct {
	// DatasetID, Type, Title and Arguments describe the job. The arguments are in their wire
	// form.
	DatasetID string
	Type      Type
	Title     string
	Arguments json.RawMessage
	// JobID is the id of the job if the response, although invalid, contains one. Get reads
	// that job.
	JobID string
	// Since is the time of the first request by the local clock.
	Since time.Time
	// Lookups is the number of searches of the list; 0 without WithCreateRecovery.
	Lookups int
	// Found holds the ids of the matching jobs if there are several.
	Found []string
	// Err is the [*Error] of the request. Unwrap returns it.
	Err error

	lookupErr   error         // of the last lookup
	clockOffset time.Duration // of the clock of the service from the local one
}

// Error returns the job, the error of the request, and the results of the lookups.
func (e *CreateError) Error() string {
	text := fmt.Sprintf("create %s job %q of dataset %s: %s", e.Type, sanitize(e.Title), e.DatasetID, withoutRemedy(e.Err))
	switch {
	case e.JobID != "":
		return text + fmt.Sprintf("; the response names job %s: get it before you create another", e.JobID)
	case len(e.Found) > 0:
		return text + fmt.Sprintf("; %d jobs match, check them before you create it again: %s", len(e.Found), strings.Join(e.Found, ", "))
	case e.lookupErr != nil:
		text += fmt.Sprintf("; the last of %d lookups failed: %s", e.Lookups, withoutRemedy(e.lookupErr))
	case e.Lookups > 0:
		text += fmt.Sprintf("; not found in %d lookups", e.Lookups)
	}
	return text + "; it may exist: check the list of jobs before you create it again"
}

// Unwrap returns the error of the request.
func (e *CreateError) Unwrap() error { return e.Err }

// LogValue returns a group with the job, the lookups and the error.
func (e *CreateError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.JobID), slog.String("title", sanitize(e.Title)), slog.String("dataset", e.DatasetID),
		slog.String("type", e.Type.String()), slog.Time("since", e.Since), slog.Int("lookups", e.Lookups), slog.Any("found", e.Found), slog.String("error", e.Error()))
}

// clockSkew is the tolerance for the clock of the service. Its times are whole seconds, and its
// offset is known only after a response.
const clockSkew = 5 * time.Second

// Matches reports whether job may be the one that Create started: it has the same type, title
// and arguments, and is not older than Since, with a tolerance for different clocks. The
// service may trim the title and add empty arguments. An equal job that another program
// created at the same time matches too.
func (e *CreateError) Matches(job Snapshot) bool {
	return job.Type == e.Type && strings.TrimSpace(job.Title) == strings.TrimSpace(e.Title) && !e.newerThan(job) &&
		wire.Equal(withoutEmpty(job.Arguments), withoutEmpty(e.Arguments))
}

// withoutEmpty removes the empty and null fields of a JSON object.
func withoutEmpty(object json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return object
	}
	maps.DeleteFunc(fields, func(_ string, value json.RawMessage) bool {
		return string(value) == `""` || string(value) == "null"
	})
	object, _ = json.Marshal(fields) // it was just decoded
	return object
}

func (e *CreateError) newerThan(job Snapshot) bool {
	return job.CreatedAt.Before(e.Since.Add(e.clockOffset - clockSkew).Truncate(time.Second))
}

// key identifies creates whose jobs Matches cannot tell apart.
func (e *CreateError) key() string {
	arguments, _ := wire.Canonical(withoutEmpty(e.Arguments))
	return fmt.Sprintf("%q %q %q %s", e.DatasetID, e.Type, strings.TrimSpace(e.Title), arguments)
}

// lookupDelays are the pauses before the lookups. The job may appear late, or the request may
// still be on its way.
var lookupDelays = [...]time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

const (
	recoveryTimeout = 30 * time.Second  // of all lookups together
	lookupJobs      = 4 * wire.PageSize // of the list, newest first
	claimTTL        = time.Hour         // much longer than a create takes and clocks differ
)

// recover searches the list for a job that may have been created. It sends no second create,
// because that could create a second job.
func (js Jobs[J, A]) recover(ctx context.Context, uncertain *CreateError) (*Job, error) {
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	for _, delay := range lookupDelays {
		if transport.Sleep(ctx, delay) != nil {
			break
		}
		uncertain.Lookups++
		if uncertain.JobID != "" {
			job := &Job{dataset: js.dataset, id: uncertain.JobID, jobType: js.jobType}
			if uncertain.lookupErr = job.Update(ctx); uncertain.lookupErr == nil {
				return job, nil
			}
			continue
		}
		var found []*Job
		found, uncertain.lookupErr = js.lookup(ctx, uncertain)
		switch {
		case uncertain.lookupErr != nil:
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			uncertain.Found = convert(found, (*Job).ID)
			return nil, uncertain
		}
	}
	return nil, uncertain
}

// lookup lists the jobs that match, without those that other creates have returned.
func (js Jobs[J, A]) lookup(ctx context.Context, uncertain *CreateError) (found []*Job, err error) {
	n := 0
	for j, err := range js.List(ctx, ListOptions{}) {
		if err != nil {
			return nil, err
		}
		job := j.job()
		s := job.Snapshot()
		uncertain.clockOffset = js.dataset.client.transport.ClockOffset()
		if n++; n > lookupJobs || uncertain.newerThan(s) {
			break
		}
		if uncertain.Matches(s) && !js.dataset.client.recovery.claimed(job.id) {
			found = append(found, job)
		}
	}
	return found, nil
}

// recovery keeps creates of equal jobs apart, so that no two of them recover the same job. A
// nil recovery does nothing.
type recovery struct {
	mu sync.Mutex
	// creating holds the creates in progress by key. Those with an equal key wait: a job in
	// the list can be assigned only when the others have ended.
	creating map[string]chan struct{}
	// claims holds the ids of the jobs that creates have returned, and when.
	claims map[string]time.Time
}

func newRecovery() *recovery {
	return &recovery{creating: map[string]chan struct{}{}, claims: map[string]time.Time{}}
}

// lock waits until no other create of an equal job is in progress. The caller must call
// unlock.
func (r *recovery) lock(ctx context.Context, create *CreateError) (unlock func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	key := create.key()
	for {
		r.mu.Lock()
		other, busy := r.creating[key]
		if !busy {
			done := make(chan struct{})
			r.creating[key] = done
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				delete(r.creating, key)
				r.mu.Unlock()
				close(done)
			}, nil
		}
		r.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// claim records that a create returns the job.
func (r *recovery) claim(id string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if len(r.claims)%64 == 0 { // a scan now and then is enough
		maps.DeleteFunc(r.claims, func(_ string, at time.Time) bool { return now.Sub(at) > claimTTL })
	}
	r.claims[id] = now
}

func (r *recovery) claimed(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.claims[id]
	return ok
}
