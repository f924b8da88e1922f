package sim_test

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func connect(t *testing.T, s *sim.Service, dataset int) jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs] {
	t.Helper()
	client, err := jobs.NewClient("Accesskey-sim", jobs.WithBaseURL(sim.BaseURL), jobs.WithHTTPClient(&http.Client{Transport: s}), jobs.WithRateLimit(-1), jobs.WithConcurrentPages(1))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := client.DatasetByID(sim.DatasetID(dataset))
	if err != nil {
		t.Fatal(err)
	}
	return ds.SquashAndMerge()
}

// list returns the ids of the listed jobs.
func list(t *testing.T, js jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs], status jobs.Status) (ids []string) {
	t.Helper()
	for job, err := range js.List(t.Context(), jobs.ListOptions{Status: status}) {
		if err != nil {
			t.Fatal(err)
		}
		if status != "" && job.Status() != status {
			t.Errorf("a job with status %s in the list of %s", job.Status(), status)
		}
		ids = append(ids, job.ID())
	}
	return ids
}

// get reads a job without a client.
func get(t *testing.T, s *sim.Service, j *sim.Job) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.JobURL(j), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

func TestService_ListsNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 300, Others: 50, Within: time.Minute, Length: sim.Lognormal(time.Minute, 0.5)}, sim.Faults{})
		time.Sleep(time.Minute)
		now := time.Now()
		ids := list(t, connect(t, s, 0), "")
		if took := time.Since(now); took != 3*sim.RoundTrip {
			t.Errorf("three pages took %v", took)
		}
		if len(ids) != 350 {
			t.Fatalf("%d jobs, want 350", len(ids))
		}
		for i, id := range ids {
			if want := s.Jobs[len(ids)-1-i].ID; id != want {
				t.Fatalf("job %d of the list is %s, want %s", i, id, want)
			}
		}
	})
}

func TestService_ListsByStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 200, Length: sim.Lognormal(time.Minute, 0.5), Running: 4}, sim.Faults{})
		js := connect(t, s, 0)
		time.Sleep(10 * time.Minute)
		// No job changes its status in between, with this seed.
		queuing, running, done := list(t, js, jobs.StatusQueuing), list(t, js, jobs.StatusProcessing), list(t, js, jobs.StatusSuccess)
		if len(running) != 4 || len(queuing)+len(running)+len(done) != 200 || len(done) == 0 {
			t.Errorf("%d queuing, %d running, %d done", len(queuing), len(running), len(done))
		}
	})
}

func TestService_RunsAFewJobsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 100, Within: time.Minute, Length: sim.Lognormal(time.Minute, 0.5), Running: 4}, sim.Faults{})
		for i, j := range s.Own {
			if j.Started.Before(j.Created) || !j.Finished.After(j.Started) {
				t.Fatalf("job %d: created %v, started %v, finished %v", i, j.Created, j.Started, j.Finished)
			}
			running := 0
			for _, other := range s.Own {
				if !other.Started.After(j.Started) && other.Finished.After(j.Started) {
					running++
				}
			}
			if running > 4 || i >= 10 && running < 4 {
				t.Errorf("%d jobs run when job %d starts", running, i)
			}
		}
	})
}

func TestService_ReadsAJobAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 10, Length: sim.Lognormal(time.Minute, 0.5)}, sim.Faults{})
		time.Sleep(time.Hour)
		job, err := connect(t, s, 0).Get(t.Context(), s.Own[7].ID)
		if err != nil {
			t.Fatal(err)
		}
		if seen := job.Snapshot(); seen.Status != jobs.StatusSuccess || seen.FinishedAt.Unix() != s.Own[7].Finished.Unix() {
			t.Errorf("job %+v", seen)
		}
	})
}

