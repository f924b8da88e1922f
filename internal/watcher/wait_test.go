package watcher

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneJob returns a service with one job of ten minutes.
func oneJob() *sim { return newSim(load{1, 0, lognormal(10*time.Minute, 0)}) }

func TestWait_Stop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := oneJob(), limited(10), make(chan *Wait, 2)
		stopped, other := set.Start(s, s.jobs[0].options(ended)), set.Start(s, s.jobs[0].options(ended))
		time.Sleep(time.Minute)
		r := stopped.Stop()
		if r.Finished || r.Reason != nil || r.Polls < 10 || r.Elapsed != time.Minute {
			t.Errorf("stopped: %+v", r)
		}
		if w := <-ended; w != other || !w.Stop().Finished {
			t.Errorf("the other wait: %+v", w.Stop())
		}
		if again := stopped.Stop(); again != r {
			t.Errorf("stopped again: %+v", again)
		}
		s.checkQuiet(t, set)
	})
}

// A poll that no wait needs any more is canceled.
func TestWait_StopCancelsThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set := oneJob(), limited(10)
		s.fault = func(simRequest) *Response { return failWith(errHang, Transient) }
		w := set.Start(s, s.jobs[0].options(nil))
		time.Sleep(500 * time.Millisecond)
		w.Stop()
		synctest.Wait()
		if s.open != 0 {
			t.Errorf("%d requests under way", s.open)
		}
		s.checkQuiet(t, set)
	})
}

func TestWait_WaitsForAJobShareItsPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := oneJob(), limited(10), make(chan *Wait, 20)
		for range 20 {
			set.Start(s, s.jobs[0].options(ended))
		}
		for range 20 {
			if w := <-ended; !w.Stop().Finished {
				t.Errorf("%+v", w.Stop())
			}
		}
		if s.sent() > 150 {
			t.Errorf("%d requests", s.sent())
		}
		s.checkQuiet(t, set)
	})
}

func TestWait_Verdicts(t *testing.T) {
	for name, c := range map[string]struct {
		verdict Verdict
		visible time.Duration // from the start of the wait on
		after   time.Duration // the wait ends at the latest; zero if it does not end early
	}{
		"transient":             {Transient, 0, 0},
		"definitive":            {Definitive, 0, 30 * time.Second},
		"not found":             {NotFound, 0, 30 * time.Second},
		"not found, maybe new":  {NotFound, 2 * time.Minute, 0},
		"not found, not so new": {NotFound, 30 * time.Second, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, set, ended := newSim(load{2, 0, lognormal(10*time.Minute, 0)}), limited(10), make(chan *Wait, 2)
				began := time.Now()
				s.fault = func(r simRequest) *Response {
					if since := r.at.Sub(began); since > 20*time.Second && since < 90*time.Second {
						return failWith(errDenied, c.verdict)
					}
					return nil
				}
				for _, j := range s.jobs {
					o := j.options(ended)
					o.VisibleBy = began.Add(c.visible)
					set.Start(s, o)
				}
				for range s.jobs {
					r := (<-ended).Stop()
					switch {
					case c.after == 0 && !r.Finished:
						t.Errorf("ended after %v: %v", r.Elapsed, r.Reason)
					case c.after > 0 && (!errors.Is(r.Reason, errDenied) || !errors.Is(r.Last, errDenied) || r.Elapsed > c.after):
						t.Errorf("ended after %v: %v", r.Elapsed, r.Reason)
					}
				}
				s.checkQuiet(t, set)
			})
		})
	}
}

func TestWait_MaxOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := newSim(aMinute(50)), limited(10), make(chan *Wait, 50)
		s.fault = func(simRequest) *Response { return failWith(errInternal, Transient) }
		time.Sleep(time.Second)
		for i, j := range s.jobs {
			o := j.options(ended)
			if o.MaxOutage = 5 * time.Minute; i == 0 {
				o.MaxOutage = time.Minute
			}
			set.Start(s, o)
		}
		for i := range s.jobs {
			r := (<-ended).Stop()
			low, high := 5*time.Minute, 6*time.Minute
			if i == 0 {
				low, high = time.Minute, 2*time.Minute
			}
			if !errors.Is(r.Reason, polling.ErrOutage) || !errors.Is(r.Last, errInternal) || r.Polls == 0 || r.Elapsed < low || r.Elapsed > high {
				t.Errorf("wait %d: %+v", i, r)
			}
		}
		s.checkQuiet(t, set)
	})
}

// A job that always fails does not disturb the others.
func TestWait_OneJobAlwaysFails(t *testing.T) {
	for name, instead := range map[string]func(r Response) Response{
		"its body is broken":  func(Response) Response { return Response{Items: []Item{{Body: []byte("broken")}}} },
		"its read is refused": func(Response) Response { return *failWith(errInternal, Transient) },
		"only lists hide it":  func(r Response) Response { return r },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(aMinute(50))
				bad := s.jobs[7]
				source := &filter{sim: s, id: bad.id, instead: instead}
				set, ended := limited(10), make(chan *Wait, 50)
				time.Sleep(time.Second)
				for _, j := range s.jobs {
					o := j.options(ended)
					o.MaxOutage = 10 * time.Minute
					set.Start(source, o)
				}
				for range s.jobs {
					w := <-ended
					if r := w.Stop(); r.Finished != (w.ID != bad.id || name == "only lists hide it") {
						t.Errorf("%s: %+v", w.ID, r)
					}
				}
				s.checkQuiet(t, set)
			})
		})
	}
}

