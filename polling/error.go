package polling

import (
	"errors"
	"fmt"
	"time"
)

// ErrPatience is the reason of an [Error] when nothing but errors was seen for
// the whole of [Options.Patience].
var ErrPatience = errors.New("out of patience")

// ErrLookTimeout is the error of a look that took longer than
// [Options.Timeout].
var ErrLookTimeout = errors.New("look timed out")

// An Error says why a wait ended before it saw the end.
type Error struct {
	// Reason is the error of ctx, [ErrPatience], or the error that a look
	// called [Permanent]. It is what Unwrap returns.
	Reason error
	// Last is the error of the last look; nil when that look was good.
	Last error
	// Looks is how many looks were taken.
	Looks int
	// Elapsed is how long the wait lasted.
	Elapsed time.Duration
}

// Error says the reason, how long the wait was, and the last look's error.
func (e *Error) Error() string {
	text := fmt.Sprintf("wait ended after %v and %s: %v", e.Elapsed.Round(time.Millisecond), count(e.Looks, "look"), e.Reason)
	if e.Last != nil && !errors.Is(e.Reason, e.Last) {
		text += fmt.Sprintf("; the last look failed: %v", e.Last)
	}
	return text
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Reason }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Permanent marks an error of a look as one that no further look can mend: the
// wait ends with it. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }
