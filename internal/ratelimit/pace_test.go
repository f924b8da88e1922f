package ratelimit

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A policedService refuses requests above so many in any one second.
type policedService struct {
	perSecond  int
	retryAfter time.Duration

	mu                sync.Mutex
	accepted, refused []time.Time
}

// send sends a request and returns whether the service refuses it.
func (s *policedService) send() (refused bool) {
	const rtt = 20 * time.Millisecond
	time.Sleep(rtt / 2)
	s.mu.Lock()
	now := time.Now()
	if n := len(s.accepted); n >= s.perSecond && now.Sub(s.accepted[n-s.perSecond]) < time.Second {
		s.refused = append(s.refused, now)
		refused = true
	} else {
		s.accepted = append(s.accepted, now)
	}
	s.mu.Unlock()
	time.Sleep(rtt / 2)
	return refused
}

// between counts the times in a window.
func between(times []time.Time, from, to time.Time) (n int) {
	for _, t := range times {
		if !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}

// demand sends as many requests as the limiter allows from so many goroutines, until ctx
// ends.
func demand(ctx context.Context, l *Limiter, s *policedService, goroutines int) {
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for l.Wait(ctx) == nil {
				sent := time.Now()
				if refused := s.send(); refused {
					l.Observe(sent, true, s.retryAfter)
					time.Sleep(time.Duration((125 + rand.IntN(125))) * time.Millisecond)
				} else {
					l.Observe(sent, false, 0)
				}
			}
		})
	}
	group.Wait()
}

func TestObserve_FindsTheRateOfTheService(t *testing.T) {
	for _, perSecond := range []int{5, 20, 200} {
		for _, goroutines := range []int{1, 4, 12, 50} {
			synctest.Test(t, func(t *testing.T) {
				s, l := &policedService{perSecond: perSecond}, NewAdaptive(0)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				demand(ctx, l, s, goroutines)
				if goroutines*50 < perSecond {
					if len(s.refused) > 0 {
						t.Errorf("%d goroutines: %d requests refused below the limit", goroutines, len(s.refused))
					}
					return
				}
				from, to := start.Add(3*time.Second), start.Add(2*time.Minute)
				accepted, refused := between(s.accepted, from, to), between(s.refused, from, to)
				share := float64(refused) / float64(accepted+refused)
				rate := float64(accepted) / to.Sub(from).Seconds()
				t.Logf("%d per second, %d goroutines: %.1f per second, %.2f %% refused, %d in the first three seconds",
					perSecond, goroutines, rate, 100*share, len(s.refused)-refused)
				if share > max(0.02, 0.2/float64(perSecond)) || rate < 0.9*float64(perSecond) {
					t.Errorf("%d per second, %d goroutines: %.1f per second, %.2f %% refused", perSecond, goroutines, rate, 100*share)
				}
			})
		}
	}
}

func TestObserve_SpeedsUpWhenTheServiceAllowsMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, l := &policedService{perSecond: 5}, NewAdaptive(0)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var later time.Time
		time.AfterFunc(time.Minute, func() {
			s.mu.Lock()
			s.perSecond, later = 100, time.Now()
			s.mu.Unlock()
		})
		demand(ctx, l, s, 10)
		from := later.Add(time.Minute)
		if rate := float64(between(s.accepted, from, from.Add(time.Minute))) / 60; rate < 85 {
			t.Errorf("%.1f per second, of 100, a minute later", rate)
		}
	})
}

func TestObserve_HasNoLimitAfterAMinuteWithoutARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewAdaptive(0)
		if change := l.Observe(time.Now(), true, 0); change != Slower || l.PerSecond() != floor {
			t.Errorf("%v, %v per second", change, l.PerSecond())
		}
		time.Sleep(30 * time.Second)
		if change := l.Observe(time.Now(), false, 0); change != Unchanged || l.PerSecond() < floor {
			t.Errorf("%v, %v per second", change, l.PerSecond())
		}
		time.Sleep(31 * time.Second)
		if change := l.Observe(time.Now(), false, 0); change != Unlimited || l.PerSecond() != 0 {
			t.Errorf("%v, %v per second", change, l.PerSecond())
		}
		began := time.Now()
		for range 1000 {
			_ = l.Wait(t.Context())
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("a thousand slots took %v", took)
		}
	})
}

func TestObserve_HoldsAllRequestsForTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := NewAdaptive(0)
		polls := New(10).Within(requests)
		requests.Observe(time.Now(), false, 30*time.Second) // such as a 503
		began := time.Now()
		for _, wait := range []func(context.Context) error{requests.Wait, polls.Wait, polls.WaitReserved} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := wait(ctx); err == nil {
				t.Error("a slot during the delay")
			}
			cancel()
		}
		if err := polls.Wait(t.Context()); err != nil || time.Since(began) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestWithin_TakesSlotsOfBothLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := NewAdaptive(5)
		polls := New(10).Within(requests)
		if New(0).Within(requests) != requests {
			t.Error("no limit within another one is not that one")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second-time.Millisecond)
		defer cancel()
		polled, called := crowd(ctx, polls), crowd(ctx, requests)
		<-ctx.Done()
		synctest.Wait()
		if all := polled.Load() + called.Load(); all != 50 || polled.Load() == 0 {
			t.Errorf("%d polls, %d requests", polled.Load(), all)
		}
	})
}
