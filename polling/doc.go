// Package polling waits for something that can only be looked at: a job on a
// server, a file to appear, a state to be reached.
//
// [Watch] looks again and again and yields an [Event] for every look; [Until]
// does the same and returns what it saw last. The caller gives a [Look], a
// function that looks once:
//
//	job, err := polling.Until(ctx, func(ctx context.Context) (polling.Sight[Job], error) {
//		job, err := fetch(ctx, id)
//		return polling.Sight[Job]{Value: job, Done: job.Finished}, err
//	}, polling.Options{})
//
// # What it is careful about
//
// The delay between two looks grows with the time already waited, so that a
// job is seen to end late by a part of its own length and not by a constant:
// see [Schedule].
//
// An error of a look is weather, not the end: the first one is followed by
// another look at once, those after it back off, and every good look renews
// the patience. A wait ends early only when ctx ends, when a look says that its
// error is [Permanent], or when nothing but errors was seen for the whole of
// [Options.Patience].
//
// Every look has its own timeout. Before a deadline of ctx passes, one last
// look is taken, late enough to see what ended just before it.
//
// The package starts no goroutine, and holds no timer but the one of a wait in
// progress. It imports the standard library only.
package polling
