package polling_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// steady is a schedule without chance, so that a test can name every moment.
var steady = polling.Options{
	Schedule: polling.Schedule{Min: time.Second, Fraction: 0.1, Max: time.Minute, Jitter: -1},
	Backoff:  polling.Backoff{Min: time.Second, Max: 30 * time.Second, Jitter: -1},
}

// thing is what the tests wait for: it ends at a moment, and looking takes a
// while.
type thing struct {
	end   time.Time
	trip  time.Duration
	looks []time.Duration // when each look began
	since time.Time
	fault func(n int) error
	after time.Duration
}

func newThing(ends time.Duration) *thing {
	now := time.Now()
	return &thing{end: now.Add(ends), since: now}
}

func (th *thing) look(ctx context.Context) (polling.Sight[string], error) {
	th.looks = append(th.looks, time.Since(th.since))
	if err := pause(ctx, th.trip/2); err != nil {
		return polling.Sight[string]{}, err
	}
	done := !time.Now().Before(th.end)
	if err := pause(ctx, th.trip-th.trip/2); err != nil {
		return polling.Sight[string]{}, err
	}
	if th.fault != nil {
		if err := th.fault(len(th.looks)); err != nil {
			return polling.Sight[string]{After: th.after}, err
		}
	}
	if done {
		return polling.Sight[string]{Value: "done", Done: true}, nil
	}
	return polling.Sight[string]{Value: "busy", After: th.after}, nil
}

// pause is a part of a round trip.
func pause(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestDelayGrowsWithTheTimeWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(20 * time.Second)
		got, err := polling.Until(t.Context(), th.look, steady)
		require.NoError(t, err)
		assert.Equal(t, "done", got)
		want := []time.Duration{0}
		for at := time.Duration(0); at < 20*time.Second; {
			at += max(time.Second, at/10)
			want = append(want, at)
		}
		assert.Equal(t, want, th.looks)
	})
}

func TestDelayStopsGrowing(t *testing.T) {
	s := polling.Schedule{Jitter: -1}
	assert.Equal(t, 200*time.Millisecond, s.Delay(0))
	assert.Equal(t, 200*time.Millisecond, s.Delay(2*time.Second))
	assert.Equal(t, 1400*time.Millisecond, s.Delay(20*time.Second))
	assert.Equal(t, 2*time.Minute, s.Delay(24*time.Hour))
}

func TestJitterStaysInItsBounds(t *testing.T) {
	s := polling.Schedule{Jitter: 0.2}
	lo, hi := time.Hour, time.Duration(0)
	for range 10_000 {
		d := s.Delay(100 * time.Second)
		lo, hi = min(lo, d), max(hi, d)
	}
	assert.GreaterOrEqual(t, lo, 6300*time.Millisecond)
	assert.LessOrEqual(t, hi, 7700*time.Millisecond)
	assert.Less(t, lo, 6450*time.Millisecond, "jitter goes down")
	assert.Greater(t, hi, 7550*time.Millisecond, "jitter goes up")
}

func TestBackoff(t *testing.T) {
	b := polling.Backoff{Jitter: -1}
	var got []time.Duration
	for n := range 10 {
		got = append(got, b.Delay(n))
	}
	const ms, s = time.Millisecond, time.Second
	assert.Equal(t, []time.Duration{0, 0, 500 * ms, 1 * s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}, got)
	assert.Equal(t, 30*s, b.Delay(1_000_000))
}

func TestAgeAndFirstMoveTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(time.Minute)
		o := steady
		o.Age, o.First = 100*time.Second, 3*time.Second
		_, err := polling.Until(t.Context(), th.look, o)
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, th.looks[0])
		assert.Equal(t, 3*time.Second+103*time.Second/10, th.looks[1])
	})
}

func TestCancelEndsAtOnce(t *testing.T) {
	for name, cancelAt := range map[string]time.Duration{
		"between looks": 500 * time.Millisecond,
		"during a look": 1050 * time.Millisecond,
		"before it":     0,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newThing(time.Hour)
				th.trip = 100 * time.Millisecond
				ctx, cancel := context.WithCancel(t.Context())
				if cancelAt == 0 {
					cancel()
				} else {
					time.AfterFunc(cancelAt, cancel)
				}
				start := time.Now()
				_, err := polling.Until(ctx, th.look, steady)
				assert.Equal(t, cancelAt, time.Since(start))
				require.ErrorIs(t, err, context.Canceled)
				var e *polling.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, len(th.looks), e.Looks)
				cancel()
			})
		})
	}
}

func TestLastLookBeforeTheDeadline(t *testing.T) {
	const trip = 20 * time.Millisecond
	const limit = 100 * time.Second
	for name, tc := range map[string]struct {
		ends time.Duration
		seen bool
	}{
		"ended two trips before":   {limit - 2*trip, true},
		"ended one second before":  {limit - time.Second, true},
		"ended after the deadline": {limit + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newThing(tc.ends)
				th.trip = trip
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start := time.Now()
				got, err := polling.Until(ctx, th.look, steady)
				last := th.looks[len(th.looks)-1]
				assert.Greater(t, last, limit-2*trip, "a last look is taken")
				if tc.seen {
					require.NoError(t, err)
					assert.Equal(t, "done", got)
					assert.Less(t, time.Since(start), limit)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, "busy", got)
				assert.Equal(t, limit, time.Since(start), "not before the deadline passed")
			})
		})
	}
}

func TestShortDeadlineStillLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		o := steady
		o.First = time.Minute
		got, err := polling.Until(ctx, th.look, o)
		require.NoError(t, err)
		assert.Equal(t, "done", got)
	})
}

var errWeather = errors.New("weather")

