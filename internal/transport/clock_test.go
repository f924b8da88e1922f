package transport_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// clocked returns a stub of a service whose clock is ahead, where each request takes rtt.
func clocked(ahead, rtt time.Duration) stub {
	return func(*http.Request) (*http.Response, error) {
		time.Sleep(rtt / 2)
		resp := response(200, `{}`)
		resp.Header.Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		time.Sleep(rtt - rtt/2)
		return resp, nil
	}
}

func TestClockOffset_IsZeroUntilAResponseHasADate(t *testing.T) {
	tr := newTransport(sequence(200))
	do(t.Context(), tr, read)
	assert.Zero(t, tr.ClockOffset())
}

func TestClockOffset_IsZeroIfTheClocksAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(clocked(0, 300*time.Millisecond))
		for range 20 {
			do(t.Context(), tr, read)
			assert.Zero(t, tr.ClockOffset())
		}
	})
}

func TestClockOffset_IsWithinASecondAndGetsBetter(t *testing.T) {
	for _, ahead := range []time.Duration{-7 * time.Second, -time.Hour, 7300 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			tr := newTransport(clocked(ahead, 100*time.Millisecond))
			do(t.Context(), tr, read)
			assert.InDelta(t, ahead.Seconds(), tr.ClockOffset().Seconds(), 0.6, "half a second and half a round trip")
			for range 20 {
				time.Sleep(170 * time.Millisecond)
				do(t.Context(), tr, read)
			}
			assert.InDelta(t, ahead.Seconds(), tr.ClockOffset().Seconds(), 0.15)
		})
	}
}

func TestClockOffset_IgnoresASlowResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rtt := 100 * time.Millisecond
		tr := newTransport(stub(func(r *http.Request) (*http.Response, error) { return clocked(time.Minute, rtt)(r) }))
		do(t.Context(), tr, read)
		before := tr.ClockOffset()
		rtt = 20 * time.Second
		do(t.Context(), tr, read)
		assert.Equal(t, before, tr.ClockOffset())
	})
}

func TestClockOffset_FollowsAClockThatIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Hour
		tr := newTransport(stub(func(r *http.Request) (*http.Response, error) { return clocked(ahead, 0)(r) }))
		do(t.Context(), tr, read)
		ahead = -time.Minute
		do(t.Context(), tr, read)
		assert.InDelta(t, -60, tr.ClockOffset().Seconds(), 0.6)
		ahead = 0
		do(t.Context(), tr, read)
		assert.Zero(t, tr.ClockOffset())
	})
}

func TestClockOffset_IsSafeForConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTransport(clocked(time.Minute, time.Second))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				assert.Equal(t, transport.Done, do(t.Context(), tr, read).State)
				assert.InDelta(t, 60, tr.ClockOffset().Seconds(), 1.1)
			})
		}
		wg.Wait()
	})
}
