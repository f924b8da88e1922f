package polling_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestGroupLastLookBeforeTheDeadline(t *testing.T) {
	const trip, limit = 20 * time.Millisecond, 5 * time.Minute
	for name, tc := range map[string]struct {
		ends time.Duration
		seen bool
	}{
		"ended two trips before":   {limit - 2*trip, true},
		"ended after the deadline": {limit + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(tc.ends, time.Hour, tc.ends)
				f.trip = trip
				g := polling.NewGroup(f.observe, polling.GroupOptions{})
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				ended := map[int]error{}
				for key, o := range g.WatchAll(ctx, all(3)) {
					ended[key] = o.Err
				}
				require.Len(t, ended, 3)
				assert.Equal(t, limit, time.Since(f.start))
				require.ErrorIs(t, ended[1], context.DeadlineExceeded)
				for _, key := range []int{0, 2} {
					if tc.seen {
						require.NoError(t, ended[key])
					} else {
						require.ErrorIs(t, ended[key], context.DeadlineExceeded)
					}
				}

				f = newFarm(tc.ends)
				f.trip = trip
				g = polling.NewGroup(f.observe, polling.GroupOptions{})
				ctx, cancel = context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, err := g.Until(ctx, 0, polling.JoinOptions{})
				assert.Equal(t, tc.seen, err == nil, "%v", err)
			})
		})
	}
}

// Things that share a deadline are looked at together before it, each page once.
func TestGroupLastLooksOfOneDeadline(t *testing.T) {
	const trip, limit = 20 * time.Millisecond, 5 * time.Minute
	for name, wait := range map[string]func(context.Context, *polling.Group[int, string], func(int, error)){
		"goroutines": func(ctx context.Context, g *polling.Group[int, string], over func(int, error)) {
			var wg sync.WaitGroup
			for key := range 3 * perPage {
				wg.Go(func() {
					time.Sleep(time.Duration(key) * 10 * time.Microsecond)
					ctx, cancel := context.WithTimeout(ctx, limit)
					defer cancel()
					_, err := g.Until(ctx, key, polling.JoinOptions{})
					over(key, err)
				})
			}
			wg.Wait()
		},
		"WatchAll": func(ctx context.Context, g *polling.Group[int, string], over func(int, error)) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			for key, o := range g.WatchAll(ctx, all(3*perPage)) {
				over(key, o.Err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends := make([]time.Duration, 3*perPage)
				for i := range ends {
					ends[i] = time.Hour
				}
				ends[7], ends[120], ends[222] = limit-2*trip, limit-2*trip, limit-2*trip
				f := newFarm(ends...)
				f.trip = trip
				var mu sync.Mutex
				lost := map[int]bool{}
				g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
				wait(t.Context(), g, func(key int, err error) {
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						lost[key] = true
					}
				})
				assert.Len(t, lost, len(ends)-3)
				for _, key := range []int{7, 120, 222} {
					assert.False(t, lost[key], "%d ended in time", key)
				}
				assert.Equal(t, 3, f.last, "one look for each page")
				assert.Greater(t, f.requests[len(f.requests)-3], limit-3*trip, "three pages")
				assert.Less(t, f.requests[len(f.requests)-4], limit-3*trip, "and no more")
			})
		})
	}
}

// waysToWait wait with a look in a group.
var waysToWait = map[string]func(context.Context, polling.PollFunc[string]) error{
	"group": func(ctx context.Context, look polling.PollFunc[string]) error {
		g := polling.NewGroup(func(ctx context.Context, _ polling.Batch[int], tell func(polling.Seen[int, string])) error {
			sight, err := look(ctx)
			tell(polling.Seen[int, string]{After: sight.RetryAfter, Answers: []polling.Answer[int, string]{{Key: 0, Sight: sight}}})
			return err
		}, polling.GroupOptions{})
		_, err := g.Until(ctx, 0, polling.JoinOptions{})
		return err
	},
}

// A look that was slow of late may be so again: one is taken in time for it, and
// another, for all that happens meanwhile, in time for a quick one.
func TestLastLooksAfterASlowOne(t *testing.T) {
	const quick, slow, limit = 20 * time.Millisecond, time.Second, 5 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		for name, until := range waysToWait {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			deadline, looks := time.Now().Add(limit), []time.Duration(nil)
			err := until(ctx, func(context.Context) (polling.Result[string], error) {
				left := time.Until(deadline)
				looks = append(looks, left)
				trip := quick
				if left < limit/5 && left > limit/10 {
					trip = slow
				}
				time.Sleep(trip / 2)
				done := time.Until(deadline) <= 2*quick
				time.Sleep(trip / 2)
				return polling.Result[string]{Done: done}, nil
			})
			cancel()
			require.NoError(t, err, name)
			n := len(looks)
			assert.Greater(t, looks[n-2], 100*time.Millisecond, "%s: in time for a slow look", name)
			assert.Less(t, looks[n-2], 2*slow, name)
			assert.Less(t, looks[n-1], 2*quick, "%s: in time for a quick look", name)
		}
	})
}

