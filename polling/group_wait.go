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

// notice is what a wait is told.
type notice[T any] struct {
	event Event[T]
	err   error // nil: the wait goes on
}

// Watch waits for a key as [Watch] does for a single thing. A caller that is
// slower than the looks misses events, but never the last.
//
// The looks are not made with ctx: they are shared.
func (g *Group[K, T]) Watch(ctx context.Context, key K, o JoinOptions) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) { g.wait(ctx, key, o, false, yield) }
}

// Until waits for a key and returns what was seen at the end. When the wait ends
// early the error is an [*Error].
func (g *Group[K, T]) Until(ctx context.Context, key K, o JoinOptions) (seen T, err error) {
	g.wait(ctx, key, o, true, func(e Event[T], ended error) bool {
		seen, err = e.Value, ended
		return true
	})
	return seen, err
}

func (g *Group[K, T]) wait(ctx context.Context, key K, o JoinOptions, quiet bool, yield func(Event[T], error) bool) {
	began := time.Now()
	notices := make(chan notice[T], 1)
	s := &sink[K, T]{patience: orDefault(o.Patience, time.Hour)}
	looks, last := 0, error(nil)
	s.deliver = func(_ K, e Event[T], err error) {
		looks++
		e.Look, e.Elapsed, last = looks, time.Since(began), e.Err
		if quiet && err == nil {
			return
		}
		select {
		case <-notices: // who has not been told yet is told the newest
		default:
		}
		notices <- notice[T]{e, err}
	}
	stopped := func(reason error) *Error {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.leave(key, s)
		return &Error{Reason: reason, Last: last, Looks: looks, Elapsed: time.Since(began)}
	}
	if err := ctx.Err(); err != nil {
		yield(Event[T]{}, &Error{Reason: err})
		return
	}
	g.mu.Lock()
	g.join(key, s, o.Age, o.First)
	g.mu.Unlock()
	deadline := g.newDeadline(ctx)
	defer deadline.stop()
	for {
		var n notice[T]
		select {
		case n = <-notices:
		case <-ctx.Done():
			err := stopped(ctx.Err())
			select {
			case n = <-notices: // the end may have been seen at the same moment
			default:
			}
			if !errors.Is(n.err, errEnd) {
				yield(Event[T]{}, err)
				return
			}
		case <-deadline.c:
			if deadline.near() {
				g.mu.Lock()
				g.hurry(key)
				g.mu.Unlock()
			}
			continue
		}
		switch {
		case n.err == nil:
			if !yield(n.event, nil) {
				_ = stopped(nil)
				return
			}
		case errors.Is(n.err, errEnd):
			yield(n.event, nil)
			return
		default:
			yield(n.event, &Error{Reason: n.err, Last: n.event.Err, Looks: n.event.Look, Elapsed: n.event.Elapsed})
			return
		}
	}
}

// A deadline says when the last look before the deadline of a context is due.
type deadline struct {
	c     <-chan time.Time
	timer *time.Timer
	at    time.Time
	lead  func() time.Duration
}

// newDeadline returns a deadline that never comes when ctx has none.
func (g *Group[K, T]) newDeadline(ctx context.Context) *deadline {
	d := &deadline{lead: func() time.Duration {
		g.mu.Lock()
		defer g.mu.Unlock()
		// A look that starts this much before the deadline still returns in
		// time, and sees all that happened until half a trip later.
		return orDefault(g.trip, unknownTrip)*3/2 + 5*time.Millisecond
	}}
	at, ok := ctx.Deadline()
	if !ok {
		return d
	}
	d.at = at
	// How long a look takes then is not known yet: think of it again.
	d.timer = time.NewTimer(max(time.Until(at)-max(2*d.lead(), 500*time.Millisecond), 1))
	d.c = d.timer.C
	return d
}

// near reports whether the look is due; otherwise it comes again when it is.
func (d *deadline) near() bool {
	wait := time.Until(d.at) - d.lead()
	if wait > 0 {
		d.timer.Reset(wait)
		return false
	}
	d.c = nil
	return true
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
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
		deadline := g.newDeadline(ctx)
		defer deadline.stop()
		for left > 0 {
			stopped := false
			select {
			case <-more:
			case <-ctx.Done():
				stopped = true
			case <-deadline.c:
				if deadline.near() {
					g.mu.Lock()
					for key := range keys {
						if g.members[key].sink == s {
							g.hurry(key)
						}
					}
					g.mu.Unlock()
				}
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
	m, ok := g.members[key]
	if !ok {
		return false
	}
	return m.sink == s || slices.Contains(g.others[key], s)
}
