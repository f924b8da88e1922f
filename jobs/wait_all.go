package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"

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
				for w := range waits { // the loop may be slow
					w.Stop()
				}
				for w := range waits {
					if !end(w) {
						return
					}
				}
			}
		}
	}
}

// WaitSeq waits for the jobs of a sequence, also while the sequence is still creating or
// listing jobs. It yields each job when its wait ends, with the error that [Job.Wait] would
// return. It yields an error of the sequence at once, with the job of that pair, which may be
// nil. [Jobs.List] returns such a sequence. If all jobs exist, use [WaitAll], which needs no
// goroutine for each job.
//
// The sequence runs in another goroutine. If it panics, the loop panics. When the loop is left,
// the waits end and the sequence is stopped at its next job. WaitSeq returns after the sequence
// has returned.
func WaitSeq[J Waiter](ctx context.Context, jobs iter.Seq2[J, error], options ...WaitOption) iter.Seq2[J, error] {
	type end struct {
		job      J
		err      error
		panicked any
	}
	return func(yield func(J, error) bool) {
		waitCtx, cancel := context.WithCancel(ctx)
		left, ends := make(chan struct{}), make(chan end)
		var panicked any
		defer func() {
			close(left)
			cancel()
			for e := range ends { // until the goroutines have ended
				if panicked == nil {
					panicked = e.panicked
				}
			}
			if panicked != nil {
				panic(panicked)
			}
		}()
		send := func(e end) {
			select {
			case ends <- e:
			case <-left:
			}
		}
		catch := func() { // a panic must reach the loop
			if v := recover(); v != nil {
				ends <- end{panicked: v}
			}
		}
		go func() {
			defer close(ends)
			var waits sync.WaitGroup
			defer waits.Wait()
			defer catch()
			for job, err := range jobs {
				select {
				case <-left:
					return
				default:
				}
				if err != nil {
					send(end{job: job, err: err})
					continue
				}
				waits.Go(func() {
					defer catch()
					send(end{job: job, err: job.Wait(waitCtx, options...)})
				})
			}
		}()
		for e := range ends {
			if panicked = e.panicked; panicked != nil || !yield(e.job, e.err) {
				return
			}
		}
	}
}
