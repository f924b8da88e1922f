package polling_test

import (
	"context"
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

// Things that are seen together are looked at together before a deadline that they
// share, each page once, and other pages at the same time.
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
				last, lost := 0, map[int]bool{}
				g := polling.NewGroup(func(ctx context.Context, b polling.Batch[int], tell func(polling.Seen[int, string])) error {
					mu.Lock()
					if b.Last {
						last++
					}
					mu.Unlock()
					return f.observe(ctx, b, tell)
				}, polling.GroupOptions{Rate: 10})
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
				assert.Equal(t, 3, last, "one look for each page")
			})
		})
	}
}

// A look that was slow of late may be so again: one is taken in time for it, and
// another, for all that happens meanwhile, in time for a quick one.
func TestLastLooksAfterASlowOne(t *testing.T) {
	const quick, slow, limit = 20 * time.Millisecond, time.Second, 5 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		for name, until := range map[string]func(context.Context, polling.Look[string]) error{
			"alone": func(ctx context.Context, look polling.Look[string]) error {
				_, err := polling.Until(ctx, look, polling.Options{})
				return err
			},
			"group": func(ctx context.Context, look polling.Look[string]) error {
				g := polling.NewGroup(func(ctx context.Context, _ polling.Batch[int], tell func(polling.Seen[int, string])) error {
					sight, err := look(ctx)
					tell(polling.Seen[int, string]{Answers: []polling.Answer[int, string]{{Key: 0, Sight: sight}}})
					return err
				}, polling.GroupOptions{})
				_, err := g.Until(ctx, 0, polling.JoinOptions{})
				return err
			},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			deadline, looks := time.Now().Add(limit), []time.Duration(nil)
			err := until(ctx, func(context.Context) (polling.Sight[string], error) {
				left := time.Until(deadline)
				looks = append(looks, left)
				trip := quick
				if left < limit/5 && left > limit/10 {
					trip = slow
				}
				time.Sleep(trip / 2)
				done := time.Until(deadline) <= 2*quick
				time.Sleep(trip / 2)
				return polling.Sight[string]{Done: done}, nil
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
