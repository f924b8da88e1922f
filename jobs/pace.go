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
	kept []*keptPlaces // by their time
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
	if line, ok := ctx.Value(lineKey{}).(context.Context); ok {
		ctx = line
	}
	if p == nil {
		return ctx.Err()
	}
	if kept, _ := ctx.Value(keptKey{}).(*keptPlaces); p.has(kept) {
		if through, err := p.stand(ctx, p.ahead, kept); through || err != nil {
			return err
		}
	}
	_, err := p.stand(ctx, p.line, nil)
	return err
}

type lineKey struct{}

// standFor returns a context whose requests stand in line only until line ends, which
// does not disturb those that have been sent.
func standFor(ctx, line context.Context) context.Context {
	return context.WithValue(ctx, lineKey{}, line)
}

// stand stands in a line until the next place is free. Whoever has a kept place, and
// finds that others have taken it, has not got through.
func (p *pace) stand(ctx context.Context, line chan struct{}, kept *keptPlaces) (through bool, err error) {
	select {
	case line <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-line }()
	since := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if kept != nil && !p.has(kept) {
			return false, nil
		}
		// Whoever has stood by for so long lets nobody go ahead any more.
		delay := p.reserve(kept, time.Since(since) < 2*p.window)
		if delay <= 0 {
			return true, nil
		}
		if err := sleep(ctx, delay); err != nil {
			return false, err
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
	if before := p.sent[p.next]; !before.IsZero() {
		if wait := p.window - now.Sub(before); wait > 0 {
			return wait
		}
	}
	if kept == nil && stepBack && p.wanted(now) {
		return max(p.window/time.Duration(len(p.sent)), time.Millisecond)
	}
	p.sent[p.next] = now
	p.next = (p.next + 1) % len(p.sent)
	if kept != nil {
		p.release(kept, 1)
	}
	return 0
}

// wanted reports whether one more request now would leave too few places for those
// that are kept: in some window that ends when a kept one is due, there would be more
// than the limit. The caller holds mu.
func (p *pace) wanted(now time.Time) bool {
	n := len(p.sent)
	sent, places, first := 0, 0, 0 // in the window: sent[next+sent:], kept[first:i]
	for i, k := range p.kept {
		if now.Sub(k.at) >= p.window { // what was not taken in time is kept no longer
			first = i + 1
			continue
		}
		due := k.due(now)
		if due.Sub(now) >= p.window {
			break
		}
		places += k.left
		for first < i && due.Sub(p.kept[first].due(now)) >= p.window {
			places -= p.kept[first].left
			first++
		}
		for sent < n && due.Sub(p.sent[(p.next+sent)%n]) >= p.window {
			sent++
		}
		if (n-sent)+places >= n {
			return true
		}
	}
	return false
}

// keptPlaces are those that others leave free, for requests at a time that is known
// before.
type keptPlaces struct {
	at   time.Time
	left int
}

// due is when they are taken: now, where it should have been before.
func (k *keptPlaces) due(now time.Time) time.Time {
	if k.at.Before(now) {
		return now
	}
	return k.at
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
	i, _ := slices.BinarySearchFunc(p.kept, at, func(k *keptPlaces, at time.Time) int { return k.at.Compare(at) })
	p.kept = slices.Insert(p.kept, i, k)
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
