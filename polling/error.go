package polling

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrOutage is the reason of an [Error] if all polls failed for
	// [Options.MaxOutage].
	ErrOutage = errors.New("max outage exceeded")
	// ErrPollTimeout is the error of a poll that took longer than
	// [Options.Timeout].
	ErrPollTimeout = errors.New("poll timed out")
	// ErrInvalidOptions is the error of a wait with an option out of range. The
	// error text names the option. Nothing was polled.
	ErrInvalidOptions = errors.New("invalid options")
)

// Error reports that a wait ended early.
type Error struct {
	// Reason is the error of ctx, [ErrOutage], or a [Permanent] error.
	Reason error
	// Last is the error of the last poll. It is nil if that poll succeeded or if
	// there was no poll.
	Last error
	// Polls is the number of polls.
	Polls int
	// Elapsed is the duration of the wait.
	Elapsed time.Duration
}

// Error returns the duration, the number of polls, the reason, and the error of the
// last poll.
func (e *Error) Error() string {
	polls := fmt.Sprintf("%d polls", e.Polls)
	if e.Polls == 1 {
		polls = "1 poll"
	}
	text := fmt.Sprintf("wait ended after %v and %s: %v", e.Elapsed.Round(time.Millisecond), polls, e.Reason)
	if e.Last != nil && !errors.Is(e.Reason, e.Last) {
		text += fmt.Sprintf("; the last poll failed: %v", e.Last)
	}
	return text
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

// Permanent marks an error as one that ends the wait, because further polls would
// return it again. Permanent(nil) returns nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }
