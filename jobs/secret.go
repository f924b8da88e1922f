package jobs

import (
	"errors"
	"regexp"
	"strings"
)

// A secret is an access key or a signed URL, or what may hold one. It lies in a closure because no
// format verb and no encoder looks inside a func, however deep the value that
// carries it is buried.
type secret struct{ reveal func() string }

func newSecret(s string) secret { return secret{func() string { return s }} }

// text is the secret; nothing for the zero value.
func (s secret) text() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

var (
	keyInText   = regexp.MustCompile(`(Accesskey-|ACCESSKEY-)[0-9A-Za-z_-]+`)
	queryInText = regexp.MustCompile(`(?i)(https?:[^\s?"'<>]*)\?[^\s"'<>]*`)
)

// discreet takes access keys and the queries of URLs out of a text that
// somebody else wrote: a service may repeat what it refused, and a RoundTripper
// may tell which request it gave up.
func redact(text string) string {
	if strings.Contains(text, "ccesskey-") || strings.Contains(text, "CCESSKEY-") {
		text = keyInText.ReplaceAllString(text, "$1...")
	}
	if strings.Contains(text, "?") {
		text = queryInText.ReplaceAllString(text, "$1?...")
	}
	return text
}

// discreetly returns an error that says no secret, and is what it was for
// errors.Is and errors.As.
func redactError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := redact(text); clean != text {
		return &redacted{clean, func() error { return err }}
	}
	return err
}

// redacted has no Unwrap: what is inside has the secret in its text.
type redacted struct {
	text  string
	inner func() error
}

func (e *redacted) Error() string        { return e.text }
func (e *redacted) Is(target error) bool { return errors.Is(e.inner(), target) }
func (e *redacted) As(target any) bool   { return errors.As(e.inner(), target) }
