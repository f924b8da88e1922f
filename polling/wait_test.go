package polling_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// steady has no jitter, so that tests can predict the time of each poll.
var steady = polling.Options{
	Schedule: polling.Schedule{Min: time.Second, Fraction: 0.1, Max: time.Minute, Jitter: -1},
	Backoff:  polling.Backoff{Min: time.Second, Max: 30 * time.Second, Jitter: -1},
}

var errTransient = errors.New("transient")

// operation is done after a while. Polling it takes a round trip.
type operation struct {
	began      time.Time
	lasts      time.Duration
	rtt        time.Duration
	retryAfter time.Duration
	fault      func(poll int) error
	polls      []time.Duration // start of each, since began
}

func newOperation(lasts time.Duration) *operation {
	return &operation{began: time.Now(), lasts: lasts}
}

func (o *operation) poll(ctx context.Context) (polling.Result[string], error) {
	o.polls = append(o.polls, time.Since(o.began))
	result := polling.Result[string]{Value: "running", RetryAfter: o.retryAfter}
	if err := pause(ctx, o.rtt/2); err != nil {
		return result, err
	}
	if time.Since(o.began) >= o.lasts {
		result = polling.Result[string]{Value: "done", Done: true}
	}
	if err := pause(ctx, o.rtt-o.rtt/2); err != nil {
		return result, err
	}
	if o.fault != nil {
		if err := o.fault(len(o.polls)); err != nil {
			return result, err
		}
	}
	return result, nil
}

// pause waits for d, or until ctx ends.
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

func TestWait_DelayGrowsWithElapsedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(20 * time.Second)
		got, err := polling.Wait(t.Context(), o.poll, steady)
		require.NoError(t, err)
		assert.Equal(t, "done", got)
		want := []time.Duration{0}
		for at := time.Duration(0); at < 20*time.Second; {
			at += max(time.Second, at/10)
			want = append(want, at)
		}
		assert.Equal(t, want, o.polls)
	})
}

func TestWait_ElapsedAndInitialDelayMoveThePolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(time.Minute)
		options := steady
		options.Elapsed, options.InitialDelay = 100*time.Second, 3*time.Second
		_, err := polling.Wait(t.Context(), o.poll, options)
		require.NoError(t, err)
		assert.Equal(t, 3*time.Second, o.polls[0])
		assert.Equal(t, 3*time.Second+103*time.Second/10, o.polls[1])
	})
}

func TestWait_EndsAtOnceWhenCanceled(t *testing.T) {
	for name, cancelAt := range map[string]time.Duration{
		"between polls": 500 * ms,
		"during a poll": 1050 * ms,
		"before it":     0,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperation(time.Hour)
				o.rtt = 100 * ms
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if cancelAt == 0 {
					cancel()
				} else {
					time.AfterFunc(cancelAt, cancel)
				}
				_, err := polling.Wait(ctx, o.poll, steady)
				assert.Equal(t, cancelAt, time.Since(o.began))
				require.ErrorIs(t, err, context.Canceled)
				var e *polling.Error
				require.ErrorAs(t, err, &e)
				assert.Len(t, o.polls, e.Polls)
			})
		})
	}
}

func TestWait_PollsShortlyBeforeTheDeadline(t *testing.T) {
	const rtt, limit = 20 * ms, 100 * time.Second
	for name, tc := range map[string]struct {
		lasts time.Duration
		done  bool
	}{
		"done two round trips before": {limit - 2*rtt, true},
		"done one second before":      {limit - time.Second, true},
		"not done":                    {limit + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperation(tc.lasts)
				o.rtt = rtt
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				got, err := polling.Wait(ctx, o.poll, steady)
				n := len(o.polls)
				assert.Equal(t, limit-rtt*3/2-5*ms, o.polls[n-1])
				assert.Less(t, o.polls[n-2], limit-time.Second, "there is one final poll")
				if tc.done {
					require.NoError(t, err)
					assert.Equal(t, "done", got)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, "running", got)
				assert.Equal(t, limit, time.Since(o.began))
			})
		})
	}
}

func TestWait_FinalPollAllowsForSlowRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100 * time.Second
		for _, rtt := range []time.Duration{1, ms, 10 * ms, 150 * ms, 2 * time.Second, 9 * time.Second} {
			for range 20 { // with jitter
				o := newOperation(limit - 2*rtt - 10*ms)
				o.rtt = rtt
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				_, err := polling.Wait(ctx, o.poll, polling.Options{})
				cancel()
				require.NoError(t, err, "round trips of %v", rtt)
			}
		}
	})
}

