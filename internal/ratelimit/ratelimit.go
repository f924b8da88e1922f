// Package ratelimit limits the requests that one client sends in any one second, and adapts
// to the refusals of the service.
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
	outer  *Limiter      // each slot takes one of these, too; may be nil

	mu       sync.Mutex
	sent     []time.Time // a ring; sent[next] is the oldest; empty for no limit
	next     int
	reserved int   // slots that Wait leaves to WaitReserved
	pace     *pace // nil if the limiter does not adapt to the service
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

// NewAdaptive returns a limiter that also adapts to the responses of the service, see
// [Limiter.Observe]. It has no other limit if perSecond is not positive, or infinite.
func NewAdaptive(perSecond float64) *Limiter {
	l := New(perSecond)
	if l == nil {
		l = &Limiter{window: time.Second, queue: make(chan struct{}, 1)}
	}
	l.pace = &pace{}
	return l
}

// Within returns a limiter of requests that need a slot of outer, too. It is outer if l is nil.
func (l *Limiter) Within(outer *Limiter) *Limiter {
	if l == nil {
		return outer
	}
	l.outer = outer
	return l
}

// PerSecond returns the limit, without that of an outer limiter. Zero means no limit.
func (l *Limiter) PerSecond() float64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, paced := float64(len(l.sent))/l.window.Seconds(), l.pace.perSecond(time.Now())
	if limit == 0 || paced == 0 {
		return max(limit, paced)
	}
	return min(limit, paced)
}

// Reserve changes the number of slots that Wait leaves free by n, which may be negative.
func (l *Limiter) Reserve(n int) {
	if l != nil && n != 0 {
		l.mu.Lock()
		l.reserved += n
		l.mu.Unlock()
		l.outer.Reserve(n)
	}
}

// Wait returns nil when the caller may send a request, or ctx's error. Callers are served in
// order. A canceled call takes no slot, unless it already has one of the outer limiter.
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
	return l.wait(ctx, false, l.outer.Wait)
}

// WaitReserved waits like Wait, but not in the queue, and it may take reserved slots.
func (l *Limiter) WaitReserved(ctx context.Context) error {
	if l == nil {
		return ctx.Err()
	}
	return l.wait(ctx, true, l.outer.WaitReserved)
}

// wait waits for a slot. It takes it after that of the outer limiter, which may grant many
// requests at once after a pause.
func (l *Limiter) wait(ctx context.Context, reserved bool, outer func(context.Context) error) error {
	began := time.Now()
	if err := l.waitFree(ctx, began, reserved, false); err != nil {
		return err
	}
	if err := outer(ctx); err != nil {
		return err
	}
	return l.waitFree(ctx, began, reserved, true)
}

// waitFree waits until a slot is free, and takes it if it is wanted.
func (l *Limiter) waitFree(ctx context.Context, began time.Time, reserved, wanted bool) error {
	for ctx.Err() == nil {
		// Reservations delay a caller by two windows at most.
		delay := l.take(reserved || time.Since(began) >= 2*l.window, wanted)
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

// take takes a slot if one is free and wanted. If none is free, it returns when to try again.
func (l *Limiter) take(reserved, wanted bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if delay := l.pace.delay(now); delay > 0 {
		return delay
	}
	if slots := len(l.sent); slots > 0 {
		spare, again := 0, max(l.window/time.Duration(slots), time.Millisecond) // reservations may be given back
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
		if wanted {
			l.sent[l.next] = now
			l.next = (l.next + 1) % slots
		}
	}
	if wanted {
		l.pace.take(now)
	}
	return 0
}
