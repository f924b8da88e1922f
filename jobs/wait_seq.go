package jobs

import (
	"context"
	"iter"
	"sync"
)

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