type reservedKey struct{}

// What a last look needs is reserved for it about a second before, and given back
// when it is over or nobody waits any more.
func TestGroupReservesForLastLooks(t *testing.T) {
	const limit = 5 * time.Minute
	for name, cancelled := range map[string]bool{"made": false, "not needed any more": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(time.Hour, time.Hour, time.Hour)
				f.trip = 20 * time.Millisecond
				deadline := time.Now().Add(limit)
				var reserved []context.Context
				made := 0
				g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
					if number, ok := ctx.Value(reservedKey{}).(int); ok {
						made++
						assert.Equal(t, 0, number)
						assert.True(t, b.Last)
						assert.ElementsMatch(t, []int{0, 1}, b.Keys)
						assert.NoError(t, reserved[number].Err())
					} else {
						assert.False(t, b.Last)
					}
					return f.observe(ctx, b, tell)
				}, polling.GroupOptions{Rate: 10})
				g.ReserveWith(func(ctx context.Context, at time.Time, b polling.Batch[int]) context.Context {
					assert.Equal(t, deadline.Add(-35*time.Millisecond), at)
					assert.GreaterOrEqual(t, time.Until(at), time.Second)
					assert.Less(t, time.Until(at), 2*time.Second)
					assert.ElementsMatch(t, []int{0, 1}, b.Keys)
					assert.True(t, b.Last)
					reserved = append(reserved, ctx)
					return context.WithValue(ctx, reservedKey{}, len(reserved)-1)
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var wg sync.WaitGroup
				for key := range 2 {
					wg.Go(func() {
						ctx, cancel := context.WithDeadline(ctx, deadline)
						defer cancel()
						_, err := g.Until(ctx, key, polling.JoinOptions{})
						assert.Error(t, err)
					})
				}
				wg.Go(func() { // goes on, so that the group does
					_, err := g.Until(t.Context(), 2, polling.JoinOptions{})
					assert.NoError(t, err)
				})
				if cancelled {
					time.Sleep(limit - time.Second/2)
					cancel()
				}
				time.Sleep(time.Until(deadline.Add(time.Second)))
				synctest.Wait()
				require.Len(t, reserved, 1)
				require.Error(t, reserved[0].Err(), "it is given back")
				if cancelled {
					assert.Zero(t, made)
				} else {
					assert.Equal(t, 1, made)
				}
				wg.Wait()
			})
		})
	}
}

// Waits with deadlines and without, cancelled and not, for the same things and for
// others, with looks that fail: each ends as it must, and nothing is left.
func TestGroupAtRandom(t *testing.T) {
	const trip = 20 * time.Millisecond
	errFault := errors.New("fault")
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 3))
			f := newFarm()
			for range 3 * perPage {
				f.ends = append(f.ends, time.Duration(rng.ExpFloat64()*float64(30*time.Second)))
			}
			f.trip = trip
			faults := seed%2 == 1
			f.fault = func(n int, _ []int) error {
				if faults && n%7 == 3 {
					return errFault
				}
				return nil
			}
			g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 5})
			var mu sync.Mutex
			var reserved []context.Context
			g.ReserveWith(func(ctx context.Context, _ time.Time, _ polling.Batch[int]) context.Context {
				mu.Lock()
				defer mu.Unlock()
				reserved = append(reserved, ctx)
				return ctx
			})
			var wg sync.WaitGroup
			for range 600 {
				key := rng.IntN(len(f.ends))
				start := time.Duration(rng.Float64() * float64(40*time.Second))
				limit := time.Duration(rng.ExpFloat64() * float64(40*time.Second))
				kind := rng.IntN(3)
				wg.Go(func() {
					time.Sleep(start)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					switch kind {
					case 0:
						limit = time.Hour
					case 1:
						ctx, cancel = context.WithTimeout(ctx, limit)
						defer cancel()
					case 2:
						defer time.AfterFunc(limit, cancel).Stop()
					}
					value, err := g.Until(ctx, key, polling.JoinOptions{})
					lasted := time.Since(f.start) - start
					switch {
					case err == nil:
						assert.Equal(t, "done", value)
						assert.LessOrEqual(t, f.ends[key], start+lasted)
					case kind == 0:
						t.Errorf("without a deadline: %v", err)
					default:
						assert.Equal(t, limit, lasted)
						assert.ErrorIs(t, err, ctx.Err())
						if kind == 1 && !faults && limit > time.Second {
							assert.Greater(t, f.ends[key], start+limit-2*trip, "it ended in time")
						}
					}
				})
			}
			wg.Wait()
			synctest.Wait()
			for _, ctx := range reserved {
				require.Error(t, ctx.Err(), "nothing stays reserved")
			}
			require.NotEmpty(t, reserved)
			asked := len(f.requests)
			time.Sleep(time.Hour)
			assert.Len(t, f.requests, asked, "nobody waits, nobody looks")
		})
	}
}

