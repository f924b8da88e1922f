package polling

import (
	"context"
	"slices"
	"time"
)

// trips are how long requests take: the slow ones are forgotten slowly, and the
// quick ones are remembered.
type trips struct{ slow, quick time.Duration }

func (t *trips) took(d time.Duration) {
	d = max(d, 1) // a trip is known, however short
	t.slow = max(d, t.slow*3/4)
	t.quick = min(d, orDefault(t.quick, d)*5/4)
}

// leads are how long before a deadline the last looks begin: one in time for a
// slow trip, and one in time for a quick one. A look that begins by no more than
// slack earlier does as well: it still sees what ended two quick trips before the
// deadline.
func (t trips) leads() (slow, quick, slack time.Duration) {
	return lead(t.slow), lead(t.quick), max(orDefault(t.quick, unknownTrip)-margin, margin)
}

// lead is how long before a deadline a look must begin that takes such a trip: it
// still returns in time, and sees all that happened until half a trip later.
func lead(trip time.Duration) time.Duration {
	return orDefault(trip, unknownTrip)*3/2 + margin
}

// margin is what a timer and a goroutine may be late by.
const margin = 5 * time.Millisecond

// unknownTrip is how long a request is believed to take before there was one.
const unknownTrip = 100 * time.Millisecond

// A lastLook is one that is planned for keys whose deadline is near, and that
// were seen together.
type lastLook[K comparable] struct {
	at    time.Time
	place any
	keys  []K
	timer *time.Timer
	// Made when the place is reserved, or with the look.
	ctx    context.Context // holds what was reserved for the look
	cancel context.CancelFunc
}

// beforeDeadline plans the last looks at keys before the deadline of ctx. It
// returns a function that ends this; nil when ctx has no deadline.
func (g *Group[K, T]) beforeDeadline(ctx context.Context, each func(yield func(K) bool)) (stop func() bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	// How long a request takes then is not known yet.
	return time.AfterFunc(time.Until(deadline)-2*lead(g.trips.slow)-g.notice(), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		slow, quick, slack := g.trips.leads()
		for key := range each {
			g.plan(key, deadline.Add(-slow), slack)
			g.plan(key, deadline.Add(-quick), slack)
		}
	}).Stop
}

// notice is how long before a last look a place is reserved: a limit of so many
// requests a second must know a second before.
func (g *Group[K, T]) notice() time.Duration {
	if g.options.Rate <= 0 {
		return 0
	}
	return time.Duration((1 + 1/g.options.Rate) * float64(time.Second))
}

// plan plans a last look at a key, or adds the key to one of its place that is
// planned for that time, or a slack earlier. The caller holds mu.
func (g *Group[K, T]) plan(key K, at time.Time, slack time.Duration) {
	m, ok := g.members.get(key)
	if !ok {
		return
	}
	place := g.cohortOf(m).place
	i, _ := slices.BinarySearchFunc(g.last, at.Add(-slack), func(l *lastLook[K], t time.Time) int { return l.at.Compare(t) })
	for ; i < len(g.last) && !g.last[i].at.After(at); i++ {
		if l := g.last[i]; l.place == place {
			if l.keys[len(l.keys)-1] != key {
				l.keys = append(l.keys, key)
			}
			return
		}
	}
	l := &lastLook[K]{at: at, place: place, keys: []K{key}}
	l.timer = time.AfterFunc(time.Until(at)-g.notice(), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.comes(l)
	})
	g.last = slices.Insert(g.last, i, l)
}

// comes reserves a place for a last look, or makes the look. The caller holds mu.
func (g *Group[K, T]) comes(l *lastLook[K]) {
	i := slices.Index(g.last, l)
	if i < 0 {
		return // nobody waits any more
	}
	l.keys = slices.DeleteFunc(l.keys, func(key K) bool { _, in := g.members.get(key); return !in })
	if l.ctx == nil {
		l.ctx, l.cancel = context.WithCancel(context.Background()) //nolint:gosec // drop calls it, or look when it is over
		if g.reserve != nil {
			l.ctx = g.reserve(l.ctx, l.at, Batch[K]{Keys: l.keys, Place: l.place, Last: true, Waiting: g.members.n, Looks: g.cohorts.len()})
		}
	}
	if left := time.Until(l.at); left > 0 && len(l.keys) > 0 {
		l.timer.Reset(left)
		return
	}
	g.last = slices.Delete(g.last, i, i+1)
	g.hurry(l)
}

// drop gives a last look up. The caller holds mu.
func (l *lastLook[K]) drop() {
	l.timer.Stop()
	if l.cancel != nil {
		l.cancel()
	}
}

// hurry looks at what is still waited for of a last look, before all others. The
// caller holds mu.
func (g *Group[K, T]) hurry(l *lastLook[K]) {
	// Some may have moved since.
	var cohorts []*cohort[K]
	for _, key := range l.keys {
		m, _ := g.members.get(key)
		from := g.cohortOf(m)
		i := slices.IndexFunc(cohorts, func(c *cohort[K]) bool { return c.place == from.place })
		if i < 0 {
			i = len(cohorts)
			cohorts = append(cohorts, g.newCohort(cohort[K]{born: from.born, good: from.good, place: from.place, began: time.Now(), urgent: true}))
		}
		g.move(key, m, cohorts[i])
	}
	if len(cohorts) == 0 {
		l.drop()
		return
	}
	cohorts[0].ctx, cohorts[0].cancel = l.ctx, l.cancel
	g.ready = append(cohorts, g.ready...)
	g.dispatch()
}