func TestErrorsBackOffAndGoodLooksGoBackToTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(time.Minute)
		th.fault = func(n int) error {
			if n >= 2 && n <= 5 {
				return errWeather
			}
			return nil
		}
		var events []polling.Event[string]
		for e, err := range polling.Watch(t.Context(), th.look, steady) {
			require.NoError(t, err)
			events = append(events, e)
		}
		const s = time.Second
		// One good look, four errors (at once, 1 s, 2 s, 4 s), then good again.
		assert.Equal(t, []time.Duration{0, 1 * s, 1 * s, 2 * s, 4 * s, 8 * s, 9 * s}, th.looks[:7])
		assert.Equal(t, "busy", events[0].Value)
		for _, e := range events[1:5] {
			assert.ErrorIs(t, e.Err, errWeather)
			assert.Zero(t, e.Value)
		}
		assert.NoError(t, events[5].Err)
		last := events[len(events)-1]
		assert.True(t, last.Done)
		assert.Zero(t, last.Next)
		assert.Equal(t, len(th.looks), last.Look)
	})
}

func TestOutageOfAMinuteCostsFewLooksAndNoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(5 * time.Minute)
		during := 0
		th.fault = func(int) error {
			if at := time.Since(th.since); at >= time.Minute && at < 2*time.Minute {
				during++
				return errWeather
			}
			return nil
		}
		_, err := polling.Until(t.Context(), th.look, polling.Options{})
		require.NoError(t, err)
		assert.Positive(t, during)
		assert.LessOrEqual(t, during, 20)
	})
}

func TestAfterIsObeyedWithinBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		after, max, want time.Duration
		fail             bool
	}{
		"good look":       {after: 7 * time.Second, want: 7 * time.Second},
		"failed look":     {after: 7 * time.Second, want: 7 * time.Second, fail: true},
		"less than usual": {after: time.Millisecond, want: time.Second},
		"clamped":         {after: 24 * time.Hour, want: time.Minute},
		"own bound":       {after: time.Hour, max: 2 * time.Minute, want: 2 * time.Minute},
		"not obeyed":      {after: time.Hour, max: -1, want: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newThing(time.Hour)
				th.after = tc.after
				if tc.fail {
					th.fault = func(int) error { return errWeather }
				}
				o := steady
				o.MaxAfter = tc.max
				for e, err := range polling.Watch(t.Context(), th.look, o) {
					require.NoError(t, err)
					assert.Equal(t, tc.want, e.Next)
					break
				}
			})
		})
	}
}

func TestPatienceEndsOnlyAnUnbrokenRowOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(time.Hour)
		th.fault = func(int) error {
			// Good for one second in every five minutes, and never after an hour.
			if at := time.Since(th.since); at%(5*time.Minute) < time.Second && at < time.Hour {
				return nil
			}
			return errWeather
		}
		o := steady
		o.Patience = 10 * time.Minute
		o.Backoff.Max = time.Second
		_, err := polling.Until(t.Context(), th.look, o)
		require.ErrorIs(t, err, polling.ErrPatience)
		var e *polling.Error
		require.ErrorAs(t, err, &e)
		assert.ErrorIs(t, e.Last, errWeather)
		assert.InDelta(t, (55*time.Minute + 10*time.Minute).Seconds(), e.Elapsed.Seconds(), 5)
		assert.ErrorContains(t, err, "out of patience; the last look failed: weather")
	})
}

func TestPatienceWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(0)
		th.fault = func(int) error {
			if time.Since(th.since) < 100*time.Hour {
				return errWeather
			}
			return nil
		}
		o := steady
		o.Patience = -1
		_, err := polling.Until(t.Context(), th.look, o)
		require.NoError(t, err)
	})
}

func TestPermanentErrorEndsTheWait(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		text string
	}{
		"plain":   {polling.Permanent(errWeather), "wait ended after 0s and 1 look: weather"},
		"wrapped": {errors.Join(polling.Permanent(errWeather)), "wait ended after 0s and 1 look: weather"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				th := newThing(time.Hour)
				th.fault = func(int) error { return tc.err }
				_, err := polling.Until(t.Context(), th.look, steady)
				require.ErrorIs(t, err, errWeather)
				assert.EqualError(t, err, tc.text)
				assert.Len(t, th.looks, 1)
			})
		})
	}
	assert.NoError(t, polling.Permanent(nil))
}

func TestHungLookCostsItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := 0
		look := func(ctx context.Context) (polling.Sight[string], error) {
			if hung++; hung == 1 {
				<-ctx.Done()
				return polling.Sight[string]{}, ctx.Err()
			}
			return polling.Sight[string]{Done: true}, nil
		}
		o := steady
		o.Timeout = 10 * time.Second
		start := time.Now()
		var errs []error
		for e, err := range polling.Watch(t.Context(), look, o) {
			require.NoError(t, err)
			errs = append(errs, e.Err)
		}
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.Len(t, errs, 2)
		assert.ErrorIs(t, errs[0], polling.ErrLookTimeout)
		assert.NotErrorIs(t, errs[0], context.DeadlineExceeded, "the caller's deadline did not pass")
		assert.NoError(t, errs[1])
	})
}

func TestEndSeenCountsAlthoughContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		got, err := polling.Until(ctx, func(context.Context) (polling.Sight[int], error) {
			cancel()
			return polling.Sight[int]{Value: 7, Done: true}, nil
		}, steady)
		require.NoError(t, err)
		assert.Equal(t, 7, got)
	})
}

func TestLeavingTheLoopEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThing(time.Hour)
		for e, err := range polling.Watch(t.Context(), th.look, steady) {
			require.NoError(t, err)
			if e.Look == 3 {
				break
			}
		}
		<-time.After(time.Hour)
		synctest.Wait()
		assert.Len(t, th.looks, 3, "nothing looks once nobody waits")
	})
}
