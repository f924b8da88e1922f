package jobs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// Status is the status of a job. The service may add further values; such a status is
// neither success nor failure, and not finished.
type Status string

// The statuses of a job.
const (
	StatusQueuing    Status = "QUEUING"
	StatusProcessing Status = "PROCESSING"
	StatusSuccess    Status = "SUCCESS"
	StatusFailed     Status = "FAILED"
	StatusAborted    Status = "ABORTED"
)

// Finished reports whether the job has ended: it succeeded, failed or was aborted.
func (s Status) Finished() bool {
	return s == StatusSuccess || s == StatusFailed || s == StatusAborted
}

// String returns the status on one line of bounded length; an unknown status may be any text.
func (s Status) String() string { return redact.Sanitize(string(s), redact.MaxName) }

// Type is the type of a job. The service may add further values.
type Type string

// The types of jobs.
const (
	TypeSquashAndMerge Type = "squashAndMerge"
	TypeBasicSearch    Type = "basicSearch"
)

// String returns the type on one line of bounded length.
func (t Type) String() string { return redact.Sanitize(string(t), redact.MaxName) }

// Snapshot is the state of a job at one moment. A field other than ID and Status is zero if
// the response lacks it, or if its value is malformed; Raw holds the response.
type Snapshot struct {
	ID          string
	DatasetID   string
	Type        Type
	Title       string
	Description string
	Status      Status
	// CreatedAt, StartedAt and FinishedAt have a precision of one second. StartedAt and
	// FinishedAt are zero until the job starts and ends.
	CreatedAt, StartedAt, FinishedAt time.Time
	// ErrorMessage is the reason of a failure as the service wrote it; empty otherwise.
	ErrorMessage string
	// Arguments and Result are in their wire form. Result is nil until success. The methods
	// of the job types decode them. Do not change them.
	Arguments, Result json.RawMessage
	// Raw is the job in its wire form, byte for byte, including unknown fields. Do not change
	// it.
	Raw json.RawMessage
}

// newSnapshot decodes the wire form of a job. Only id and status are required, so that a
// response with another fault does not hide the end of the job. A response may lack the job
// type, which the caller knows.
func newSnapshot(raw []byte, dataset string, jobType Type) (*Snapshot, error) {
	var required struct {
		JobID  string `json:"jobId"`
		Status Status `json:"status"`
	}
	if err := decode(raw, &required); err != nil {
		return nil, err
	}
	if err := checkReceivedID("job id", required.JobID); err != nil {
		return nil, err
	}
	if required.Status == "" {
		return nil, invalidResponse("status of job %s is empty", required.JobID)
	}
	// Unmarshal decodes all other fields if the type of one does not match.
	var j gen.Job
	_ = json.Unmarshal(raw, &j)
	s := &Snapshot{
		ID:           required.JobID,
		DatasetID:    dataset,
		Type:         Type(cmp.Or(value(j.JobType), string(jobType))),
		Title:        j.Title,
		Description:  value(j.Description),
		Status:       required.Status,
		CreatedAt:    fromSeconds(j.CreatedAt),
		StartedAt:    fromSeconds(value(j.StartedAt)),
		FinishedAt:   fromSeconds(value(j.FinishedAt)),
		ErrorMessage: value(j.ErrorMessage),
		Arguments:    j.Arguments,
		Result:       j.Result,
		Raw:          raw,
	}
	if s.Type != jobType {
		return s, fmt.Errorf("%w: job %s is of type %q, not %q", errOtherType, s.ID, s.Type, jobType)
	}
	if string(s.Result) == "null" {
		s.Result = nil
	}
	return s, nil
}

// readSnapshot decodes the response to a request for one job.
func readSnapshot(body []byte, dataset string, jobType Type, id string) (*Snapshot, error) {
	s, err := newSnapshot(body, dataset, jobType)
	if err == nil && s.ID != id {
		err = invalidResponse("it describes job %s", s.ID)
	}
	return s, err
}

var errOtherType = fmt.Errorf("%w: other job type", ErrInvalidResponse)

// sameRun reports whether s shows the run of before. A run whose end is unknown is identified
// by its start. If its start is unknown as well, it may have started and failed since.
func (s *Snapshot) sameRun(before *Snapshot) bool {
	switch {
	case before.Status.Finished() && (s.Status != before.Status || !s.FinishedAt.Equal(before.FinishedAt)):
		return false
	case !before.Status.Finished() && before.StartedAt.IsZero() && s.Status.Finished():
		return s.Status != StatusSuccess
	}
	return s.StartedAt.Equal(before.StartedAt)
}

// outcome returns the error of a finished job, or nil after success.
func (s *Snapshot) outcome() error {
	if s.Status == StatusSuccess {
		return nil
	}
	return &JobError{Job: *s}
}

// MarshalJSON returns the job in its wire form. [Job.MarshalJSON] saves a job.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	if s.Raw == nil {
		return []byte("null"), nil
	}
	return s.Raw, nil
}

// String returns the id and the status of the job.
func (s Snapshot) String() string { return "job " + s.ID + " (" + s.Status.String() + ")" }

// GoString returns the id, type and status for %#v. The wire form is left out.
func (s Snapshot) GoString() string {
	return fmt.Sprintf("jobs.Snapshot{ID:%q, Type:%q, Status:%q}", s.ID, s.Type.String(), s.Status.String())
}

// LogValue returns a group without the wire form, which is long.
func (s Snapshot) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("id", s.ID), slog.String("title", sanitize(s.Title)), slog.String("dataset", s.DatasetID),
		slog.String("type", s.Type.String()), slog.String("status", s.Status.String()), slog.Time("created", s.CreatedAt),
	}
	if !s.StartedAt.IsZero() {
		attrs = append(attrs, slog.Time("started", s.StartedAt))
	}
	if !s.FinishedAt.IsZero() {
		attrs = append(attrs, slog.Time("finished", s.FinishedAt))
	}
	if s.ErrorMessage != "" {
		attrs = append(attrs, slog.String("error_message", s.reason()))
	}
	return slog.GroupValue(attrs...)
}

// reason returns the error message on one line, without secrets.
func (s Snapshot) reason() string { return sanitize(s.ErrorMessage) }

// A JobError describes a job that ended without success.
type JobError struct {
	// Job is the job at its end.
	Job Snapshot
}

// Error returns the id of the job, how it ended, and the reason that the service gives.
func (e *JobError) Error() string {
	if e.Job.Status == StatusAborted {
		return fmt.Sprintf("job %s was aborted", e.Job.ID)
	}
	return fmt.Sprintf("job %s failed: %s", e.Job.ID, cmp.Or(e.Job.reason(), "the service gave no reason"))
}

// Is matches [ErrJobFailed] or [ErrJobAborted].
func (e *JobError) Is(target error) bool {
	return target == ErrJobFailed && e.Job.Status == StatusFailed ||
		target == ErrJobAborted && e.Job.Status == StatusAborted
}

// LogValue returns a group with the job and the error.
func (e *JobError) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("job", e.Job), slog.String("error", e.Error()))
}
