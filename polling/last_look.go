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
// deadline, even if all of a trip is the way back.
func (t trips) leads() (slow, quick, slack time.Duration) {
	return lead(t.slow), lead(t.quick), max(orDefault(t.quick, unknownTrip)/2-margin, margin)
}

// lead is how long before a deadline a look must begin that takes such a trip: it
// still returns in time, and sees all that happened until half a trip later.
func lead(trip time.Duration) time.Duration {
	return orDefault(trip, unknownTrip)*3/2 + margin
}

// margin is what a timer and a goroutine may be late by.
const margin = 5 * time.Millisecond

// unknownTrip is how long a request is believed to take before there was one, and
// quickTrip how long it may.
const (
	unknownTrip = 100 * time.Millisecond
	quickTrip   = 20 * time.Millisecond
)

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
	keys     func() []K
	deadline time.Time
	timer    *time.Timer // nil when it is over
}

// beforeDeadline plans the last looks at keys before the deadline of ctx. It
// returns what does, which is to be stopped; nil when ctx has no deadline. The caller
// holds mu.
func (g *Group[K, T]) beforeDeadline(ctx context.Context, keys func() []K) *planner[K, T] {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	p := &planner[K, T]{group: g, keys: keys, deadline: deadline}
	p.timer = time.AfterFunc(p.pause(), p.wake)
	return p
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
	if p.timer == nil {
		return
	}
	if pause := p.pause(); pause > 0 {
		p.timer.Reset(pause)
		return
	}
	slow, quick, slack := g.trips.leads()
	if g.trips.slow == 0 {
		// Whatever is found out, a place is reserved.
		quick, slack = lead(quickTrip), margin
	}
	for _, key := range p.keys() {
		g.plan(key, p.deadline.Add(-slow), slack)
		g.plan(key, p.deadline.Add(-quick), slack)
	}
	if g.trips.slow == 0 {
		if g.unsure == nil {
			g.unsure = map[*planner[K, T]]bool{}
		}
		g.unsure[p] = true
	}
}

// tripTook notes how long a request took. Until the first has returned, nobody knows
// what is in time for a deadline, and what was planned is planned anew. The caller
// holds mu.
func (g *Group[K, T]) tripTook(d time.Duration) {
	g.trips.took(d)
	if g.unsure == nil {
		return
	}
	g.dropLast()
	for p := range g.unsure {
		p.timer.Reset(0)
	}
	g.unsure = nil
}

// dropLast gives all last looks up that are planned. The caller holds mu.
func (g *Group[K, T]) dropLast() {
	for _, l := range g.last {
		l.timer.Stop()
		l.giveBack()
	}
	g.last = nil
}

// stop ends the planning, if there is any. The caller holds mu.
func (p *planner[K, T]) stop() {
	if p != nil && p.timer != nil {
		p.timer.Stop()
		p.timer = nil
		delete(p.group.unsure, p)
	}
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
			if l.ctx != nil { // what was reserved is too little now
				l.giveBack()
				l.timer.Reset(min(margin, max(time.Until(l.at), 0))) // others may join as well
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
	l.keys = once(slices.DeleteFunc(l.keys, func(key K) bool { // several may wait for one
		_, in := g.members.get(key)
		return !in
	}))
	if l.ctx == nil {
		l.ctx, l.cancel = g.reserveFor(l.at, l.place, l.keys)
	}
	if left := time.Until(l.at); left > 0 && len(l.keys) > 0 {
		l.timer.Reset(left)
		return
	}
	g.last = slices.Delete(g.last, i, i+1)
	g.hurry(l)
}

// giveBack gives back what was reserved.
func (l *lastLook[K]) giveBack() {
	if l.cancel != nil {
		l.cancel()
	}
	l.ctx, l.cancel = nil, nil
}

// reserveFor reserves what a last look needs, until it is cancelled. The caller holds
// mu.
func (g *Group[K, T]) reserveFor(at time.Time, place any, keys []K) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	if g.reserve != nil {
		ctx = g.reserve(ctx, at, Batch[K]{Keys: keys, Place: place, Last: true, Waiting: g.members.n, Looks: g.cohorts.len()})
	}
	return ctx, cancel
}

// hurry looks at what is still waited for of a last look, before all others. The
// caller holds mu.
func (g *Group[K, T]) hurry(l *lastLook[K]) {
	_, _, slack := g.trips.leads()
	var places []any
	keys := map[any][]K{} // by their place, which may have changed
	for _, key := range l.keys {
		m, _ := g.members.get(key)
		c := g.cohortOf(m)
		// What was seen just now, or is by a last look, need not be seen again. Another
		// look that is under way may stand in line.
		if !c.began.Before(l.at.Add(-slack)) && (c.urgent || c.cancel == nil) {
			continue
		}
		if keys[c.place] == nil {
			places = append(places, c.place)
		}
		keys[c.place] = append(keys[c.place], key)
	}
	if keys[l.place] == nil {
		l.giveBack()
	}
	var urgent []*cohort[K]
	for _, place := range places {
		ctx, cancel := l.ctx, l.cancel
		if place != l.place {
			ctx, cancel = g.reserveFor(l.at, place, keys[place])
		}
		c := g.newCohort(cohort[K]{place: place, began: time.Now(), urgent: true, ctx: ctx, cancel: cancel})
		for _, key := range keys[place] {
			m, _ := g.members.get(key)
			from := g.cohortOf(m)
			if from.good.After(c.good) {
				c.good = from.good
			}
			if from.live == 1 && from.cancel != nil {
				c.older = append(append(c.older, from.cancel), from.older...)
				from.cancel, from.older = nil, nil
			}
			g.move(key, m, c)
		}
		urgent = append(urgent, c)
	}
	g.ready = append(urgent, g.ready...)
	g.dispatch()
}
