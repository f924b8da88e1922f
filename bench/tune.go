package bench

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// plain returns a Maker for a client that prepares nothing.
func plain(client func(*http.Client) Wait) Maker {
	return func(c *http.Client, _ *sim.Service) Wait { return client(c) }
}

// text describes the tuning with its value.
func (tuning Tuning) text(value time.Duration) string {
	if strings.Contains(tuning.Text, "%s") {
		if value > time.Second {
			value = value.Round(10 * time.Millisecond)
		}
		return fmt.Sprintf(tuning.Text, value.Round(time.Millisecond))
	}
	return fmt.Sprintf(tuning.Text, value.Seconds())
}

// tune finds the value for which a library sends perJob requests for each job, or up
// to 2 % more. It returns the measurement with that value, and false if there is no
// such value. It searches with few jobs before it measures with all of them.
func (b *bench) tune(sc, few Scenario, tuning Tuning, perJob float64) (value time.Duration, r Result, ok bool) {
	b.t.Helper()
	// lo gives too many requests, hi too few.
	lo, hi, guess := 0.02, 4*3600.0, 5.0
	search := func(sc Scenario, steps int) (r Result, ok bool) {
		for range steps {
			value = time.Duration(guess * float64(time.Second))
			r = Measure(b.t, sc, func(c *http.Client, _ *sim.Service) Wait { return tuning.Make(c, value) })
			n := r.PerJob()
			if n >= perJob && n <= perJob*1.02 {
				return r, true
			}
			if n >= perJob {
				lo = guess
			} else {
				hi = guess
			}
			// The number of requests is roughly inverse to the value, down to the one
			// or two that each wait needs. The bounds keep the step in range.
			guess *= max(n-0.9, 0.05) / max(perJob*1.01-0.9, 0.02)
			if guess <= lo*1.0001 || guess >= hi*0.9999 {
				guess = math.Sqrt(lo * hi)
			}
		}
		return r, false
	}
	if r, ok := search(few, 8); !ok && math.Abs(r.PerJob()/perJob-1) > 0.2 {
		return 0, r, false
	}
	// All jobs need slightly more or fewer requests than the few.
	lo, hi = lo/2, hi*2
	guess = value.Seconds()
	r, ok = search(sc, 6)
	return value, r, ok
}
