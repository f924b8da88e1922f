package bench

import (
	"context"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// connect makes a client of package jobs with a limit of so many requests per
// second; zero or less is none.
func connect(client *http.Client, limit float64) *jobs.Dataset {
	return connectTo(sim.BaseURL, client, limit)
}

func connectTo(base string, client *http.Client, limit float64) *jobs.Dataset {
	c, err := jobs.NewClient("Accesskey-bench", jobs.WithBaseURL(base), jobs.WithHTTPClient(client), jobs.WithRateLimit(limit))
	if err != nil {
		panic(err) // the arguments are fixed
	}
	ds, err := c.DatasetByID(sim.DatasetID)
	if err != nil {
		panic(err)
	}
	return ds
}

// load takes up a job as a program does that saved it before.
func load(ds *jobs.Dataset, j *sim.Job) *jobs.SquashAndMergeJob {
	job, err := ds.SquashAndMerge().Resume(j.Saved())
	if err != nil {
		panic(err) // the service wrote it
	}
	return job
}

// loadAll takes up every own job, by its id.
func loadAll(ds *jobs.Dataset, s *sim.Service) map[*sim.Job]*jobs.SquashAndMergeJob {
	loaded := make(map[*sim.Job]*jobs.SquashAndMergeJob, len(s.Own))
	for _, j := range s.Own {
		loaded[j] = load(ds, j)
	}
	return loaded
}

// oursEach is job.Wait in a goroutine for each job, all with one client.
func oursEach(limit float64) Maker {
	return func(client *http.Client, s *sim.Service) Wait {
		loaded := loadAll(connect(client, limit), s)
		return each(func(ctx context.Context, j *sim.Job) error { return loaded[j].Wait(ctx) })
	}
}

// oursAlone is job.Wait with a client for each job: what a wait costs that
// shares nothing.
func oursAlone(limit float64, options ...jobs.WaitOption) Maker {
	return func(client *http.Client, _ *sim.Service) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			return load(connect(client, limit), j).Wait(ctx, options...)
		})
	}
}

// oursAll is client.WaitAll of all jobs in one call, once they all exist.
func oursAll(limit float64) Maker {
	return func(client *http.Client, s *sim.Service) Wait {
		ds := connect(client, limit)
		waiting := make([]*jobs.SquashAndMergeJob, len(s.Own))
		index := make(map[*jobs.SquashAndMergeJob]int, len(s.Own))
		for i, j := range s.Own {
			waiting[i] = load(ds, j)
			index[waiting[i]] = i
		}
		return func(ctx context.Context, s *sim.Service, over func(int, error)) {
			for _, j := range s.Own {
				time.Sleep(time.Until(j.Created))
			}
			for job, err := range jobs.WaitAll(ctx, waiting) {
				over(index[job], err)
			}
		}
	}
}

// oursGeneric is polling.Until with a function that reads the job, as somebody
// uses it who waits for something else than a TensorBay job.
func oursGeneric(client *http.Client, _ *sim.Service) Wait {
	return each(func(ctx context.Context, j *sim.Job) error {
		_, err := polling.Until(ctx, func(ctx context.Context) (polling.Sight[string], error) {
			status, err := getStatus(ctx, client, j)
			return polling.Sight[string]{Value: status, Done: status == "SUCCESS"}, err
		}, polling.Options{})
		return err
	})
}
