package watcher

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

var errServer = errors.New("500")
var errUnauthorized = errors.New("401")

func bad(err error, v Verdict) *Response { return &Response{Err: err, Verdict: v} }

func TestScen(t *testing.T) {
	run := func(name string, f func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
	}
	together := func(t *testing.T, s *sim, limit float64, change func(*simJob, *Options)) {
		start := time.Now()
		r := s.wait(t, limited(limit), s.jobs, change)
		t.Log(r, time.Since(start).Round(time.Second))
		for i, e := range r.errs {
			if i < 3 {
				t.Log(e)
			}
		}
	}
	run("401 from 20 s", func(t *testing.T) {
		s := newSim(aMinute(2))
		began := time.Now()
		s.fault = func(r simRequest) *Response {
			if time.Since(began) > 20*time.Second {
				return bad(errUnauthorized, Definitive)
			}
			return nil
		}
		start := time.Now()
		ends := make(chan *Wait, 2)
		set := limited(10)
		for _, j := range s.jobs {
			time.Sleep(time.Until(j.created))
			set.Start(source{sim: s}, j.options(ends))
		}
		<-ends
		<-ends
		t.Log("ended after", time.Since(start), s.sent())
		s.checkQuiet(t, set)
	})
	run("lists 500", func(t *testing.T) {
		s := newSim(aMinute(200))
		s.fault = func(r simRequest) *Response {
			if r.list {
				return bad(errServer, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("reads 500", func(t *testing.T) {
		s := newSim(aMinute(200))
		s.fault = func(r simRequest) *Response {
			if !r.list {
				return bad(errServer, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("one 403 on a list", func(t *testing.T) {
		s := newSim(aMinute(1000))
		n := 0
		s.fault = func(r simRequest) *Response {
			if r.list && time.Since(s.jobs[0].created) > 20*time.Second && n == 0 {
				n++
				return bad(errServer, Definitive)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("from List one minute old", func(t *testing.T) {
		l := aMinute(1000)
		l.length = lognormal(2*time.Minute, 0.5)
		s := newSim(l)
		time.Sleep(time.Minute)
		now := time.Now()
		for _, j := range s.jobs {
			j.seen = now
		}
		var left []*simJob
		for _, j := range s.jobs {
			if j.finished.After(now) {
				left = append(left, j)
			}
		}
		r := s.wait(t, limited(10), left, nil)
		t.Log(r)
	})
	run("2000 older deleted", func(t *testing.T) {
		l := aMinute(1000)
		s := newSim(l)
		var old []*simJob
		for i := range 2000 {
			c := time.Now().Add(-time.Hour)
			old = append(old, &simJob{id: "old" + string(rune(i)), created: c, started: c, finished: c, deleted: time.Now().Add(40 * time.Second)})
		}
		mine := s.jobs
		s.jobs = append(old, s.jobs...)
		r := s.wait(t, limited(10), mine, nil)
		t.Log(r)
	})
	run("half cancelled within a minute", func(t *testing.T) {
		s := newSim(aMinute(1000))
		rng := rand.New(rand.NewPCG(1, 1))
		r := s.wait(t, limited(10), s.jobs, func(j *simJob, o *Options) {
			if rng.IntN(2) == 0 {
				o.Deadline = time.Now().Add(time.Duration(rng.Int64N(int64(time.Minute))))
			}
		})
		t.Log(r)
	})
	for _, n := range []int{1000, 5000} {
		run("deadlines 30 to 90", func(t *testing.T) {
			s := newSim(aMinute(n))
			rng := rand.New(rand.NewPCG(1, 1))
			dl := map[*simJob]time.Time{}
			r := s.wait(t, limited(10), s.jobs, func(j *simJob, o *Options) {
				o.Deadline = time.Now().Add(30*time.Second + time.Duration(rng.Int64N(int64(time.Minute))))
				dl[j] = o.Deadline
			})
			want, lost := 0, 0
			for _, j := range s.jobs {
				if j.finished.Before(dl[j].Add(-40 * time.Millisecond)) {
					want++
				}
			}
			for _, j := range r.lost {
				if j.finished.Before(dl[j].Add(-40 * time.Millisecond)) {
					lost++
				}
			}
			t.Log(r, "lost of expected", lost, want)
		})
	}
	run("hangs on every tenth", func(t *testing.T) {
		s := newSim(aMinute(1000))
		s.fault = func(r simRequest) *Response {
			if r.n%10 == 0 {
				return bad(errHang, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("one hung", func(t *testing.T) {
		s := newSim(aMinute(1000))
		s.fault = func(r simRequest) *Response {
			if r.n == 60 {
				return bad(errHang, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("300 of 1000 paused", func(t *testing.T) {
		s := newSim(aMinute(1000))
		for i, j := range s.jobs {
			if i%10 < 3 {
				j.paused = true
				j.finished = j.created.Add(10 * time.Minute)
			}
		}
		together(t, s, 10, nil)
	})
	run("129", func(t *testing.T) { together(t, newSim(aMinute(129)), 10, nil) })
	run("257", func(t *testing.T) { together(t, newSim(aMinute(257)), 10, nil) })
	run("10 below 5000 newer", func(t *testing.T) {
		s := newSim(aMinute(10))
		mine := s.jobs
		time.Sleep(time.Second)
		for i := range 5000 {
			c := time.Now().Add(-500 * time.Millisecond)
			s.jobs = append(s.jobs, &simJob{id: "new" + string(rune(i)), created: c, started: c, finished: c.Add(time.Second)})
		}
		r := s.wait(t, limited(10), mine, nil)
		t.Log(r)
	})
	run("10 below 5000 running", func(t *testing.T) {
		s := newSim(aMinute(10))
		mine := s.jobs
		time.Sleep(time.Second)
		for i := range 5000 {
			c := time.Now().Add(-500 * time.Millisecond)
			s.jobs = append(s.jobs, &simJob{id: "new" + string(rune(i)), created: c, started: c, finished: c.Add(time.Hour)})
		}
		r := s.wait(t, limited(10), mine, nil)
		t.Log(r)
	})
	run("all at once", func(t *testing.T) {
		l := aMinute(10000)
		l.length = func(*rand.Rand) time.Duration { return 0 }
		s := newSim(l)
		rng := rand.New(rand.NewPCG(1, 1))
		for _, j := range s.jobs {
			j.started = j.created
			j.finished = s.jobs[0].created.Add(time.Minute + time.Duration(rng.Int64N(int64(time.Second))))
		}
		together(t, s, 10, nil)
	})
	run("created yesterday", func(t *testing.T) {
		s := newSim(load{n: 1, length: lognormal(time.Minute, 0)})
		s.jobs[0].created = s.jobs[0].created.Add(-24 * time.Hour)
		together(t, s, 10, nil)
	})
	for _, median := range []time.Duration{6 * time.Second, 8 * time.Second} {
		run("four at a time of 604, "+median.String(), func(t *testing.T) {
			s := newSim(load{n: 604, within: time.Second, length: lognormal(median, 0.5)})
			var free [4]time.Time
			for _, j := range s.jobs {
				length := j.finished.Sub(j.created)
				k := 0
				for i := range free {
					if free[i].Before(free[k]) {
						k = i
					}
				}
				j.started = latest(free[k], j.created)
				j.finished = j.started.Add(length)
				free[k] = j.finished
			}
			together(t, s, 10, nil)
		})
	}
	for _, l := range []time.Duration{5 * time.Second} {
		run("over and over", func(t *testing.T) {
			s := newSim(load{n: 600, within: 5 * time.Minute, length: lognormal(l, 0.1)})
			together(t, s, 10, nil)
		})
	}
	run("wrong counts small", func(t *testing.T) {
		s := newSim(aMinute(500))
		s.count = func(int) int { return 10 }
		together(t, s, 10, nil)
	})
	run("wrong counts large", func(t *testing.T) {
		s := newSim(aMinute(500))
		s.count = func(n int) int { return n + 1000 }
		together(t, s, 10, nil)
	})
	run("wrong counts changing", func(t *testing.T) {
		s := newSim(aMinute(500))
		s.count = func(n int) int { return n + rand.IntN(200) - 100 }
		together(t, s, 10, nil)
	})
	run("outage", func(t *testing.T) {
		s := newSim(aMinute(200))
		n := 0
		s.fault = func(r simRequest) *Response {
			since := time.Since(s.jobs[0].created)
			if since > 40*time.Second && since < 100*time.Second {
				n++
				return bad(errServer, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
		t.Log(n, "during the outage")
	})
	run("1 % faults", func(t *testing.T) {
		s := newSim(aMinute(1000))
		s.fault = func(r simRequest) *Response {
			if rand.IntN(100) == 0 {
				return bad(errServer, Transient)
			}
			return nil
		}
		together(t, s, 10, nil)
	})
	run("arriving among others", func(t *testing.T) {
		l := aMinute(2000)
		l.within = 10 * time.Minute
		s := newSim(l)
		var mine []*simJob
		for i, j := range s.jobs {
			if i%2 == 0 {
				mine = append(mine, j)
			}
		}
		r := s.wait(t, limited(10), mine, nil)
		t.Log(r)
	})
	run("4200 jobs of 33 pages", func(t *testing.T) { together(t, newSim(aMinute(4200)), 10, nil) })
	run("1280 jobs of 10 pages", func(t *testing.T) { together(t, newSim(aMinute(1280)), 10, nil) })
	run("200 datasets", func(t *testing.T) {
		s := newSim(aMinute(1000))
		set := limited(10)
		ended := make(chan *Wait, 1000)
		sims := make([]*sim, 200)
		for i := range sims {
			sims[i] = &sim{rtt: s.rtt, jobs: s.jobs[5*i : 5*i+5]}
		}
		time.Sleep(time.Second)
		jobs := map[*Wait]*simJob{}
		for i, j := range s.jobs {
			o := j.options(ended)
			jobs[set.Start(source{sim: sims[i/5]}, o)] = j
		}
		r := report{}
		for range s.jobs {
			w := <-ended
			r.lags = append(r.lags, time.Since(jobs[w].finished))
		}
		total := 0
		for _, x := range sims {
			total += x.sent()
		}
		r.perJob = float64(total) / 1000
		t.Log(r)
		time.Sleep(time.Second)
	})
	run("one beside 10000", func(t *testing.T) {
		s := newSim(aMinute(10000))
		one := newSim(load{n: 1, length: lognormal(time.Minute, 0)})
		set := limited(10)
		done := make(chan report)
		go func() { done <- one.wait(t, set, one.jobs, nil) }()
		r := s.wait(t, set, s.jobs, nil)
		t.Log(r)
		t.Log(<-done)
	})
}
