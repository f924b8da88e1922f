package jobs

import "time"

// What the tests outside of the package need of its inside.

func ParseRetryAfter(header string, now time.Time) time.Duration { return parseRetryAfter(header, now) }

func Printable(s string, limit int) string { return printable(s, limit) }

func Discreet(text string) string { return discreet(text) }

func SameJSON(a, b []byte) bool { return sameJSON(a, b) }

const (
	MaxErrorMessage = maxErrorMessage
	MaxPages        = maxPages
	MaxStalePages   = maxStalePages
	MaxPageItems    = maxPageItems
)
