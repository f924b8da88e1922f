package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/watcher"
)

// Waiter is a job of any type: [*Job], or a type that embeds it, such as [*SquashAndMergeJob].
// Use it as a type or as the constraint of a generic function.
type Waiter interface {
	fmt.Stringer
	json.Marshaler
	slog.LogValuer
	ID() string
	Snapshot() Snapshot
	Status() Status
	Dataset() *Dataset
	Update(ctx context.Context) error
	Wait(ctx context.Context, options ...WaitOption) error
	Watch(ctx context.Context, options ...WaitOption) iter.Seq2[Event, error]
	Abort(ctx context.Context) error

	job() *Job
}

func (j *Job) job() *Job { return j }

// WaitAll waits for many jobs and yields each one when its wait ends, with the error that
// [Job.Wait] would return. It needs no goroutine for each job.
//
// The jobs may belong to several datasets. When ctx ends, WaitAll yields the remaining jobs,
// each with a [*WaitError]. Leaving the loop ends the remaining waits. Each element of jobs is
// yielded once.
func WaitAll[J Waiter](ctx context.Context, jobs []J, options ...WaitOption) iter.Seq2[J, error] {
	return func(yield func(J, error) bool) {
		o, err := newWaitOptions(options)
		ended := make(chan *watcher.Wait, len(jobs))
		waits := make(map[*watcher.Wait]J, len(jobs))
		defer func() {
			for w := range waits {
				w.Stop()
			}
		}()
		for _, j := range slices.Clone(jobs) {
			s := j.job().ended(o)
			if err == nil && s == nil {
				waits[j.job().watch(ctx, o, ended, nil)] = j
				continue
			}
			result := err
			if err == nil {
				result = s.outcome()
			}
			if !yield(j, result) {
				return
			}
		}
		end := func(w *watcher.Wait) bool {
			j := waits[w]
			delete(waits, w)
			return yield(j, j.job().waitEnd(ctx, o, stop(w)))
		}
		for len(waits) > 0 {
			select {
			case w := <-ended:
				if !end(w) {
					return
				}
			case <-ctx.Done():
				for w := range waits {
					if !end(w) {
						return
					}
				}
			}
		}
	}
}
