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
	t.slow = max(d, t.slow*9/10)
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

// A planner plans the last looks at keys before one deadline.
type planner[K comparable, T any] struct {
	group    *Group[K, T]
	each     func(yield func(K) bool)
	deadline time.Time
	timer    *time.Timer
	over     bool
}

// beforeDeadline plans the last looks at keys before the deadline of ctx. It
// returns a function that ends this, to be called with mu held, as this one is; nil
// when ctx has no deadline.
func (g *Group[K, T]) beforeDeadline(ctx context.Context, each func(yield func(K) bool)) (stop func()) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	p := &planner[K, T]{group: g, each: each, deadline: deadline}
	p.timer = time.AfterFunc(p.pause(), p.wake)
	return p.stop
}

// pause is how long to wait before the last looks are planned, or thought of again:
// until half way, since by then requests may take longer than they did. The caller
// holds mu.
func (p *planner[K, T]) pause() time.Duration {
	slow := lead(p.group.trips.slow)
	left, early := time.Until(p.deadline), 2*slow+p.group.notice()
	if left <= early+2*slow {
		return 0
	}
	return (left - early) / 2
}

func (p *planner[K, T]) wake() {
	g := p.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.over {
		return
	}
	if pause := p.pause(); pause > 0 {
		p.timer.Reset(pause)
		return
	}
	slow, quick, slack := g.trips.leads()
	for key := range p.each {
		g.plan(key, p.deadline.Add(-slow), slack)
		g.plan(key, p.deadline.Add(-quick), slack)
	}
	if g.trips.slow == 0 {
		g.unsure = append(g.unsure, p)
	}
}

// tripTook notes how long a request took. Until the first has returned, nobody knows
// what is in time for a deadline. The caller holds mu.
func (g *Group[K, T]) tripTook(d time.Duration) {
	g.trips.took(d)
	for _, p := range g.unsure {
		p.timer.Reset(0)
	}
	g.unsure = nil
}

// stop is called with mu held.
func (p *planner[K, T]) stop() {
	p.over = true
	p.timer.Stop()
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
	if soon := time.Now().Add(margin); at.Before(soon) {
		at = soon // late already: others may be, and share the look
	}
	place := g.cohortOf(m).place
	i, _ := slices.BinarySearchFunc(g.last, at.Add(-slack), func(l *lastLook[K], t time.Time) int { return l.at.Compare(t) })
	for ; i < len(g.last) && !g.last[i].at.After(at); i++ {
		if l := g.last[i]; l.place == place {
			l.keys = append(l.keys, key)
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
	twice := make(map[K]bool, len(l.keys)) // several wait for it
	l.keys = slices.DeleteFunc(l.keys, func(key K) bool {
		_, in := g.members.get(key)
		out := !in || twice[key]
		twice[key] = true
		return out
	})
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
	_, _, slack := g.trips.leads()
	// Some may have moved since.
	var cohorts []*cohort[K]
	for _, key := range l.keys {
		m, _ := g.members.get(key)
		from := g.cohortOf(m)
		// What was seen just now, or is by a last look, need not be seen again. Another
		// look that is under way may stand in line.
		if !from.began.Before(l.at.Add(-slack)) && (from.urgent || from.cancel == nil) {
			continue
		}
		i := slices.IndexFunc(cohorts, func(c *cohort[K]) bool { return c.place == from.place })
		if i < 0 {
			i = len(cohorts)
			ctx, cancel := l.ctx, l.cancel
			if i > 0 {
				ctx, cancel = context.WithCancel(context.WithoutCancel(l.ctx)) //nolint:gosec // part calls it, or look when it is over
			}
			cohorts = append(cohorts, g.newCohort(cohort[K]{
				born: from.born, good: from.good, place: from.place,
				began: time.Now(), urgent: true, ctx: ctx, cancel: cancel,
			}))
		}
		if from.live == 1 && from.cancel != nil {
			// The look under way may show the key sooner; it ends with the last one.
			context.AfterFunc(cohorts[i].ctx, from.cancel)
			from.cancel = nil
		}
		g.move(key, m, cohorts[i])
	}
	if len(cohorts) == 0 {
		l.drop()
		return
	}
	g.ready = append(cohorts, g.ready...)
	g.dispatch()
}
