package polling

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// JoinOptions change how one wait in a [Group] works. The zero value is the
// default of every field.
type JoinOptions struct {
	// Age is how old the thing waited for was when the wait began.
	Age time.Duration
	// First is the delay before the first look. It may come 200 ms earlier or
	// later, to be shared with others.
	First time.Duration
	// Patience is as in [Options.MaxOutage].
	Patience time.Duration
}

// Watch waits for a key as [Watch] does for a single thing, but the looks do not wait for
// the caller. One that is more than 64 looks behind misses the oldest, and one that is
// more than four behind at the end misses those.
//
// The looks are not made with ctx: they are shared.
func (g *Group[K, T]) Watch(ctx context.Context, key K, o JoinOptions) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		w := g.newWaiting(key, false)
		w.enter(ctx, o)
		defer func() { _, _ = w.take(context.Canceled) }() // nobody asks for the rest
		for {
			var stopped error
			select {
			case <-w.wake:
			case <-ctx.Done():
				stopped = ctx.Err()
			}
			event, reason := w.take(stopped)
			if reason != nil {
				yield(event, w.failure(reason))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

// Until waits for a key and returns what was seen at the end. When the wait ends
// early the error is an [*Error].
func (g *Group[K, T]) Until(ctx context.Context, key K, o JoinOptions) (T, error) {
	w := g.Begin(ctx, key, o)
	select {
	case <-w.Ended():
	case <-ctx.Done():
	}
	return w.End(ctx)
}

// Begin begins to wait for a key, and does not block. The caller must call
// [Waiting.End], once. See [Waiting.Ended] for how to wait.
//
// Where thousands of goroutines wait, a select of their own is the one that takes
// the least of their stacks, which do not shrink while they block.
func (g *Group[K, T]) Begin(ctx context.Context, key K, o JoinOptions) *Waiting[K, T] {
	w := g.newWaiting(key, true)
	go w.enter(ctx, o) // on another stack, for the same reason
	return w
}

// A Waiting is one wait for one key. Its methods are safe for concurrent use, but
// that End is called once.
type Waiting[K comparable, T any] struct {
	sink  sink[K, T]
	group *Group[K, T]
	key   K
	quiet bool // only the end is of interest
	over  bool
	looks int32
	began time.Time
	last  error // of the last look

	notices []notice[T] // delivered, and not taken yet
	wake    chan struct{}
	planner *planner[K, T] // of the last looks before the deadline; nil for none
}

// A notice is what a wait is told; without a reason it goes on.
type notice[T any] struct {
	event  Event[T]
	reason error
}

// mostNotices bounds what is kept for a caller that is slower than the looks. One that
// is farBehind when the wait ends is told of that before all else.
const (
	mostNotices = 64
	farBehind   = 4
)

func (g *Group[K, T]) newWaiting(key K, quiet bool) *Waiting[K, T] {
	return &Waiting[K, T]{group: g, key: key, quiet: quiet, began: time.Now(), wake: make(chan struct{}, 1)}
}

// Ended is closed when the wait has ended by itself. It does not end with the
// context of the wait: whoever waits for the one waits for the other too, and then
// calls [Waiting.End].
func (w *Waiting[K, T]) Ended() <-chan struct{} { return w.wake }

// End returns what was seen at the end. A wait that has not ended is given up, for
// the reason that ctx has ended, or [context.Canceled]. The error is an [*Error].
func (w *Waiting[K, T]) End(ctx context.Context) (T, error) {
	stopped := ctx.Err()
	if stopped == nil {
		stopped = context.Canceled
	}
	event, reason := w.take(stopped)
	return event.Value, w.failure(reason)
}

// enter begins to wait, unless the wait is over already.
func (w *Waiting[K, T]) enter(ctx context.Context, o JoinOptions) {
	w.group.mu.Lock()
	defer w.group.mu.Unlock()
	if w.over || ctx.Err() != nil {
		return
	}
	w.sink = sink[K, T]{deliver: w.deliver, patience: orDefault(o.Patience, time.Hour)}
	w.group.join(w.key, &w.sink, o.Age, o.First)
	w.planner = w.group.beforeDeadline(ctx, func() []K { return []K{w.key} })
}

// deliver is called with the mutex of the group held, which guards the wait.
func (w *Waiting[K, T]) deliver(_ K, e Event[T], reason error) {
	w.looks++
	e.Poll, e.Elapsed, w.last = int(w.looks), time.Since(w.began), e.Err
	if w.quiet && reason == nil {
		return
	}
	if reason != nil && len(w.notices) > farBehind {
		w.notices = nil
	}
	if len(w.notices) == mostNotices {
		w.notices = append(w.notices[:0], w.notices[1:]...)
	}
	w.notices = append(w.notices, notice[T]{e, reason})
	if w.quiet {
		close(w.wake)
	} else {
		w.rouse()
	}
}

func (w *Waiting[K, T]) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take takes what was delivered first; with a reason it is the last. When stopped
// is not nil the wait is over, with that reason unless the end was seen at the same
// moment.
func (w *Waiting[K, T]) take(stopped error) (event Event[T], reason error) {
	g := w.group
	g.mu.Lock()
	defer g.mu.Unlock()
	n := len(w.notices)
	switch {
	case n > 0 && w.notices[n-1].reason != nil && stopped != nil:
		event, reason = w.notices[n-1].event, w.notices[n-1].reason
	case stopped != nil:
		reason = stopped
		g.leave(w.key, &w.sink)
	default:
		event, reason = w.notices[0].event, w.notices[0].reason
		if w.notices = w.notices[1:]; len(w.notices) > 0 {
			w.rouse()
		}
	}
	if reason != nil {
		w.over = true
		w.planner.stop()
	}
	return event, reason
}

// failure is the error of a wait that ended for a reason; nil when that is the end
// that was waited for.
func (w *Waiting[K, T]) failure(reason error) error {
	if errors.Is(reason, errEnd) {
		return nil
	}
	return &Error{Reason: reason, Last: w.last, Polls: int(w.looks), Elapsed: time.Since(w.began)}
}

// An Outcome is how the wait for one key of [Group.WatchAll] ended.
type Outcome[T any] struct {
	// Value is what was seen at the end.
	Value T
	// Err is nil when the end was seen, and an [*Error] otherwise.
	Err error
}

// WatchAll waits for many keys and yields each as its wait ends. When ctx ends,
// those that are left are yielded with the error of ctx. Leaving the loop ends
// all waits. The keys are gone through once, at the beginning, and what yields them
// must not use the group.
//
// It costs a fraction of what a goroutine for each key does.
func (g *Group[K, T]) WatchAll(ctx context.Context, keys iter.Seq2[K, JoinOptions]) iter.Seq2[K, Outcome[T]] {
	return func(yield func(K, Outcome[T]) bool) {
		type end struct {
			key K
			Outcome[T]
		}
		var (
			began = time.Now()
			ended []end
			left  = 0
			few   []K // the keys, where they are few
			more  = make(chan struct{}, 1)
		)
		s := &sink[K, T]{}
		s.deliver = func(key K, e Event[T], err error) {
			if err == nil {
				return
			}
			o := Outcome[T]{Value: e.Value}
			if !errors.Is(err, errEnd) {
				o.Err = &Error{Reason: err, Last: e.Err, Elapsed: time.Since(began)}
			}
			ended = append(ended, end{key, o})
			select {
			case more <- struct{}{}:
			default:
			}
		}
		var planner *planner[K, T]
		defer g.locked(func() {
			planner.stop()
			if left > 0 {
				for _, key := range g.waitedFor(s, few) {
					g.leave(key, s)
				}
			}
		})
		g.locked(func() {
			for key, o := range keys {
				if s.patience == 0 {
					s.patience = orDefault(o.Patience, time.Hour)
				}
				g.join(key, s, o.Age, o.First)
				if left++; left <= mostFew {
					few = append(few, key)
				} else {
					few = nil
				}
			}
			planner = g.beforeDeadline(ctx, func() []K { return g.waitedFor(s, few) })
		})
		for left > 0 {
			stopped := false
			select {
			case <-more:
			case <-ctx.Done():
				stopped = true
			}
			var batch []end
			g.locked(func() {
				batch, ended = ended, nil
				if !stopped {
					return
				}
				for _, key := range g.waitedFor(s, few) {
					g.leave(key, s)
					batch = append(batch, end{key, Outcome[T]{Err: &Error{Reason: ctx.Err(), Elapsed: time.Since(began)}}})
				}
			})
			for _, e := range batch {
				left--
				if !yield(e.key, e.Outcome) {
					return
				}
			}
		}
	}
}

// locked calls what may panic, since it calls the caller, with mu held.
func (g *Group[K, T]) locked(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// mostFew is how many keys WatchAll keeps a list of. It finds more of them in the
// cohorts, which takes as long as the group has keys, but no memory for each.
const mostFew = 128

// waitedFor returns the keys that a sink waits for, each as often as it does: of a few,
// if there are any. The caller holds mu.
func (g *Group[K, T]) waitedFor(s *sink[K, T], few []K) (keys []K) {
	for _, key := range few {
		if m, in := g.members.get(key); in && (g.sinkOf(m) == s || slices.Contains(g.others[key], s)) {
			keys = append(keys, key)
		}
	}
	if few != nil {
		return keys
	}
	for _, c := range g.cohorts.at {
		for _, key := range g.present(c) {
			m, _ := g.members.get(key)
			if g.sinkOf(m) == s {
				keys = append(keys, key)
			}
			for _, other := range g.others[key] {
				if other == s {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}
