package jobstest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const (
	squashAndMerge = "squashAndMerge"
	basicSearch    = "basicSearch"
)

const (
	statusQueuing    = "QUEUING"
	statusProcessing = "PROCESSING"
	statusSuccess    = "SUCCESS"
	statusFailed     = "FAILED"
	statusAborted    = "ABORTED"
)

// A job and where it stands.
type job struct {
	id          string
	order       uint64 // of creation
	dataset     *dataset
	jobType     string
	title       string
	description string
	arguments   json.RawMessage
	task        task
	created     time.Time

	attempt   int
	run       Run
	due       time.Time // when it changes next, while it is unfinished
	scheduled int       // where it stands in the schedule
	state
	past []state // what it was before, oldest first
}

// A state is what changes about a job that others see.
type state struct {
	since        time.Time
	status       string
	started      time.Time // zero: not yet
	finished     time.Time
	errorMessage string
	result       json.RawMessage
}

// A task is what a job does: its arguments, checked.
type task interface {
	// perform does it and returns the result of the job. What can be wrong
	// was found when the job was created.
	perform(st *store, ds *dataset, now time.Time) json.RawMessage
}

// newTask checks the arguments of a job.
func newTask(ds *dataset, jobType string, arguments json.RawMessage) (task, error) {
	switch jobType {
	case squashAndMerge:
		return newMerge(ds, arguments)
	case basicSearch:
		return newSearch(ds, arguments)
	}
	return nil, invalid("There is no job type %q.", jobType)
}

// enqueue begins a run and forgets the one before.
func (j *job) enqueue(run Run, now time.Time) {
	j.attempt++
	j.run = run
	j.due = now.Add(max(run.Queuing, 0))
	j.become(state{status: statusQueuing}, now)
}

// become changes the state at a moment, and remembers the one before.
func (j *job) become(next state, now time.Time) {
	if j.status != "" {
		j.past = append(j.past, j.state)
	}
	next.since = now
	j.state = next
}

// at is the state at a moment; nil where the job was not there.
func (j *job) at(moment time.Time) *state {
	if !j.since.After(moment) {
		return &j.state
	}
	for i := len(j.past) - 1; i >= 0; i-- {
		if !j.past[i].since.After(moment) {
			return &j.past[i]
		}
	}
	return nil
}

func (j *job) process() {
	j.become(state{status: statusProcessing, started: j.due}, j.due)
	j.due = j.due.Add(max(j.run.Processing, 0))
}

func (j *job) finish(status string, now time.Time) {
	j.become(state{status: status, started: j.started, finished: now}, now)
}

func (j *job) isFinished() bool { return j.status != statusQueuing && j.status != statusProcessing }

// mayRetry tells why a job cannot run again.
func (j *job) mayRetry() error {
	switch {
	case j.jobType != squashAndMerge:
		return invalid("Only %s jobs can be retried.", squashAndMerge)
	case j.status != statusFailed && j.status != statusAborted:
		return invalid("The job %s is %s: only %s and %s jobs can be retried.", j.id, j.status, statusFailed, statusAborted)
	}
	return nil
}

// wire returns the job in one of its states as get and list answer it. It leaves jobType out, as
// the service may: a client that needs it knows it, it had to ask with it. The
// answer shares nothing that changes with the job.
func (j *job) wire(s *state) server.Job {
	errorMessage := s.errorMessage
	return server.Job{
		Title:        j.title,
		JobID:        j.id,
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

// decodeArguments reads the arguments of a job and wants all the required ones.
func decodeArguments(raw json.RawMessage, into any, required ...string) error {
	var members rawObject
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return invalid("The arguments are not an object.")
	}
	var absent []string
	for _, name := range required {
		if value, ok := members[name]; !ok || string(value) == "null" {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return missing("The arguments lack %s.", strings.Join(absent, ", "))
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return invalid("The arguments cannot be read: %v", err)
	}
	return nil
}

func mustMarshal(value any) json.RawMessage {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err) // only for values that this package builds
	}
	return encoded
}
