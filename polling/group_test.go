package polling_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A farm holds numbered things that end at a time of their own. One request
// shows a hundred of them.
type farm struct {
	start time.Time
	ends  []time.Duration
	trip  time.Duration
	back  time.Duration                 // the way back; zero is half of the trip
	fault func(n int, keys []int) error // of the n-th request
	alone func(key int) error           // of one key

	mu       sync.Mutex
	requests []time.Duration
	batches  [][]int
	last     int // looks before a deadline
}

const perPage = 100

func orHalf(back, trip time.Duration) time.Duration {
	if back == 0 {
		return trip / 2
	}
	return back
}

func newFarm(ends ...time.Duration) *farm { return &farm{start: time.Now(), ends: ends} }

// lasting makes n things that last for a minute in the median.
func lasting(n int) *farm {
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	ends := make([]time.Duration, n)
	for i := range ends {
		ends[i] = time.Duration(60 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))
	}
	return newFarm(ends...)
}

func (f *farm) observe(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
	f.mu.Lock()
	if b.Last {
		f.last++
	}
	f.mu.Unlock()
	var pages []int
	for _, key := range b.Keys {
		if !slices.Contains(pages, key/perPage) {
			pages = append(pages, key/perPage)
		}
	}
	if !b.Last {
		for _, page := range pages {
			if err := f.show(ctx, page, b.Keys, tell); err != nil {
				return err
			}
		}
		return nil
	}
	var all sync.WaitGroup
	errs := make([]error, len(pages))
	for i, page := range pages {
		all.Go(func() { errs[i] = f.show(ctx, page, b.Keys, tell) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// show tells of a page.
func (f *farm) show(ctx context.Context, page int, keys []int, tell func(polling.Seen[int, string])) error {
	f.mu.Lock()
	f.requests = append(f.requests, time.Since(f.start))
	f.batches = append(f.batches, slices.Clone(keys))
	n := len(f.requests)
	f.mu.Unlock()
	if err := pause(ctx, f.trip); err != nil {
		return err
	}
	if f.fault != nil {
		if err := f.fault(n, keys); err != nil {
			return err
		}
	}
	seen := polling.Seen[int, string]{Place: page}
	for k := page * perPage; k < min((page+1)*perPage, len(f.ends)); k++ {
		a := polling.Answer[int, string]{Key: k, Sight: polling.Result[string]{Value: "busy"}}
		if time.Since(f.start)-orHalf(f.back, f.trip) >= f.ends[k] {
			a.Sight = polling.Result[string]{Value: "done", Done: true}
		}
		if f.alone != nil {
			a.Err = f.alone(k)
		}
		seen.Answers = append(seen.Answers, a)
	}
	tell(seen)
	return nil
}

// wait waits for every thing, each on a goroutine of its own, and returns how
// late each was seen to end.
func (f *farm) wait(ctx context.Context, t *testing.T, g *polling.Group[int, string]) (late []time.Duration) {
	t.Helper()
	late = make([]time.Duration, len(f.ends))
	var wg sync.WaitGroup
	for key := range f.ends {
		wg.Go(func() {
			got, err := g.Until(ctx, key, polling.JoinOptions{})
			assert.NoError(t, err)
			assert.Equal(t, "done", got)
			late[key] = time.Since(f.start) - f.ends[key]
		})
	}
	wg.Wait()
	return late
}

func summary(late []time.Duration) (mean, p99 time.Duration) {
	sorted := slices.Sorted(slices.Values(late))
	for _, d := range late {
		mean += d
	}
	return mean / time.Duration(len(late)), sorted[len(sorted)*99/100]
}

func TestGroupSharesLooks(t *testing.T) {
	for n, want := range map[int]float64{100: 2.0, 1000: 1.5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := lasting(n)
				g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
				late := f.wait(t.Context(), t, g)
				mean, p99 := summary(late)
				perKey := float64(len(f.requests)) / float64(n)
				t.Logf("%.2f requests per key, late by %v in the mean, %v for the last of a hundred", perKey, mean, p99)
				assert.LessOrEqual(t, perKey, want)
				assert.LessOrEqual(t, mean, time.Second)
				for _, d := range late {
					assert.GreaterOrEqual(t, d, time.Duration(0))
				}
			})
		})
	}
}

func TestGroupOfOneKeepsToTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(20 * time.Second)
		g := polling.NewGroup(f.observe, polling.GroupOptions{Schedule: steady.Schedule})
		f.wait(t.Context(), t, g)
		want := []time.Duration{0}
		for at := time.Duration(0); at < 20*time.Second; {
			at += max(time.Second, at/10)
			want = append(want, at)
		}
		assert.Equal(t, want, f.requests)
	})
}

func TestGroupWatchYieldsEveryLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(5 * time.Second)
		g := polling.NewGroup(f.observe, polling.GroupOptions{Schedule: steady.Schedule})
		var values []string
		for e, err := range g.Watch(t.Context(), 0, polling.JoinOptions{First: time.Second}) {
			require.NoError(t, err)
			values = append(values, e.Value)
			assert.Equal(t, len(values), e.Poll)
			assert.Equal(t, time.Duration(len(values))*time.Second, e.Elapsed)
			if !e.Done {
				assert.Equal(t, time.Second, e.Next)
			}
		}
		assert.Equal(t, []string{"busy", "busy", "busy", "busy", "done"}, values)
	})
}

func TestGroupWatchIsLeftByAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Hour)
		g := polling.NewGroup(f.observe, polling.GroupOptions{})
		assert.Panics(t, func() {
			for range g.Watch(t.Context(), 0, polling.JoinOptions{}) {
				panic("of the caller")
			}
		})
		looks := len(f.requests)
		time.Sleep(10 * time.Minute)
		assert.Len(t, f.requests, looks, "nobody waits, nobody looks")
	})
}

// Whoever answers may be odd: what he names twice, the second time as ended, is over.
func TestGroupKeyToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		g := polling.NewGroup(func(_ context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			done := polling.Result[string]{Done: true}
			if looks++; looks == 1 {
				tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Key: 0}, {Key: 0, Sight: done}, {Key: 1}}})
				return nil
			}
			for _, key := range b.Keys {
				tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Key: key, Sight: done}}})
			}
			return nil
		}, polling.GroupOptions{})
		ended := 0
		for _, o := range g.WatchAll(t.Context(), all(2)) {
			require.NoError(t, o.Err)
			ended++
		}
		assert.Equal(t, 2, ended)
	})
}

// A key whose wait is given up and begun again before the first look is asked for once;
// and the group tells of it each time it comes or goes.
func TestGroupKeyThatComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Second, time.Second)
		g := polling.NewGroup(f.observe, polling.GroupOptions{})
		var told []string
		g.TellOf(func(key int, waitedFor bool) { told = append(told, fmt.Sprint(key, waitedFor)) })
		soon := polling.JoinOptions{First: time.Second}
		one, two := g.Begin(t.Context(), 0, soon), g.Begin(t.Context(), 1, soon)
		synctest.Wait()
		_, err := one.End(t.Context())
		require.ErrorIs(t, err, context.Canceled)
		_, err = g.Until(t.Context(), 0, soon)
		require.NoError(t, err)
		<-two.Ended()
		_, err = two.End(t.Context())
		require.NoError(t, err)
		assert.ElementsMatch(t, []int{0, 1}, f.batches[0])
		slices.Sort(told)
		assert.Equal(t, []string{"0 false", "0 false", "0 true", "0 true", "1 false", "1 true"}, told)
	})
}

// A key that no look tells of is not asked for without end, whatever else is told.
func TestGroupAsksAgainOnlySoOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		g := polling.NewGroup(func(ctx context.Context, _ polling.Batch[int], tell func(polling.Seen[int, string])) error {
			looks++
			tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Key: 0}}})
			return pause(ctx, 10*time.Millisecond)
		}, polling.GroupOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range g.WatchAll(ctx, all(3)) {
		}
		synctest.Wait()
		assert.Less(t, looks, 200)
	})
}

