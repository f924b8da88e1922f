package emulator

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
	run := a.nextRun(j, 1)
	now := a.lock()
	defer a.unlock()
	// Without the lock, another request may have deleted the dataset.
	if a.store.byID[j.dataset.id] != j.dataset {
		return nil, noDataset(j.dataset.id)
	}
	a.store.addJob(j, run, now)
	return server.CreateJob200JSONResponse{JobCreatedJSONResponse: server.JobCreatedJSONResponse{
		JobID: j.id, CreatedAt: j.created.Unix(),
	}}, nil
}

// newJob returns a job that is not in the store yet.
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
	kind := a.jobTypes[body.JobType]
	if kind == nil {
		return nil, noJobType(body.JobType)
	}
	task, err := kind.newTask(ds, body.Arguments)
	if err != nil {
		return nil, err
	}
	j := &job{
		id:        newID(),
		dataset:   ds,
		jobType:   body.JobType,
		retryable: kind.retryable,
		title:     body.Title,
		arguments: bytes.Clone(body.Arguments),
		task:      task,
	}
	if body.Description != nil {
		j.description = *body.Description
	}
	return j, nil
}

// nextRun returns the course of a run. The lock must not be held, because
// Config.Run may send requests.
func (a *api) nextRun(j *job, attempt int) Run {
	return a.config.Run(RunRequest{
		DatasetID:   j.dataset.id,
		DatasetName: j.dataset.name,
		JobID:       j.id,
		JobType:     j.jobType,
		JobTitle:    j.title,
		Attempt:     attempt,
	})
}

func (a *api) GetJob(ctx context.Context, request server.GetJobRequestObject) (server.GetJobResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	j, err := a.store.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	state := j.at(now.Add(-stalenessOf(ctx).Lag))
	if state == nil {
		return nil, noJob(j.dataset, j.id, j.jobType)
	}
	return server.GetJob200JSONResponse(j.wire(state)), nil
}

func (a *api) ListJobs(ctx context.Context, request server.ListJobsRequestObject) (server.ListJobsResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	if a.jobTypes[request.Params.JobType] == nil {
		return nil, noJobType(request.Params.JobType)
	}
	jobs := ds.jobs[request.Params.JobType]
	moment := now.Add(-stalenessOf(ctx).Lag)
	if request.Params.Status != nil || moment.Before(now) {
		jobs = jobsAt(moment, jobs, request.Params.Status)
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

// jobsAt returns the jobs that existed at a time. A status selects the jobs that
// were in it.
func jobsAt(moment time.Time, jobs []*job, status *string) []*job {
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
	return empty{}, nil
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
	return empty{}, nil
}

func (a *api) RetryJob(ctx context.Context, request server.RetryJobRequestObject) (server.RetryJobResponseObject, error) {
	j, attempt, err := a.nextAttempt(ctx, request)
	if err != nil {
		return nil, err
	}
	run := a.nextRun(j, attempt)
	now := a.lock()
	defer a.unlock()
	// Without the lock, another request may have changed the job.
	if j, err = a.store.retryable(request, stalenessOf(ctx), now); err != nil {
		return nil, err
	}
	a.store.retry(j, run, now)
	return empty{}, nil
}

// nextAttempt returns the job of a retry and the number of its next run.
func (a *api) nextAttempt(ctx context.Context, request server.RetryJobRequestObject) (*job, int, error) {
	now := a.lock()
	defer a.unlock()
	j, err := a.store.retryable(request, stalenessOf(ctx), now)
	if err != nil {
		return nil, 0, err
	}
	return j, j.attempt + 1, nil
}

func (st *store) retryable(request server.RetryJobRequestObject, s Staleness, now time.Time) (*job, error) {
	j, err := st.job(request.DatasetID, request.JobID, request.Params.JobType)
	if err != nil {
		return nil, err
	}
	if err := j.checkRetry(); err != nil {
		return nil, err
	}
	return j, s.checkRetry(j, now)
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
	return empty{}, nil
}

// resultOf returns the result of a basic-search job if it can still be read.
func (st *store) resultOf(jobID string) (*searchResult, error) {
	j := st.jobs[jobID]
	if j == nil {
		return nil, notExist("There is no search job %s.", jobID)
	}
	if _, ok := j.task.(*search); !ok {
		return nil, notExist("There is no search job %s.", jobID)
	}
	if j.status != statusSuccess {
		return nil, invalid("The job %s is %s, not %s.", j.id, j.status, statusSuccess)
	}
	var ids server.BasicSearchResult
	if err := json.Unmarshal(j.result, &ids); err != nil {
		return nil, err
	}
	result := st.results[ids.SearchResultID]
	if result == nil {
		return nil, notExist("The search result of the job %s can no longer be read.", j.id)
	}
	return result, nil
}
