package emulator

import (
	"container/heap"
	"maps"
	"slices"
	"time"
)

// A store holds the variable state of an emulator. Emulator.mu guards it.
type store struct {
	owner    string
	contents blobs      // all contents
	stored   int64      // bytes that were written
	datasets []*dataset // oldest first
	byID     map[string]*dataset
	jobs     map[string]*job
	results  map[string]*searchResult
	due      schedule
	lastJob  uint64
	stages   []string // the statuses of a job between QUEUING and its end
}

func newStore(state *State) *store {
	st := &store{
		owner:    state.owner,
		contents: maps.Clone(state.contents),
		byID:     make(map[string]*dataset, len(state.datasets)),
		jobs:     make(map[string]*job),
		results:  make(map[string]*searchResult),
		stages:   []string{statusProcessing},
	}
	for _, ds := range state.datasets {
		st.addDataset(ds.clone())
	}
	return st
}

func (st *store) addDataset(ds *dataset) {
	st.datasets = append(st.datasets, ds)
	st.byID[ds.id] = ds
}

func (st *store) dataset(id string) (*dataset, error) {
	if ds := st.byID[id]; ds != nil {
		return ds, nil
	}
	return nil, noDataset(id)
}

func noDataset(id string) error { return notExist("The dataset %s does not exist.", id) }

// checkNewName returns an error if a dataset has a name.
func (st *store) checkNewName(name string) error {
	if st.datasetNamed(name) != nil {
		return conflict("The name %s is used by another dataset.", name)
	}
	return nil
}

// deleteDataset deletes a dataset with its jobs and search results. Contents remain, because
// other datasets may share them.
func (st *store) deleteDataset(ds *dataset) {
	for _, jobs := range ds.jobs {
		for _, j := range jobs {
			if !j.isFinished() {
				heap.Remove(&st.due, j.scheduled)
			}
			delete(st.jobs, j.id)
		}
	}
	for _, result := range ds.results {
		delete(st.results, result.id)
	}
	delete(st.byID, ds.id)
	st.datasets = slices.DeleteFunc(st.datasets, func(other *dataset) bool { return other == ds })
}

func (st *store) datasetNamed(name string) *dataset {
	for _, ds := range st.datasets {
		if ds.name == name {
			return ds
		}
	}
	return nil
}

// job returns a job of a dataset and a job type.
func (st *store) job(datasetID, jobID, jobType string) (*job, error) {
	ds, err := st.dataset(datasetID)
	if err != nil {
		return nil, err
	}
	j := st.jobs[jobID]
	if j == nil || j.dataset != ds || j.jobType != jobType {
		return nil, noJob(ds, jobID, jobType)
	}
	return j, nil
}

func noJob(ds *dataset, jobID, jobType string) error {
	return notExist("The dataset %s has no job %s of the type %s.", ds.name, jobID, jobType)
}

// addJob starts the first run of a job.
func (st *store) addJob(j *job, run Run, now time.Time) {
	st.lastJob++
	j.order = st.lastJob
	j.created = now
	st.jobs[j.id] = j
	j.dataset.jobs[j.jobType] = append(j.dataset.jobs[j.jobType], j)
	st.start(j, run, now)
}

// start starts a run of a job.
func (st *store) start(j *job, run Run, now time.Time) {
	j.enqueue(run, now)
	heap.Push(&st.due, j)
}

// retry starts another run of a job. The service shows PROCESSING right after a retry.
func (st *store) retry(j *job, run Run, now time.Time) {
	run.Queuing = 0
	j.enqueue(run, now)
	j.process(st.stages)
	heap.Push(&st.due, j)
}

// abort ends an unfinished job.
func (st *store) abort(j *job, now time.Time) {
	heap.Remove(&st.due, j.scheduled)
	j.finish(statusAborted, now)
}

func (st *store) deleteJob(j *job) {
	delete(st.jobs, j.id)
	jobs := j.dataset.jobs[j.jobType]
	at, _ := slices.BinarySearchFunc(jobs, j.order, func(other *job, order uint64) int {
		return int(int64(other.order) - int64(order))
	})
	j.dataset.jobs[j.jobType] = slices.Delete(jobs, at, at+1)
}

// addResult adds a search result and removes the oldest one above the limit.
func (st *store) addResult(ds *dataset, found *version) *searchResult {
	result := &searchResult{id: newID(), commitID: newID(), dataset: ds, version: found}
	st.results[result.id] = result
	ds.results = append(ds.results, result)
	if len(ds.results) > keptResults {
		delete(st.results, ds.results[0].id)
		ds.results = slices.Delete(ds.results, 0, 1)
	}
	return result
}

// advance applies all changes of jobs that are due, in the order of their times.
func (st *store) advance(now time.Time) {
	for len(st.due) > 0 && !st.due[0].due.After(now) {
		j := st.due[0]
		if j.stage < len(st.stages) {
			j.process(st.stages)
			heap.Fix(&st.due, 0)
			continue
		}
		heap.Pop(&st.due)
		st.complete(j)
	}
}

// complete ends the run of a job and does its work. So a merge uses the branches
// at the end of the run.
func (st *store) complete(j *job) {
	at := j.due
	if j.run.Fail != "" {
		j.finish(statusFailed, at)
		j.errorMessage = j.run.Fail
		return
	}
	result, err := j.task.perform(st, j.dataset, at)
	if err != nil {
		j.finish(statusFailed, at)
		j.errorMessage = asAPIError(err).message
		return
	}
	j.finish(statusSuccess, at)
	j.result = result
}

// A schedule is a heap of the unfinished jobs by the time of their next change.
type schedule []*job

func (s schedule) Len() int { return len(s) }

func (s schedule) Less(a, b int) bool {
	if s[a].due.Equal(s[b].due) {
		return s[a].order < s[b].order
	}
	return s[a].due.Before(s[b].due)
}

func (s schedule) Swap(a, b int) {
	s[a], s[b] = s[b], s[a]
	s[a].scheduled, s[b].scheduled = a, b
}

func (s *schedule) Push(x any) {
	j := x.(*job)
	j.scheduled = len(*s)
	*s = append(*s, j)
}

func (s *schedule) Pop() any {
	last := len(*s) - 1
	j := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return j
}
