package bench

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// plain makes a Maker of what needs no preparation.
func plain(client func(*http.Client) Wait) Maker {
	return func(c *http.Client, _ *sim.Service) Wait { return client(c) }
}

// text says how a tuning was set.
func (tuning Tuning) text(knob time.Duration) string {
	if strings.Contains(tuning.Text, "%s") {
		if knob > time.Second {
			knob = knob.Round(10 * time.Millisecond)
		}
		return fmt.Sprintf(tuning.Text, knob.Round(time.Millisecond))
	}
	return fmt.Sprintf(tuning.Text, knob.Seconds())
}

// tune finds the knob at which a library sends as many requests per job as
// wanted, or up to a fiftieth more, never less; false where no knob does that.
// It searches with a few jobs before it measures with all of them, and returns
// that measurement.
func (b *bench) tune(sc, few Scenario, tuning Tuning, perJob float64) (knob time.Duration, r Result, ok bool) {
	b.t.Helper()
	// lo asks for too much, hi for too little.
	lo, hi, guess := 0.02, 4*3600.0, 5.0
	search := func(sc Scenario, steps int) (r Result, ok bool) {
		for range steps {
			knob = time.Duration(guess * float64(time.Second))
			r = Measure(b.t, sc, func(c *http.Client, _ *sim.Service) Wait { return tuning.Make(c, knob) })
			n := r.PerJob()
			if n >= perJob && n <= perJob*1.02 {
				return r, true
			}
			if n >= perJob {
				lo = guess
			} else {
				hi = guess
			}
			// Requests are about inverse to the knob, down to the one or two that
			// every wait needs; without the bounds a step may be too far.
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
	// Near enough; how many requests all jobs need is a little different.
	lo, hi = lo/2, hi*2
	guess = knob.Seconds()
	r, ok = search(sc, 6)
	return knob, r, ok
}
