package watcher

import (
	"testing"
	"testing/synctest"
	"time"
)

// figures runs a load with several seeds.
func figures(t *testing.T, l load, limit float64, seeds int, all bool) {
	start := time.Now()
	var sum report
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			l := l
			l.seed = uint64(seed + 1)
			s := newSim(l)
			if all {
				time.Sleep(l.within)
			}
			r := s.wait(t, limited(limit), s.jobs, func(_ *simJob, o *Options) { o.Status = "PROCESSING" })
			sum.perJob += r.perJob / float64(seeds)
			sum.lags = append(sum.lags, r.lags...)
			sum.lost = append(sum.lost, r.lost...)
		})
	}
	t.Log(l.n, limit, sum, "CPU", time.Since(start))
}

func TestFigures(t *testing.T) {
	figures(t, aMinute(100), 10, 10, true)
	figures(t, aMinute(100), 10, 10, false)
	figures(t, aMinute(1000), 10, 3, true)
	figures(t, aMinute(1000), 10, 3, false)
	figures(t, aMinute(10000), 50, 1, true)
	figures(t, aMinute(10000), 10, 1, true)
	figures(t, load{n: 1000, within: time.Second, length: lognormal(time.Hour, 0.1)}, 10, 1, true)
	figures(t, load{n: 1000, within: time.Second, length: lognormal(5*time.Second, 0.1)}, 10, 1, true)
}
