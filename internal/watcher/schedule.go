package watcher

import (
	"math"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// The delay between two polls that show a job. Of all ways to spend requests on jobs that
// finish at a given rate, the one with the least sum of squared lags polls after a delay in
// proportion to the cube root of requests per finished job. The numbers are from a sweep.
const (
	weight    = 0.85
	maxWeight = 2.5 // if the rate limiter bounds the polls anyway
	youth     = 3   // a delay is at most so many times that of a job without others
	minDelay  = 200 * time.Millisecond
)

// rates estimate how fast jobs finish, by their status, from the recent past.
type rates struct {
	statuses     []*status // first the known ones, in the order in which a job has them
	first, noted time.Time
	learned      bool // a job has finished recently
}

// A status is one of unfinished jobs. It has no name if it is not known.
type status struct {
	name    string
	known   bool
	jobs    int       // with waits
	born    time.Time // when the newest of them can have got it
	ended   float64   // jobs that finished recently
	time    float64   // seconds that jobs recently had it, all together
	others  int       // further jobs in its list
	counted time.Time
}

func newRates(known []string) (r rates) {
	for _, name := range known {
		r.status(name).known = true
	}
	return r
}

func (r *rates) status(name string) *status {
	for _, s := range r.statuses {
		if s.name == name {
			return s
		}
	}
	s := &status{name: name}
	r.statuses = append(r.statuses, s)
	return s
}

// note lets the past fade, and adds the time since the last call. It must be called before
// a number of jobs changes.
func (r *rates) note(now time.Time) {
	if r.first.IsZero() {
		r.first, r.noted = now, now
	}
	passed := now.Sub(r.noted).Seconds()
	if passed == 0 {
		return
	}
	r.noted, r.learned = now, false
	keep := math.Exp(-passed / max(1, 0.15*now.Sub(r.first).Seconds()))
	r.statuses = slices.DeleteFunc(r.statuses, func(s *status) bool {
		s.ended *= keep
		s.time = s.time*keep + float64(s.jobs)*passed
		r.learned = r.learned || s.ended >= enough
		return s.jobs == 0 && !s.known && s.ended < enough
	})
}

// enough is how many jobs must have finished recently for an estimate.
const enough = 0.03

// rate estimates the rate at which a job finishes, in jobs per second. Half a job is added
// to those that finished (the prior of Jeffreys), and the age of the youngest one to the
// time. Jobs that queue hardly ever finish if others do.
func (r *rates) rate(s *status, now time.Time) float64 {
	prior := 0.5
	if r.learned && s.ended < enough {
		prior = 0.02
	}
	return (s.ended + prior) / (s.time + max(now.Sub(s.born).Seconds(), 0.1))
}

// unfinished returns the statuses whose lists show all jobs: from the first status that a
// job has to the last known one, and all others.
func (r *rates) unfinished() (statuses []*status) {
	for _, s := range r.statuses {
		if s.name != "" && (s.jobs > 0 || s.known && len(statuses) > 0) {
			statuses = append(statuses, s)
		}
	}
	return statuses
}

// A plan is what polls cost now, and the delays that follow.
type plan struct {
	now    time.Time
	weight float64
	pages  bool    // lists may be read
	lists  float64 // requests that read the lists of unfinished jobs
	rate   float64 // jobs that finish per second
	// sweep is set if it takes much fewer requests to read the lists of the unfinished jobs,
	// and then each job that they do not show, than to read all pages with jobs.
	sweep bool
}

// plan returns the plan for now.
func (w *watcher) plan(now time.Time) plan {
	w.rates.note(now)
	p := plan{now: now, pages: w.service.lists.allowed(now)}
	for _, s := range w.rates.statuses {
		p.rate += float64(s.jobs) * w.rates.rate(s, now)
	}
	cost, limit := float64(len(w.jobs)), w.set.limiter.PerSecond()
	if limit == 0 {
		limit = math.Inf(1)
	}
	if p.pages {
		pages, unknown, alone := w.count()
		if w.searchPays() { // and shows on which pages they are
			unknown = pagesOf(unknown)
		}
		cost = float64(pages + unknown + alone)
	}
	p.weight = max(weight, min(cost/limit, maxWeight))
	if cost <= 1 || !p.pages || !w.service.sweeps.allowed(now) {
		return p
	}
	for _, s := range w.rates.unfinished() {
		// The other jobs are forgotten with a half-life of a minute.
		others := float64(s.others) * math.Exp2(-now.Sub(s.counted).Minutes())
		p.lists += float64(max(pagesOf(s.jobs+int(others)), 1))
	}
	period := p.delay(cost, p.rate).Seconds()
	period = max(period, p.lists/max(limit-p.rate, 0.01)) // the reads have to pass the limiter too
	if p.lists+p.rate*period < cost*2/3 {
		p.sweep, p.weight = true, max(weight, min(p.lists/limit, maxWeight))
	}
	return p
}

// count returns the number of pages with jobs, of jobs whose rank is unknown, and of jobs
// that are alone.
func (w *watcher) count() (pages, unknown, alone int) {
	for _, b := range w.batches {
		switch {
		case b.number >= 0:
			pages++
		case b.unknown:
			unknown += len(b.jobs)
		default:
			alone++
		}
	}
	return pages, unknown, alone
}

// delay returns the delay if so many requests show jobs that finish at a rate.
func (p plan) delay(requests, rate float64) time.Duration {
	seconds := min(p.weight*math.Cbrt(requests/rate), 3600)
	return max(time.Duration(seconds*float64(time.Second)), minDelay)
}

// due returns when a batch is due.
func (w *watcher) due(b *batch, p plan) time.Time {
	rate, jobs := 0.0, len(b.jobs)-b.missing
	for s, n := range b.counts {
		rate += float64(n) * w.rates.rate(s, p.now)
	}
	requests := float64(jobs) // one by one
	switch {
	case jobs == 0:
		return p.now.Add(time.Hour) // they are read next anyway
	case b.errors > 0:
		return b.retry
	case w.source.Schedule() != nil:
		return latest(b.retry, b.oldest.next)
	case p.sweep:
		requests, rate = p.lists, p.rate
	case p.pages && b.number >= 0:
		requests = 1
	case p.pages && b.unknown:
		requests = float64(min(jobs, pagesOf(max(w.total, jobs))))
	}
	single := polling.Schedule{Jitter: -1} // for a job without others
	delay := min(p.delay(requests, rate), youth*single.Delay(p.now.Sub(b.born)))
	if len(w.jobs) == 1 && !w.rates.learned {
		delay = single.Delay(p.now.Sub(b.jobs[0].since))
	}
	return latest(b.retry, b.oldest.shown.Add(delay))
}