func TestService_KeepsDatasetsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 10, Length: sim.Lognormal(time.Minute, 0), Dataset: func(i int) int { return i % 3 }}, sim.Faults{})
		listed := 0
		for dataset := range 3 {
			js := connect(t, s, dataset)
			ids := list(t, js, "")
			listed += len(ids)
			for _, j := range s.Own {
				_, err := js.Get(t.Context(), j.ID)
				if (err == nil) != (j.Dataset == dataset) {
					t.Errorf("job of dataset %d read in dataset %d: %v", j.Dataset, dataset, err)
				}
			}
		}
		if listed != 10 {
			t.Errorf("%d jobs in all lists", listed)
		}
	})
}

func TestService_CreateReturnsTheJobOfTheSourceBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 5, Others: 5, Within: time.Minute, Length: sim.Lognormal(time.Minute, 0)}, sim.Faults{})
		js := connect(t, s, 0)
		for _, j := range s.Own {
			time.Sleep(time.Until(j.Created))
			job, err := js.Create(t.Context(), jobs.SquashAndMergeArgs{Source: j.Source(), Target: "main", DraftTitle: "merge"})
			if err != nil {
				t.Fatal(err)
			}
			if job.ID() != j.ID {
				t.Errorf("created %s, want %s", job.ID(), j.ID)
			}
		}
	})
}

func TestService_DeletesOlderJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 1, Length: sim.Lognormal(time.Minute, 0), Older: 300, DeletedWithin: time.Minute}, sim.Faults{})
		js := connect(t, s, 0)
		before := len(list(t, js, ""))
		time.Sleep(30 * time.Second)
		half := len(list(t, js, ""))
		time.Sleep(30 * time.Second)
		after := len(list(t, js, ""))
		if before < 299 || half < 100 || half > 200 || after != 1 {
			t.Errorf("%d jobs, then %d, then %d", before, half, after)
		}
	})
}

func TestService_AppliesLimitAndOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(oneJob, sim.Faults{Limit: 2, OutageFrom: time.Minute, OutageTo: 2 * time.Minute})
		expect := func(want int, when string) {
			t.Helper()
			if status, err := get(t, s, s.Own[0]); status != want {
				t.Errorf("%s: status %d, %v, want %d", when, status, err, want)
			}
		}
		expect(200, "first request")
		expect(200, "second request")
		expect(429, "third request within a second")
		time.Sleep(time.Minute)
		expect(503, "in the outage")
		time.Sleep(time.Minute)
		expect(200, "after the outage")
		if c := s.Counts(); c.Requests != 5 || c.Peak != 3 || c.Throttled != 1 || c.InOutage != 1 || c.Shown != 3 {
			t.Errorf("counts %+v", c)
		}
		s.WaitsBegin()
		if c := s.Counts(); c != (sim.Counts{}) {
			t.Errorf("counts %+v after WaitsBegin", c)
		}
	})
}

func TestService_FailsAShareOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(oneJob, sim.Faults{Rate: 0.1})
		failed := 0
		for range 1000 {
			if status, _ := get(t, s, s.Own[0]); status != 200 {
				failed++ // not a cut response: its status is 200
			}
		}
		if failed < 50 || failed > 100 {
			t.Errorf("%d of 1,000 failed", failed)
		}
	})
}

func TestService_HangsAndResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(oneJob, sim.Faults{Hang: 2, HangEvery: 5, ResetEnd: true})
		for i, want := range []error{nil, context.DeadlineExceeded, nil, nil, context.DeadlineExceeded} {
			if _, err := get(t, s, s.Own[0]); !errors.Is(err, want) {
				t.Errorf("request %d: %v, want %v", i+1, err, want)
			}
		}
		time.Sleep(time.Minute)
		for i, want := range []error{syscall.ECONNRESET, nil} {
			if _, err := get(t, s, s.Own[0]); !errors.Is(err, want) {
				t.Errorf("request %d after the end: %v, want %v", i+1, err, want)
			}
		}
	})
}

var oneJob = sim.Load{Seed: 1, N: 1, Length: sim.Lognormal(time.Minute, 0)}
