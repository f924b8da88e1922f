package watcher

import (
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// failures counts errors in a row of one kind of poll, and holds when to poll again: at once
// after the first two, since single errors are common.
type failures struct {
	errors int
	retry  time.Time
}

func (f *failures) add(n int, now time.Time) {
	f.errors += n
	f.retry = now.Add(polling.Backoff{}.Delay(f.errors - 1))
}

// A service records the health of the service, as polls have shown it.
type service struct {
	failures                 // of all polls; they do not delay final polls
	failedAt   time.Time     // when the last of them returned
	rtt        time.Duration // of a slow poll, forgotten slowly
	retryAfter time.Time     // no poll before, as the service asks
	lists      failures      // of all lists
	sweeps     failures      // of the lists of unfinished jobs
}

const (
	outageAfter   = 3           // failures in a row
	refused       = 3           // a list that is refused counts as so many errors
	maxRetryAfter = time.Minute // caps what the service asks for
)

func (s *service) outage() bool { return s.errors >= outageAfter }

// lead returns how long before a deadline the final poll is sent: it returns in time, and
// shows what happened up to half a round trip after it was sent. A poll that is sent earlier
// by no more than slack does as well.
func (s *service) lead() (lead, slack time.Duration) {
	const margin = 5 * time.Millisecond // timers and goroutines may be late by that
	rtt := s.rtt
	if rtt == 0 {
		rtt = 100 * time.Millisecond
	}
	return rtt*3/2 + margin, max(rtt/2-margin, margin)
}
