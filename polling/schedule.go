package polling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Schedule sets the delay after a poll that succeeded. Zero fields mean the
// defaults.
type Schedule struct {
	// Fraction is the ratio of the delay to the time already waited, at most 1.
	// The default is 0.07: the end of a long wait is noticed late by 3.5 % of its
	// length on average.
	Fraction float64
	// Min is the shortest delay, and the first one. The default is 200 ms, or Max
	// if that is less.
	Min time.Duration
	// Max is the longest delay. The default is two minutes, or Min if that is
	// more. A negative value means no limit.
	Max time.Duration
	// Jitter is the width of the random spread as a fraction of the delay, at most 1,
	// half above and half below. Waits that began together then drift apart. A delay
	// with jitter may be outside of Min and Max. The default is 0.1. A negative value
	// means none.
	Jitter float64
}

// Backoff sets the delay after polls that failed. Zero fields mean the defaults.
type Backoff struct {
	// Min is the delay after the second error in a row. There is none after the
	// first. The default is 500 ms, or Max if that is less.
	Min time.Duration
	// Max is the longest delay. Each delay is twice the one before until it reaches
	// Max. The default is 30 s, or Min if that is more. A negative value means no
	// limit.
	Max time.Duration
	// Jitter is like [Schedule.Jitter]. The default is 0.5, because all waits
	// continue at the same time after an outage.
	Jitter float64
}

// Delay returns the delay after a poll that succeeded, for a time already waited.
// It replaces values out of range by the nearest valid ones, and NaN by the default.
func (s Schedule) Delay(elapsed time.Duration) time.Duration {
	lo, hi := bounds(s.Min, s.Max, 200*time.Millisecond, 2*time.Minute)
	fraction := 0.07
	if s.Fraction > 0 {
		fraction = min(s.Fraction, 1)
	}
	elapsed = min(elapsed, forever) // a float64 above it may overflow
	return spread(min(max(time.Duration(fraction*float64(elapsed)), lo), hi), s.Jitter, 0.1)
}

// Delay returns the delay after the given number of errors in a row. It treats
// values out of range as [Schedule.Delay] does.
func (b Backoff) Delay(errors int) time.Duration {
	if errors <= 1 {
		return 0
	}
	d, hi := bounds(b.Min, b.Max, 500*time.Millisecond, 30*time.Second)
	for i := 2; i < errors && d < hi; i++ {
		d *= 2
	}
	return spread(min(d, hi), b.Jitter, 0.5)
}

// Validate returns an error that wraps [ErrInvalidOptions] if a field is out of
// range.
func (s Schedule) Validate() error {
	if !(s.Fraction >= 0 && s.Fraction <= 1) {
		return fmt.Errorf("%w: Schedule.Fraction must be from 0 to 1, not %v", ErrInvalidOptions, s.Fraction)
	}
	return validate("Schedule", s.Min, s.Max, s.Jitter)
}

func validate(of string, lo, hi time.Duration, jitter float64) error {
	switch {
	case lo < 0:
		return fmt.Errorf("%w: %s.Min must not be negative, but is %v", ErrInvalidOptions, of, lo)
	case hi > 0 && lo > hi:
		return fmt.Errorf("%w: %s.Min is %v, more than Max, %v", ErrInvalidOptions, of, lo, hi)
	case math.IsNaN(jitter) || jitter > 1:
		return fmt.Errorf("%w: %s.Jitter must be at most 1, not %v", ErrInvalidOptions, of, jitter)
	}
	return nil
}

// forever is the longest delay: 146 years. A delay of twice as much would overflow.
const forever = time.Duration(1 << 62)

// bounds returns the shortest and the longest delay.
func bounds(lo, hi, defaultLo, defaultHi time.Duration) (time.Duration, time.Duration) {
	switch {
	case hi < 0:
		hi = forever
	case hi == 0:
		hi = max(defaultHi, min(lo, forever))
	default:
		hi = min(hi, forever)
	}
	if lo <= 0 {
		lo = defaultLo
	}
	return min(lo, hi), hi
}

// spread applies jitter to a delay.
func spread(d time.Duration, jitter, defaultJitter float64) time.Duration {
	switch {
	case jitter < 0:
		return d
	case jitter > 0:
		jitter = min(jitter, 1)
	default: // also if it is NaN
		jitter = defaultJitter
	}
	return max(time.Duration(float64(d)*(1+jitter*(rand.Float64()-0.5))), 1)
}
