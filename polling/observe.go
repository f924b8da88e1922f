package polling

import (
	"context"
	"time"
)

// Observe looks at several things at once. It calls tell for every request it
// makes, with what that request showed of any key of the group, whether it was
// asked for or not; tell may be called by several goroutines, but not after Observe
// has returned. An error that it returns is that of every key of the batch that it
// has not told of.
//
// A key that no look tells of is asked for again at once, with [Batch.Again]
// counting up. Observe must return when ctx ends.
type Observe[K comparable, T any] func(ctx context.Context, batch Batch[K], tell func(Seen[K, T])) error

// A Batch is what a [Group] asks for in one look.
type Batch[K comparable] struct {
	// Keys are due, and were seen together the last time. They must not be
	// changed.
	Keys []K
	// Place is that of the [Seen] in which the keys were told of the last time;
	// nil when they were not yet.
	Place any
	// Again counts the looks in a row that told nothing of the keys.
	Again int
	// Last says that the look is the last before a deadline: it is made when there
	// is time for one request, or for several at once.
	Last bool
	// Waiting is how many keys the group waits for in all, Looks how many looks
	// it now takes to see them all, and Rate how many of them are likely to end
	// within the next second.
	Waiting, Looks int
	Rate           float64
}

// Seen is what a request showed.
type Seen[K comparable, T any] struct {
	Answers []Answer[K, T]
	// Requests is how many requests every look at these keys takes; one when it is
	// zero. What is asked only because something has ended does not count.
	Requests int
	// Took is how long the request took, without what it stood in line for a
	// limit. By default it is the time since the look began, or told something.
	Took time.Duration
	// Place is handed back with the next batch of these keys, which are looked
	// at together from now on. It must be comparable.
	Place any
	// After is how long the other side asks to be left alone by the whole group.
	After time.Duration
}

// An Answer is what was seen of a key, or the error of this one key.
type Answer[K comparable, T any] struct {
	Key   K
	Sight Result[T]
	Err   error
}

// Reserve is told, a second or so ahead, of a last look before a deadline: when it
// will be made, of what as far as is known, and with which context, which ends when
// the look is over or not needed any more. It returns that context with what
// [Observe] needs to know of what was reserved. It is called with the group locked:
// it must neither block nor call the group.
type Reserve[K comparable] func(ctx context.Context, at time.Time, batch Batch[K]) context.Context
