package ratelimit

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestNew_NoLimit(t *testing.T) {
	for _, perSecond := range []float64{0, -1, math.Inf(1), math.NaN()} {
		l := New(perSecond)
		if l != nil || l.PerSecond() != 0 {
			t.Errorf("%v per second: %v", perSecond, l)
		}
		l.Reserve(1)
		for range 100 {
			if l.Wait(t.Context()) != nil || l.WaitReserved(t.Context()) != nil {
				t.Errorf("%v per second: no slot", perSecond)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if !errors.Is(New(0).Wait(ctx), context.Canceled) || !errors.Is(New(0).WaitReserved(ctx), context.Canceled) {
		t.Error("a slot in spite of ctx")
	}
}

// In any one second there are no more requests than the limit, and a limit that is not a
// whole number is spread evenly.
func TestWait_AnyLimit(t *testing.T) {
	for perSecond, inTwentySeconds := range map[float64]int{
		1e-12: 1, 1e-9: 1, 0.3: 6, 1: 20, 1.5: 30, 2.5: 50, 10: 200, 99.9: 1998, 5000: 100_000,
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(perSecond)
			if got := l.PerSecond(); perSecond > 1e-6 && math.Abs(got/perSecond-1) > 1e-6 {
				t.Errorf("PerSecond is %v, not %v", got, perSecond)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second-time.Millisecond)
			defer cancel()
			var sent []time.Time
			for l.Wait(ctx) == nil {
				sent = append(sent, time.Now())
			}
			if len(sent) < inTwentySeconds-1 || len(sent) > inTwentySeconds+1 {
				t.Errorf("%v per second: %d requests in 20 s", perSecond, len(sent))
			}
			n := int(math.Ceil(perSecond))
			for i := n; i < len(sent); i++ {
				if apart := sent[i].Sub(sent[i-n]); apart < time.Second {
					t.Fatalf("%v per second: %d requests within %v", perSecond, n+1, apart)
				}
			}
		})
	}
}

func TestWait_ServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		served := make(chan int, 10)
		for i := range 10 {
			go func() {
				if l.Wait(t.Context()) == nil {
					served <- i
				}
			}()
			time.Sleep(time.Millisecond)
		}
		for i := range 10 {
			if n := <-served; n != i {
				t.Fatalf("served %d before %d", n, i)
			}
		}
	})
}

func TestWait_CanceledCallTakesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		_ = l.Wait(t.Context())
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			cancel()
		}
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		if err := l.Wait(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// crowd calls Wait as often as the limiter allows, until ctx ends, and counts.
func crowd(ctx context.Context, l *Limiter) *atomic.Int64 {
	var n atomic.Int64
	for range 20 {
		go func() {
			for l.Wait(ctx) == nil {
				n.Add(1)
			}
		}()
	}
	return &n
}

func TestWaitReserved_FindsReservedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(10)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ordinary := crowd(ctx, l)
		time.Sleep(5 * time.Second)
		l.Reserve(3)
		time.Sleep(1100 * time.Millisecond)
		began := time.Now()
		for range 3 {
			if err := l.WaitReserved(ctx); err != nil || time.Since(began) > 0 {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		l.Reserve(-3)
		time.Sleep(10*time.Second - time.Millisecond)
		if n := ordinary.Load(); n < 150 || n > 165 {
			t.Errorf("%d ordinary requests in 16 s", n)
		}
	})
}

// Reservations that are not used do not stop the others for good, however many there are.
func TestReserve_DelaysTheOthersByTwoWindows(t *testing.T) {
	for _, perSecond := range []float64{10, 1, 0.5} {
		synctest.Test(t, func(t *testing.T) {
			l := New(perSecond)
			l.Reserve(100)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ordinary := crowd(ctx, l)
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := ordinary.Load(); n < int64(60*perSecond/4) && n < 10 {
				t.Errorf("%v per second: %d requests in a minute", perSecond, n)
			}
			l.Reserve(-100)
		})
	}
}

// A slot that is taken before one of the outer limiter is used late. Then many requests would
// follow a pause of the outer limiter.
func TestWithin_NoBurstAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer := NewAdaptive(0)
		polls := New(10).Within(outer)
		for range 200 {
			outer.Observe(time.Now(), false, 0)
		}
		outer.Observe(time.Now(), true, 20*time.Second)
		sent := make(chan time.Time, 60)
		for i := range cap(sent) {
			go func() {
				wait := polls.Wait
				if i%2 == 0 {
					wait = polls.WaitReserved
				}
				if wait(t.Context()) == nil {
					sent <- time.Now()
				}
			}()
		}
		var times []time.Time
		for range cap(sent) {
			if times = append(times, <-sent); len(times) > 10 && times[len(times)-1].Sub(times[len(times)-11]) < time.Second {
				t.Fatalf("11 polls within a second, %d in all", len(times))
			}
		}
	})
}
