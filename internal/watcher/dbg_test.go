package watcher

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestDbg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(aMinute(1000))
		began := time.Now()
		rng := rand.New(rand.NewPCG(1, 1))
		set := limited(10)
		for i := range 30 {
			time.AfterFunc(time.Duration(i)*time.Second+500*time.Millisecond, func() {
				set.mu.Lock()
				defer set.mu.Unlock()
				for _, w := range set.watchers {
					w.mu.Lock()
					a, b, c := w.count()
					t.Log("COUNT", i, a, b, c, w.total, w.deleted, w.walk, w.reserved)
					w.mu.Unlock()
				}
			})
		}
		r := s.wait(t, set, s.jobs, func(j *simJob, o *Options) {
			if rng.IntN(2) == 0 {
				o.Deadline = time.Now().Add(time.Duration(rng.Int64N(int64(time.Minute))))
			}
		})
		t.Log(r.perJob)
		for i := range r.lags {
			if r.lags[i] > 4*time.Second {
				t.Log("LAG", r.ends[i].Sub(began), r.lags[i])
			}
		}
		for _, q := range s.requests {
			if d := q.at.Sub(began); d > 21*time.Second && d < 32*time.Second {
				t.Log(d, q.list, q.status, q.offset, q.id)
			}
		}
	})
}
