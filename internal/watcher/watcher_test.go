package watcher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// TestWatcher_Figures holds the figures of waiting for jobs under a rate limit of ten
// requests a second.
func TestWatcher_Figures(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	const second = time.Second
	for name, c := range map[string]struct {
		load load
		rate float64
		want limits
	}{
		"100 jobs":                     {aMinute(100), 10, limits{1.71, 680 * time.Millisecond, 3300 * time.Millisecond}},
		"1,000 jobs":                   {aMinute(1000), 10, limits{1.31, 540 * time.Millisecond, 2 * time.Second}},
		"one job above a page":         {aMinute(129), 10, limits{2.1, 700 * time.Millisecond, 4 * second}},
		"one job above two pages":      {aMinute(257), 10, limits{1.75, 650 * time.Millisecond, 3 * second}},
		"as many pages as the limit":   {aMinute(1280), 10, limits{1.2, 700 * time.Millisecond, 2 * second}},
		"more than 32 pages":           {aMinute(4100), 10, limits{0.5, 2 * second, 4500 * time.Millisecond}},
		"500 jobs without a limit":     {aMinute(500), 0, limits{1.6, 600 * time.Millisecond, 2 * second}},
		"100 jobs of an hour":          {load{100, second, lognormal(time.Hour, 0.1)}, 10, limits{16, 2500 * time.Millisecond, 8 * second}},
		"jobs of five seconds":         {load{500, second, lognormal(5*second, 0.1)}, 10, limits{0.2, 500 * time.Millisecond, second}},
		"jobs of 5 s, over and over":   {load{300, 150 * second, lognormal(5*second, 0.1)}, 10, limits{1.5, 400 * time.Millisecond, second}},
		"jobs that arrive and go away": {load{300, 5 * time.Minute, lognormal(time.Minute, 0.5)}, 10, limits{4.5, 800 * time.Millisecond, 2500 * time.Millisecond}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.load.n > 2000 && os.Getenv("TENSORBAY_TEST_FULL") != "1" {
				t.Skip("only with TENSORBAY_TEST_FULL=1")
			}
			synctest.Test(t, func(t *testing.T) {
				s := newSim(c.load)
				s.wait(t, limited(c.rate), s.jobs, nil).check(t, c.want)
			})
		})
	}
}

// A situation changes a service with n jobs.
type situation struct {
	n      int
	change func(s *sim)
	want   limits
}

func checkSituations(t *testing.T, situations map[string]situation) {
	t.Helper()
	for name, c := range situations {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(aMinute(c.n))
				jobs := s.jobs
				c.change(s)
				s.wait(t, limited(10), jobs, nil).check(t, c.want)
			})
		})
	}
}

// TestWatcher_Situations holds the figures of unusual jobs and lists.
func TestWatcher_Situations(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	checkSituations(t, map[string]situation{
		"older jobs are deleted": {600, func(s *sim) {
			s.older(2000, time.Now().Add(40*time.Second))
		}, limits{1.4, 600 * time.Millisecond, 1600 * time.Millisecond}},
		"three of ten jobs are paused": {500, func(s *sim) {
			for i, j := range s.jobs {
				if i%10 < 3 {
					j.running = "PAUSED"
					j.finished = j.finished.Add(5 * time.Minute)
				}
			}
		}, limits{1.9, 1200 * time.Millisecond, 5 * time.Second}},
		"all jobs finish in the same second": {1500, func(s *sim) {
			for i, j := range s.jobs {
				j.finished = j.created.Add(time.Minute - j.created.Sub(s.jobs[0].created) + time.Duration(i)*time.Millisecond/2)
			}
		}, limits{0.3, 5 * time.Second, 8 * time.Second}},
		"totals are too small":  {500, func(s *sim) { s.count = func(int) int { return 10 } }, limits{3.5, time.Second, 4 * time.Second}},
		"totals are too large":  {500, func(s *sim) { s.count = func(n int) int { return n + 1000 } }, limits{2.2, time.Second, 4 * time.Second}},
		"totals change at once": {500, func(s *sim) { s.count = func(n int) int { return n + rand.IntN(200) - 100 } }, limits{3, time.Second, 4 * time.Second}},
	})
}