// filter hides a job from lists, and changes the response when it is read.
type filter struct {
	*sim
	id      string
	instead func(Response) Response
}

func (f *filter) Get(ctx context.Context, id string) Response {
	r := f.sim.Get(ctx, id)
	if id == f.id {
		r = f.instead(r)
	}
	return r
}

func (f *filter) List(ctx context.Context, status string, offset, limit int) Response {
	r := f.sim.List(ctx, status, offset, limit)
	for i := range r.Items {
		if string(r.Items[i].ID) == f.id {
			r.Items[i].ID = []byte("?")
		}
	}
	return r
}

// The source may call code of the user. If that panics or ends its goroutine, the watcher
// goes on.
func TestWait_PanicAndGoexit(t *testing.T) {
	for name, c := range map[string]struct {
		instead func()
		reason  string // of the wait; empty if it goes on
	}{
		"runtime.Goexit":   {runtime.Goexit, ""},
		"panic with text":  {func() { panic("no transport") }, "panic in a poll: no transport"},
		"panic with error": {func() { panic(errDenied) }, "panic in a poll: 403 access denied"},
		"panic with a key": {func() { panic(struct{ key string }{"secret"}) }, "panic in a poll: a value of type struct { key string }"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, set, ended := newSim(load{2, 0, lognormal(10*time.Minute, 0)}), limited(10), make(chan *Wait, 3)
				s.fault = func(r simRequest) *Response {
					if r.n == 5 {
						c.instead()
					}
					return nil
				}
				for _, j := range s.jobs {
					set.Start(s, j.options(ended))
				}
				for range s.jobs {
					r := (<-ended).Stop()
					switch {
					case c.reason == "" && !r.Finished:
						t.Errorf("%+v", r)
					case c.reason != "" && (!errors.Is(r.Reason, ErrPanic) || r.Reason.Error() != c.reason):
						t.Errorf("%+v", r)
					}
				}
				set.Start(s, s.jobs[0].options(ended))
				if r := (<-ended).Stop(); !r.Finished {
					t.Errorf("a wait afterwards: %+v", r)
				}
				s.checkQuiet(t, set)
			})
		})
	}
}

func TestWait_Events(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := oneJob(), limited(10), make(chan *Wait, 1)
		began := time.Now()
		s.fault = func(r simRequest) *Response {
			switch since := r.at.Sub(began); {
			case since > time.Minute && since < 2*time.Minute:
				return failWith(errInternal, Transient)
			case since > 5*time.Minute && since < 5*time.Minute+30*time.Second:
				return &Response{Err: errInternal, RetryAfter: 40 * time.Second}
			}
			return nil
		}
		o := s.jobs[0].options(ended)
		var last time.Time
		failed, polls, asked := 0, 0, false // asked for a pause
		o.Event = func(r Result) {
			err := r.Last
			if polls++; r.Polls != polls {
				t.Errorf("poll %d has number %d", polls, r.Polls)
			}
			switch passed := time.Since(last); {
			case last.IsZero():
			case passed > time.Minute:
				t.Errorf("no poll in %v", passed)
			case asked && passed < 40*time.Second:
				t.Errorf("a poll after %v, in spite of RetryAfter", passed)
			case last.Sub(began) > 8*time.Minute && passed < 10*time.Second:
				t.Errorf("a poll of an old job after %v", passed)
			}
			if last = time.Now(); err != nil {
				failed++
			}
			asked = err != nil && last.Sub(began) > 4*time.Minute
		}
		set.Start(s, o)
		r := (<-ended).Stop()
		if !r.Finished || failed < 5 || failed > 20 || r.Polls != polls+1 {
			t.Errorf("%d polls, %d failed: %+v", polls, failed, r)
		}
		s.checkQuiet(t, set)
	})
}

// A slow poll is repeated with more time, so that a slow service can be waited for.
func TestWait_SlowService(t *testing.T) {
	for _, rtt := range []time.Duration{700 * time.Millisecond, 3 * time.Second, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(aMinute(300))
			s.rtt = rtt
			r := s.wait(t, limited(10), s.jobs, nil)
			r.check(t, limits{3, 4*rtt + 2*time.Second, 8*rtt + 40*time.Second})
		})
	}
}

func TestWait_PollsOfASlowRequestAreRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set, ended := oneJob(), limited(10), make(chan *Wait, 1)
		s.fault = func(r simRequest) *Response {
			if r.n == 3 {
				return failWith(errHang, Transient)
			}
			return nil
		}
		o := s.jobs[0].options(ended)
		var errs []string
		o.Event = func(r Result) {
			if r.Last != nil {
				errs = append(errs, r.Last.Error())
			}
		}
		set.Start(s, o)
		<-ended
		if len(errs) != 1 || !strings.Contains(errs[0], "too slow") {
			t.Errorf("errors: %q", errs)
		}
		s.checkQuiet(t, set)
	})
}

// Waits for one job do not disturb each other, however many there are.
func TestWait_ManyWaitsForOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, set := oneJob(), limited(10)
		var waits []*Wait
		for range 10_000 {
			waits = append(waits, set.Start(s, s.jobs[0].options(nil)))
		}
		time.Sleep(time.Minute)
		for _, w := range waits {
			if r := w.Stop(); r.Polls < 10 || r.Last != nil {
				t.Fatalf("%+v", r)
			}
		}
		s.checkQuiet(t, set)
	})
}
