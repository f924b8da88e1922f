package polling

import (
	"context"
	"errors"
	"slices"
	"time"
)

// in reports whether a key belongs to a cohort. The caller holds mu.
func (g *Group[K, T]) in(key K, c *cohort[K]) (Slot, bool) {
	m, ok := g.members.get(key)
	return m, ok && g.cohortOf(m) == c
}

// present returns the keys of a cohort, each once: one that left and came again before
// the first look is in its list twice. The caller holds mu.
func (g *Group[K, T]) present(c *cohort[K]) []K {
	if c == nil {
		return nil
	}
	keys := make([]K, 0, c.live)
	for _, key := range c.keys {
		if _, in := g.in(key, c); in {
			keys = append(keys, key)
		}
	}
	if len(keys) > c.live {
		return once(keys)
	}
	return keys
}

// once returns each key once.
func once[K comparable](keys []K) []K {
	twice := make(map[K]bool, len(keys))
	return slices.DeleteFunc(keys, func(key K) bool {
		was := twice[key]
		twice[key] = true
		return was
	})
}

// begin looks at a cohort on a goroutine of its own, which ends with the look.
// The caller holds mu.
func (g *Group[K, T]) begin(c *cohort[K]) {
	c.keys = g.present(c)
	batch := Batch[K]{
		Keys: c.keys, Place: c.place, Again: c.again, Last: c.urgent,
		Waiting: g.members.n, Looks: g.cohorts.len(),
		Rate: float64(g.members.n) * g.cadence.rate(time.Since(c.born)),
	}
	ctx := c.ctx
	if ctx == nil {
		ctx, c.cancel = context.WithCancel(context.Background())
	}
	c.began, c.ctx = time.Now(), nil
	go g.look(ctx, c.cancel, c, batch)
}

func (g *Group[K, T]) look(ctx context.Context, over context.CancelFunc, c *cohort[K], batch Batch[K]) {
	if g.options.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, g.options.Timeout, ErrPollTimeout)
		defer cancel()
	}
	start, last := c.began, c.began
	err := g.observe(ctx, batch, func(seen Seen[K, T]) {
		g.mu.Lock()
		defer g.mu.Unlock()
		now := time.Now()
		if len(seen.Answers) > 0 { // a refusal comes sooner than an answer
			g.tripTook(orDefault(seen.Took, now.Sub(last)))
		}
		last = now
		g.take(c, seen, start, now)
	})
	if err != nil && errors.Is(context.Cause(ctx), ErrPollTimeout) {
		err = ErrPollTimeout
	}
	over()

	g.mu.Lock()
	defer g.mu.Unlock()
	c.cancel = nil
	*g.underWay(batch.Last)--
	now := time.Now()
	// There may be time to repeat a last look once.
	c.urgent = batch.Last && c.live > 0 && c.failed == 0 && c.again == 0
	if c.urgent {
		c.ctx, c.cancel = g.reserveFor(now, c.place, batch.Keys)
	}
	switch {
	case c.live == 0:
	case err != nil:
		g.fail(c, err, start, now)
	default:
		g.askAgain(c, c.live < len(batch.Keys), now)
	}
	g.dispatch()
}

// take sorts what a request showed: what has ended is delivered, what goes on is
// planned anew as one cohort, and a key with an error of its own becomes one by
// itself. A key that a later look has shown, is under way for, or is wanted for is
// left to that. The caller holds mu.
func (g *Group[K, T]) take(c *cohort[K], seen Seen[K, T], start, now time.Time) {
	// What only says when to come back is no good look.
	if g.failed > 0 && len(seen.Answers) > 0 {
		g.failed, g.hold = 0, time.Time{}
	}
	if asked := now.Add(min(seen.After, g.options.MaxAfter)); asked.After(g.asked) {
		g.asked = asked
	}
	var together *cohort[K]
	ended := 0
	for _, a := range seen.Answers {
		m, ok := g.members.get(a.Key)
		if !ok {
			continue // nobody waits for it
		}
		at := g.cohortOf(m)
		later := at != c && !at.began.Before(start)
		var p *permanent
		switch {
		case errors.As(a.Err, &p):
			g.deliver(a.Key, m, Event[T]{Err: a.Err}, a.Err)
		case a.Err == nil && a.Sight.Done:
			ended++
			g.deliver(a.Key, m, Event[T]{Result: a.Sight}, errEnd)
		case later:
		case a.Err != nil:
			g.failAlone(a.Key, m, a.Err, now)
		case together == nil || together.live == 0: // the other side may name a key twice
			together = g.newCohort(cohort[K]{place: seen.Place, cost: float64(seen.Requests), good: now, began: start})
			g.move(a.Key, m, together)
		case at != together:
			g.move(a.Key, m, together)
		}
	}
	g.cadence.ended(now, g.members.n, ended)
	if together == nil || together.live == 0 {
		return
	}
	together.due = now.Add(g.delay(together, now))
	g.arm(together)
	for _, a := range seen.Answers {
		if m, in := g.in(a.Key, together); in {
			g.tell(a.Key, m, Event[T]{Result: a.Sight, Next: g.next(together.due.Sub(now), now)})
		}
	}
}