// A wait that is over leaves nothing that looks.
func TestGroupForgetsAWait(t *testing.T) {
	for name, tc := range map[string]struct {
		others bool // wait for the same thing
		end    func(*polling.Waiting[int, string], context.Context, context.CancelFunc)
	}{
		"given up before it had entered": {false, func(w *polling.Waiting[int, string], ctx context.Context, _ context.CancelFunc) {
			_, err := w.End(ctx)
			assert.ErrorIs(t, err, context.Canceled)
		}},
		"cancelled when its place was reserved": {false, func(w *polling.Waiting[int, string], ctx context.Context, cancel context.CancelFunc) {
			time.Sleep(time.Minute - time.Second/2)
			cancel()
			_, err := w.End(ctx)
			assert.ErrorIs(t, err, context.Canceled)
		}},
		"cancelled, and others wait": {true, func(w *polling.Waiting[int, string], ctx context.Context, cancel context.CancelFunc) {
			time.Sleep(time.Second)
			cancel()
			_, err := w.End(ctx)
			assert.ErrorIs(t, err, context.Canceled)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(time.Hour)
				var reserved []context.Context
				g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: 10})
				g.ReserveWith(func(ctx context.Context, _ time.Time, _ polling.Batch[int]) context.Context {
					reserved = append(reserved, ctx)
					return ctx
				})
				all, over := context.WithCancel(t.Context())
				if tc.others {
					go func() { _, _ = g.Until(all, 0, polling.JoinOptions{}) }()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				tc.end(g.Begin(ctx, 0, polling.JoinOptions{}), ctx, cancel)
				synctest.Wait()
				for _, r := range reserved {
					assert.Error(t, r.Err(), "given back at once")
				}
				f.mu.Lock()
				looks := len(f.requests)
				f.mu.Unlock()
				time.Sleep(2 * time.Minute)
				over()
				synctest.Wait()
				assert.Zero(t, f.last)
				if !tc.others {
					assert.Len(t, f.requests, looks)
				}
			})
		})
	}
}

// Looks that are slow hold no last look up.
func TestGroupLastLookPassesOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(make([]time.Duration, 2*perPage)...)
		for i := range f.ends {
			f.ends[i] = time.Minute - 100*time.Millisecond
		}
		g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			if b.Keys[0] >= perPage && time.Since(f.start) > 10*time.Second {
				return pause(ctx, time.Hour)
			}
			return f.observe(ctx, b, tell)
		}, polling.GroupOptions{Parallel: 1, Timeout: -1})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		go func() { _, _ = g.Until(ctx, perPage, polling.JoinOptions{}) }() // its look hangs
		first, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := g.Until(first, 0, polling.JoinOptions{})
		require.NoError(t, err)
	})
}

