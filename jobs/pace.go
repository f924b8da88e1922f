package jobs

import (
	"context"
	"math"
	"time"
)

// pace keeps a client below its limit of requests in any one second. It
// remembers when the last n requests were let through; the next one may go one
// window after the n-th last. Requests are let through in the order they came.
type pace struct {
	window time.Duration

	// turn lets the requests through in the order they came: of those that wait,
	// one sleeps, and the others stand in line. It guards what is below.
	turn chan struct{}

	sent []time.Time // ring: sent[next] is the n-th last
	next int
}

// newPace allows rate requests per second; nil, which allows all, for a rate
// of zero or less.
func newPace(rate float64) *pace {
	if rate <= 0 || math.IsInf(rate, 0) {
		return nil
	}
	// A limit of 2.5 per second is one of 2 per 0.8 s.
	n := max(1, math.Floor(rate))
	return &pace{
		window: time.Duration(math.Ceil(n / rate * float64(time.Second))),
		sent:   make([]time.Time, int(min(n, 1<<16))),
		turn:   make(chan struct{}, 1),
	}
}

// perSecond is the limit; zero for none.
func (p *pace) perSecond() float64 {
	if p == nil {
		return 0
	}
	return float64(len(p.sent)) / p.window.Seconds()
}

// Wait returns when the next request may be sent, or with ctx's error.
func (p *pace) Wait(ctx context.Context) error {
	if p == nil {
		return ctx.Err()
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.turn }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		delay := p.reserve()
		if delay <= 0 {
			return nil
		}
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// reserve takes the next place if it is free now, and says otherwise how long
// it will not be. Whoever gives up has taken nothing from the others.
func (p *pace) reserve() time.Duration {
	now := time.Now()
	oldest := p.sent[p.next]
	if !oldest.IsZero() {
		if wait := p.window - now.Sub(oldest); wait > 0 {
			return wait
		}
	}
	p.sent[p.next] = now
	p.next = (p.next + 1) % len(p.sent)
	return 0
}
