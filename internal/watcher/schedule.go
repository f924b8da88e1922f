package watcher

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// The delay between two polls that show a job. Of all ways to spend requests on jobs that
// finish at a given rate, the one with the least sum of squared lags polls after a delay
// in proportion to the cube root of requests per finished job. The numbers are from a
// sweep.
const (
	weight    = 0.86
	maxWeight = 2.5 // when the rate limiter bounds the polls anyway
	youth     = 3   // a delay is at most so many times that of a job without others
	minDelay  = 200 * time.Millisecond
)

// rates estimate how fast jobs finish, by their status, from the recent past.
type rates struct {
	statuses map[string]*status
	known    []*status // the unfinished ones, in order
	first    time.Time
	noted    time.Time
	jitter   float64
}

// A status is one of the statuses of unfinished jobs. That of jobs whose status is not
// known has no name.
type status struct {
	name  string
	jobs  int       // with waits
	born  time.Time // when the newest of them can have got it
	ended float64   // jobs that finished recently
	time  float64   // seconds that jobs recently had it, all together

	others  int // further jobs in its list
	counted time.Time
}

func (r *rates) init(known []string) {
	r.statuses, r.jitter = map[string]*status{}, 1
	for _, name := range known {
		r.known = append(r.known, r.status(name))
	}
}

func (r *rates) status(name string) *status {
	s := r.statuses[name]
	if s == nil {
		s = &status{name: name}
		r.statuses[name] = s
	}
	return s
}

// note lets the past fade, and adds the time since the last call. It must be called
// before a number of jobs changes.
func (r *rates) note(now time.Time) {
	if r.first.IsZero() {
		r.first, r.noted = now, now
	}
	passed := now.Sub(r.noted).Seconds()
	if passed == 0 {
		return
	}
	r.noted = now
	keep := math.Exp(-passed / max(1, 0.15*now.Sub(r.first).Seconds()))
	for name, s := range r.statuses {
		s.ended *= keep
		s.time = s.time*keep + float64(s.jobs)*passed
		if s.jobs == 0 && s.ended < 0.01 && !r.isKnown(s) {
			delete(r.statuses, name)
		}
	}
}

func (r *rates) isKnown(s *status) bool {
	for _, known := range r.known {
		if known == s {
			return true
		}
	}
	return false
}

// rate estimates the rate at which a job with a status finishes, in jobs per second. Half a
// job is added to those that finished (the prior of Jeffreys), and the age of the youngest
// one to the time. Jobs that queue hardly ever finish if others do.
func (r *rates) rate(s *status, now time.Time) float64 {
	prior := 0.5
	if s.ended < learned && r.learned() {
		prior = 0.02
	}
	return (s.ended + prior) / (s.time + max(now.Sub(s.born).Seconds(), 0.1))
}

// learned is how many jobs must have finished recently for an estimate.
const learned = 0.03

// learned reports whether a job has finished recently.
func (r *rates) learned() bool {
	for _, s := range r.statuses {
		if s.ended >= learned {
			return true
		}
	}
	return false
}

// redraw draws the jitter anew, so that many clients drift apart.
func (r *rates) redraw() { r.jitter = 0.95 + 0.1*rand.Float64() }

// pages returns the number of requests that read the list of a status.
func (s *status) pages(now time.Time) int {
	// The other jobs are forgotten with a half-life of a minute.
	others := float64(s.others) * math.Exp2(-now.Sub(s.counted).Minutes())
	return max(pagesOf(s.jobs+int(others)), 1)
}

// unfinished returns the statuses whose lists show all jobs: from the first status that a
// job has to the last one that it can get, and all statuses that are not known. mu must
// be held.
func (w *watcher) unfinished() (statuses []*status) {
	for _, s := range w.rates.known {
		if s.jobs > 0 || len(statuses) > 0 {
			statuses = append(statuses, s)
		}
	}
	for _, s := range w.rates.statuses {
		if s.jobs > 0 && s.name != "" && !w.rates.isKnown(s) {
			statuses = append(statuses, s)
		}
	}
	return statuses
}

// A plan is what polls cost now, and the delays that follow.
type plan struct {
	now    time.Time
	weight float64
	lists  float64 // requests that read the lists of unfinished jobs
	rate   float64 // jobs that finish per second
	// sweep is set if it takes fewer requests to read the lists of the unfinished jobs, and
	// then each job that they do not show, than to read all pages with jobs.
	sweep bool
}

// plan returns the plan for now. mu must be held.
func (w *watcher) plan(now time.Time) plan {
	w.rates.note(now)
	p := plan{now: now, weight: weight}
	for _, s := range w.rates.statuses {
		if s.jobs > 0 {
			p.rate += float64(s.jobs) * w.rates.rate(s, now)
		}
	}
	limit := w.limiter.PerSecond()
	crowd := func(cost float64) float64 {
		if limit == 0 {
			return weight
		}
		return max(weight, min(cost/limit, maxWeight))
	}
	cost := float64(len(w.jobs))
	if w.service.pages(now) {
		cost = float64(min(len(w.pages)+w.unknown, pagesOf(max(w.total, len(w.jobs)))) + w.unlisted)
	}
	p.weight = crowd(cost)
	if cost <= 1 || !w.service.lists.allowed(now) || !w.service.sweeps.allowed(now) {
		return p
	}
	for _, s := range w.unfinished() {
		p.lists += float64(s.pages(now))
	}
	period := p.delay(cost, p.rate).Seconds()
	if limit > 0 { // the reads of finished jobs have to pass it as well
		period = max(period, p.lists/max(limit-p.rate, 0.01))
	}
	if p.lists+p.rate*period < cost*2/3 {
		p.sweep, p.weight = true, crowd(p.lists)
	}
	return p
}

// delay returns the delay if so many requests show jobs that finish at a rate.
func (p plan) delay(requests, rate float64) time.Duration {
	seconds := min(p.weight*math.Cbrt(requests/rate), 3600)
	return max(time.Duration(seconds*float64(time.Second)), minDelay)
}

// single returns the delay of a job without others.
func single(age time.Duration) time.Duration { return polling.Schedule{Jitter: -1}.Delay(age) }

// due returns when a page is due. mu must be held.
func (w *watcher) due(pg *page, p plan) time.Time {
	if pg.stale {
		pg.refresh()
	}
	rate, jobs := 0.0, 0
	for s, n := range pg.counts {
		rate += float64(n) * w.rates.rate(s, p.now)
		jobs += n
	}
	if jobs == 0 {
		return p.now.Add(time.Hour) // all its jobs are polled alone
	}
	requests := 1.0
	switch {
	case p.sweep:
		requests, rate = p.lists, p.rate
	case !w.service.pages(p.now):
		requests = float64(jobs)
	}
	delay := min(p.delay(requests, rate), youth*single(p.now.Sub(pg.born)))
	return latest(pg.retry, pg.shown.Add(w.spread(delay)))
}

// dueAlone returns when a job is due that no page shows. mu must be held.
func (w *watcher) dueAlone(j *job, now time.Time) time.Time {
	delay := single(now.Sub(j.since))
	if len(w.jobs) > 1 || w.rates.learned() {
		delay = min(w.plan(now).delay(1, w.rates.rate(j.status, now)), youth*single(now.Sub(j.born)))
	}
	return j.shown.Add(w.spread(delay))
}

func (w *watcher) spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * w.rates.jitter)
}
