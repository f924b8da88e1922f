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
// Every look has its own timeout. Before a deadline of ctx passes, a last look is
// taken, late enough to see what ended just before it: two round trips, where those
// take 20 ms or more.
//
// # Many waits
//
// A [Group] waits for many things that one request can show together. The waits
// stay independent, and share their looks. With n things that wait behind one
// look it pays to look more often than for one alone: the delay is in proportion
// to the cube root of the looks it takes per thing that ends, which the group
// learns as it goes. A look that fails costs all of them together one more look,
// however many there are.
//
// A wait in progress holds a timer; nothing is left, no goroutine and no timer,
// when nobody waits. The package imports the standard library only.
package polling