// next is when the next look comes after a delay: not while the other side wants to be
// left alone. The caller holds mu.
func (g *Group[K, T]) next(delay time.Duration, now time.Time) time.Duration {
	return max(delay, g.asked.Sub(now))
}

// tell delivers what was seen of a key that goes on. The caller holds mu.
func (g *Group[K, T]) tell(key K, m Slot, e Event[T]) {
	g.sinkOf(m).deliver(key, e, nil)
	for _, s := range g.others[key] {
		s.deliver(key, e, nil)
	}
}

// deliver ends every wait for a key. The caller holds mu.
func (g *Group[K, T]) deliver(key K, m Slot, e Event[T], reason error) {
	first, others := g.sinkOf(m), g.others[key]
	g.remove(key, m)
	first.deliver(key, e, reason)
	for _, s := range others {
		s.deliver(key, e, reason)
	}
}

// errEnd stands for the end that was waited for, so that a nil error can mean
// that the wait goes on.
var errEnd = errors.New("the end")

// fail notes a look that failed for all that is left of a cohort. The caller
// holds mu.
func (g *Group[K, T]) fail(c *cohort[K], err error, start, now time.Time) {
	c.failed++
	c.began = time.Time{} // it showed nothing
	// Looks that were under way together fail together: that is one failure.
	if g.failed == 0 || start.After(g.failedAt) {
		g.failed++
		g.failedAt = now
	}
	delay := g.options.Backoff.Delay(c.failed)
	if g.failed >= storm {
		delay = g.options.Backoff.Delay(g.failed)
		if until := now.Add(delay); until.After(g.hold) {
			g.hold = until
		}
	}
	var p *permanent
	fatal := errors.As(err, &p)
	for _, key := range c.keys {
		m, in := g.in(key, c)
		if !in {
			continue
		}
		g.bear(key, m, Event[T]{Err: err, Next: g.next(delay, now)}, fatal, now)
	}
	if c.live == 0 {
		return
	}
	if g.failed >= storm || c.urgent {
		g.queueFirst(c)
		return
	}
	c.due = now.Add(delay)
	g.arm(c)
}

// failAlone gives a key with an error of its own a cohort of its own, so that
// it disturbs no other. The caller holds mu.
func (g *Group[K, T]) failAlone(key K, m Slot, err error, now time.Time) {
	from := g.cohortOf(m)
	alone := g.newCohort(cohort[K]{good: from.good, place: from.place, failed: from.failed + 1})
	g.move(key, m, alone)
	m.cohort = alone.handle
	delay := g.options.Backoff.Delay(alone.failed)
	g.bear(key, m, Event[T]{Err: err, Next: g.next(delay, now)}, false, now)
	if alone.live > 0 {
		alone.due = now.Add(delay)
		g.arm(alone)
	}
}

// bear delivers an error of a key that goes on, or ends the wait of whoever has
// no patience left. The caller holds mu.
func (g *Group[K, T]) bear(key K, m Slot, e Event[T], fatal bool, now time.Time) {
	if fatal {
		g.deliver(key, m, Event[T]{Err: e.Err}, e.Err)
		return
	}
	good := g.cohortOf(m).good
	for _, s := range append([]*sink[K, T]{g.sinkOf(m)}, g.others[key]...) {
		if s.patience > 0 && now.Sub(good) >= s.patience {
			g.leave(key, s)
			s.deliver(key, Event[T]{Err: e.Err}, ErrOutage)
		} else {
			s.deliver(key, e, nil)
		}
	}
}

// askAgain plans another look for the keys that a good look did not tell of. The
// caller holds mu.
func (g *Group[K, T]) askAgain(c *cohort[K], fewer bool, now time.Time) {
	c.again++
	if fewer {
		c.again = 1 // it gets on
	}
	if c.again <= mostAgain {
		g.queueFirst(c)
		return
	}
	// The same as an error, but not one of the other side.
	c.again = 0
	c.failed++
	delay := max(g.options.Backoff.Delay(c.failed), time.Second)
	for _, key := range c.keys {
		if m, in := g.in(key, c); in {
			g.bear(key, m, Event[T]{Err: errUnanswered, Next: delay}, false, now)
		}
	}
	if c.live > 0 {
		c.due = now.Add(delay)
		g.arm(c)
	}
}
