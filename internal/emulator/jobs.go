package emulator

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// jobTypes holds the types of jobs.
var jobTypes = map[string]*jobType{
	"squashAndMerge": {newTask: newMerge, retryable: true},
	"basicSearch":    {newTask: newSearch},
}

// A jobType is a type of jobs.
type jobType struct {
	// newTask returns the task of a job, or an error if the arguments are invalid.
	newTask   func(ds *dataset, arguments json.RawMessage) (task, error)
	retryable bool
}

func noJobType(name string) error { return invalid("There is no job type %q.", name) }

const (
	statusQueuing    = "QUEUING"
	statusProcessing = "PROCESSING"
	statusSuccess    = "SUCCESS"
	statusFailed     = "FAILED"
	statusAborted    = "ABORTED"
)

// finishedStatuses are the statuses of finished jobs. A job with any other status is
// unfinished.
var finishedStatuses = []string{statusSuccess, statusFailed, statusAborted}

// A job holds its current state and its past states.
type job struct {
	id          string
	order       uint64 // the number of the job
	dataset     *dataset
	jobType     string // its name
	retryable   bool
	title       string
	description string
	arguments   json.RawMessage
	task        task
	created     time.Time

	attempt   int
	run       Run
	stage     int       // the number of statuses of this run after QUEUING
	due       time.Time // of the next change of an unfinished job
	scheduled int       // index in the schedule
	jobState
	past []jobState // oldest first
}

// A jobState is the variable part of a job in a response.
type jobState struct {
	since        time.Time
	status       string
	started      time.Time // zero before the start
	finished     time.Time
	errorMessage string
	result       json.RawMessage
}

// A task is the work of a job, with valid arguments.
type task interface {
	// perform does the work and returns the result of the job. jobType.newTask has checked
	// the arguments, but the dataset may have changed since.
	perform(st *store, ds *dataset, now time.Time) (json.RawMessage, error)
}

// enqueue starts a run in the status QUEUING.
func (j *job) enqueue(run Run, now time.Time) {
	j.attempt++
	j.run = run
	j.stage = 0
	j.due = now.Add(max(run.Queuing, 0))
	j.setState(jobState{status: statusQueuing}, now)
}

// setState changes the state and keeps the previous one.
func (j *job) setState(next jobState, now time.Time) {
	if j.status != "" {
		j.past = append(j.past, j.jobState)
	}
	next.since = now
	j.jobState = next
}

// at returns the state at a time, nil if the job did not exist.
func (j *job) at(moment time.Time) *jobState {
	if !j.since.After(moment) {
		return &j.jobState
	}
	for i := len(j.past) - 1; i >= 0; i-- {
		if !j.past[i].since.After(moment) {
			return &j.past[i]
		}
	}
	return nil
}

// process enters the next of the stages between QUEUING and the end.
func (j *job) process(stages []string) {
	started := j.started
	if j.stage == 0 {
		started = j.due
	}
	j.setState(jobState{status: stages[j.stage], started: started}, j.due)
	j.due = j.due.Add(max(j.run.Processing, 0) / time.Duration(len(stages)))
	j.stage++
}

func (j *job) finish(status string, now time.Time) {
	j.setState(jobState{status: status, started: j.started, finished: now}, now)
}

func (j *job) isFinished() bool { return slices.Contains(finishedStatuses, j.status) }

// checkRetry returns an error if the job cannot run again.
func (j *job) checkRetry() error {
	switch {
	case !j.retryable:
		return invalid("A job of the type %s cannot be retried.", j.jobType)
	case j.status != statusFailed && j.status != statusAborted:
		return invalid("The job %s is %s: only %s and %s jobs can be retried.", j.id, j.status, statusFailed, statusAborted)
	}
	return nil
}

// wire returns the wire form of the job in a state. The result shares no variable fields with
// the job.
func (j *job) wire(s *jobState) server.Job {
	errorMessage := s.errorMessage
	return server.Job{
		Title:        j.title,
		JobID:        j.id,
		JobType:      &j.jobType,
		Arguments:    j.arguments,
		CreatedAt:    j.created.Unix(),
		StartedAt:    unixOrNil(s.started),
		FinishedAt:   unixOrNil(s.finished),
		Status:       s.status,
		ErrorMessage: &errorMessage,
		Result:       s.result,
		Description:  &j.description,
	}
}

func unixOrNil(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	seconds := t.Unix()
	return &seconds
}

// decodeArguments decodes the arguments of a job. The required ones must be set.
func decodeArguments(raw json.RawMessage, target any, required ...string) error {
	var members rawObject
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return invalid("The arguments are not an object.")
	}
	var absent []string
	for _, name := range required {
		if value := string(members[name]); value == "" || value == "null" || value == `""` {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return missing("The arguments lack %s.", strings.Join(absent, ", "))
	}
	if err := json.Unmarshal(raw, target); err != nil {
		return invalid("The arguments cannot be read: %v", err)
	}
	return nil
}

func mustMarshal(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	must(err)
	return encoded
}

// must panics for an error that is impossible.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
