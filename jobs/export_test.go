package jobs

import "github.com/graviti-ai/tensorbay-jobs-go/internal/transport"

// Internals that the tests of package jobs_test use.

// StateOf returns whether the request of an error took effect: not sent, refused or unknown.
func StateOf(e *Error) string {
	return map[transport.State]string{
		transport.NotSent: "not sent", transport.Refused: "refused", transport.Unknown: "unknown",
	}[e.outcome.State]
}

// ReplaceOldest is the queue of the events of a Watch.
var ReplaceOldest = replaceOldest
