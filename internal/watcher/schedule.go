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
	maxWeight = 2.5 // under a rate limit
	youth     = 3   // a delay is at most so many times that of a job without others
	minDelay  = 200 * time.Millisecond
)

// rates estimate how fast jobs finish, by their status, from the recent past.
type rates struct {
	statuses     []*status
	first, noted time.Time
	born         time.Time // of the youngest job
	learned      bool      // a job has finished recently
}

// A status is one of unfinished jobs. It has no name if it is not known.
type status struct {
	name  string
	jobs  int     // with waits
	ended float64 // jobs that finished recently
	time  float64 // seconds that jobs recently had it, all together
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
		return s.jobs == 0 && s.ended < enough
	})
}

// enough is the number of recently finished jobs that an estimate needs.
const enough = 0.03

// rate estimates the rate at which a job finishes, in jobs per second. Half a job is added
// to those that finished (the prior of Jeffreys), and the age of the youngest one to the
// time. Jobs that queue hardly ever finish if others do.
func (r *rates) rate(s *status) float64 {
	prior := 0.5
	if r.learned && s.ended < enough {
		prior = 0.02
	}
	return (s.ended + prior) / (s.time + max(r.noted.Sub(r.born).Seconds(), 0.1))
}

// A plan holds the present cost of polls, from which the delays follow.
type plan struct {
	weight float64 // of the delays
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
	p := plan{weight: weight, pages: !w.service.lists.retry.After(now)}
	for _, s := range w.rates.statuses {
		p.rate += float64(s.jobs) * w.rates.rate(s)
		p.lists += float64(pagesOf(s.jobs))
	}
	cost := float64(len(w.jobs))
	if p.pages {
		unknown := w.unknown()
		if w.searchPays() { // and shows on which pages they are
			unknown = pagesOf(unknown)
		}
		cost = float64(unknown)
		for _, b := range w.batches {
			if !b.unknown {
				cost++
			}
		}
	}
	if limit := w.set.limiter.PerSecond(); limit > 0 { // it bounds the polls of many pages anyway
		p.weight = max(weight, min(cost/limit, maxWeight))
	}
	if cost <= 1 || !p.pages || w.service.outage() || w.service.sweeps.retry.After(now) {
		return p
	}
	period := p.delay(cost, p.rate).Seconds()
	if p.lists+p.rate*period < cost*2/3 {
		p.sweep = true
	}
	return p
}

// delay returns the delay if so many requests show jobs that finish at a rate.
func (p plan) delay(requests, rate float64) time.Duration {
	seconds := min(p.weight*math.Cbrt(requests/rate), 3600)
	return max(time.Duration(seconds*float64(time.Second)), minDelay)
}

// delayAlone returns the delay for a job without others after some time.
func (w *watcher) delayAlone(elapsed time.Duration) time.Duration {
	s := w.source.Schedule()
	if s == nil {
		s = &polling.Schedule{}
	}
	return s.Delay(elapsed)
}

// due returns when a batch is due.
func (w *watcher) due(b *batch, p plan) time.Time {
	if b.errors > 0 || b.missing > 0 {
		return b.retry
	}
	if w.source.Schedule() != nil || len(w.jobs) == 1 && !w.rates.learned {
		return latest(b.retry, b.next)
	}
	requests, rate := float64(len(b.jobs)), 0.0 // one by one
	for s, n := range b.counts {
		rate += float64(n) * w.rates.rate(s)
	}
	switch {
	case p.sweep:
		requests, rate = p.lists, p.rate
	case p.pages && b.number >= 0:
		requests = 1
	case p.pages && b.unknown:
		requests = min(requests, float64(pagesOf(max(w.list.total, len(b.jobs)))))
	}
	shown := b.oldest.shown
	return latest(b.retry, shown.Add(min(p.delay(requests, rate), youth*b.next.Sub(shown))))
}
