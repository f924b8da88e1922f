package polling

import (
	"math/rand/v2"
	"time"
)

// A Schedule says how long to wait between two good looks. The zero value is
// the default of every field.
type Schedule struct {
	// Fraction of the time already waited that is waited before the next look.
	// The default is 0.07, which makes the end of a long wait seen late by three
	// and a half percent of its length on average.
	Fraction float64
	// Min is the shortest delay, which is also the first one. The default is
	// 200 ms.
	Min time.Duration
	// Max is the longest delay. The default is two minutes.
	Max time.Duration
	// Jitter spreads a delay evenly over this fraction of it, half above and
	// half below, so that many waits that began together drift apart. The
	// default is 0.1; below zero is none. Min and Max bound the delay before
	// it is spread.
	Jitter float64
}

func (s Schedule) withDefaults() Schedule {
	return Schedule{
		Fraction: orDefault(s.Fraction, 0.07),
		Min:      orDefault(s.Min, 200*time.Millisecond),
		Max:      orDefault(s.Max, 2*time.Minute),
		Jitter:   orDefault(s.Jitter, 0.1),
	}
}

// Delay returns the delay after a look that was taken when the thing waited
// for was elapsed old.
func (s Schedule) Delay(elapsed time.Duration) time.Duration {
	s = s.withDefaults()
	d := time.Duration(s.Fraction * float64(elapsed))
	return spread(min(max(d, s.Min), s.Max), s.Jitter)
}

// A Backoff says how long to wait after errors in a row. The zero value is the
// default of every field.
type Backoff struct {
	// Min is the delay after the second error; the first is followed by
	// another look at once. The default is 500 ms.
	Min time.Duration
	// Max is the longest delay. Each delay is twice the one before until it is
	// reached. The default is 30 s.
	Max time.Duration
	// Jitter spreads a delay as [Schedule.Jitter] does. The default is 0.5,
	// since after an outage everybody comes back at once; below zero is none.
	Jitter float64
}

// Delay returns the delay after so many errors in a row.
func (b Backoff) Delay(errors int) time.Duration {
	if errors <= 1 {
		return 0
	}
	lo, hi := orDefault(b.Min, 500*time.Millisecond), orDefault(b.Max, 30*time.Second)
	d := lo
	for i := 2; i < errors && d < hi; i++ {
		d *= 2
	}
	return spread(min(d, hi), orDefault(b.Jitter, 0.5))
}

func orDefault[T int64 | float64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

func spread(d time.Duration, jitter float64) time.Duration {
	if jitter <= 0 {
		return d
	}
	return time.Duration(float64(d) * (1 + jitter*(rand.Float64()-0.5)))
}