// Whatever the trips and the deadline, what ends two trips before is seen, by waits
// that are alone and by those that share looks, with others or not.
func TestLastLooksAtRandom(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 9))
		spread := func(lo, hi float64) float64 { return lo * math.Exp(rng.Float64()*math.Log(hi/lo)) }
		trip := time.Duration(spread(20, 3000) * float64(time.Millisecond))
		limit := time.Duration(float64(trip) * spread(2.01, 2000))
		end := limit - 2*trip
		if rng.IntN(2) == 0 {
			end = time.Duration(rng.Float64() * float64(end))
		}
		rate := []float64{0, 10}[rng.IntN(2)]
		others, joins := rng.IntN(4), time.Duration(rng.Float64()*float64(trip))
		back := trip / 2
		if limit > 5*trip && rng.IntN(2) == 0 { // with less, a first look shows what has ended by half of it
			back = max(time.Duration(rng.Float64()*float64(trip)), 1)
		}
		name := fmt.Sprintf("seed %d: trip %v, deadline %v, end %v, rate %v, %d others", seed, trip, limit, end, rate, others)

		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := polling.Wait(ctx, func(ctx context.Context) (s polling.Result[string], err error) {
				if err = pause(ctx, trip-back); err == nil {
					s.Done = time.Since(start) >= end
					err = pause(ctx, back)
				}
				return s, err
			}, polling.Options{})
			assert.NoError(t, err, "%s, alone", name)
		})
		synctest.Test(t, func(t *testing.T) {
			f := newFarm(end + joins)
			f.trip, f.back = trip, back
			for range others {
				f.ends = append(f.ends, time.Hour, limit/3)
			}
			g := polling.NewGroup(f.observe, polling.GroupOptions{Rate: rate})
			all, stop := context.WithCancel(t.Context())
			for key := 1; key < len(f.ends); key++ {
				go func() { _, _ = g.Until(all, key, polling.JoinOptions{}) }()
			}
			time.Sleep(joins)
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := g.Until(ctx, 0, polling.JoinOptions{})
			assert.NoError(t, err, "%s, in a group", name)
			stop()
			synctest.Wait()
		})
	}
}

// A last look in time for a quick trip does not cut that off which is in time for a
// slow one.
func TestGroupLastLookCutsNoneOff(t *testing.T) {
	const quick, slow, limit = 20 * time.Millisecond, 80 * time.Millisecond, time.Minute
	synctest.Test(t, func(t *testing.T) {
		start, looks := time.Now(), []time.Duration(nil)
		g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			trip := quick
			if b.Last || time.Since(start) > limit-10*time.Second {
				trip = slow
			}
			if b.Last {
				looks = append(looks, time.Until(start.Add(limit)))
			}
			if err := pause(ctx, trip/2); err != nil {
				return err
			}
			done := time.Since(start) >= limit-2*slow
			if err := pause(ctx, trip/2); err != nil {
				return err
			}
			tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Sight: polling.Result[string]{Done: done}}}})
			return nil
		}, polling.GroupOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := g.Until(ctx, 0, polling.JoinOptions{})
		require.NoError(t, err)
		require.Len(t, looks, 2)
		assert.Greater(t, looks[0], slow)
		assert.Less(t, looks[1], slow)
	})
}

// However many wait for a key with about the same deadline, it is asked for once.
func TestGroupLastLooksAskOnceForAKey(t *testing.T) {
	for name, limit := range map[string]time.Duration{"a minute": time.Minute, "before anything is known": 140 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarm(time.Hour, time.Hour)
				f.trip = 20 * time.Millisecond
				var most, reserved int
				g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
					if b.Last {
						most = max(most, len(b.Keys))
					}
					return f.observe(ctx, b, tell)
				}, polling.GroupOptions{Rate: 10})
				g.ReserveWith(func(ctx context.Context, _ time.Time, b polling.Batch[int]) context.Context {
					reserved = max(reserved, len(b.Keys))
					return ctx
				})
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				var wg sync.WaitGroup
				for i := range 200 {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * time.Microsecond)
						_, err := g.Until(ctx, i%2, polling.JoinOptions{})
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					})
				}
				wg.Wait()
				synctest.Wait()
				assert.LessOrEqual(t, most, 2)
				assert.LessOrEqual(t, reserved, 2)
				assert.LessOrEqual(t, f.last, 4)
			})
		})
	}
}

// A slow look that shows an error of one key says nothing against the last look that
// has begun since.
func TestGroupLastLookOutlivesAnOlderError(t *testing.T) {
	const trip, limit = 20 * time.Millisecond, time.Minute
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			var answers []polling.Answer[int, string]
			for _, key := range b.Keys {
				answers = append(answers, polling.Answer[int, string]{Key: key, Sight: polling.Result[string]{Done: b.Last && key == 0}})
			}
			lasts := trip
			if left := limit - time.Since(start); b.Keys[0] == 1 && left < 10*time.Second {
				lasts = left - trip
				answers = append(answers, polling.Answer[int, string]{Key: 0, Err: errors.New("gone")})
			}
			if err := pause(ctx, lasts); err != nil {
				return err
			}
			tell(polling.Seen[int, string]{Took: trip, Place: b.Keys[0], Answers: answers})
			return nil
		}, polling.GroupOptions{})
		all, stop := context.WithCancel(t.Context())
		go func() { _, _ = g.Until(all, 1, polling.JoinOptions{}) }()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := g.Until(ctx, 0, polling.JoinOptions{})
		require.NoError(t, err)
		stop()
		synctest.Wait()
	})
}

