package watcher

import (
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A service is what polls have shown of the health of the service.
type service struct {
	failures    int           // polls in a row that failed
	failedAt    time.Time     // when the last of them returned
	failedAlone bool          // the last of them read one job
	latest      *job          // the job that was shown last; nil if it has no waits any more
	rtt         time.Duration // of a slow request, forgotten slowly
	hold        time.Time     // no poll before, except final polls
	retryAfter  time.Time     // no poll before, as the service asks
	lists       avoided       // all lists
	sweeps      avoided       // the lists of unfinished jobs
	ranks       avoided       // pages, if they do not show the jobs of their ranks
}

// outageAfter is the number of failures in a row after which an outage is assumed. Then
// one poll at a time tries.
const outageAfter = 3

// maxRetryAfter caps what the service asks for.
const maxRetryAfter = time.Minute

func (s *service) outage() bool { return s.failures >= outageAfter }

// pages reports whether pages may be read by rank.
func (s *service) pages(now time.Time) bool { return s.lists.allowed(now) && s.ranks.allowed(now) }

func (s *service) notBefore() time.Time { return latest(s.hold, s.retryAfter) }

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

func (s *service) succeeded() { s.failures, s.hold = 0, time.Time{} }

// took notes how long a poll took. A single slow one counts for no more than three others.
func (s *service) took(d time.Duration) {
	s.rtt = max(min(d, max(3*s.rtt, 2*time.Second)), s.rtt*9/10, 1)
}

func backoff(errors int) time.Duration { return polling.Backoff{}.Delay(errors) }

// avoided is a kind of request that does not work and is tried again after a while: one
// second, doubling up to one minute.
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
		exponent = 2 * a.errors
	}
	if exponent >= 0 {
		a.until = now.Add(min(time.Second<<min(exponent, 10), time.Minute))
	}
}

func (a *avoided) succeeded() { *a = avoided{} }
