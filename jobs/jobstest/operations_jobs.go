package jobstest

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

func (a *api) CreateJob(_ context.Context, request server.CreateJobRequestObject) (server.CreateJobResponseObject, error) {
	j, err := a.newJob(request.DatasetID, request.Body)
	if err != nil {
		return nil, err
	}
	run := a.script(j, 1)
	now := a.lock()
	defer a.unlock()
	a.store.addJob(j, run, now)
	return server.CreateJob200JSONResponse{JobCreatedJSONResponse: server.JobCreatedJSONResponse{
		JobID: j.id, CreatedAt: j.created.Unix(),
	}}, nil
}

// newJob makes a job that has not been added yet.
func (a *api) newJob(datasetID string, body *server.CreateJobJSONRequestBody) (*job, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(datasetID)
	switch {
	case err != nil:
		return nil, err
	case body.Title == "":
		return nil, missing("The title is missing.")
	case body.JobType == "":
		return nil, missing("The jobType is missing.")
	case body.Arguments == nil:
		return nil, missing("The arguments are missing.")
	}
	task, err := newTask(ds, body.JobType, body.Arguments)
	if err != nil {
		return nil, err
	}
	j := &job{
		id:        newID(),
		dataset:   ds,
		jobType:   body.JobType,
		title:     body.Title,
		arguments: bytes.Clone(body.Arguments),
		task:      task,
	}
	if body.Description != nil {
		j.description = *body.Description
	}
	return j, nil
}

// script asks how a run of a job goes. It is not called under the lock: a
// script may use the server.
func (a *api) script(j *job, attempt int) Run {
	if a.config.runs == nil {
		return a.config.standard
	}
	return a.config.runs(RunRequest{
		DatasetID:   j.dataset.id,
		DatasetName: j.dataset.name,
		JobID:       j.id,
		JobType:     j.jobType,
		JobTitle:    j.title,
		Attempt:     attempt,
		Standard:    a.config.standard,
	})
}

func (a *api) GetJob(ctx context.Context, request server.GetJobRequestObject) (server.GetJobResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	j, err := a.store.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	seen := j.at(now.Add(-outlookOf(ctx).lag))
	if seen == nil {
		return nil, noJob(j.dataset, j.id, j.jobType)
	}
	return server.GetJob200JSONResponse(j.wire(seen)), nil
}

func (a *api) ListJobs(ctx context.Context, request server.ListJobsRequestObject) (server.ListJobsResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	if request.Params.JobType != squashAndMerge && request.Params.JobType != basicSearch {
		return nil, invalid("There is no job type %q.", request.Params.JobType)
	}
	jobs := ds.jobs[request.Params.JobType]
	moment := now.Add(-outlookOf(ctx).lag)
	if request.Params.Status != nil || moment.Before(now) {
		jobs = seenAt(moment, jobs, request.Params.Status)
	}
	p, err := newPage(len(jobs), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	newestFirst := make([]server.Job, 0, p.to-p.from)
	for i := p.from; i < p.to; i++ {
		j := jobs[len(jobs)-1-i]
		newestFirst = append(newestFirst, j.wire(j.at(moment)))
	}
	return server.ListJobs200JSONResponse{
		Jobs: newestFirst, Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// seenAt returns the jobs that were there at a moment, in a status where one is
// given. No job is in a status that does not exist.
func seenAt(moment time.Time, jobs []*job, status *string) []*job {
	var matching []*job
	for _, j := range jobs {
		if s := j.at(moment); s != nil && (status == nil || s.status == *status) {
			matching = append(matching, j)
		}
	}
	return matching
}

func (a *api) DeleteJob(_ context.Context, request server.DeleteJobRequestObject) (server.DeleteJobResponseObject, error) {
	a.lock()
	defer a.unlock()
	j, err := a.store.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	if !j.isFinished() {
		return nil, invalid("The job %s is %s: only finished jobs can be deleted.", j.id, j.status)
	}
	a.store.deleteJob(j)
	return nothing{}, nil
}

func (a *api) AbortJob(_ context.Context, request server.AbortJobRequestObject) (server.AbortJobResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	j, err := a.store.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	if j.isFinished() {
		return nil, invalid("The job %s is %s: only unfinished jobs can be aborted.", j.id, j.status)
	}
	a.store.abort(j, now)
	return nothing{}, nil
}

func (a *api) RetryJob(ctx context.Context, request server.RetryJobRequestObject) (server.RetryJobResponseObject, error) {
	j, attempt, err := a.nextAttempt(ctx, request)
	if err != nil {
		return nil, err
	}
	run := a.script(j, attempt)
	now := a.lock()
	defer a.unlock()
	// Another request may have been quicker while the script was asked.
	if j, err = a.store.retryable(request, outlookOf(ctx), now); err != nil {
		return nil, err
	}
	a.store.start(j, run, now)
	return nothing{}, nil
}

// nextAttempt finds the job of a retry and counts the attempt that comes next.
func (a *api) nextAttempt(ctx context.Context, request server.RetryJobRequestObject) (*job, int, error) {
	now := a.lock()
	defer a.unlock()
	j, err := a.store.retryable(request, outlookOf(ctx), now)
	if err != nil {
		return nil, 0, err
	}
	return j, j.attempt + 1, nil
}

func (st *store) retryable(request server.RetryJobRequestObject, o outlook, now time.Time) (*job, error) {
	j, err := st.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	if err := j.mayRetry(); err != nil {
		return nil, err
	}
	return j, o.refuses(j, now)
}

func (a *api) CreateDatasetFromSearch(_ context.Context, request server.CreateDatasetFromSearchRequestObject) (server.CreateDatasetFromSearchResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	if request.Body.DatasetName == "" {
		return nil, missing("The datasetName is missing.")
	}
	result, err := a.store.resultOf(request.JobID)
	if err != nil {
		return nil, err
	}
	if err := a.store.addDatasetFrom(result, *request.Body, now); err != nil {
		return nil, err
	}
	return nothing{}, nil
}

// resultOf returns what a basic-search job found, as long as it can be read.
func (st *store) resultOf(jobID string) (*searchResult, error) {
	j := st.jobs[jobID]
	if j == nil || j.jobType != basicSearch {
		return nil, notExist("There is no search job %s.", jobID)
	}
	if j.status != statusSuccess {
		return nil, invalid("The job %s is %s, not %s.", j.id, j.status, statusSuccess)
	}
	var named server.BasicSearchResult
	if err := json.Unmarshal(j.result, &named); err != nil {
		return nil, err
	}
	result := st.results[named.SearchResultID]
	if result == nil {
		return nil, notExist("The search result of the job %s is not kept any more.", j.id)
	}
	return result, nil
}
