package jobs

import (
	"context"
	"iter"
	"sync"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A Waiter is a job that can be waited for: a [*Job], or one of the types that
// hold one.
type Waiter interface {
	comparable
	job() *Job
}

func (j *Job) job() *Job { return j }

// WaitAll waits for many jobs and yields each as its wait ends, with the error
// that [Job.Wait] would return. It takes little more memory than the jobs do,
// and as few requests as that many goroutines would, which is few.
//
// The jobs may be of several datasets. When ctx ends, those that are left are
// yielded, each with a [*WaitError]. Leaving the loop ends the waits that are
// left; no job is yielded twice, but one that is in the list twice.
func WaitAll[J Waiter](ctx context.Context, jobs []J, options ...WaitOption) iter.Seq2[J, error] {
	return func(yield func(J, error) bool) {
		w, err := newWaiting(options)
		if err == nil && w.schedule != nil {
			err = invalid("a schedule of its own is for a wait that shares no looks: use Job.Wait")
		}
		if err != nil {
			for _, j := range jobs {
				if !yield(j, err) {
					return
				}
			}
			return
		}
		if f := sameFleet(jobs); f != nil {
			waitFleet(ctx, f, jobs, w, yield)
			return
		}
		type end struct {
			j   J
			err error
		}
		var ended []end
		byFleet := map[*fleet][]J{}
		for _, j := range jobs {
			if s := j.job().end(); s != nil {
				ended = append(ended, end{j, s.outcome()})
				continue
			}
			f := j.job().fleet()
			byFleet[f] = append(byFleet[f], j)
		}
		for _, e := range ended {
			if !yield(e.j, e.err) {
				return
			}
		}
		ctx, cancel := context.WithCancel(ctx)
		// Fleets wait by themselves; what they yield goes through one loop.
		ends := make(chan end)
		var fleets sync.WaitGroup
		for f, of := range byFleet {
			fleets.Go(func() {
				waitFleet(ctx, f, of, w, func(j J, err error) bool {
					ends <- end{j, err}
					return true
				})
			})
		}
		go func() {
			fleets.Wait()
			close(ends)
		}()
		// After the loop was left, also by a panic, what still comes is of no interest.
		defer func() {
			cancel()
			for e := range ends {
				_ = e
			}
		}()
		for e := range ends {
			if !yield(e.j, e.err) {
				return
			}
		}
	}
}

// sameFleet returns the fleet of all jobs, none of which has ended; nil where
// that is not so.
func sameFleet[J Waiter](jobs []J) *fleet {
	var f *fleet
	for _, j := range jobs {
		job := j.job()
		if job.end() != nil || f != nil && f != job.fleet() {
			return nil
		}
		f = job.fleet()
	}
	return f
}

// waitFleet waits for jobs of one fleet.
func waitFleet[J Waiter](ctx context.Context, f *fleet, jobs []J, w waiting, yield func(J, error) bool) {
	// A job remembers its own type. Only where the caller has made another
	// value of that type must it be kept which ones came.
	var made map[*Job][]J
	for _, j := range jobs {
		job := j.job()
		if any(j) != any(job) && any(j) != job.outer {
			if made == nil {
				made = map[*Job][]J{}
			}
			made[job] = append(made[job], j)
		}
	}
	for job, o := range f.group.WatchAll(ctx, func(yield func(*Job, polling.JoinOptions) bool) {
		for _, j := range jobs {
			if !yield(j.job(), j.job().joining(w)) {
				return
			}
		}
	}) {
		err := job.waitError(o.Err)
		if err == nil {
			err = o.Value.outcome()
		}
		var j J
		if of := made[job]; len(of) > 0 {
			j, made[job] = of[0], of[1:]
		} else if own, ok := any(job).(J); ok {
			j = own
		} else {
			j = job.outer.(J)
		}
		if !yield(j, err) {
			return
		}
	}
}
