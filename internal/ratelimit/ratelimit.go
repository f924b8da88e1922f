// Package ratelimit limits the requests that one client sends in any one second.
package ratelimit

import (
	"context"
	"math"
	"sync"
	"time"
)

// A Limiter allows at most n requests in any window of one second. It remembers
// the times of the last n requests: the next one may be sent one window after the
// oldest of them. A nil Limiter has no limit.
type Limiter struct {
	window time.Duration
	queue  chan struct{} // held by the first of the callers of Wait, who are served in order

	mu       sync.Mutex
	sent     []time.Time // a ring; sent[next] is the oldest
	next     int
	reserved int // slots that Wait leaves to WaitReserved
}

// maxSlots bounds the memory of a high limit.
const maxSlots = 1 << 16

// New returns a limiter of perSecond requests per second. A limit that is not a
// whole number is spread evenly: 2.5 is one request every 400 ms. New returns nil
// if perSecond is zero, negative or infinite.
func New(perSecond float64) *Limiter {
	if !(perSecond > 0) || math.IsInf(perSecond, 0) {
		return nil
	}
	slots := 1.0
	if perSecond == math.Floor(perSecond) {
		slots = min(perSecond, maxSlots)
	}
	return &Limiter{
		window: time.Duration(math.Ceil(min(slots/perSecond*float64(time.Second), 1<<61))),
		queue:  make(chan struct{}, 1),
		sent:   make([]time.Time, int(slots)),
	}
}

// PerSecond returns the limit; zero means no limit.
func (l *Limiter) PerSecond() float64 {
	if l == nil {
		return 0
	}
	return float64(len(l.sent)) / l.window.Seconds()
}

// Interval returns the time between two requests at the limit; zero means no limit.
func (l *Limiter) Interval() time.Duration {
	if l == nil {
		return 0
	}
	return l.window / time.Duration(len(l.sent))
}

// Window returns how long before its use a slot must be reserved: in that time all
// slots become free once.
func (l *Limiter) Window() time.Duration {
	if l == nil {
		return 0
	}
	return l.window
}

// Wait returns nil when the caller may send a request, or ctx's error. Callers are
// served in order. A canceled call takes no slot.
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

// WaitReserved waits like Wait, but not in the queue, and may take reserved slots.
func (l *Limiter) WaitReserved(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	return l.wait(ctx, true)
}

// Reserve changes the number of slots that Wait leaves free. A call with the
// negative number must follow.
func (l *Limiter) Reserve(n int) {
	if l == nil || n == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved += n
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
	now, n := time.Now(), len(l.sent)
	free := func(slot int) time.Duration { // until so many further slots are free
		sent := l.sent[(l.next+slot)%n]
		if sent.IsZero() {
			return 0
		}
		return l.window - now.Sub(sent)
	}
	if !reserved && l.reserved > 0 {
		// Reservations may be given back at any time: try again soon.
		again := max(l.window/time.Duration(n), time.Millisecond)
		if l.reserved >= n {
			return again
		}
		if delay := free(l.reserved); delay > 0 {
			return min(delay, again)
		}
	}
	if delay := free(0); delay > 0 {
		return delay
	}
	l.sent[l.next] = now
	l.next = (l.next + 1) % n
	return 0
}
