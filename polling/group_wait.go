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
	// Patience is as in [Options.Patience].
	Patience time.Duration
}

// Watch waits for a key as [Watch] does for a single thing. A caller that is more
// than 64 looks behind misses the oldest.
//
// The looks are not made with ctx: they are shared.
func (g *Group[K, T]) Watch(ctx context.Context, key K, o JoinOptions) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		w := newWaiter[K, T](false)
		g.enter(ctx, key, o, w)
		for over := false; !over; {
			over = g.woken(key, w, w.block(ctx), yield)
		}
	}
}

// Until waits for a key and returns what was seen at the end. When the wait ends
// early the error is an [*Error].
//
// Called near the bottom of a goroutine, it needs no more than the smallest stack
// there is: it blocks in small frames, and joins the group on another goroutine,
// since a stack that has grown does not shrink while it blocks.
func (g *Group[K, T]) Until(ctx context.Context, key K, o JoinOptions) (T, error) {
	w := newWaiter[K, T](true)
	go g.enter(ctx, key, o, w)
	stopped := w.block(ctx)
	return g.ended(key, w, stopped)
}

// ended is how a wait that is only told the end has ended.
//
//go:noinline
func (g *Group[K, T]) ended(key K, w *waiter[K, T], stopped error) (seen T, err error) {
	g.woken(key, w, stopped, func(e Event[T], ended error) bool {
		seen, err = e.Value, ended
		return true
	})
	return seen, err
}

// A waiter is one wait for one key. There may be thousands, so it is one piece.
type waiter[K comparable, T any] struct {
	sink[K, T]
	quiet bool // only the end is of interest
	gone  bool // before it had entered
	began time.Time
	looks int
	last  error // of the last look

	notices []notice[T] // delivered, and not taken yet
	wake    chan struct{}
	stop    func() bool // the last looks before the deadline; nil for none
}

// A notice is what a wait is told; without a reason it goes on.
type notice[T any] struct {
	event  Event[T]
	reason error
}

// mostNotices bounds what is kept for a caller that is slower than the looks.
const mostNotices = 64

// deliver is called with the mutex of the group held, which guards the waiter.
func (w *waiter[K, T]) deliver(_ K, e Event[T], reason error) {
	w.looks++
	e.Look, e.Elapsed, w.last = w.looks, time.Since(w.began), e.Err
	if w.quiet && reason == nil {
		return
	}
	if len(w.notices) == mostNotices {
		w.notices = append(w.notices[:0], w.notices[1:]...)
	}
	w.notices = append(w.notices, notice[T]{e, reason})
	w.rouse()
}

func (w *waiter[K, T]) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func newWaiter[K comparable, T any](quiet bool) *waiter[K, T] {
	return &waiter[K, T]{quiet: quiet, began: time.Now(), wake: make(chan struct{}, 1)}
}

// enter begins to wait, unless the wait is over already.
func (g *Group[K, T]) enter(ctx context.Context, key K, o JoinOptions, w *waiter[K, T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.gone || ctx.Err() != nil {
		return
	}
	w.sink = sink[K, T]{deliver: w.deliver, patience: orDefault(o.Patience, time.Hour)}
	g.join(key, &w.sink, o.Age, o.First)
	w.stop = g.beforeDeadline(ctx, func(yield func(K) bool) { yield(key) })
}

// block returns when something was delivered, or with the error of ctx.
func (w *waiter[K, T]) block(ctx context.Context) error {
	select {
	case <-w.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// woken yields what was delivered, and reports whether the wait is over.
//
//go:noinline
func (g *Group[K, T]) woken(key K, w *waiter[K, T], stopped error, yield func(Event[T], error) bool) (over bool) {
	event, reason := g.told(key, w, stopped)
	switch {
	case reason == nil:
		if yield(event, nil) {
			return false
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.leave(key, &w.sink)
	case errors.Is(reason, errEnd):
		yield(event, nil)
	default:
		yield(event, &Error{Reason: reason, Last: w.last, Looks: w.looks, Elapsed: time.Since(w.began)})
	}
	if w.stop != nil {
		w.stop()
	}
	return true
}

// told takes what was delivered first. When ctx has ended, so has the wait, unless
// the end was seen at the same moment.
func (g *Group[K, T]) told(key K, w *waiter[K, T], stopped error) (Event[T], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if stopped != nil {
		if n := len(w.notices); n > 0 && w.notices[n-1].reason != nil {
			return w.notices[n-1].event, w.notices[n-1].reason
		}
		w.gone = true
		g.leave(key, &w.sink)
		return Event[T]{}, stopped
	}
	n := w.notices[0]
	w.notices = w.notices[1:]
	if len(w.notices) > 0 {
		w.rouse()
	}
	return n.event, n.reason
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
// all waits.
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
		g.mu.Lock()
		for key, o := range keys {
			if s.patience == 0 {
				s.patience = orDefault(o.Patience, time.Hour)
			}
			g.join(key, s, o.Age, o.First)
			left++
		}
		g.mu.Unlock()
		defer func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			for key := range keys {
				g.leave(key, s)
			}
		}()
		g.mu.Lock()
		stop := g.beforeDeadline(ctx, func(yield func(K) bool) {
			for key := range keys {
				if g.waits(key, s) {
					yield(key)
				}
			}
		})
		g.mu.Unlock()
		if stop != nil {
			defer stop()
		}
		for left > 0 {
			stopped := false
			select {
			case <-more:
			case <-ctx.Done():
				stopped = true
			}
			g.mu.Lock()
			batch := ended
			ended = nil
			if stopped {
				for key := range keys {
					if g.waits(key, s) {
						g.leave(key, s)
						batch = append(batch, end{key, Outcome[T]{Err: &Error{Reason: ctx.Err(), Elapsed: time.Since(began)}}})
					}
				}
			}
			g.mu.Unlock()
			for _, e := range batch {
				left--
				if !yield(e.key, e.Outcome) {
					return
				}
			}
		}
	}
}

// waits reports whether a sink waits for a key. The caller holds mu.
func (g *Group[K, T]) waits(key K, s *sink[K, T]) bool {
	m, ok := g.members.get(key)
	if !ok {
		return false
	}
	return g.sinkOf(m) == s || slices.Contains(g.others[key], s)
}
