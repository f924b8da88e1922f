package jobs

import (
	"fmt"
	"log/slog"
	"time"
)

// What a log record shows of the values of this package: what tells them apart,
// and neither a key nor a URL. The wire form of a job stays out as well: it is
// long, and its arguments are the user's own.

// LogValue is the group that a log record shows.
func (e *Error) LogValue() slog.Value {
	attrs := append(e.about(), slog.String("error", e.Error()))
	if e.ambiguous {
		attrs = append(attrs, slog.Bool("ambiguous", true))
	}
	return slog.GroupValue(attrs...)
}

func (e *Error) about() []slog.Attr {
	return []slog.Attr{
		slog.String("operation", e.Operation), slog.String("path", e.Path), slog.Int("attempt", e.Attempts),
		slog.Int("status", e.StatusCode), slog.String("code", e.Code), slog.String("request_id", e.RequestID),
	}
}

// LogValue is the group that a log record shows.
func (s Snapshot) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("id", s.ID), slog.String("type", s.Type.String()), slog.String("status", s.Status.String()),
		slog.Time("created", s.CreatedAt),
	}
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"started", s.StartedAt}, {"finished", s.FinishedAt}} {
		if !t.at.IsZero() {
			attrs = append(attrs, slog.Time(t.name, t.at))
		}
	}
	if s.ErrorMessage != "" {
		attrs = append(attrs, slog.String("error_message", s.reason()))
	}
	return slog.GroupValue(attrs...)
}

// String names the job by its id and status.
func (s Snapshot) String() string { return "job " + s.ID + " (" + s.Status.String() + ")" }

// GoString is what %#v shows: it leaves out the wire form.
func (s Snapshot) GoString() string {
	return fmt.Sprintf("jobs.Snapshot{ID:%q, Type:%q, Status:%q}", s.ID, s.Type.String(), s.Status.String())
}

// LogValue is the group that a log record shows.
func (j *Job) LogValue() slog.Value { return j.Snapshot().LogValue() }

// LogValue is the group that a log record shows.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Any("job", e.Job), slog.Int("look", e.Poll), slog.Duration("elapsed", e.Elapsed)}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", redact(e.Err.Error())))
	}
	return slog.GroupValue(attrs...)
}

// LogValue is the group that a log record shows.
func (e *JobError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("job", e.Job), slog.String("error", e.Error()))
}

// LogValue is the group that a log record shows.
func (e *WaitError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("job", e.Job), slog.Int("looks", e.Polls), slog.Duration("elapsed", e.Elapsed),
		slog.String("error", e.Error()))
}

// LogValue is the group that a log record shows.
func (e *CreateError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("dataset", e.DatasetID), slog.String("type", e.Type.String()), slog.Time("since", e.Since),
		slog.Int("looks", e.Lookups), slog.Any("found", e.Found), slog.String("error", e.Error()))
}
