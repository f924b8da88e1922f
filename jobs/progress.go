package jobs

import (
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/watcher"
)

// Progress holds the newest [Event] of each job whose wait has [WithProgress]. Use it to show
// many jobs while [WaitAll] or [WaitSeq] blocks. The zero value is ready for use. A Progress is
// safe for concurrent use and must not be copied.
type Progress struct {
	mu     sync.Mutex
	jobs   []*Job // in the order in which the waits began
	latest map[*Job]progressEvent
}

type progressEvent struct {
	Event
	at    time.Time
	ended bool
}

// WithProgress records the events of a wait in p.
func WithProgress(p *Progress) WaitOption {
	return func(o *waitOptions) error {
		if p == nil {
			return invalid("progress is nil: leave the option out")
		}
		o.progress = p
		return nil
	}
}

// Events returns the newest event of each job, in the order in which the waits began. Elapsed
// and Next are those at the time of the call. Next is zero if the wait has ended or a poll is
// due.
func (p *Progress) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return convert(p.jobs, func(j *Job) Event {
		e := p.latest[j]
		if since := time.Since(e.at); !e.ended {
			e.Elapsed += since
			e.Next = max(0, e.Next-since)
		}
		return e.Event
	})
}

// record stores an event of a wait. A nil Progress ignores it.
func (p *Progress) record(j *Job, e Event, ended bool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.latest == nil {
		p.latest = map[*Job]progressEvent{}
	}
	if _, known := p.latest[j]; !known {
		p.jobs = append(p.jobs, j)
	}
	p.latest[j] = progressEvent{e, time.Now(), ended}
}

// recorder returns a function that stores events of a wait and passes them to event. Both the
// result and event may be nil.
func (p *Progress) recorder(j *Job, event func(watcher.Event)) func(watcher.Event) {
	if p == nil {
		return event
	}
	began := time.Now()
	p.record(j, Event{Job: j.Snapshot()}, false)
	return func(e watcher.Event) {
		p.record(j, Event{Job: j.Snapshot(), Err: e.Err, Poll: e.Poll, Elapsed: time.Since(began), Next: e.Next}, false)
		if event != nil {
			event(e)
		}
	}
}