// TestWatcher_Failures holds the figures of a service that fails.
func TestWatcher_Failures(t *testing.T) {
	checkSituations(t, map[string]situation{
		"lists fail": {200, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if r.list {
					return failWith(errInternal, Transient)
				}
				return nil
			}
		}, limits{8, 9 * time.Second, 25 * time.Second}},
		"reads of one job fail": {200, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if !r.list {
					return failWith(errInternal, Transient)
				}
				return nil
			}
		}, limits{2.5, time.Second, 5 * time.Second}},
		"one list is refused": {600, func(s *sim) {
			refused := false
			s.fault = func(r simRequest) *Response {
				if !refused && r.list && r.at.Sub(s.jobs[0].created) > 20*time.Second {
					refused = true
					return failWith(errDenied, Definitive)
				}
				return nil
			}
		}, limits{1.4, 600 * time.Millisecond, 3 * time.Second}},
		"every tenth request hangs": {500, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if r.n%10 == 0 {
					return failWith(errHang, Transient)
				}
				return nil
			}
		}, limits{1.4, 830 * time.Millisecond, 3700 * time.Millisecond}},
		"one request hangs": {600, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if r.n == 60 {
					return failWith(errHang, Transient)
				}
				return nil
			}
		}, limits{1.4, 600 * time.Millisecond, 2 * time.Second}},
		"an outage of a minute": {200, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if since := r.at.Sub(s.jobs[0].created); since > 40*time.Second && since < 100*time.Second {
					return failWith(errInternal, Transient)
				}
				return nil
			}
		}, limits{1.5, 60 * time.Second, 100 * time.Second}},
		"one request of a hundred fails": {500, func(s *sim) {
			s.fault = func(simRequest) *Response {
				if rand.IntN(100) == 0 {
					return failWith(errInternal, Transient)
				}
				return nil
			}
		}, limits{1.4, 600 * time.Millisecond, 2 * time.Second}},
		"a service that asks for a pause": {200, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if r.n == 100 {
					return &Response{Err: errInternal, RetryAfter: time.Hour} // capped at a minute
				}
				return nil
			}
		}, limits{1.6, 30 * time.Second, 70 * time.Second}},
	})
}

// The backoffs are random, so the service is asked many times.
func TestWatcher_ReadsSingleJobsSoonIfAllListsFail(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(load{10, 0, lognormal(5*time.Second, 0)})
			s.fault = func(r simRequest) *Response {
				if r.list {
					return failWith(errInternal, Transient)
				}
				return nil
			}
			r := s.wait(t, limited(7.5), s.jobs, nil)
			if lag := r.quantile(1); lag > 5*time.Second {
				t.Errorf("a lag of %v", lag)
			}
		})
	}
}

func TestWatcher_FewRequestsDuringAnOutage(t *testing.T) {
	for name, err := range map[string]error{"refused": errInternal, "hanging": errHang} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(aMinute(200))
				from, to := time.Now().Add(30*time.Second), time.Now().Add(90*time.Second)
				s.fault = func(r simRequest) *Response {
					if r.at.After(from) && r.at.Before(to) {
						return failWith(err, Transient)
					}
					return nil
				}
				r := s.wait(t, limited(0), s.jobs, nil)
				if len(r.lost) > 0 {
					t.Errorf("%d waits lost: %v", len(r.lost), r.errs[0])
				}
				if n := s.sent(func(r simRequest) bool { return r.at.After(from) && r.at.Before(to) }); n > 20 {
					t.Errorf("%d requests during the outage", n)
				}
			})
		})
	}
}

// QUEUING jobs are not read one by one, and pages whose jobs queue are read rarely.
func TestWatcher_FourJobsRunWhileTheOthersQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{404, time.Second, lognormal(8*time.Second, 0.5)})
		s.queue(4)
		s.wait(t, limited(10), s.jobs, nil).check(t, limits{2.5, time.Second, 3 * time.Second})
	})
}

func TestWatcher_JobsThatAreListedBeforeTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{500, time.Second, lognormal(2*time.Minute, 0.5)})
		time.Sleep(time.Minute)
		listed := time.Now()
		var jobs []*simJob
		for _, j := range s.jobs {
			if j.finished.After(listed) {
				jobs = append(jobs, j)
			}
		}
		s.wait(t, limited(10), jobs, func(j *simJob, o *Options) {
			o.Seen, o.Status, o.Since = listed, string(j.item(listed).Status), j.started
		}).check(t, limits{1.9, 700 * time.Millisecond, 3 * time.Second})
	})
}

func TestWatcher_HalfOfTheWaitsAreCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(aMinute(1000))
		set, ended := limited(10), make(chan *Wait, 1000)
		byWait := map[*Wait]*simJob{}
		rng := rand.New(rand.NewPCG(1, 1))
		left := 0
		for i, j := range s.jobs {
			time.Sleep(time.Until(j.created))
			w := set.Start(s, j.options(ended))
			byWait[w] = j
			if i%2 == 0 {
				time.AfterFunc(time.Duration(rng.Int64N(int64(time.Minute))), func() { w.Stop() })
			} else {
				left++
			}
		}
		var r report
		for left > 0 {
			w := <-ended
			r.lags = append(r.lags, time.Since(byWait[w].finished))
			for i, j := range s.jobs {
				if j == byWait[w] && i%2 == 1 {
					left--
				}
			}
		}
		r.perJob = float64(s.sent()) / 1000
		r.check(t, limits{1.3, 650 * time.Millisecond, 2800 * time.Millisecond})
		time.Sleep(time.Minute)
		s.checkQuiet(t, set)
	})
}

func TestWatcher_JobsBelowManyNewerOnes(t *testing.T) {
	for name, length := range map[string]time.Duration{"that have finished": time.Second, "that run": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(aMinute(10))
				jobs := s.jobs
				time.Sleep(time.Second)
				s.newer(5000, length)
				s.wait(t, limited(10), jobs, nil).check(t, limits{18, 3 * time.Second, 6 * time.Second})
			})
		})
	}
}

// The service counts from its own time, but a wait must not believe that a job which was
// created long ago has run since.
func TestWatcher_JobThatQueuedForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{1, 0, lognormal(time.Minute, 0)})
		s.jobs[0].created = s.jobs[0].created.Add(-24 * time.Hour)
		s.wait(t, limited(10), s.jobs, nil).check(t, limits{80, 5 * time.Second, 5 * time.Second})
	})
}

func TestWatcher_SharesTheLimitBetweenSources(t *testing.T) {
	t.Run("many small ones", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const datasets, each = 60, 5
			all := newSim(aMinute(datasets * each))
			set, ended := limited(10), make(chan *Wait, datasets*each)
			time.Sleep(time.Second)
			byWait := map[*Wait]*simJob{}
			var sims []*sim
			for i := range datasets {
				s := &sim{rtt: all.rtt, jobs: all.jobs[i*each : (i+1)*each]}
				sims = append(sims, s)
				for _, j := range s.jobs {
					byWait[set.Start(s, j.options(ended))] = j
				}
			}
			var r report
			for range byWait {
				r.lags = append(r.lags, time.Since(byWait[<-ended].finished))
			}
			for _, s := range sims {
				r.perJob += float64(s.sent()) / (datasets * each)
				s.checkQuiet(t, set)
			}
			// Each request shows five jobs: a round takes six seconds.
			r.check(t, limits{5, 3500 * time.Millisecond, 12 * time.Second})
		})
	})
	t.Run("one job beside many", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			many, one := newSim(aMinute(2000)), newSim(load{1, 0, lognormal(time.Minute, 0)})
			set, done := limited(10), make(chan report)
			go func() { done <- one.wait(t, set, one.jobs, nil) }()
			many.wait(t, set, many.jobs, nil)
			(<-done).check(t, limits{80, 6 * time.Second, 6 * time.Second})
		})
	})
}

// Deadlines that fall into a second whose slots are used up may be missed, but few.
func TestWatcher_FinalPolls(t *testing.T) {
	const rtts = 40 * time.Millisecond
	for name, c := range map[string]struct {
		n        int
		deadline func(*simJob, *rand.Rand) time.Time
		maxLost  int
		change   func(*sim)
	}{
		"two round trips after each job": {200, func(j *simJob, _ *rand.Rand) time.Time { return j.finished.Add(rtts) }, 0, nil},
		"one for all": {1000, func(j *simJob, _ *rand.Rand) time.Time {
			return j.created.Truncate(2 * time.Second).Add(62 * time.Second)
		}, 0, nil},
		"random ones": {1000, func(j *simJob, r *rand.Rand) time.Time {
			return j.created.Add(30*time.Second + time.Duration(r.Int64N(int64(time.Minute))))
		}, 8, nil},
		"of jobs whose list grows": {200, func(j *simJob, _ *rand.Rand) time.Time {
			return j.created.Truncate(2 * time.Second).Add(62 * time.Second)
		}, 0, func(s *sim) {
			for i := range 60 {
				at := s.jobs[0].created.Add(2*time.Second + time.Duration(i)*time.Second)
				s.jobs = append(s.jobs, &simJob{id: fmt.Sprintf("other-%d", i), created: at, started: at, finished: at.Add(time.Hour)})
			}
		}},
		"lists are refused": {10, func(j *simJob, _ *rand.Rand) time.Time { return j.finished.Add(rtts) }, 0, func(s *sim) {
			s.fault = func(r simRequest) *Response {
				if r.list {
					return failWith(errDenied, Definitive)
				}
				return nil
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(aMinute(c.n))
				jobs, rng, deadlines := s.jobs, rand.New(rand.NewPCG(1, 1)), map[*simJob]time.Time{}
				if c.change != nil {
					c.change(s)
				}
				r := s.wait(t, limited(10), jobs, func(j *simJob, o *Options) {
					o.Deadline = c.deadline(j, rng)
					deadlines[j] = o.Deadline
				})
				lost := 0
				for _, j := range r.lost {
					if !j.finished.After(deadlines[j].Add(-rtts)) {
						lost++
					}
				}
				t.Log(r)
				if lost > c.maxLost {
					t.Errorf("%d jobs finished in time and were missed", lost)
				}
			})
		})
	}
}

