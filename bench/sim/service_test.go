package sim_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func connect(t *testing.T, s *sim.Service) jobs.Jobs[*jobs.SquashAndMergeJob, jobs.SquashAndMergeArgs] {
	t.Helper()
	client, err := jobs.NewClient("Accesskey-sim", jobs.WithBaseURL(sim.BaseURL), jobs.WithHTTPClient(&http.Client{Transport: s}), jobs.WithRateLimit(-1))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := client.DatasetByID(sim.DatasetID)
	if err != nil {
		t.Fatal(err)
	}
	return ds.SquashAndMerge()
}

// The service is what the contract says, or package jobs would not read it.
func TestServiceSpeaksTensorBay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Load{Seed: 1, N: 300, Others: 50, Within: time.Minute, Length: sim.Lognormal(time.Minute, 0.5)}, sim.Faults{})
		js := connect(t, s)
		time.Sleep(time.Minute)
		now := time.Now()
		i := len(s.Jobs)
		for job, err := range js.List(t.Context(), jobs.ListOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			if i--; job.ID() != s.Jobs[i].ID {
				t.Fatalf("place %d of the list is job %s, want %s: newest first", i, job.ID(), s.Jobs[i].ID)
			}
		}
		if i != 0 {
			t.Errorf("%d jobs are not listed", i)
		}
		if took := time.Since(now); took != 3*sim.RoundTrip {
			t.Errorf("three pages took %v", took)
		}
		running := 0
		for job, err := range js.List(t.Context(), jobs.ListOptions{Status: jobs.StatusProcessing}) {
			if err != nil {
				t.Fatal(err)
			}
			if job.Status() != jobs.StatusProcessing {
				t.Errorf("status %s in the list of jobs in progress", job.Status())
			}
			running++
		}
		if running == 0 || running == len(s.Jobs) {
			t.Errorf("%d jobs in progress", running)
		}
		time.Sleep(time.Hour)
		job, err := js.Get(t.Context(), s.Own[7].ID)
		if err != nil {
			t.Fatal(err)
		}
		if seen := job.Snapshot(); seen.Status != jobs.StatusSuccess || seen.FinishedAt.Unix() != s.Own[7].Finished.Unix() {
			t.Errorf("job %+v", seen)
		}
	})
}

func TestFaults(t *testing.T) {
	get := func(t *testing.T, s *sim.Service) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sim.JobURL(s.Own[0]), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.RoundTrip(req)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	load := sim.Load{Seed: 1, N: 1, Length: sim.Lognormal(time.Minute, 0)}
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(load, sim.Faults{Limit: 2, OutageFrom: time.Minute, OutageTo: 2 * time.Minute})
		for i, want := range []int{200, 200, 429} {
			if status := get(t, s); status != want {
				t.Errorf("request %d within a second: status %d, want %d", i, status, want)
			}
		}
		time.Sleep(time.Minute)
		if status := get(t, s); status != 503 {
			t.Errorf("status %d in the outage", status)
		}
		time.Sleep(time.Minute)
		if status := get(t, s); status != 200 {
			t.Errorf("status %d after the outage", status)
		}
		if c := s.Counts(); c.Requests != 5 || c.Peak != 3 || c.Throttled != 1 || c.InOutage != 1 || c.Shown != 3 {
			t.Errorf("counts %+v", c)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(load, sim.Faults{Rate: 0.1})
		failed := 0
		for range 1000 {
			if get(t, s) != 200 {
				failed++ // an answer that breaks off has status 200
			}
		}
		if failed < 50 || failed > 100 {
			t.Errorf("%d of 1,000 failed", failed)
		}
	})
}
