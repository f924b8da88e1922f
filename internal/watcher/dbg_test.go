package watcher

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestDbg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := aMinute(1000)
		s := newSim(l)
		began := time.Now()
		var old []*simJob
		for i := range 2000 {
			c := time.Now().Add(-time.Hour)
			old = append(old, &simJob{id: "old" + string(rune(i)), created: c, started: c, finished: c, deleted: time.Now().Add(40 * time.Second)})
		}
		mine := s.jobs
		s.jobs = append(old, s.jobs...)
		r := s.wait(t, limited(10), mine, nil)
		t.Log(r.perJob)
		for i := range r.lags {
			if r.lags[i] > 2*time.Second {
				t.Log("LAG", r.ends[i].Sub(began), r.lags[i])
			}
		}
		for i, q := range s.requests {
			if i > 60 && i < 280 {
				t.Log(q.at.Sub(began), q.list, q.status, q.offset, q.id)
			}
		}
	})
}