func TestWait_FinalPollIsRepeatedCloserToTheDeadlineIfItWasFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, fast = 100 * time.Second, 20 * ms
		o := newOperation(limit - 3*fast)
		o.rtt = 4 * time.Second
		o.fault = func(int) error {
			if time.Since(o.began) > 80*time.Second {
				o.rtt = fast
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := polling.Wait(ctx, o.poll, steady)
		require.NoError(t, err)
		last := 0
		for _, at := range o.polls {
			if at > limit-6*time.Second {
				last++
			}
		}
		assert.LessOrEqual(t, last, 8)
	})
}

func TestWait_PollsOnceIfTheDeadlineIsNear(t *testing.T) {
	for name, limit := range map[string]time.Duration{"before InitialDelay": 10 * time.Second, "too near for a round trip": ms} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperation(0)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				options := steady
				options.InitialDelay = time.Minute
				got, err := polling.Wait(ctx, o.poll, options)
				require.NoError(t, err)
				assert.Equal(t, "done", got)
				assert.Equal(t, []time.Duration{max(limit-155*ms, 0)}, o.polls)
			})
		})
	}
}

func TestWait_RepeatsAFailedFinalPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100 * time.Second
		o := newOperation(limit - time.Second)
		o.rtt = 20 * ms
		o.fault = func(int) error {
			if left := limit - time.Since(o.began); left < time.Second && o.rtt > ms {
				o.rtt = ms
				return errTransient
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := polling.Wait(ctx, o.poll, steady)
		require.NoError(t, err)
	})
}

func TestWait_FinalPollInterruptsABackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(25 * time.Second)
		o.rtt = 20 * ms
		o.fault = func(int) error {
			if time.Since(o.began) < 20*time.Second {
				return errTransient
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := polling.Wait(ctx, o.poll, steady)
		require.NoError(t, err)
	})
}

func TestWait_FinalPollObeysRetryAfter(t *testing.T) {
	const limit = 10 * time.Second
	for retryAfter, polls := range map[time.Duration]int{20 * time.Second: 1, 6 * time.Second: 2, limit - time.Second/2: 2} {
		synctest.Test(t, func(t *testing.T) {
			o := newOperation(time.Hour)
			o.retryAfter = retryAfter
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := polling.Wait(ctx, o.poll, polling.Options{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Len(t, o.polls, polls, "Retry-After %v", retryAfter)
			if polls > 1 {
				assert.GreaterOrEqual(t, o.polls[1], retryAfter)
			}
		})
	}
}

func TestWatch_ErrorsBackOffUntilAPollSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(time.Minute)
		o.fault = func(poll int) error {
			if poll >= 2 && poll <= 5 {
				return errTransient
			}
			return nil
		}
		var events []polling.Event[string]
		for e, err := range polling.Watch(t.Context(), o.poll, steady) {
			require.NoError(t, err)
			events = append(events, e)
		}
		const s = time.Second
		// One success, four errors (then at once, 1 s, 2 s, 4 s), and success again.
		assert.Equal(t, []time.Duration{0, 1 * s, 1 * s, 2 * s, 4 * s, 8 * s, 9 * s}, o.polls[:7])
		for i, e := range events[:6] {
			assert.Equal(t, i+1, e.Poll)
			assert.Equal(t, o.polls[i], e.Elapsed)
			assert.Equal(t, o.polls[i+1]-o.polls[i], e.Next)
		}
		assert.Equal(t, "running", events[0].Value)
		for _, e := range events[1:5] {
			require.ErrorIs(t, e.Err, errTransient)
			assert.Zero(t, e.Value)
		}
		require.NoError(t, events[5].Err)
		last := events[len(events)-1]
		assert.True(t, last.Done)
		assert.Zero(t, last.Next)
		assert.Equal(t, len(o.polls), last.Poll)
	})
}

func TestWatch_NextIsTheDelayBeforeTheFinalPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(time.Hour)
		o.rtt = 10 * ms
		ctx, cancel := context.WithTimeout(t.Context(), 1500*ms)
		defer cancel()
		var next []time.Duration
		for e, err := range polling.Watch(ctx, o.poll, steady) {
			if err == nil {
				next = append(next, e.Next)
			}
		}
		assert.Equal(t, []time.Duration{time.Second, 460 * ms, time.Second}, next)
	})
}

func TestWait_SurvivesAnOutageWithFewPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(5 * time.Minute)
		failed := 0
		o.fault = func(int) error {
			if at := time.Since(o.began); at >= time.Minute && at < 2*time.Minute {
				failed++
				return errTransient
			}
			return nil
		}
		_, err := polling.Wait(t.Context(), o.poll, polling.Options{})
		require.NoError(t, err)
		assert.Positive(t, failed)
		assert.LessOrEqual(t, failed, 20)
	})
}

func TestWatch_ObeysRetryAfterUpToMaxRetryAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		retryAfter, max, want time.Duration
		fail                  bool
	}{
		"poll succeeded":      {retryAfter: 7 * time.Second, want: 7 * time.Second},
		"poll failed":         {retryAfter: 7 * time.Second, want: 7 * time.Second, fail: true},
		"less than the delay": {retryAfter: ms, want: time.Second},
		"negative":            {retryAfter: math.MinInt64, want: time.Second},
		"default limit":       {retryAfter: 24 * time.Hour, want: time.Minute},
		"own limit":           {retryAfter: time.Hour, max: 2 * time.Minute, want: 2 * time.Minute},
		"no limit":            {retryAfter: 24 * time.Hour, max: -1, want: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperation(time.Hour)
				o.retryAfter = tc.retryAfter
				if tc.fail {
					o.fault = func(int) error { return errTransient }
				}
				options := steady
				options.MaxRetryAfter = tc.max
				for e, err := range polling.Watch(t.Context(), o.poll, options) {
					require.NoError(t, err)
					assert.Equal(t, tc.want, e.Next)
					assert.Equal(t, tc.retryAfter, e.RetryAfter)
					break
				}
			})
		})
	}
}

func TestWait_EachSuccessRenewsMaxOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(2 * time.Hour)
		o.fault = func(int) error {
			// One second of success in five minutes, and none after an hour.
			if at := time.Since(o.began); at%(5*time.Minute) < time.Second && at < time.Hour {
				return nil
			}
			return errTransient
		}
		options := steady
		options.MaxOutage = 10 * time.Minute
		options.Backoff.Max = time.Second
		got, err := polling.Wait(t.Context(), o.poll, options)
		require.ErrorIs(t, err, polling.ErrOutage)
		assert.Equal(t, "running", got)
		var e *polling.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, e.Last, errTransient)
		assert.InDelta(t, (55*time.Minute + 10*time.Minute).Seconds(), e.Elapsed.Seconds(), 5)
	})
}

func TestWait_SurvivesAnyOutageWithoutMaxOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(0)
		o.fault = func(int) error {
			if time.Since(o.began) < 100*time.Hour {
				return errTransient
			}
			return nil
		}
		options := steady
		options.MaxOutage = -1
		_, err := polling.Wait(t.Context(), o.poll, options)
		require.NoError(t, err)
	})
}

func TestWait_EndsWithAPermanentError(t *testing.T) {
	for name, fault := range map[string]error{
		"plain":   polling.Permanent(errTransient),
		"wrapped": errors.Join(polling.Permanent(errTransient)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOperation(time.Hour)
				o.fault = func(int) error { return fault }
				_, err := polling.Wait(t.Context(), o.poll, steady)
				require.ErrorIs(t, err, errTransient)
				require.EqualError(t, err, "wait ended after 0s and 1 poll: transient")
				assert.Len(t, o.polls, 1)
			})
		})
	}
}

func TestWatch_HungPollTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls := 0
		poll := func(ctx context.Context) (polling.Result[string], error) {
			if polls++; polls == 1 {
				<-ctx.Done()
				return polling.Result[string]{}, ctx.Err()
			}
			return polling.Result[string]{Done: true}, nil
		}
		options := steady
		options.Timeout = 10 * time.Second
		start := time.Now()
		var errs []error
		for e, err := range polling.Watch(t.Context(), poll, options) {
			require.NoError(t, err)
			errs = append(errs, e.Err)
		}
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.Len(t, errs, 2)
		require.ErrorIs(t, errs[0], polling.ErrPollTimeout)
		require.NotErrorIs(t, errs[0], context.DeadlineExceeded, "the deadline of ctx did not pass")
		assert.NoError(t, errs[1])
	})
}

