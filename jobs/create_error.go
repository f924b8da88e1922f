package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A CreateError is a job of which nobody can tell whether it was created: it is
// [ErrAmbiguous]. It carries what tells the job in a list of jobs, so that
// whoever gets it can look:
//
//	var unsure *jobs.CreateError
//	if errors.As(err, &unsure) {
//		for job, err := range ds.SquashAndMerge().List(ctx, jobs.ListOptions{}) {
//			if err == nil && unsure.Matches(job.Snapshot()) { ... }
//		}
//	}
//
// With [WithCreateRecovery] the client has looked already, and could not tell.
type CreateError struct {
	// DatasetID, Type, Title and Arguments are those of the job; the arguments
	// are in their wire form.
	DatasetID string
	Type      Type
	Title     string
	Arguments json.RawMessage
	// Since is when Create began, by the clock of this machine.
	Since time.Time
	// Looks is how often the client looked for the job; 0 without
	// WithCreateRecovery.
	Lookups int
	// Found are the ids of the jobs that may be the one, where there are
	// several.
	Found []string
	// Err is the [*Error] of the request. It is what Unwrap returns.
	Err error

	lookupErr error // of the last look
}

// Error says which job it is about, what came of the request, and what to do.
func (e *CreateError) Error() string {
	text := fmt.Sprintf("create %s job %q of dataset %s: %v", e.Type, sanitize(e.Title, maxErrorMessage), e.DatasetID, e.Err)
	switch {
	case len(e.Found) > 0:
		return text + fmt.Sprintf("; %d jobs fit, look which is yours: %s", len(e.Found), strings.Join(e.Found, ", "))
	case e.lookupErr != nil:
		return text + fmt.Sprintf("; the last of %d looks for it failed: %v", e.Lookups, e.lookupErr)
	case e.Lookups > 0:
		return text + fmt.Sprintf("; it was not found in %d looks, and may still show", e.Lookups)
	}
	return text
}

// Unwrap returns the error of the request.
func (e *CreateError) Unwrap() error { return e.Err }

// clockSkew is how far the clock of the service may be behind ours. Its times
// are whole seconds besides.
const clockSkew = 5 * time.Second

// Matches reports whether a job may be the one: it is of the same type, title
// and arguments, and not older than Create, give or take what two clocks may
// differ by. A job that another program created with the same arguments at the
// same time matches too.
func (e *CreateError) Matches(job Snapshot) bool {
	return job.Type == e.Type && job.Title == e.Title && !e.olderThan(job) && sameJSON(job.Arguments, e.Arguments)
}

func (e *CreateError) olderThan(job Snapshot) bool {
	return job.CreatedAt.Before(e.Since.Add(-clockSkew).Truncate(time.Second))
}

// key is the same for creates of the same job.
func (e *CreateError) key() string {
	arguments, _ := canonical(e.Arguments)
	return fmt.Sprintf("%q %q %q %s", e.DatasetID, e.Type, e.Title, arguments)
}

// sameJSON compares two values regardless of the order of keys, of white space
// and of how numbers and strings are written.
func sameJSON(a, b []byte) bool {
	x, okX := canonical(a)
	y, okY := canonical(b)
	return okX && okY && x == y
}

// canonical writes a value in the one form that all equal values share.
func canonical(raw []byte) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return "", false
	}
	var b strings.Builder
	writeCanonical(&b, v)
	return b.String(), true
}

func writeCanonical(b *strings.Builder, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(strconv.Quote(key) + ":")
			writeCanonical(b, v[key])
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for _, item := range v {
			writeCanonical(b, item)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	case string:
		b.WriteString(strconv.Quote(v))
	case json.Number:
		b.WriteString(canonicalNumber(v))
	default:
		fmt.Fprint(b, v) // true, false or nil
	}
}

// canonicalNumber keeps integers exact. What is none and fits no float either
// stays as it is written.
func canonicalNumber(n json.Number) string {
	if i, err := n.Int64(); err == nil {
		return strconv.FormatInt(i, 10)
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	if i := int64(f); f >= -1<<53 && f <= 1<<53 && float64(i) == f {
		return strconv.FormatInt(i, 10)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