// Deadlines that are near when nothing is known yet: neither the round trip nor the list.
func TestWatcher_FinalPollsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{300, 0, lognormal(time.Second, 0)})
		time.Sleep(2 * time.Second)
		r := s.wait(t, limited(0), s.jobs, func(_ *simJob, o *Options) { o.Deadline = time.Now().Add(140 * time.Millisecond) })
		r.check(t, limits{0.05, time.Minute, time.Minute})
	})
}

// A watcher reserves slots for final polls also while it waits in the queue of the limiter.
func TestWatcher_FinalPollsBesideBusySources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set := newSim(load{20, time.Second, lognormal(time.Minute, 0.3)}), limited(10)
		s.rtt = 50 * time.Millisecond
		var others []*Wait
		for range 20 {
			busy := newSim(load{1, 0, lognormal(time.Hour, 0)})
			busy.schedule = &polling.Schedule{Max: 200 * time.Millisecond}
			others = append(others, set.Start(busy, busy.jobs[0].options(nil)))
		}
		lost := 0
		var waits sync.WaitGroup
		for _, j := range s.jobs {
			o := j.options(make(chan *Wait, 1))
			o.Deadline = j.finished.Add(3 * s.rtt)
			time.Sleep(time.Until(j.created))
			w := set.Start(s, o)
			waits.Add(1)
			time.AfterFunc(time.Until(o.Deadline), func() {
				if !w.Stop().Finished {
					lost++
				}
				waits.Done()
			})
		}
		waits.Wait()
		for _, w := range others {
			w.Stop()
		}
		if lost > 0 {
			t.Errorf("%d waits lost", lost)
		}
	})
}

func TestWatcher_FinalPollThatFailsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{1, 0, lognormal(time.Minute, 0)})
		failed := false
		s.fault = func(r simRequest) *Response {
			if !failed && r.at.After(s.jobs[0].finished) {
				failed = true
				return failWith(errReset, Transient)
			}
			return nil
		}
		r := s.wait(t, limited(10), s.jobs, func(j *simJob, o *Options) { o.Deadline = j.finished.Add(100 * time.Millisecond) })
		r.check(t, limits{100, time.Second, time.Second})
	})
}

func TestWatcher_ReportsEachOutageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := newSim(load{20, 0, lognormal(10*time.Minute, 0)}), limited(10), make(chan *Wait, 20)
		began := time.Now()
		s.fault = func(r simRequest) *Response {
			if since := r.at.Sub(began); since > time.Minute && since < 2*time.Minute || r.n%20 == 0 {
				return failWith(errInternal, Transient)
			}
			return nil
		}
		for _, j := range s.jobs {
			set.Start(s, j.options(ended))
		}
		for range s.jobs {
			<-ended
		}
		synctest.Wait()
		if len(s.outages) != 2 || !errors.Is(s.outages[0], errInternal) || s.outages[1] != nil {
			t.Errorf("got %v, want one start and one end", s.outages)
		}
	})
}

