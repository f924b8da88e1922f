package polling_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

const ms = time.Millisecond

func TestSchedule_DelayStaysBetweenMinAndMax(t *testing.T) {
	for name, tc := range map[string]struct {
		schedule polling.Schedule
		want     map[time.Duration]time.Duration // by elapsed
	}{
		"defaults": {polling.Schedule{}, map[time.Duration]time.Duration{
			-time.Hour: 200 * ms, 0: 200 * ms, 2 * time.Second: 200 * ms, 20 * time.Second: 1400 * ms, 24 * time.Hour: 2 * time.Minute,
		}},
		"Max below the default of Min": {polling.Schedule{Max: 10 * ms}, map[time.Duration]time.Duration{0: 10 * ms, time.Hour: 10 * ms}},
		"Min above the default of Max": {polling.Schedule{Min: time.Hour}, map[time.Duration]time.Duration{0: time.Hour, 24 * time.Hour: time.Hour}},
		"no Max":                       {polling.Schedule{Fraction: 0.5, Max: -1}, map[time.Duration]time.Duration{100 * time.Hour: 50 * time.Hour}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.schedule.Jitter = -1
			require.NoError(t, tc.schedule.Validate())
			for elapsed, want := range tc.want {
				assert.Equal(t, want, tc.schedule.Delay(elapsed), elapsed)
			}
		})
	}
}

func TestSchedule_JitterSpreadsTheDelay(t *testing.T) {
	s := polling.Schedule{Jitter: 0.2}
	lo, hi := time.Hour, time.Duration(0)
	for range 10_000 {
		d := s.Delay(100 * time.Second)
		lo, hi = min(lo, d), max(hi, d)
	}
	assert.GreaterOrEqual(t, lo, 6300*ms)
	assert.LessOrEqual(t, hi, 7700*ms)
	assert.Less(t, lo, 6450*ms, "below the delay")
	assert.Greater(t, hi, 7550*ms, "above the delay")
}

func TestBackoff_DelayDoublesUpToMax(t *testing.T) {
	delays := func(b polling.Backoff) (delays []time.Duration) {
		b.Jitter = -1
		for errors := range 10 {
			delays = append(delays, b.Delay(errors))
		}
		return delays
	}
	const s = time.Second
	assert.Equal(t, []time.Duration{0, 0, 500 * ms, 1 * s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}, delays(polling.Backoff{}))
	assert.Equal(t, []time.Duration{0, 0, 500 * ms, 1 * s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s}, delays(polling.Backoff{Max: -1}))
	assert.Equal(t, 30*s, polling.Backoff{Jitter: -1}.Delay(math.MaxInt))
}

func TestDelay_IsPositiveForAllValues(t *testing.T) {
	fractions := []float64{0, 0.5, 1, 1e300, -1, math.Inf(1), math.Inf(-1), math.NaN()}
	durations := []time.Duration{0, 1, time.Second, math.MaxInt64, -1, math.MinInt64}
	check := func(d, lo, hi time.Duration, values ...any) {
		t.Helper()
		require.Positive(t, d, values)
		if lo <= 0 && hi <= 0 { // defaults
			require.GreaterOrEqual(t, d, 100*ms, values)
		}
	}
	for _, lo := range durations {
		for _, hi := range durations {
			for _, jitter := range fractions {
				for _, fraction := range fractions {
					for _, elapsed := range durations {
						s := polling.Schedule{Fraction: fraction, Min: lo, Max: hi, Jitter: jitter}
						check(s.Delay(elapsed), lo, hi, s, elapsed)
					}
				}
				for _, errors := range []int{2, 100, math.MaxInt} {
					b := polling.Backoff{Min: lo, Max: hi, Jitter: jitter}
					check(b.Delay(errors), lo, hi, b, errors)
				}
			}
		}
	}
}
