package polling

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// GroupOptions change how a [Group] works. The zero value is the default of
// every field.
type GroupOptions struct {
	// Schedule is the delay between looks for a key that shares them with no
	// other, and bounds those that are shared.
	Schedule Schedule
	// Backoff is the delay after errors.
	Backoff Backoff
	// Rate is the most requests a second that may be sent; zero for no limit.
	// The group does not hold it, which is up to Observe, but plans by it.
	Rate float64
	// Timeout bounds each look. The default is 30 s; below zero is none.
	Timeout time.Duration
	// MaxAfter bounds what is obeyed of [Seen.After]. The default is one
	// minute; below zero, After is not obeyed.
	MaxAfter time.Duration
	// Parallel is how many looks may be under way at once, without the last looks
	// before deadlines. The default is 8.
	Parallel int
}

// A Group waits for many things with few looks. Waits are independent: each has
// its own context, and none is disturbed by another that fails or is cancelled.
// What is shared is the looking. Things that are seen by one look are looked at
// together from then on, and the more of them hang on a look, the more often it
// pays to look; see the package documentation.
//
// When looks fail one after the other, whatever they were for, it is the other
// side that is ill and not a key: then a single look tries, with the backoff,
// until one is good, and all others wait for it.
//
// A Group is safe for concurrent use. It has no goroutine and no timer while
// nothing waits.
type Group[K comparable, T any] struct {
	observe Observe[K, T]
	reserve Reserve[K]
	options GroupOptions

	mu      sync.Mutex
	members members[K]
	others  map[K][]*sink[K, T] // further waits for a key
	cohorts handles[cohort[K]]
	sinks   handles[sink[K, T]]
	fresh   *cohort[K]   // keys that came together and were not looked at yet
	ready   []*cohort[K] // due, and waiting for their turn
	running int          // looks, without the last before a deadline
	hasty   int          // and these
	cadence cadence
	trips   trips
	last    []*lastLook[K]          // by their time
	unsure  map[*planner[K, T]]bool // of last looks, when no request was made before

	failed    int       // looks in a row that failed
	failedAt  time.Time // when the last of them began
	hold      time.Time // no look begins before, but for a last one
	asked     time.Time // nor any before this, which the other side asks for
	holdTimer *time.Timer
}

func (g *Group[K, T]) cohortOf(m Slot) *cohort[K] { return g.cohorts.at[m.cohort] }
func (g *Group[K, T]) sinkOf(m Slot) *sink[K, T]  { return g.sinks.at[m.sink] }

// A cohort is a set of keys that are looked at together.
type cohort[K comparable] struct {
	handle uint32
	keys   []K // some may have left
	live   int
	place  any
	cost   float64   // requests per look
	born   time.Time // the youngest of the keys
	good   time.Time // the last good look, or when the wait began
	failed int       // looks in a row that failed for it
	again  int       // looks in a row without answer
	due    time.Time
	timer  *time.Timer
	began  time.Time       // when the look began that showed it, is under way, or is wanted in a hurry
	urgent bool            // the look is the last before a deadline
	ctx    context.Context // of a last look, with what was reserved for it
	cancel context.CancelFunc
	older  []context.CancelFunc // of looks under way that may show a key sooner
}

// A sink takes what was seen of a key. deliver is called with mu held and must
// not block.
type sink[K comparable, T any] struct {
	deliver  func(K, Event[T], error)
	patience time.Duration
	handle   uint32
	members  uint32 // while there are any, the handle is good
}

// NewGroup returns a group that looks with the given function.
func NewGroup[K comparable, T any](observe Observe[K, T], options GroupOptions) *Group[K, T] {
	options.Timeout = orDefault(options.Timeout, 30*time.Second)
	options.MaxAfter = orDefault(options.MaxAfter, time.Minute)
	if options.Parallel <= 0 {
		options.Parallel = 8
	}
	return &Group[K, T]{observe: observe, options: options, others: map[K][]*sink[K, T]{}}
}

// ReserveWith sets the function that reserves what last looks need. It must be
// called before the group is used.
func (g *Group[K, T]) ReserveWith(reserve Reserve[K]) { g.reserve = reserve }

// KeepIn lets the group keep what it knows of a key in the key itself, in place of
// a map: slot returns where. A key with a slot can be in one group at a time.
// KeepIn must be called before the group is used.
func (g *Group[K, T]) KeepIn(slot func(K) *Slot) { g.members.slot = slot }

// TellOf sets a function that is told of a key when somebody begins to wait for it
// whom nobody waits for yet, and when nobody does any more. It must not use the group.
// TellOf must be called before the group is used.
func (g *Group[K, T]) TellOf(told func(key K, waitedFor bool)) { g.members.told = told }

// storm is how many looks must fail in a row before the other side is held to
// be ill.
const storm = 3

// mostAgain is how often a key is asked for without an answer before that
// counts as an error.
const mostAgain = 4

// errUnanswered is the error of a key that no look tells of.
var errUnanswered = errors.New("no look tells of it")

// join begins to wait for a key. The caller holds mu.
func (g *Group[K, T]) join(key K, s *sink[K, T], age, first time.Duration) {
	if _, ok := g.members.get(key); ok {
		g.others[key] = append(g.others[key], s)
		return
	}
	now := time.Now()
	if g.members.n > 0 {
		first = max(first, together)
	}
	due, born := now.Add(first), now.Add(-age)
	g.cadence.forget(now, g.members.n)
	c := g.fresh
	if c == nil || c.due.After(due) || due.Sub(c.due) > together {
		c = g.newCohort(cohort[K]{born: born, good: now, due: due})
		g.fresh = c
		g.arm(c)
	}
	c.add(key)
	if born.After(c.born) {
		c.born = born
	}
	g.members.put(key, Slot{c.handle, g.engage(s)})
}

