package ratelimit

import "time"

// A pace is the rate that the service accepts, as its refusals show it: additive increase,
// multiplicative decrease. Without refusals there is none. A nil pace never changes.
type pace struct {
	base      float64   // requests per second after the last decrease; 0 without a pace
	decreased time.Time // the last decrease
	hold      time.Time // no request is sent before
	next      time.Time // when the next request may be sent

	second           time.Time // the start of the second that accepted counts
	accepted, before float64   // responses in this second and in the one before
}

const (
	decrease  = 0.9
	recovery  = time.Minute // without a refusal, after which there is no pace any more
	floor     = 5           // requests per second after the first refusal, at least
	firstHold = time.Second // the requests of the second before the first refusal are too many
	late      = 10 * time.Millisecond
)

// A Change is that of the limit after a response.
type Change int

// The changes of the limit.
const (
	Unchanged Change = iota
	Slower           // the service has refused a request, for the first time in a minute
	Unlimited        // it has refused none for a minute
)

// Observe notes a response to a request that was sent at a time: whether the service refused
// it because of too many requests, and for how long it refuses all requests. After a refusal
// the limiter continues at nine tenths of the rate that the service accepted, and then faster
// by a hundredth of that in each second; after about half a minute much faster.
func (l *Limiter) Observe(sent time.Time, refused bool, delay time.Duration) Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, p := time.Now(), l.pace
	if delay > 0 && now.Add(delay).After(p.hold) {
		p.hold = now.Add(delay)
	}
	if refused {
		return p.refuse(sent, now)
	}
	return p.accept(sent, now)
}

func (p *pace) refuse(sent, now time.Time) Change {
	recent := p.recent(now)
	if p.base == 0 {
		p.base, p.decreased = max(decrease*recent, floor), now
		if hold := now.Add(firstHold); hold.After(p.hold) {
			p.hold = hold
		}
		return Slower
	}
	if sent.Before(p.decreased) { // it says nothing about the present rate
		return Unchanged
	}
	limit := p.perSecond(now)
	if recent < 0.7*limit { // the limit was not used, so it says nothing
		limit = max(recent, 1)
	}
	p.base, p.decreased = decrease*limit, now
	return Unchanged
}

func (p *pace) accept(sent, now time.Time) Change {
	p.roll(now)
	p.accepted++
	switch {
	case p.base == 0:
	case now.Sub(latest(p.decreased, p.hold)) >= recovery:
		p.base = 0
		return Unlimited
	case sent.Before(p.decreased) && p.hold.After(now) && decrease*p.accepted > p.base:
		p.base = decrease * p.accepted // responses of the same burst arrive in any order
	}
	return Unchanged
}

// roll starts a new second if the present one is over.
func (p *pace) roll(now time.Time) {
	if passed := now.Sub(p.second); passed >= 2*time.Second {
		p.second, p.before, p.accepted = now, 0, 0
	} else if passed >= time.Second {
		p.second, p.before, p.accepted = p.second.Add(time.Second), p.accepted, 0
	}
}

// recent estimates how many requests the service has accepted in the last second.
func (p *pace) recent(now time.Time) float64 {
	p.roll(now)
	return p.accepted + p.before*(1-now.Sub(p.second).Seconds())
}

// perSecond returns the present rate, or 0 without a pace.
func (p *pace) perSecond(now time.Time) float64 {
	if p == nil || p.base == 0 {
		return 0
	}
	s := max(now.Sub(latest(p.decreased, p.hold)).Seconds(), 0)
	return p.base * (1 + s/100 + s*s*s/27_000)
}

// delay returns the time until the next request may be sent.
func (p *pace) delay(now time.Time) time.Duration {
	if p == nil {
		return 0
	}
	next := p.hold
	if p.base > 0 {
		next = latest(next, p.next)
	}
	return next.Sub(now)
}

// take notes that a request is sent. A timer that fires late does not slow down the pace.
func (p *pace) take(now time.Time) {
	if p != nil && p.base > 0 {
		p.next = latest(p.next, now.Add(-late)).Add(time.Duration(float64(time.Second) / p.perSecond(now)))
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
