// Package ratelimit limits the requests that one client sends in any one second.
package ratelimit

import (
	"context"
	"math"
	"sync"
	"time"
)

// A Limiter allows at most n requests in any window of one second. It remembers the times of
// the last n requests: the next one may be sent one window after the oldest of them. A nil
// Limiter has no limit.
type Limiter struct {
	window time.Duration
	queue  chan struct{} // held by the first caller of Wait, all of whom are served in order

	mu       sync.Mutex
	sent     []time.Time // a ring; sent[next] is the oldest
	next     int
	reserved int // slots that Wait leaves to WaitReserved
}

// maxSlots bounds the memory of a high limit.
const maxSlots = 1 << 16

// New returns a limiter. A limit that is not a whole number is spread evenly: 2.5 per second
// is one request every 400 ms. New returns nil if perSecond is not positive, or infinite.
func New(perSecond float64) *Limiter {
	if !(perSecond > 0) || math.IsInf(perSecond, 0) {
		return nil
	}
	slots := 1.0
	if perSecond == math.Floor(perSecond) {
		slots = min(perSecond, maxSlots)
	}
	window := time.Duration(math.Ceil(min(slots/perSecond*float64(time.Second), 1<<61)))
	return &Limiter{window: window, queue: make(chan struct{}, 1), sent: make([]time.Time, int(slots))}
}

// PerSecond returns the limit; zero means no limit.
func (l *Limiter) PerSecond() float64 {
	if l == nil {
		return 0
	}
	return float64(len(l.sent)) / l.window.Seconds()
}

// Reserve changes the number of slots that Wait leaves free by n, which may be negative.
func (l *Limiter) Reserve(n int) {
	if l != nil && n != 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reserved += n
	}
}

// Wait returns nil when the caller may send a request, or ctx's error. Callers are served in
// order. A canceled call takes no slot.
func (l *Limiter) Wait(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	select {
	case l.queue <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.queue }()
	return l.wait(ctx, false)
}

// WaitReserved waits like Wait, but not in the queue, and it may take reserved slots.
func (l *Limiter) WaitReserved(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	return l.wait(ctx, true)
}

func (l *Limiter) wait(ctx context.Context, reserved bool) error {
	for began := time.Now(); ctx.Err() == nil; {
		// Reservations delay a caller by two windows at most.
		delay := l.take(reserved || time.Since(began) >= 2*l.window)
		if delay <= 0 {
			return nil
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return ctx.Err()
}

// take takes a slot if one is free. Otherwise it returns when to try again.
func (l *Limiter) take(reserved bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, slots, spare := time.Now(), len(l.sent), 0
	again := max(l.window/time.Duration(slots), time.Millisecond) // reservations may be given back
	if !reserved {
		spare = l.reserved
	}
	if spare >= slots {
		return again
	}
	if sent := l.sent[(l.next+spare)%slots]; !sent.IsZero() && now.Sub(sent) < l.window {
		if spare == 0 {
			again = l.window
		}
		return min(l.window-now.Sub(sent), again)
	}
	l.sent[l.next] = now
	l.next = (l.next + 1) % slots
	return 0
}
