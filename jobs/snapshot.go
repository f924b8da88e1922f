package jobs

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Status is how far a job is. The service may add others than those named
// here; such a status is neither success nor failure nor the end.
type Status string

// The statuses of a job.
const (
	StatusQueuing    Status = "QUEUING"
	StatusProcessing Status = "PROCESSING"
	StatusSuccess    Status = "SUCCESS"
	StatusFailed     Status = "FAILED"
	StatusAborted    Status = "ABORTED"
)

// Finished reports whether the job has ended: with success, failed or aborted.
func (s Status) Finished() bool {
	return s == StatusSuccess || s == StatusFailed || s == StatusAborted
}

// String is the status on one line of bounded length, since a status that is not
// named here may be any text.
func (s Status) String() string { return sanitize(string(s), maxErrorCode) }

// A Type is what a job does. The service may add others than those named here.
type Type string

// The types of jobs.
const (
	TypeSquashAndMerge Type = "squashAndMerge"
	TypeBasicSearch    Type = "basicSearch"
)

// String is the type on one line of bounded length.
func (t Type) String() string { return sanitize(string(t), maxErrorCode) }

// A Snapshot is a job as it was at one moment.
type Snapshot struct {
	ID          string
	Type        Type
	Title       string
	Description string
	Status      Status
	// CreatedAt, StartedAt and FinishedAt have the precision of a second. The
	// latter two are zero until they happened.
	CreatedAt, StartedAt, FinishedAt time.Time
	// ErrorMessage is why the job failed; empty otherwise.
	ErrorMessage string
	// Arguments and Result in their wire form; Result is nil until success.
	// The job types decode them: see [SquashAndMergeJob.Arguments].
	Arguments, Result json.RawMessage
	// Raw is the whole job in its wire form, byte for byte, with whatever the
	// service has added since this package was made. Do not change it.
	Raw json.RawMessage
}

// newSnapshot adapts the wire form of a job. Answers may lack the type, which
// whoever asked knows.
func newSnapshot(raw []byte, of Type) (*Snapshot, error) {
	var j gen.Job
	if err := decode(raw, &j); err != nil {
		return nil, err
	}
	if err := checkID("job id", j.JobID); err != nil {
		return nil, invalidResponse("%v", err)
	}
	if j.Status == "" {
		return nil, invalidResponse("status of job %s is empty", j.JobID)
	}
	s := &Snapshot{
		ID:           j.JobID,
		Type:         Type(orDefault(value(j.JobType), string(of))),
		Title:        j.Title,
		Description:  value(j.Description),
		Status:       Status(j.Status),
		CreatedAt:    fromSeconds(float64(j.CreatedAt)),
		StartedAt:    fromSeconds(float64(value(j.StartedAt))),
		FinishedAt:   fromSeconds(float64(value(j.FinishedAt))),
		ErrorMessage: value(j.ErrorMessage),
		Arguments:    j.Arguments,
		Result:       j.Result,
		Raw:          raw,
	}
	if s.Type != of {
		return nil, fmt.Errorf("%w: job %s is of type %q, not %q", errOtherType, s.ID, s.Type, of)
	}
	if string(s.Result) == "null" {
		s.Result = nil
	}
	return s, nil
}

// MarshalJSON returns the job in its wire form: what [Jobs.Resume] reads.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	if s.Raw == nil {
		return []byte("null"), nil
	}
	return s.Raw, nil
}

var errOtherType = fmt.Errorf("%w: other job type", ErrInvalidResponse)