// Nobody shortens how long the other side asks to be left alone: no look that was
// under way, no shorter wish, and not that everybody has left meanwhile.
func TestGroupForgetsNoRetryAfter(t *testing.T) {
	errBusy := errors.New("429")
	for name, other := range map[string]func(tell func(polling.Seen[string, string])) error{
		"a good look that was under way": func(tell func(polling.Seen[string, string])) error {
			tell(polling.Seen[string, string]{Answers: []polling.Answer[string, string]{{Key: "other", Sight: polling.Result[string]{Done: true}}}})
			return nil
		},
		"a shorter one": func(tell func(polling.Seen[string, string])) error {
			tell(polling.Seen[string, string]{After: time.Second})
			return errBusy
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []time.Time
				g := polling.NewGroup(func(ctx context.Context, b polling.Batch[string], tell func(polling.Seen[string, string])) error {
					if b.Keys[0] == "other" {
						if err := pause(ctx, 2*time.Second); err != nil {
							return err
						}
						return other(tell)
					}
					asked = append(asked, time.Now())
					if len(asked) == 1 {
						tell(polling.Seen[string, string]{After: 10 * time.Second})
						return errBusy
					}
					tell(polling.Seen[string, string]{Answers: []polling.Answer[string, string]{{Key: "busy", Sight: polling.Result[string]{Done: true}}}})
					return nil
				}, polling.GroupOptions{})
				all, stop := context.WithCancel(t.Context())
				go func() { _, _ = g.Until(all, "other", polling.JoinOptions{First: time.Second}) }()
				synctest.Wait()
				_, err := g.Until(t.Context(), "busy", polling.JoinOptions{First: 1300 * time.Millisecond})
				require.NoError(t, err)
				require.Len(t, asked, 2)
				assert.GreaterOrEqual(t, asked[1].Sub(asked[0]), 10*time.Second)
				stop()
				synctest.Wait()
			})
		})
	}
	t.Run("everybody leaves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			looks := 0
			g := polling.NewGroup(func(_ context.Context, _ polling.Batch[string], tell func(polling.Seen[string, string])) error {
				looks++
				tell(polling.Seen[string, string]{After: 30 * time.Second})
				return errBusy
			}, polling.GroupOptions{})
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := g.Until(ctx, "busy", polling.JoinOptions{})
				cancel()
				require.Error(t, err)
			}
			assert.Equal(t, 1, looks)
		})
	})
}

func TestGroupWatchAllOfKeysThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Second)
		g := polling.NewGroup(f.observe, polling.GroupOptions{})
		assert.Panics(t, func() {
			for range g.WatchAll(t.Context(), func(func(int, polling.JoinOptions) bool) { panic("of the caller") }) {
			}
		})
		_, err := g.Until(t.Context(), 0, polling.JoinOptions{})
		assert.NoError(t, err, "the group is free")
	})
}

func TestGroupWaitsForOneKeyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Minute)
		g := polling.NewGroup(f.observe, polling.GroupOptions{Schedule: steady.Schedule})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 1 {
					time.AfterFunc(time.Duration(i)*time.Second/2, cancel)
				}
				_, err := g.Until(ctx, 0, polling.JoinOptions{})
				if i%2 == 1 {
					assert.ErrorIs(t, err, context.Canceled)
				} else {
					assert.NoError(t, err)
				}
			})
		}
		wg.Wait()
		assert.Less(t, len(f.requests), 40)
	})
}

func TestGroupCancelledWaitDisturbsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Minute, time.Minute)
		f.trip = time.Second
		g := polling.NewGroup(f.observe, polling.GroupOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			start := time.Now()
			_, err := g.Until(ctx, 0, polling.JoinOptions{})
			assert.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, 1500*time.Millisecond, time.Since(start), "at once, in the middle of a look")
			var e *polling.Error
			if assert.ErrorAs(t, err, &e) {
				assert.Positive(t, e.Polls)
			}
		})
		wg.Go(func() {
			_, err := g.Until(t.Context(), 1, polling.JoinOptions{})
			assert.NoError(t, err)
		})
		time.AfterFunc(1500*time.Millisecond, cancel)
		wg.Wait()
		cancel()
	})
}

func TestGroupIsStillWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lasting(300)
		g := polling.NewGroup(f.observe, polling.GroupOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for key := range f.ends {
			wg.Go(func() { _, _ = g.Until(ctx, key, polling.JoinOptions{}) })
		}
		wg.Wait()
		asked := len(f.requests)
		<-time.After(time.Hour)
		assert.Len(t, f.requests, asked, "a cancelled wait costs nothing more")

		// And it can be waited in again.
		f.wait(t.Context(), t, g)
	})
}

func TestGroupGoesThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lasting(1000)
		during := 0
		f.fault = func(int, []int) error {
			if at := time.Since(f.start); at >= 40*time.Second && at < 100*time.Second {
				during++
				return errTransient
			}
			return nil
		}
		g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
		f.wait(t.Context(), t, g)
		assert.Positive(t, during)
		assert.LessOrEqual(t, during, 20, "requests while nothing answered")
	})
}

func TestGroupLosesNoWaitToRandomErrors(t *testing.T) {
	for _, share := range []float64{0.01, 0.3} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := lasting(200)
				rng := rand.New(rand.NewPCG(3, 3))
				f.fault = func(int, []int) error {
					if rng.Float64() < share {
						return errTransient
					}
					return nil
				}
				mean, _ := summary(f.wait(t.Context(), t, polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10, Parallel: 1})))
				assert.Less(t, mean, 2*time.Second)
			})
		})
	}
}

func TestGroupKeyThatAlwaysFailsDisturbsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lasting(200)
		f.alone = func(key int) error {
			if key == 17 {
				return errTransient
			}
			return nil
		}
		g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
		var late []time.Duration
		var mu sync.Mutex
		var wg sync.WaitGroup
		for key := range f.ends {
			wg.Go(func() {
				_, err := g.Until(t.Context(), key, polling.JoinOptions{Patience: 10 * time.Minute})
				if key == 17 {
					assert.ErrorIs(t, err, polling.ErrOutage)
					var e *polling.Error
					if assert.ErrorAs(t, err, &e) {
						assert.ErrorIs(t, e.Last, errTransient)
						assert.InDelta(t, 10, e.Elapsed.Minutes(), 1)
					}
					return
				}
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				late = append(late, time.Since(f.start)-f.ends[key])
			})
		}
		wg.Wait()
		mean, _ := summary(late)
		assert.Less(t, mean, time.Second)
	})
}

func TestGroupPermanentErrors(t *testing.T) {
	t.Run("of a key", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(time.Minute, time.Minute)
			f.alone = func(key int) error {
				if key == 0 {
					return polling.Permanent(errTransient)
				}
				return nil
			}
			g := polling.NewGroup(f.observe, polling.GroupOptions{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := g.Until(t.Context(), 0, polling.JoinOptions{})
				assert.ErrorIs(t, err, errTransient)
			})
			wg.Go(func() {
				_, err := g.Until(t.Context(), 1, polling.JoinOptions{})
				assert.NoError(t, err)
			})
			wg.Wait()
		})
	})
	t.Run("of a look", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(time.Minute, time.Minute)
			f.fault = func(int, []int) error { return polling.Permanent(errTransient) }
			g := polling.NewGroup(f.observe, polling.GroupOptions{})
			ended := 0
			for _, o := range g.WatchAll(t.Context(), all(2)) {
				require.ErrorIs(t, o.Err, errTransient)
				ended++
			}
			assert.Equal(t, 2, ended)
			assert.Len(t, f.requests, 1)
		})
	})
}

func TestGroupHungLookCostsItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(20*time.Second, 20*time.Second)
		g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			if len(f.requests) == 3 {
				f.requests = append(f.requests, 0)
				<-ctx.Done()
				return ctx.Err()
			}
			return f.observe(ctx, b, tell)
		}, polling.GroupOptions{Timeout: 10 * time.Second})
		var errs []error
		for e, err := range g.Watch(t.Context(), 0, polling.JoinOptions{}) {
			require.NoError(t, err)
			if e.Err != nil {
				errs = append(errs, e.Err)
			}
		}
		require.Len(t, errs, 1)
		assert.ErrorIs(t, errs[0], polling.ErrPollTimeout)
		assert.Less(t, time.Since(f.start), 22*time.Second)
	})
}

func TestGroupWatchAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lasting(500)
		g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
		ended := map[int]bool{}
		var order []time.Duration
		for key, o := range g.WatchAll(t.Context(), all(500)) {
			require.NoError(t, o.Err)
			assert.Equal(t, "done", o.Value)
			assert.False(t, ended[key], "twice")
			ended[key] = true
			order = append(order, time.Since(f.start))
		}
		assert.Len(t, ended, 500)
		assert.True(t, sort.SliceIsSorted(order, func(i, j int) bool { return order[i] < order[j] }))
	})
}

// A key is yielded as often as it is waited for, whether it ends or the wait does.
func TestGroupWatchAllOfAKeyTwice(t *testing.T) {
	for name, end := range map[string]time.Duration{"it ends": time.Minute, "the wait ends": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(end, end)
				g := polling.NewGroup(f.observe, polling.GroupOptions{})
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
				defer cancel()
				var keys []int
				for key, o := range g.WatchAll(ctx, func(yield func(int, polling.JoinOptions) bool) {
					for _, key := range []int{0, 0, 1} {
						yield(key, polling.JoinOptions{})
					}
				}) {
					assert.Equal(t, end == time.Minute, o.Err == nil)
					keys = append(keys, key)
				}
				assert.ElementsMatch(t, []int{0, 0, 1}, keys)
			})
		})
	}
}

func TestGroupWatchAllIsLeftAndTakenUpAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := lasting(300)
		g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
		ended := map[int]bool{}
		for key, o := range g.WatchAll(t.Context(), all(300)) {
			require.NoError(t, o.Err)
			ended[key] = true
			if len(ended) == 100 {
				break
			}
		}
		asked := len(f.requests)
		<-time.After(time.Hour)
		assert.Len(t, f.requests, asked)
		for key, o := range g.WatchAll(t.Context(), func(yield func(int, polling.JoinOptions) bool) {
			for key := range f.ends {
				if !ended[key] && !yield(key, polling.JoinOptions{}) {
					return
				}
			}
		}) {
			require.NoError(t, o.Err)
			require.False(t, ended[key])
			ended[key] = true
		}
		assert.Len(t, ended, 300)
	})
}

func TestGroupObeysAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		g := polling.NewGroup(func(_ context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			at = append(at, time.Since(start))
			s := polling.Seen[int, string]{After: 10 * time.Second}
			if len(at) == 2 {
				s.After = 24 * time.Hour
			}
			for _, key := range b.Keys {
				s.Answers = append(s.Answers, polling.Answer[int, string]{Key: key, Sight: polling.Result[string]{Done: len(at) > 2}})
			}
			tell(s)
			return nil
		}, polling.GroupOptions{})
		_, err := g.Until(t.Context(), 1, polling.JoinOptions{})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 10 * time.Second, 70 * time.Second}, at)
	})
}

func TestGroupKeyThatNoLookTellsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		g := polling.NewGroup(func(context.Context, polling.Batch[int], func(polling.Seen[int, string])) error {
			asked++
			return nil
		}, polling.GroupOptions{})
		_, err := g.Until(t.Context(), 1, polling.JoinOptions{Patience: time.Minute})
		require.ErrorIs(t, err, polling.ErrOutage)
		assert.Less(t, asked, 100)
		var e *polling.Error
		require.ErrorAs(t, err, &e)
		assert.ErrorContains(t, e.Last, "no look tells of it")
	})
}

func TestGroupUnderStress(t *testing.T) {
	f := newFarm()
	for range 64 {
		f.ends = append(f.ends, 30*time.Millisecond)
	}
	g := polling.NewGroup(f.observe, polling.GroupOptions{Schedule: polling.Schedule{Min: time.Millisecond}})
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for range 5 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%40)*time.Millisecond)
				_, err := g.Until(ctx, i%16, polling.JoinOptions{})
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// all are the keys below n.
func all(n int) iter.Seq2[int, polling.JoinOptions] {
	return func(yield func(int, polling.JoinOptions) bool) {
		for key := range n {
			if !yield(key, polling.JoinOptions{}) {
				return
			}
		}
	}
}
