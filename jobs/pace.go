package jobs

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// pace keeps a client below its limit of requests in any one second. It
// remembers when the last n requests were let through; the next one may go one
// window after the n-th last.
type pace struct {
	window time.Duration

	// Requests are let through in the order they came: of those that wait, one
	// holds the line and sleeps. Those with a kept place have a line of their own.
	line, ahead chan struct{}

	mu   sync.Mutex
	sent []time.Time // ring: sent[next] is the n-th last
	next int
	kept []*keptPlaces
}

// newPace allows rate requests per second; nil, which allows all, for a rate
// of zero or less.
func newPace(rate float64) *pace {
	if rate <= 0 || math.IsInf(rate, 0) {
		return nil
	}
	// A limit that is not whole is spread evenly: 2.5 per second are one in 400 ms.
	n := 1.0
	if rate == math.Floor(rate) {
		n = min(rate, mostRemembered)
	}
	return &pace{
		window: time.Duration(math.Ceil(min(n/rate*float64(time.Second), 1<<61))),
		sent:   make([]time.Time, int(n)),
		line:   make(chan struct{}, 1),
		ahead:  make(chan struct{}, 1),
	}
}

// mostRemembered bounds the memory that a high limit takes.
const mostRemembered = 1 << 16

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
	line := p.line
	kept, _ := ctx.Value(keptKey{}).(*keptPlaces)
	if p.has(kept) {
		line = p.ahead
	}
	select {
	case line <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-line }()
	since := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Whoever has stood by for so long lets nobody go ahead any more.
		delay := p.reserve(kept, time.Since(since) < 2*p.window)
		if delay <= 0 {
			return nil
		}
		if err := sleep(ctx, delay); err != nil {
			return err
		}
	}
}

// reserve takes the next place if it is free now, and says otherwise how long
// it will not be. Whoever gives up has taken nothing from the others. Those who step
// back leave places to others for whom they are kept.
func (p *pace) reserve(kept *keptPlaces, stepBack bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	ahead := kept != nil && kept.left > 0
	wanted := 0
	if stepBack && !ahead {
		for _, k := range p.kept {
			// What is not taken in time is kept no longer.
			if away := k.at.Sub(now); away < p.window && away > -p.window {
				wanted += k.left
			}
		}
	}
	n := len(p.sent)
	if wanted >= n {
		return p.window / time.Duration(n)
	}
	if before := p.sent[(p.next+wanted)%n]; !before.IsZero() {
		if wait := p.window - now.Sub(before); wait > 0 {
			return wait
		}
	}
	p.sent[p.next] = now
	p.next = (p.next + 1) % n
	if ahead {
		p.release(kept, 1)
	}
	return 0
}

// keptPlaces are those that others leave free, for requests at a time that is known
// before.
type keptPlaces struct {
	at   time.Time
	left int
}

type keptKey struct{}

// keep keeps n places until ctx ends. The first n requests that are made with the
// context that it returns take them.
func (p *pace) keep(ctx context.Context, at time.Time, n int) context.Context {
	if p == nil {
		return ctx
	}
	k := &keptPlaces{at, n}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = append(p.kept, k)
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.release(k, n)
	})
	return context.WithValue(ctx, keptKey{}, k)
}

// has reports whether any of the places is left.
func (p *pace) has(k *keptPlaces) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return k != nil && k.left > 0
}

// release keeps n places fewer. The caller holds mu.
func (p *pace) release(k *keptPlaces, n int) {
	if k.left = max(k.left-n, 0); k.left > 0 {
		return
	}
	if i := slices.Index(p.kept, k); i >= 0 {
		p.kept = slices.Delete(p.kept, i, i+1)
	}
}
