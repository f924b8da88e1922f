package download_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// A police refuses requests to the API above so many in any one second.
type police struct {
	next      http.RoundTripper
	api       string // host
	perSecond int

	mu                sync.Mutex
	accepted, refused []time.Time
}

func (p *police) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(p.api, r.URL.Scheme+"://"+r.URL.Host) {
		return p.next.RoundTrip(r)
	}
	p.mu.Lock()
	now := time.Now()
	if n := len(p.accepted); n >= p.perSecond && now.Sub(p.accepted[n-p.perSecond]) < time.Second {
		p.refused = append(p.refused, now)
		p.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	p.accepted = append(p.accepted, now)
	p.mu.Unlock()
	return p.next.RoundTrip(r)
}

func between(times []time.Time, from, to time.Time) (n int) {
	for _, t := range times {
		if !t.Before(from) && t.Before(to) {
			n++
		}
	}
	return n
}

// largeSeed has a dataset with n data, and a small one with a branch to merge.
func largeSeed(n int) jobstest.Seed {
	data := make([]jobstest.SeedData, n)
	for i := range data {
		data[i] = jobstest.SeedData{RemotePath: fmt.Sprintf("%06d.bin", i), Size: 10}
	}
	dataset := func(name string, data []jobstest.SeedData) jobstest.SeedDataset {
		return jobstest.SeedDataset{
			Name:     name,
			Commits:  []jobstest.SeedCommit{{Name: name, Title: "first", Date: 1, Segments: []jobstest.SeedSegment{{Name: "train", Data: data}}}},
			Branches: []jobstest.SeedRef{{Name: "main", Commit: name}, {Name: "dev", Commit: name}},
		}
	}
	return jobstest.Seed{Owner: "owner", Datasets: []jobstest.SeedDataset{dataset("large", data), dataset("small", data[:1])}}
}

// A list, a download and 500 waits share what a service allows that answers status 429 above
// 20 requests per second.
func TestFiles_SharesTheRateOfTheServiceWithAListAndWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	synctest.Test(t, func(t *testing.T) {
		n := fullSize(10_000, 50_000)
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(1, 0))
		server := jobstest.New(t, jobstest.WithSeed(largeSeed(n)), jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck(),
			jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
				mu.Lock()
				defer mu.Unlock()
				return jobstest.Run{Processing: time.Duration(60 * math.Exp(0.5*rng.NormFloat64()) * float64(time.Second))}
			}))
		limited := &police{next: server.Client().Transport, api: server.URL(), perSecond: 20}
		var log bytes.Buffer
		clientOf := func(rt http.RoundTripper) *jobs.Client {
			client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(&http.Client{Transport: rt}),
				jobs.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))))
			require.NoError(t, err)
			return client
		}
		dataset := func(client *jobs.Client, name string) *jobs.Dataset {
			ds, err := client.Dataset(t.Context(), name)
			require.NoError(t, err)
			return ds
		}
		client := clientOf(limited)
		ds, creating := dataset(client, "small"), dataset(clientOf(limited.next), "small")
		all := make([]*jobs.SquashAndMergeJob, fullSize(150, 500))
		for i := range all {
			job, err := creating.SquashAndMerge().Create(t.Context(), jobs.SquashAndMergeArgs{
				DraftTitle: fmt.Sprint(i), Source: "dev", Target: "main", Strategy: jobs.StrategySkip,
			})
			require.NoError(t, err)
			saved, err := job.MarshalJSON()
			require.NoError(t, err)
			all[i], err = ds.SquashAndMerge().Resume(saved)
			require.NoError(t, err)
		}
		contents, err := dataset(client, "large").Contents(t.Context(), "")
		require.NoError(t, err)
		time.Sleep(time.Second)

		start := time.Now()
		var work sync.WaitGroup
		var listed time.Time
		work.Go(func() {
			items := 0
			for _, err := range contents.AllData(t.Context()) {
				require.NoError(t, err)
				items++
			}
			assert.Equal(t, n, items)
			listed = time.Now()
		})
		work.Go(func() {
			saved := 0
			for _, err := range download.Files(t.Context(), t.TempDir(), first(500, contents.AllData(t.Context())), download.Options{}) {
				assert.NoError(t, err)
				saved++
			}
			assert.Equal(t, 500, saved)
		})
		work.Go(func() {
			ended := 0
			for _, err := range jobs.WaitAll(context.WithoutCancel(t.Context()), all) {
				assert.NoError(t, err)
				ended++
			}
			assert.Equal(t, len(all), ended)
		})
		work.Wait()

		settled := start.Add(3 * time.Second)
		accepted, refused := between(limited.accepted, settled, time.Now()), between(limited.refused, settled, time.Now())
		share := float64(refused) / float64(accepted+refused)
		rate := float64(between(limited.accepted, settled, listed)) / listed.Sub(settled).Seconds()
		t.Logf("%.1f requests per second while the list was read, %.2f %% refused after three seconds, %d before; list %v, waits %v",
			rate, 100*share, between(limited.refused, start, settled), listed.Sub(start).Round(time.Millisecond), time.Since(start).Round(time.Second))
		assert.LessOrEqual(t, share, 0.02)
		assert.GreaterOrEqual(t, rate, 18.0)
		assert.Equal(t, 1, strings.Count(log.String(), "tensorbay refuses requests, which slow down"))
	})
}
