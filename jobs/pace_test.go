package jobs

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowd makes requests as fast as the pace allows, until ctx ends, and returns
// when they were let through.
func crowd(ctx context.Context, p *pace) *[]time.Duration {
	start, times := time.Now(), new([]time.Duration)
	go func() {
		for p.Wait(ctx) == nil {
			*times = append(*times, time.Since(start))
		}
	}()
	return times
}

func TestPaceKeepsPlaces(t *testing.T) {
	for name, crowds := range map[string]int{"one waits": 1, "a long line": 50} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPace(10)
				ctx, cancel := context.WithCancel(t.Context())
				var ordinary []*[]time.Duration
				for range crowds {
					ordinary = append(ordinary, crowd(ctx, p))
				}
				time.Sleep(5 * time.Second)
				at := time.Now().Add(1100 * time.Millisecond)
				kept := p.keep(ctx, at, 3)
				time.Sleep(time.Until(at))
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						assert.NoError(t, p.Wait(kept))
						assert.Equal(t, at, time.Now(), "a kept place is free")
					})
				}
				wg.Wait()
				time.Sleep(10 * time.Second)
				cancel()
				synctest.Wait()
				passed := 0
				for _, times := range ordinary {
					passed += len(*times)
				}
				assert.InDelta(t, 160-3, passed, 10, "the others go on, with what is left")
				assert.Empty(t, p.kept)
			})
		})
	}
}

func TestPaceGivesKeptPlacesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(10)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		kept, unwanted := context.WithCancel(ctx)
		p.keep(kept, time.Now().Add(time.Second/2), 10)
		ordinary := crowd(ctx, p)
		time.Sleep(time.Second / 4)
		synctest.Wait()
		require.Empty(t, *ordinary)
		unwanted()
		time.Sleep(time.Second / 4)
		synctest.Wait()
		assert.Len(t, *ordinary, 10)
		assert.Empty(t, p.kept)
	})
}

// Whoever keeps more places than there are does not stop the others for good.
func TestPaceLetsNobodyStandBackForEver(t *testing.T) {
	for _, rate := range []float64{10, 1, 0.5} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(rate)
			ctx, cancel := context.WithCancel(t.Context())
			ordinary := crowd(ctx, p)
			for range 100 {
				kept := p.keep(ctx, time.Now(), 20)
				go func() {
					for range 20 {
						if p.Wait(kept) != nil {
							return
						}
					}
				}()
				time.Sleep(p.window)
			}
			cancel()
			synctest.Wait()
			assert.NotEmpty(t, *ordinary)
			assert.Empty(t, p.kept)
		})
	}
}

// What is kept and not taken, for instance because the service asks to be left alone,
// is kept no longer than it is of use.
func TestPaceKeepsNoPlaceForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(10)
		ctx, cancel := context.WithCancel(t.Context())
		p.keep(ctx, time.Now().Add(time.Second), 10)
		time.Sleep(2 * time.Second)
		ordinary := crowd(ctx, p)
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		assert.InDelta(t, 600, len(*ordinary), 10)
		assert.Empty(t, p.kept)
	})
}

// A place is kept until it is taken, and not only until somebody stands in line for
// it: nobody else gets it between.
func TestPaceKeepsPlacesForThoseInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(10)
		ctx, cancel := context.WithCancel(t.Context())
		for range 20 {
			crowd(ctx, p)
		}
		time.Sleep(5*time.Second + 50*time.Millisecond)
		synctest.Wait()
		kept := p.keep(ctx, time.Now(), 10)
		var through atomic.Int64
		for range 10 {
			go func() {
				if p.Wait(kept) == nil {
					through.Add(1)
				}
			}()
		}
		time.Sleep(p.window - 50*time.Millisecond) // when the first places are free
		synctest.Wait()
		assert.EqualValues(t, 10, through.Load())
		assert.Empty(t, p.kept)
		cancel()
	})
}

// Whatever the limit, no more requests than it says are let through within any one
// second, and one that is not whole is spread.
func TestPaceOfAnyRate(t *testing.T) {
	for rate, inTwentySeconds := range map[float64]int{
		1e-12: 1, 1e-9: 1, 0.3: 6, 1: 20, 1.5: 30, 2.5: 50, 10: 200, 99.9: 1998, 5000: 100_000,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(rate)
			if rate > 1e-6 {
				assert.InEpsilon(t, rate, p.perSecond(), 1e-6)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second-time.Millisecond)
			defer cancel()
			var times []time.Time
			for p.Wait(ctx) == nil {
				times = append(times, time.Now())
			}
			assert.InDelta(t, inTwentySeconds, len(times), 1, "%v per second", rate)
			n := int(math.Ceil(rate))
			for i := n; i < len(times); i++ {
				if apart := times[i].Sub(times[i-n]); apart < time.Second {
					t.Fatalf("%v per second: %d requests within %v", rate, n+1, apart)
				}
			}
		})
	}
}

// Kept places hold back only what would take them: where there are more, they are for
// anybody.
func TestPaceGivesAwayWhatNobodyKeeps(t *testing.T) {
	for _, gap := range []time.Duration{400 * time.Millisecond, 200 * time.Millisecond, 150 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			p := newPace(10)
			ctx, cancel := context.WithCancel(t.Context())
			var late, kept atomic.Int64
			go func() {
				for at := time.Now().Add(2 * time.Second); ctx.Err() == nil; at = at.Add(gap) {
					_ = sleep(ctx, time.Until(at.Add(-1100*time.Millisecond)))
					place := p.keep(ctx, at, 1)
					go func() {
						_ = sleep(ctx, time.Until(at))
						if p.Wait(place) == nil {
							kept.Add(1)
							if time.Now().After(at) {
								late.Add(1)
							}
						}
					}()
				}
			}()
			time.Sleep(10 * time.Second)
			var ordinary []*[]time.Duration
			for range 10 {
				ordinary = append(ordinary, crowd(ctx, p))
			}
			before := kept.Load()
			time.Sleep(20 * time.Second)
			cancel()
			synctest.Wait()
			passed := int(kept.Load() - before)
			for _, times := range ordinary {
				passed += len(*times)
			}
			assert.GreaterOrEqual(t, passed, 180, "of 200 places, with one kept every %v", gap)
			assert.Zero(t, late.Load(), "no kept place is given to others")
		})
	}
}

// Whoever makes more requests than places were kept does not stand before others that
// have theirs.
func TestPaceLineOfThoseWithPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(2)
		ctx, cancel := context.WithCancel(t.Context())
		assert.NoError(t, p.Wait(ctx))
		assert.NoError(t, p.Wait(ctx))
		at := time.Now().Add(time.Second)
		few, enough := p.keep(ctx, at, 1), p.keep(ctx, at, 1)
		time.Sleep(990 * time.Millisecond)
		for range 2 {
			go func() { _ = p.Wait(few) }()
		}
		time.Sleep(time.Millisecond)
		assert.NoError(t, p.Wait(enough))
		assert.Equal(t, at, time.Now())
		cancel()
	})
}
