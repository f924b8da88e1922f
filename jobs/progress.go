package jobs

import "sync"

// Progress holds the newest [Event] of each job whose wait has [WithProgress]. Use it to show
// many jobs while [WaitAll] or [WaitSeq] blocks. The zero value is ready for use. A Progress is
// safe for concurrent use and must not be copied.
type Progress struct {
	mu     sync.Mutex
	jobs   []*Job // in the order in which the waits began
	newest map[*Job]Event
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

// Events returns the newest event of each job, in the order in which the waits began. Before
// its first poll, a job has an event with Poll zero.
func (p *Progress) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return convert(p.jobs, func(j *Job) Event { return p.newest[j] })
}

// record stores an event. A nil Progress ignores it.
func (p *Progress) record(j *Job, e Event) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest == nil {
		p.newest = map[*Job]Event{}
	}
	if _, known := p.newest[j]; !known {
		p.jobs = append(p.jobs, j)
	}
	p.newest[j] = e
}
