package watcher

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestDbg(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(aMinute(500))
		began := time.Now()
		s.count = func(n int) int { return n + rand.IntN(200) - 100 }
		r := s.wait(t, limited(10), s.jobs, nil)
		t.Log(r)
		for i, q := range s.requests {
			if i > 3000 && i < 3060 {
				t.Log(q.at.Sub(began), q.list, q.status, q.offset, q.id)
			}
		}
	})
}