// The goroutine of a watcher ends also if the last wait ends while it is between two polls:
// otherwise this bubble would not end.
func TestWatcher_EndsWithTheLastWait(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(*testing.T) {
			s, set := newSim(load{8, 0, lognormal(time.Hour, 0)}), limited(0)
			var stops sync.WaitGroup
			for _, j := range s.jobs {
				polled := make(chan bool, 100)
				o := j.options(make(chan *Wait, 1))
				o.Event = func(Result) { polled <- true }
				wait := set.Start(s, o)
				stops.Go(func() {
					<-polled
					wait.Stop()
				})
			}
			stops.Wait()
		})
	}
}

// A wait that ends shortly before its deadline gives back the slot for its final poll.
func TestWatcher_GivesBackReservedSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, limiter := newSim(load{1, 0, lognormal(100*time.Hour, 0)}), ratelimit.New(10)
		set := NewSet(limiter)
		for range 10 {
			o := s.jobs[0].options(nil)
			o.Deadline = time.Now().Add(time.Minute)
			wait := set.Start(s, o)
			time.Sleep(59500 * time.Millisecond)
			wait.Stop()
			s.checkQuiet(t, set)
		}
		began := time.Now()
		if err := limiter.Wait(t.Context()); err != nil || time.Since(began) > 0 {
			t.Errorf("a slot was free after %v: %v", time.Since(began), err)
		}
	})
}

// A wait with a deadline makes the loop choose again. If it left the queue of the limiter each
// time, it would get no slot while waits begin and others use the limiter.
func TestWatcher_KeepsItsPlaceInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := newSim(load{1, 0, lognormal(time.Second, 0)}), busySet(t), make(chan *Wait, 300)
		time.Sleep(2 * time.Second)
		began := time.Now()
		set.Start(s, s.jobs[0].options(ended))
		for len(ended) == 0 && time.Since(began) < 5*time.Second {
			o := s.jobs[0].options(ended)
			o.Deadline = time.Now().Add(time.Minute)
			set.Start(s, o)
			time.Sleep(20 * time.Millisecond)
		}
		if lag := time.Since(began); lag > time.Second {
			t.Errorf("a finished job was seen after %v", lag)
		}
		time.Sleep(time.Minute)
	})
}

// busySet returns a set whose limiter is used by four other callers all the time.
func busySet(t *testing.T) *Set {
	limiter := ratelimit.New(9.5) // one after the other
	for range 4 {
		go func() {
			for limiter.Wait(t.Context()) == nil { //nolint:revive // the slots are not used
			}
		}()
	}
	return NewSet(limiter)
}

// The first job of a batch waits a moment for others, but not again for each of them.
func TestWatcher_NewJobsDoNotDelayThePollForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := newSim(load{100, 0, lognormal(time.Second, 0)}), busySet(t), make(chan *Wait, 100)
		s.jobs[0].finished = s.jobs[0].finished.Add(time.Hour)
		time.Sleep(2 * time.Second)
		waits := []*Wait{set.Start(s, s.jobs[0].options(ended))}
		time.Sleep(time.Second)
		began := time.Now()
		for _, j := range s.jobs[1:] {
			waits = append(waits, set.Start(s, j.options(ended)))
			if time.Sleep(110 * time.Millisecond); len(ended) > 0 {
				break
			}
		}
		if lag := time.Since(began); lag > 2*time.Second {
			t.Errorf("a finished job was seen after %v", lag)
		}
		for _, w := range waits {
			w.Stop()
		}
	})
}

// The caller may stop a wait long after its deadline, for example after a slow body of a loop.
func TestWatcher_PollsRarelyAfterAMissedDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, limiter := oneJob(), ratelimit.New(10)
		s.fault = func(simRequest) *Response { return failWith(errInternal, Transient) }
		o := s.jobs[0].options(nil)
		o.Deadline = time.Now().Add(time.Second)
		w := NewSet(limiter).Start(s, o)
		time.Sleep(time.Minute)
		if s.sent() > 30 {
			t.Errorf("%d requests in a minute", s.sent())
		}
		began := time.Now()
		for range 10 { // no slot is reserved any more
			_ = limiter.Wait(t.Context())
		}
		if time.Since(began) > 0 {
			t.Errorf("ten slots after %v", time.Since(began))
		}
		w.Stop()
	})
}

// repeating is a service that ignores the offset of lists.
type repeating struct{ *sim }

func (r repeating) List(ctx context.Context, status string, _, limit int) Response {
	return r.sim.List(ctx, status, 0, limit)
}

func TestWatcher_EndsASearchWhoseListRepeatsAPage(t *testing.T) {
	for name, growth := range map[string]time.Duration{"constant": time.Hour, "growing": 50 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(load{300, 0, lognormal(5*time.Second, 0)})
				s.rtt = 200 * time.Millisecond
				own, began := s.jobs[:20], time.Now()
				s.grow(10*time.Minute, growth)
				time.Sleep(time.Second)
				set, ended := limited(10), make(chan *Wait, len(own))
				for _, j := range own {
					set.Start(repeating{s}, j.options(ended))
				}
				for range own {
					<-ended
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("all jobs were seen after %v", took)
				}
			})
		})
	}
}

// The page of a search is canceled with the last wait. Waits that begin before that has been
// noticed are not told.
func TestWatcher_ForgetsTheSearchOfEarlierWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set := newSim(load{5, 0, lognormal(time.Hour, 0)}), limited(10)
		s.rtt = time.Second
		for range 20 {
			var waits []*Wait
			for _, j := range s.jobs {
				o := j.options(nil)
				o.Event = func(r Result) {
					if r.Last != nil {
						t.Errorf("a poll failed: %v", r.Last)
					}
				}
				waits = append(waits, set.Start(s, o))
			}
			time.Sleep(500 * time.Millisecond)
			for _, w := range waits {
				w.Stop()
			}
		}
	})
}

func TestWatcher_FinalPollDuringALongSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(load{10, 0, lognormal(time.Minute, 0)})
		jobs := s.jobs
		jobs[0].started, jobs[0].finished = jobs[0].created, jobs[0].created.Add(2500*time.Millisecond)
		time.Sleep(time.Second)
		s.newer(5000, time.Hour)
		time.Sleep(time.Millisecond)
		r := s.wait(t, limited(10), jobs, func(j *simJob, o *Options) { o.Deadline = j.finished.Add(40 * time.Millisecond) })
		r.check(t, limits{30, time.Second, time.Second})
	})
}

// Whatever a service responds for a while, and whatever its lists contain, all waits end soon after
// their jobs, and nothing is kept.
func TestWatcher_EndsAllWaitsOfAHostileService(t *testing.T) {
	seeds := 130
	if os.Getenv("TENSORBAY_TEST_FULL") == "1" {
		seeds = 3000
	}
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 19))
			n := []int{5, 5, 5, 5, 2, 130}[seed%6]
			s := newSim(load{n, 2 * time.Second, lognormal(20*time.Second, 0.5)})
			if rng.IntN(4) == 0 {
				s.schedule = &polling.Schedule{Max: time.Second}
			}
			h := &hostile{sim: s, rng: rand.New(rand.NewPCG(seed, 20)), mode: rng.IntN(128) | 128, until: time.Now().Add(40 * time.Second)}
			perSecond := []float64{0, 10, 7.5}[rng.IntN(3)]
			limiter := ratelimit.New(perSecond)
			set, ended := NewSet(limiter), make(chan *Wait, 2*n)
			s.older(rng.IntN(600), time.Time{})
			time.Sleep(2 * time.Second)
			own := s.jobs[len(s.jobs)-n:]
			if rng.IntN(2) == 0 {
				s.grow(10*time.Minute, 50*time.Millisecond)
			}
			waits, late := map[*Wait]*simJob{}, []*Wait{}
			for _, j := range own {
				waits[set.Start(h, j.options(ended))] = j
				if rng.IntN(3) == 0 {
					o := j.options(ended)
					o.Deadline = time.Now().Add(time.Duration(rng.Int64N(int64(30 * time.Second))))
					w := set.Start(h, o)
					late = append(late, w)
					time.AfterFunc(time.Until(o.Deadline)+time.Duration(rng.IntN(2))*5*time.Second, func() { w.Stop() })
				}
			}
			for timeout := time.After(30 * time.Minute); len(waits) > 0; {
				select {
				case w := <-ended:
					if j := waits[w]; j != nil && (!w.Stop().Finished || time.Since(j.finished) > 3*time.Minute) {
						t.Errorf("seed %d: %+v, %v after the end", seed, w.Stop(), time.Since(j.finished))
					}
					delete(waits, w)
				case <-timeout:
					t.Fatalf("seed %d: %d waits have not ended", seed, len(waits))
				}
			}
			for _, w := range late {
				w.Stop()
			}
			s.checkQuiet(t, set)
			began := time.Now()
			for range int(perSecond) {
				_ = limiter.Wait(t.Context())
			}
			if time.Since(began) > time.Second {
				t.Errorf("seed %d: slots are reserved", seed)
			}
		})
	}
}
