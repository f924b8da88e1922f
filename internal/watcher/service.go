package watcher

import (
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A service is what polls have shown of the health of the service.
type service struct {
	failures   int           // polls in a row that failed
	failedAt   time.Time     // when the last of them returned
	latest     *job          // the job that was shown last; nil if it has no waits any more
	rtt        time.Duration // of a slow poll, forgotten slowly
	hold       time.Time     // no poll before, except final polls
	retryAfter time.Time     // no poll before, as the service asks
	lists      avoided       // all lists
	sweeps     avoided       // the lists of unfinished jobs
}

const (
	outageAfter   = 3           // failures in a row; then one poll at a time tries
	maxRetryAfter = time.Minute // caps what the service asks for
)

func (s *service) outage() bool { return s.failures >= outageAfter }

// failed notes a poll that failed. Polls that were under way together count once.
func (s *service) failed(began, now time.Time) {
	if s.failures == 0 || began.After(s.failedAt) {
		s.failures++
		s.failedAt = now
	}
	if s.outage() {
		s.hold = now.Add(backoff(s.failures))
	}
}

// succeeded notes a poll that succeeded.
func (s *service) succeeded(rtt time.Duration) {
	s.failures, s.hold = 0, time.Time{}
	s.rtt = max(rtt, s.rtt*9/10, 1)
}

func backoff(errors int) time.Duration { return polling.Backoff{}.Delay(errors) }

// avoided is a kind of request that does not work. It is tried again after a second, and
// after twice the time for each further error, up to a minute.
type avoided struct {
	errors int // in a row
	until  time.Time
}

func (a *avoided) allowed(now time.Time) bool { return !now.Before(a.until) }

// failed notes an error. A refusal counts more than an error that may pass.
func (a *avoided) failed(refused bool, now time.Time) {
	a.errors++
	exponent := a.errors - outageAfter
	if refused {
		exponent = 2 * (a.errors - 1)
	}
	if exponent >= 0 {
		a.until = now.Add(min(time.Second<<min(exponent, 10), time.Minute))
	}
}

// lead returns how long before a deadline the final poll is sent: it returns in time, and
// shows what happened up to half a round trip after it was sent. A poll that is sent earlier
// by no more than slack does as well.
func (w *watcher) lead() (lead, slack time.Duration) {
	const margin = 5 * time.Millisecond // timers and goroutines may be late by that
	rtt := w.service.rtt
	if rtt == 0 {
		rtt = 100 * time.Millisecond
	}
	return rtt*3/2 + margin, max(rtt/2-margin, margin)
}
