// Package polling waits for a state that must be polled: a job on a server that
// finishes, a file that appears.
//
// [Wait] polls until the state is reached and returns it. [Watch] does the same
// and yields an [Event] for each poll. A [PollFunc] reads the state once:
//
//	job, err := polling.Wait(ctx, func(ctx context.Context) (polling.Result[Job], error) {
//		job, err := fetch(ctx, id)
//		return polling.Result[Job]{Value: job, Done: job.Finished}, err
//	}, polling.Options{})
//
// # Delays
//
// The delay between polls grows with the time already waited. Short and long waits
// therefore notice the end late by the same fraction of their length. See [Schedule].
//
// # Errors
//
// An error of a poll does not end the wait. The next poll follows at once; further
// errors in a row back off, see [Backoff]. A wait ends early for one of three
// reasons: ctx ends, a poll returns a [Permanent] error, or polls return nothing but
// errors for [Options.MaxOutage].
//
// # Timeouts
//
// [Options.Timeout] limits each poll. Shortly before the deadline of ctx, Wait polls
// once more, early enough for one round trip. It therefore does not miss a state
// reached since the poll before.
//
// # Goroutines
//
// Wait and Watch call the PollFunc in the goroutine of their caller. They start no
// goroutine, and leave no timer behind. A panic of the PollFunc and
// [runtime.Goexit] reach the caller.
package polling