// Nor do last looks that hang hold others up.
func TestGroupLastLooksHoldNoneUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(time.Hour, 61*time.Second)
		g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
			if b.Last {
				return pause(ctx, 10*time.Minute)
			}
			return f.observe(ctx, b, tell)
		}, polling.GroupOptions{Parallel: 1, Timeout: -1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = g.Until(ctx, 0, polling.JoinOptions{}) })
		wg.Go(func() { // somebody waits for it still, so that the look goes on
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			_, _ = g.Until(ctx, 0, polling.JoinOptions{})
		})
		_, err := g.Until(t.Context(), 1, polling.JoinOptions{})
		require.NoError(t, err)
		assert.Less(t, time.Since(f.start), 2*time.Minute)
		wg.Wait()
	})
}

// Whoever asks to be left alone is, also before a deadline.
func TestLastLooksObeyAfter(t *testing.T) {
	const limit = 10 * time.Second
	for name, until := range waysToWait {
		for after, looks := range map[time.Duration]int{20 * time.Second: 1, 6 * time.Second: 2, limit - time.Second/2: 2} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				start, n := time.Now(), 0
				err := until(ctx, func(ctx context.Context) (s polling.Result[string], err error) {
					if n++; n > 1 {
						assert.GreaterOrEqual(t, time.Since(start), after, name)
						return s, pause(ctx, 20*time.Millisecond)
					}
					return polling.Result[string]{RetryAfter: after}, pause(ctx, 20*time.Millisecond)
				})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.GreaterOrEqual(t, n, looks, "%s, after %v", name, after)
				if looks == 1 {
					assert.Equal(t, 1, n, "%s, after %v", name, after)
				}
			})
		}
	}
}

// A last look that is refused does not cut off one that may yet show the end, and one
// that fails or tells nothing is repeated before all others.
func TestGroupLastLookThatFails(t *testing.T) {
	errReset := errors.New("connection reset")
	done := polling.Result[string]{Done: true}
	t.Run("another is under way", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			g := polling.NewGroup(func(ctx context.Context, b polling.Batch[string], tell func(polling.Seen[string, string])) error {
				if b.Last {
					tell(polling.Seen[string, string]{After: time.Second})
					return errors.New("429")
				}
				if err := pause(ctx, 200*time.Millisecond); err != nil {
					return err
				}
				tell(polling.Seen[string, string]{Answers: []polling.Answer[string, string]{{Key: b.Keys[0], Sight: done}}})
				return nil
			}, polling.GroupOptions{})
			_, err := g.Until(t.Context(), "shows how long it takes", polling.JoinOptions{})
			require.NoError(t, err)
			ctx, cancel := context.WithDeadline(t.Context(), start.Add(10050*time.Millisecond))
			defer cancel()
			_, err = g.Until(ctx, "key", polling.JoinOptions{First: 9450 * time.Millisecond})
			require.NoError(t, err)
		})
	})
	for name, failure := range map[string]error{"an error": errReset, "nothing told": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lasts := 0
				g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
					if b.Keys[0] > 1 {
						return pause(ctx, time.Hour)
					}
					if b.Last {
						if lasts++; lasts == 1 {
							_ = pause(ctx, 5*time.Millisecond)
							return failure
						}
					}
					if err := pause(ctx, 100*time.Millisecond); err != nil {
						return err
					}
					tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Key: b.Keys[0], Sight: done}}})
					return nil
				}, polling.GroupOptions{Timeout: -1})
				_, err := g.Until(t.Context(), 0, polling.JoinOptions{})
				require.NoError(t, err)
				hanging, stop := context.WithCancel(t.Context())
				for key := range 8 { // as many as may be under way
					go func() { _, _ = g.Until(hanging, 2+key, polling.JoinOptions{}) }()
					time.Sleep(time.Second)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, err = g.Until(ctx, 1, polling.JoinOptions{First: time.Hour})
				require.NoError(t, err)
				stop()
				synctest.Wait()
			})
		})
	}
}

// After an outage the backoff is ours: a last look is made all the same.
func TestGroupLastLookInABackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm(25 * time.Second)
		f.trip = 20 * time.Millisecond
		f.fault = func(int, []int) error {
			if time.Since(f.start) < 20*time.Second {
				return errors.New("503")
			}
			return nil
		}
		g := polling.NewGroup(f.observe, polling.GroupOptions{Backoff: polling.Backoff{Jitter: -1}})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := g.Until(ctx, 0, polling.JoinOptions{})
		require.NoError(t, err)
	})
}