func TestWait_DoneCountsAfterContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	got, err := polling.Wait(ctx, func(context.Context) (polling.Result[int], error) {
		cancel()
		return polling.Result[int]{Value: 7, Done: true}, nil
	}, steady)
	require.NoError(t, err)
	assert.Equal(t, 7, got)
}

func TestWatch_LeavingTheLoopEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOperation(time.Hour)
		for e, err := range polling.Watch(t.Context(), o.poll, steady) {
			require.NoError(t, err)
			if e.Poll == 3 {
				break
			}
		}
		time.Sleep(time.Hour)
		assert.Len(t, o.polls, 3)
	})
}

func TestWait_PanicAndGoexitReachTheCaller(t *testing.T) {
	var contextErr func() error
	wait := func(leave func()) {
		_, _ = polling.Wait(t.Context(), func(ctx context.Context) (polling.Result[int], error) {
			contextErr = ctx.Err
			leave()
			return polling.Result[int]{}, nil
		}, steady)
	}
	assert.PanicsWithValue(t, "bug", func() { wait(func() { panic("bug") }) })
	require.Error(t, contextErr(), "the timeout is released")

	returned, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		wait(runtime.Goexit)
		returned = true
	}()
	<-ended
	assert.False(t, returned)
	assert.Error(t, contextErr(), "the timeout is released")
}

func TestWait_RejectsOptionsOutOfRange(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*polling.Options)
		option string
	}{
		"fraction is NaN":            {func(o *polling.Options) { o.Schedule.Fraction = math.NaN() }, "Schedule.Fraction"},
		"fraction is infinite":       {func(o *polling.Options) { o.Schedule.Fraction = math.Inf(1) }, "Schedule.Fraction"},
		"fraction is huge":           {func(o *polling.Options) { o.Schedule.Fraction = 1e300 }, "Schedule.Fraction"},
		"fraction is negative":       {func(o *polling.Options) { o.Schedule.Fraction = -0.1 }, "Schedule.Fraction"},
		"min is negative":            {func(o *polling.Options) { o.Schedule.Min = -1 }, "Schedule.Min"},
		"min is more than max":       {func(o *polling.Options) { o.Schedule.Min, o.Schedule.Max = 2, 1 }, "Schedule.Min"},
		"jitter is NaN":              {func(o *polling.Options) { o.Schedule.Jitter = math.NaN() }, "Schedule.Jitter"},
		"jitter is above 1":          {func(o *polling.Options) { o.Schedule.Jitter = 1.1 }, "Schedule.Jitter"},
		"backoff min is negative":    {func(o *polling.Options) { o.Backoff.Min = -1 }, "Backoff.Min"},
		"backoff min more than max":  {func(o *polling.Options) { o.Backoff.Min, o.Backoff.Max = 2, 1 }, "Backoff.Min"},
		"backoff jitter is infinite": {func(o *polling.Options) { o.Backoff.Jitter = math.Inf(1) }, "Backoff.Jitter"},
		"elapsed is negative":        {func(o *polling.Options) { o.Elapsed = -1 }, "Elapsed"},
		"initial delay is negative":  {func(o *polling.Options) { o.InitialDelay = -1 }, "InitialDelay"},
	} {
		t.Run(name, func(t *testing.T) {
			var options polling.Options
			tc.change(&options)
			o := newOperation(0)
			_, err := polling.Wait(t.Context(), o.poll, options)
			require.ErrorIs(t, err, polling.ErrInvalidOptions)
			assert.ErrorContains(t, err, "invalid options: "+tc.option+" ")
			events := 0
			for e, err := range polling.Watch(t.Context(), o.poll, options) {
				events++
				assert.Zero(t, e)
				require.ErrorIs(t, err, polling.ErrInvalidOptions)
			}
			assert.Equal(t, 1, events)
			assert.Empty(t, o.polls)
		})
	}
}

func TestWait_AcceptsNegativeLimits(t *testing.T) {
	options := polling.Options{
		Schedule: polling.Schedule{Max: -1, Jitter: math.Inf(-1)}, Backoff: polling.Backoff{Max: -1, Jitter: -1},
		Timeout: -1, MaxOutage: -1, MaxRetryAfter: -1, Elapsed: math.MaxInt64,
	}
	got, err := polling.Wait(t.Context(), func(ctx context.Context) (polling.Result[bool], error) {
		_, hasDeadline := ctx.Deadline()
		return polling.Result[bool]{Value: hasDeadline, Done: true}, nil
	}, options)
	require.NoError(t, err)
	assert.False(t, got, "the poll has no timeout")
}
