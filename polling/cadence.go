package polling

import (
	"math"
	"time"
)

// A cadence estimates how fast the things that a group waits for end, from how
// fast they lately did.
type cadence struct {
	at    time.Time
	ends  float64 // seen lately
	waits float64 // seconds of waiting lately, of all keys together
	first time.Time
}

// forget lets what is known grow old. Lately is the last part of the time that
// the group has waited.
func (c *cadence) forget(now time.Time, waiting int) {
	if c.at.IsZero() {
		c.at, c.first = now, now
		return
	}
	passed := now.Sub(c.at).Seconds()
	if passed <= 0 {
		return
	}
	memory := max(1, 0.15*now.Sub(c.first).Seconds())
	keep := math.Exp(-passed / memory)
	c.ends *= keep
	c.waits = c.waits*keep + float64(waiting)*passed
	c.at = now
}

func (c *cadence) ended(now time.Time, waiting, ends int) {
	c.forget(now, waiting)
	c.ends += float64(ends)
}

// rate is how likely a key is to end within the next second. Who knows nothing
// of a rate adds half an end to those that were counted (the prior of Jeffreys),
// and to the time the age of one key.
func (c *cadence) rate(age time.Duration) float64 {
	return (c.ends + 0.5) / (c.waits + max(age.Seconds(), 0.1))
}

// learned reports whether others have shown how long such things last, not so
// long ago that next to nothing is left of it.
func (c *cadence) learned() bool { return c.ends >= 0.03 }

// What a look is worth. Of all ways to spend requests on looks at things that
// end at a given rate, the one with the least sum of squared lags looks after a
// delay in proportion to the cube root of requests per end. The squares, and
// not the lags themselves, because one wait that wakes ten seconds late is worse
// than ten that wake one second late. The numbers are from a sweep; see
// docs/design.md.
const (
	worth = 0.86
	// crowded bounds how much rarer looks become when they all have to pass a
	// limit: from there on it is the limit that spaces them.
	crowded  = 2.5
	shortest = 200 * time.Millisecond
)

// delay is the delay after a look that showed the cohort. The caller holds mu.
func (g *Group[K, T]) delay(c *cohort[K], now time.Time) time.Duration {
	age := max(now.Sub(c.born), 0)
	alone := g.options.Schedule.Delay(age)
	share := float64(c.live) / c.cost // keys per request
	learned := g.cadence.learned()
	if g.members.n == 1 && !learned {
		return alone
	}
	w := worth
	if g.options.Rate > 0 {
		// The seconds that looking at everything once takes.
		sweep := float64(g.cohorts.len()) * c.cost / g.options.Rate
		w = max(w, min(sweep, crowded))
	}
	d := time.Duration(w * math.Cbrt(1/(share*g.cadence.rate(age))) * float64(time.Second))
	// With few keys it is near to the delay of a key alone, and never so far
	// from it that a single surprise is noticed much too late.
	low := time.Duration(float64(alone) / max(2*share, 1))
	if learned {
		low /= 3
	}
	high := time.Duration(float64(alone) * min(max(share, 1), 6))
	d = max(min(max(d, low), high), shortest)
	return spread(d, g.options.Schedule.Jitter, 0.1)
}