// together is how much earlier than it wanted a new key may be looked at, to be
// so with others; and how long it waits for others when it is not the first.
const together = shortest

// newCohort counts a cohort until its last key has left. The caller holds mu.
func (g *Group[K, T]) newCohort(c cohort[K]) *cohort[K] {
	c.cost = max(c.cost, 1)
	c.handle = g.cohorts.put(&c)
	return &c
}

// engage makes a sink that of one more member. The caller holds mu.
func (g *Group[K, T]) engage(s *sink[K, T]) (handle uint32) {
	if s.members == 0 {
		s.handle = g.sinks.put(s)
	}
	s.members++
	return s.handle
}

// release makes it that of one less. The caller holds mu.
func (g *Group[K, T]) release(s *sink[K, T]) {
	if s.members--; s.members == 0 {
		g.sinks.drop(s.handle)
	}
}

func (c *cohort[K]) add(key K) {
	c.keys = append(c.keys, key)
	c.live++
}

// leave ends a wait. The caller holds mu.
func (g *Group[K, T]) leave(key K, s *sink[K, T]) {
	m, ok := g.members.get(key)
	if !ok {
		return
	}
	others := g.others[key]
	switch {
	case g.sinkOf(m) != s:
		if i := slices.Index(others, s); i >= 0 {
			g.others[key] = slices.Delete(slices.Clone(others), i, i+1)
		}
	case len(others) > 0:
		g.release(s)
		m.sink = g.engage(others[0])
		g.members.put(key, m)
		g.others[key] = others[1:]
	default:
		g.remove(key, m)
	}
	if len(g.others[key]) == 0 {
		delete(g.others, key)
	}
}

// remove takes a key out. What was planned only for it is given up. The caller
// holds mu.
func (g *Group[K, T]) remove(key K, m Slot) {
	g.cadence.forget(time.Now(), g.members.n)
	g.members.remove(key)
	delete(g.others, key)
	g.release(g.sinkOf(m))
	g.part(g.cohortOf(m))
	if g.members.n == 0 {
		// Nobody waits: what is left over must not tick.
		g.fresh, g.ready = nil, nil
		g.dropLast()
		g.unsure = nil
		g.failed, g.hold = 0, time.Time{}
		if g.holdTimer != nil {
			g.holdTimer.Stop()
		}
		g.cadence = cadence{}
		g.members.kept = nil // a map does not shrink
	}
}

// part notes that a key has left a cohort. The caller holds mu.
func (g *Group[K, T]) part(c *cohort[K]) {
	c.live--
	if c.live > 0 {
		return
	}
	g.cohorts.drop(c.handle)
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.cancel != nil {
		c.cancel()
	}
	for _, cancel := range c.older {
		cancel()
	}
	if g.fresh == c {
		g.fresh = nil
	}
}

// move puts a key into another cohort. The caller holds mu.
func (g *Group[K, T]) move(key K, m Slot, to *cohort[K]) {
	from := g.cohortOf(m)
	to.add(key)
	if from.born.After(to.born) {
		to.born = from.born
	}
	m.cohort = to.handle
	g.members.put(key, m)
	g.part(from)
}

// arm plans the look at a cohort. The caller holds mu.
func (g *Group[K, T]) arm(c *cohort[K]) {
	c.timer = time.AfterFunc(time.Until(c.due), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if c.live > 0 {
			g.queue(c)
		}
	})
}

// queue makes a cohort ready to be looked at. The caller holds mu.
func (g *Group[K, T]) queue(c *cohort[K]) {
	if g.fresh == c {
		g.fresh = nil
	}
	g.ready = append(g.ready, c)
	g.dispatch()
}

// queueFirst makes a cohort ready before all others but the last looks. The caller
// holds mu and calls dispatch.
func (g *Group[K, T]) queueFirst(c *cohort[K]) {
	i := 0
	for i < len(g.ready) && g.ready[i].urgent {
		i++
	}
	g.ready = slices.Insert(g.ready, i, c)
}

// dispatch begins as many looks as may be under way; last looks are not held up by
// others. The caller holds mu.
func (g *Group[K, T]) dispatch() {
	for len(g.ready) > 0 {
		running, most := g.running, g.options.Parallel
		switch {
		case g.failed >= storm:
			running, most = g.running+g.hasty, 1
		case g.ready[0].urgent:
			most = math.MaxInt
		}
		if running >= most {
			return
		}
		c := g.ready[0]
		wait := time.Until(g.asked)
		if !c.urgent {
			wait = max(wait, time.Until(g.hold))
		}
		if wait > 0 {
			g.wake(wait)
			return
		}
		g.ready = g.ready[1:]
		if c.live > 0 {
			*g.underWay(c.urgent)++
			g.begin(c)
		}
	}
}

// underWay counts the looks that are, last ones or others.
func (g *Group[K, T]) underWay(last bool) *int {
	if last {
		return &g.hasty
	}
	return &g.running
}

// wake calls dispatch when the hold is over. The caller holds mu.
func (g *Group[K, T]) wake(wait time.Duration) {
	if g.holdTimer != nil {
		g.holdTimer.Stop()
	}
	g.holdTimer = time.AfterFunc(wait, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dispatch()
	})
}
