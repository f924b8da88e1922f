package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

const (
	allowedRate  = 20 // requests per second
	limitedWaits = 500
	limitedFiles = 2000
)

// A police refuses requests to the API above the allowed rate.
type police struct {
	next http.RoundTripper
	host string // of the API

	mu                sync.Mutex
	accepted, refused []time.Time
}

func (p *police) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != p.host {
		return p.next.RoundTrip(r)
	}
	p.mu.Lock()
	now := time.Now()
	n := len(p.accepted)
	refused := n >= allowedRate && now.Sub(p.accepted[n-allowedRate]) < time.Second
	if refused {
		p.refused = append(p.refused, now)
	} else {
		p.accepted = append(p.accepted, now)
	}
	p.mu.Unlock()
	if refused {
		time.Sleep(bulkRTT)
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return p.next.RoundTrip(r)
}

// between counts the times in a window.
func between(times []time.Time, from, to time.Time) (n int) {
	for _, t := range times {
		if !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}

// limitedSeed has the datasets list, files and merges.
func limitedSeed() jobstest.Seed {
	seed := jobstest.Seed{Owner: "owner"}
	for name, n := range map[string]int{"list": bulkData, "files": limitedFiles, "merges": 1} {
		data := make([]jobstest.SeedData, n)
		for i := range data {
			data[i] = jobstest.SeedData{RemotePath: fmt.Sprintf("%06d.bin", i), Size: 10}
		}
		seed.Datasets = append(seed.Datasets, jobstest.SeedDataset{
			Name:     name,
			Commits:  []jobstest.SeedCommit{{Name: "first", Title: "first", Date: 1, Segments: []jobstest.SeedSegment{{Name: "train", Data: data}}}},
			Branches: []jobstest.SeedRef{{Name: "main", Commit: "first"}, {Name: "dev", Commit: "first"}},
		})
	}
	return seed
}

// bulkLimit lists, downloads and waits at the same time, in virtual time, while the service
// answers status 429 above the allowed rate.
func (b *bench) bulkLimit(r *Bulk) {
	dir := b.t.TempDir()
	var rate, share float64
	synctest.Test(b.t, func(t *testing.T) {
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(1, 0))
		server := jobstest.New(t, jobstest.WithSeed(limitedSeed()), jobstest.WithLatency(bulkRTT), jobstest.WithoutContractCheck(),
			jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
				mu.Lock()
				defer mu.Unlock()
				return jobstest.Run{Processing: time.Duration(60 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))}
			}))
		limited := &police{next: server.Client().Transport, host: strings.Trim(strings.TrimPrefix(server.URL(), "https://"), "/")}
		connect := func(rt http.RoundTripper) *jobs.Client {
			client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(&http.Client{Transport: rt}))
			check1(t, err)
			return client
		}
		free, client := connect(limited.next), connect(limited)
		creating, err := free.Dataset(t.Context(), "merges")
		check1(t, err)
		merges, err := client.Dataset(t.Context(), "merges")
		check1(t, err)
		all := make([]*jobs.SquashAndMergeJob, limitedWaits)
		for i := range all {
			job, err := creating.SquashAndMerge().Create(t.Context(), jobs.SquashAndMergeArgs{DraftTitle: fmt.Sprint(i), Source: "dev", Strategy: jobs.StrategySkip})
			check1(t, err)
			saved, err := job.MarshalJSON()
			check1(t, err)
			all[i], err = merges.SquashAndMerge().Resume(saved)
			check1(t, err)
		}
		large, files := contents(t, client, "list"), contents(t, client, "files")
		time.Sleep(time.Second)

		start := time.Now()
		var listed time.Time
		var work sync.WaitGroup
		work.Go(func() {
			for _, err := range large.AllData(t.Context()) {
				if err != nil {
					t.Error(err)
				}
			}
			listed = time.Now()
		})
		work.Go(func() {
			for _, err := range download.Files(t.Context(), dir, files.AllData(t.Context()), download.Options{}) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		work.Go(func() {
			for _, err := range jobs.WaitAll(t.Context(), all) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		work.Wait()
		settled := start.Add(3 * time.Second)
		accepted, refused := between(limited.accepted, settled, time.Now()), between(limited.refused, settled, time.Now())
		share = float64(refused) / float64(accepted+refused)
		rate = float64(between(limited.accepted, settled, listed)) / listed.Sub(settled).Seconds()
	})
	what := fmt.Sprintf("a list, a download of %s files and %d waits at once; the service answers 429 above %d requests per second", thousands(limitedFiles), limitedWaits, allowedRate)
	r.add(what, fmt.Sprintf("%.1f requests per second", rate), fmt.Sprintf("allowed: %d", allowedRate), percent(rate/allowedRate))
	r.add("requests refused after the first three seconds", percent(share), "", "")
	r.Goals = append(r.Goals,
		Goal{Text: "in bulk: requests refused after three seconds", Value: 100 * share, Limit: 2, Unit: "%"},
		Goal{Text: "in bulk: allowed rate relative to the rate reached", Value: allowedRate / rate, Limit: 1 / 0.9, Unit: "×"})
}
