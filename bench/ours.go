package bench

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// connection holds a client of package jobs and its datasets.
type connection struct {
	client *jobs.Client

	mu       sync.Mutex
	datasets map[int]*jobs.Dataset
}

// connect returns a client with a rate limit in requests per second. A negative
// limit means none.
func connect(client *http.Client, limit float64) *connection {
	return connectTo(sim.BaseURL, client, limit)
}

func connectTo(base string, client *http.Client, limit float64) *connection {
	c, err := jobs.NewClient("Accesskey-bench", jobs.WithBaseURL(base), jobs.WithHTTPClient(client), jobs.WithRateLimit(limit))
	if err != nil {
		panic(err) // the arguments are constant
	}
	return &connection{client: c, datasets: map[int]*jobs.Dataset{}}
}

func (c *connection) dataset(number int) *jobs.Dataset {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ds, ok := c.datasets[number]; ok {
		return ds
	}
	ds, err := c.client.DatasetByID(sim.DatasetID(number))
	if err != nil {
		panic(err) // the id is valid
	}
	c.datasets[number] = ds
	return ds
}

// resume resumes a job as a program does that saved it before.
func (c *connection) resume(j *sim.Job) *jobs.SquashAndMergeJob {
	ds := c.dataset(j.Dataset)
	saved := fmt.Appendf(nil, `{"datasetId":%q,"jobType":%q,"job":%s}`, ds.ID(), jobs.TypeSquashAndMerge, j.Saved())
	job, err := ds.SquashAndMerge().Resume(saved)
	if err != nil {
		panic(err) // the service encoded it
	}
	return job
}

func (c *connection) resumeAll(s *sim.Service) []*jobs.SquashAndMergeJob {
	all := make([]*jobs.SquashAndMergeJob, len(s.Own))
	for i, j := range s.Own {
		all[i] = c.resume(j)
	}
	return all
}

// byJob returns the job of each simulated job.
func byJob(s *sim.Service, all []*jobs.SquashAndMergeJob) map[*sim.Job]*jobs.SquashAndMergeJob {
	jobs := make(map[*sim.Job]*jobs.SquashAndMergeJob, len(all))
	for i, job := range all {
		jobs[s.Own[i]] = job
	}
	return jobs
}

// oursEach calls Job.Wait in a goroutine for each job, with one client.
func oursEach(limit float64) Maker {
	return func(client *http.Client, s *sim.Service) Wait {
		resumed := byJob(s, connect(client, limit).resumeAll(s))
		return each(func(ctx context.Context, j *sim.Job) error { return resumed[j].Wait(ctx) })
	}
}

// oursAlone calls Job.Wait in a goroutine for each job, with a client for each. The
// waits share nothing.
func oursAlone(options ...jobs.WaitOption) Maker {
	return func(client *http.Client, _ *sim.Service) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			return connect(client, -1).resume(j).Wait(ctx, options...)
		})
	}
}

// oursAll calls WaitAll once for all jobs, when they all exist.
func oursAll(limit float64) Maker {
	return func(client *http.Client, s *sim.Service) Wait {
		all := connect(client, limit).resumeAll(s)
		return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
			untilCreated(s)
			waitAll(ctx, all, ended)
		}
	}
}

// untilCreated returns when all own jobs exist.
func untilCreated(s *sim.Service) { time.Sleep(time.Until(s.Own[len(s.Own)-1].Created)) }

func waitAll(ctx context.Context, all []*jobs.SquashAndMergeJob, ended func(int, error)) {
	index := make(map[*jobs.SquashAndMergeJob]int, len(all))
	for i, job := range all {
		index[job] = i
	}
	for job, err := range jobs.WaitAll(ctx, all) {
		ended(index[job], err)
	}
}

// oursListed waits for jobs that it lists a minute after the last was created, with
// WaitAll or with Job.Wait in a goroutine for each.
func oursListed(limit float64, oneCall bool) Maker {
	return func(client *http.Client, _ *sim.Service) Wait {
		js := connect(client, limit).dataset(0).SquashAndMerge()
		return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
			untilCreated(s)
			time.Sleep(time.Minute)
			index := make(map[string]int, len(s.Own))
			for i, j := range s.Own {
				index[j.ID] = i
			}
			all := make([]*jobs.SquashAndMergeJob, len(s.Own))
			for job, err := range js.List(ctx, jobs.ListOptions{}) {
				if err != nil {
					panic(err) // the scenario has no faults
				}
				if i, own := index[job.ID()]; own {
					all[i] = job
				}
			}
			time.Sleep(time.Second) // the rate limit recovers
			s.WaitsBegin()
			if oneCall {
				waitAll(ctx, all, ended)
				return
			}
			listed := byJob(s, all)
			each(func(ctx context.Context, j *sim.Job) error { return listed[j].Wait(ctx) })(ctx, s, ended)
		}
	}
}

// oursCreated creates each job and waits for it in a goroutine.
func oursCreated(limit float64) Maker {
	return func(client *http.Client, _ *sim.Service) Wait {
		js := connect(client, limit).dataset(0).SquashAndMerge()
		return each(func(ctx context.Context, j *sim.Job) error {
			job, err := js.Create(ctx, jobs.SquashAndMergeArgs{Source: j.Source(), Target: "main", DraftTitle: "merge"})
			if err != nil {
				return err
			}
			return job.Wait(ctx)
		})
	}
}

// oursGeneric calls polling.Wait with a function that reads the job.
func oursGeneric(client *http.Client, _ *sim.Service) Wait {
	return each(func(ctx context.Context, j *sim.Job) error {
		_, err := polling.Wait(ctx, func(ctx context.Context) (polling.Result[string], error) {
			status, err := getStatus(ctx, client, j)
			return polling.Result[string]{Value: status, Done: status == "SUCCESS"}, err
		}, polling.Options{})
		return err
	})
}
