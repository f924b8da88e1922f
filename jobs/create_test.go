package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestCreate_RejectsInvalidArguments(t *testing.T) {
	server, client := connect(t)
	ctx := t.Context()
	plain := dataset(t, client, "street-scenes")
	fusion := dataset(t, client, "basic-search")
	at := func(p jobs.RevisionOption) *jobs.Dataset { return dataset(t, client, "street-scenes", p) }
	onDraft, onCommit := at(jobs.AtDraft(1)), at(jobs.AtCommit("0123456789abcdef0123456789abcdef"))
	asked := len(server.Requests())

	good := jobs.SquashAndMergeArgs{DraftTitle: "t", Source: "dev", Target: "main"}
	merges := func(ds *jobs.Dataset, change func(*jobs.SquashAndMergeArgs)) func(context.Context) error {
		return func(ctx context.Context) error {
			args := good
			change(&args)
			_, err := ds.SquashAndMerge().Create(ctx, args)
			return err
		}
	}
	searches := func(ds *jobs.Dataset, args jobs.BasicSearchArgs) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := ds.BasicSearch().Create(ctx, args)
			return err
		}
	}
	filters := func(f ...jobs.Filter) jobs.BasicSearchArgs { return jobs.BasicSearchArgs{Filters: f} }
	for name, tc := range map[string]struct {
		call func(context.Context) error
		text string
	}{
		"no draft title":      {merges(plain, func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "" }), "the draft title is empty"},
		"no source":           {merges(plain, func(a *jobs.SquashAndMergeArgs) { a.Source = "" }), "the source branch is empty"},
		"unknown strategy":    {merges(plain, func(a *jobs.SquashAndMergeArgs) { a.Strategy = "rebase" }), `unknown strategy "rebase": want abort, override or skip`},
		"into itself":         {merges(plain, func(a *jobs.SquashAndMergeArgs) { a.Target = "dev" }), "source and target are the same branch"},
		"no target on draft":  {merges(onDraft, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }), "stands on draft 1; name the target"},
		"no target on commit": {merges(onCommit, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }), "stands on commit 0123456789abcdef0123456789abcdef; name the target"},
		"no filters":          {searches(fusion, filters()), "the filter list is empty"},
		"zero filter":         {searches(plain, filters(jobs.HasLabel(true), jobs.Filter{})), "filter 1 is the zero value"},
		"unknown match":       {searches(plain, jobs.BasicSearchArgs{Conjunction: "xor", Filters: []jobs.Filter{jobs.HasLabel(true)}}), `unknown match "xor"`},
		"unknown unit":        {searches(plain, jobs.BasicSearchArgs{Unit: "segment", Filters: []jobs.Filter{jobs.HasLabel(true)}}), `unknown unit "segment"`},
		"frame on plain":      {searches(plain, jobs.BasicSearchArgs{Unit: jobs.UnitFrame, Filters: []jobs.Filter{jobs.HasLabel(true)}}), "only fusion datasets have frames"},
		"sensor on plain":     {searches(plain, filters(jobs.HasLabel(true), jobs.SensorIn("CAM"))), `filter 1, sensor in ["CAM"], on plain dataset`},
		"frame id on plain":   {searches(plain, filters(jobs.FrameIs("01"))), `filter 0, frame = "01", on plain dataset`},
		"search a draft":      {searches(onDraft, filters(jobs.HasLabel(true))), "a commit is needed"},
		"no segments":         {searches(plain, filters(jobs.SegmentIn())), "filter 0, segment in: invalid argument: the list is empty"},
		"empty segment":       {searches(plain, filters(jobs.SegmentIn("a", ""))), "a name in the list is empty"},
		"no label type":       {searches(plain, filters(jobs.CategoryIn("", "car"))), "the label type is empty"},
		"negative size":       {searches(plain, filters(jobs.SizeAtLeast(-1))), "a size of -1 bytes is negative"},
		"empty path":          {searches(plain, filters(jobs.RemotePathLike(""))), "the text is empty"},
		"no attributes":       {searches(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, nil))), "no attributes are named"},
		"no values":           {searches(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": nil}))), `no value is allowed for attribute "occluded"`},
		"unsendable value":    {searches(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": {math.NaN()}}))), "the value cannot be sent"},
		"raw without key":     {searches(plain, filters(jobs.RawFilter("", "", "=", "", 1))), "key and operator must not be empty"},
		"no segment to read":  {func(ctx context.Context) error { return firstItem((&jobs.SearchResult{}).Data(ctx, "")) }, "segment name is empty"},
		"no dataset name": {func(ctx context.Context) error {
			return (&jobs.BasicSearchJob{}).CreateDataset(ctx, jobs.DatasetSpec{})
		}, "the name of the new dataset is empty"},
		"schedule": {func(ctx context.Context) error {
			return resumeMerge(t, plain, processingJob).Wait(ctx, jobs.WithSchedule(polling.Schedule{Min: -1}))
		}, "nothing but jitter may be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.call(ctx)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.ErrorContains(t, err, tc.text)
		})
	}
	assert.Len(t, server.Requests(), asked, "nothing was sent")
}

// loss loses creates: what becomes of the n-th, which counts from 1.
type loss func(n int) fate

type fate int

const (
	answered fate = iota
	responseLost
	requestLost
)

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}

// lossy is a client of the server whose creates are lost.
func clientLosing(t *testing.T, server *jobstest.Server, lost loss, options ...jobs.Option) *jobs.Client {
	t.Helper()
	var mu sync.Mutex
	n := 0
	inner := server.Client().Transport
	return clientOf(t, server, append([]jobs.Option{jobs.WithHTTPClient(&http.Client{
		Transport: stub(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/jobs") {
				return inner.RoundTrip(r)
			}
			mu.Lock()
			n++
			f := lost(n)
			mu.Unlock()
			if f == requestLost {
				return nil, errReset
			}
			resp, err := inner.RoundTrip(r)
			if err == nil && f == responseLost {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return nil, errReset
			}
			return resp, err
		}),
	})}, options...)...)
}

func each(f fate) loss { return func(int) fate { return f } }

func TestCreate_RecoversALostResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergeJobs(t, clientLosing(t, server, each(responseLost), jobs.WithCreateRecovery()))
		job, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.Equal(t, "dev->main(skip)", job.Snapshot().Title)
		require.NoError(t, job.Wait(t.Context()))
		assert.Len(t, collect(t, js.List(t.Context(), jobs.ListOptions{})), 1)
		assert.Equal(t, 1, countRequests(server, "createJob"))

		args := mergeDev
		args.Title = "another"
		other, err := js.Create(t.Context(), args)
		require.NoError(t, err)
		assert.NotEqual(t, job.ID(), other.ID())

		again, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.NotEqual(t, job.ID(), again.ID(), "a job that was returned is not this one")
		assert.Equal(t, 3, countRequests(server, "createJob"))
	})
}

func TestCreate_RecoversASearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := clientLosing(t, jobstest.New(t), each(responseLost), jobs.WithCreateRecovery())
		job, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{
			jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": {true, nil, 1.0}, "lanes": {2}}), jobs.SizeAtLeast(1 << 60),
		}})
		require.NoError(t, err)
		require.NoError(t, job.Wait(t.Context()))
	})
}

func TestCreate_RecoversAJobThatIsListedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Stale(3*time.Second))
		js := mergeJobs(t, clientLosing(t, server, each(responseLost), jobs.WithCreateRecovery()))
		start := time.Now()
		job, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)
		assert.Equal(t, 3500*time.Millisecond, time.Since(start))
		require.NoError(t, job.Wait(t.Context()))
		assert.Equal(t, 1, countRequests(server, "createJob"))
	})
}

func TestCreate_IsAmbiguousWithoutRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergeJobs(t, clientLosing(t, server, each(responseLost)))
		began := time.Now()
		job, err := js.Create(t.Context(), mergeDev)
		assert.Nil(t, job)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		require.ErrorIs(t, err, jobs.ErrUnreachable)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Equal(t, jobs.TypeSquashAndMerge, unsure.Type)
		assert.Equal(t, "dev->main(skip)", unsure.Title)
		assert.JSONEq(t, `{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"}`, string(unsure.Arguments))
		assert.Equal(t, began, unsure.Since)
		assert.Zero(t, unsure.Lookups)
		assert.Zero(t, countRequests(server, "listJobs"))
		found := 0
		for job, err := range js.List(t.Context(), jobs.ListOptions{}) {
			require.NoError(t, err)
			if unsure.Matches(job.Snapshot()) {
				found++
			}
		}
		assert.Equal(t, 1, found)
	})
}

func TestCreate_IsNotSentAgainIfNoJobIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		js := mergeJobs(t, clientLosing(t, server, each(requestLost), jobs.WithCreateRecovery()))
		start := time.Now()
		_, err := js.Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Equal(t, 5, unsure.Lookups)
		assert.Equal(t, 7500*time.Millisecond, time.Since(start))
		assert.ErrorContains(t, err, "; it was not found in 5 looks, and may still show")
		assert.Zero(t, countRequests(server, "createJob"))
	})
}

func TestCreate_DoesNotClaimADifferentJob(t *testing.T) {
	for name, change := range map[string]func(*jobs.SquashAndMergeArgs){
		"title":     func(a *jobs.SquashAndMergeArgs) { a.Title = "other" },
		"arguments": func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "other" },
		"age":       func(*jobs.SquashAndMergeArgs) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t)
				args := mergeDev
				change(&args)
				_, err := mergeJobs(t, clientOf(t, server)).Create(t.Context(), args)
				require.NoError(t, err)
				if name == "age" {
					<-time.After(7 * time.Second)
				}
				_, err = mergeJobs(t, clientLosing(t, server, each(requestLost), jobs.WithCreateRecovery())).Create(t.Context(), mergeDev)
				require.ErrorIs(t, err, jobs.ErrAmbiguous)
			})
		})
	}
}

func TestCreate_NamesAllMatchingJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		foreign, err := mergeJobs(t, clientOf(t, server)).Create(t.Context(), mergeDev)
		require.NoError(t, err)
		_, err = mergeJobs(t, clientLosing(t, server, each(responseLost), jobs.WithCreateRecovery())).Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		var unsure *jobs.CreateError
		require.ErrorAs(t, err, &unsure)
		assert.Len(t, unsure.Found, 2)
		assert.Contains(t, unsure.Found, foreign.ID())
		assert.ErrorContains(t, err, "; 2 jobs fit, look which is yours: "+strings.Join(unsure.Found, ", "))
	})
}

func TestCreate_ConcurrentRecoveriesClaimDifferentJobs(t *testing.T) {
	for name, lost := range map[string]loss{
		"every answer is lost":       each(responseLost),
		"every third is lost":        func(n int) fate { return fate(n % 3) },
		"one did not arrive":         func(n int) fate { return map[bool]fate{true: requestLost}[n == 5] },
		"the first answer comes":     func(n int) fate { return map[bool]fate{true: requestLost}[n > 1] },
		"the first does not arrive":  func(n int) fate { return map[bool]fate{true: requestLost, false: responseLost}[n == 1] },
		"the last answer comes only": func(n int) fate { return map[bool]fate{true: answered, false: responseLost}[n == 10] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond))
				js := mergeJobs(t, clientLosing(t, server, lost, jobs.WithCreateRecovery()))
				var mu sync.Mutex
				ids, failed := map[string]int{}, 0
				var group sync.WaitGroup
				for range 10 {
					group.Go(func() {
						job, err := js.Create(t.Context(), mergeDev)
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							assert.ErrorIs(t, err, jobs.ErrAmbiguous)
							failed++
							return
						}
						ids[job.ID()]++
					})
				}
				group.Wait()
				for id, n := range ids {
					assert.Equal(t, 1, n, "job %s", id)
				}
				there := collect(t, js.List(t.Context(), jobs.ListOptions{}))
				assert.Len(t, there, len(ids), "every job that was made was returned")
				assert.Equal(t, 10, len(ids)+failed)
			})
		})
	}
}

func TestCreate_WaitsForAConcurrentIdenticalCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "createJob"}, jobstest.Hang())
		js := mergeJobs(t, clientOf(t, server, jobs.WithCreateRecovery()))
		go js.Create(t.Context(), mergeDev)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.Create(ctx, mergeDev)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, jobs.ErrAmbiguous)
		assert.ErrorContains(t, err, "another create of the same job is under way, so this one was not sent")
		<-time.After(time.Minute)
	})
}

func TestCreate_RecoveryToleratesErrorsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		server.Inject(jobstest.Rule{Operation: "listJobs", Times: 3}, jobstest.Status(500))
		js := mergeJobs(t, clientLosing(t, server, each(responseLost), jobs.WithCreateRecovery(), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1})))
		_, err := js.Create(t.Context(), mergeDev)
		require.NoError(t, err)

		server.Inject(jobstest.Rule{Operation: "listJobs"}, jobstest.Hang())
		start := time.Now()
		_, err = js.Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "nobody's deadline has passed")
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.ErrorContains(t, err, "; the last of 1 looks for it failed: list jobs: ")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = js.Create(ctx, mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, time.Second, time.Since(start), "it ends when the caller's context does")
		assert.Equal(t, 3, countRequests(server, "createJob"))
	})
}

func TestCreate_RecoveryReadsTheNewestJobsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return newResponse(500, ""), nil
			}
			looks++
			items := make([]string, 128)
			for i := range items { // a list that does not end
				raw, _ := json.Marshal(map[string]any{"jobId": numberedNames("j", 1)[0] + "-" + strings.Repeat("a", looks) + string(rune('a'+i%26)) + strings.Repeat("b", i/26),
					"title": "x", "arguments": map[string]any{}, "createdAt": time.Now().Unix(), "status": "SUCCESS"})
				items[i] = string(raw)
			}
			return newResponse(200, `{"jobs":[`+strings.Join(items, ",")+`],"totalCount":1000000}`), nil
		}, jobs.WithCreateRecovery())
		_, err := datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, 5*5, looks)
	})
}

func TestCreateError_Matches(t *testing.T) {
	since := time.Date(2026, 11, 25, 12, 0, 0, 900e6, time.UTC)
	unsure := &jobs.CreateError{Type: jobs.TypeBasicSearch, Title: "t", Arguments: json.RawMessage(`{"a":[1,true,null,"x"],"b":{"c":9007199254740993}}`), Since: since}
	same := jobs.Snapshot{Type: jobs.TypeBasicSearch, Title: "t", Arguments: unsure.Arguments, CreatedAt: since.Truncate(time.Second)}
	assert.True(t, unsure.Matches(same))
	for arguments, want := range map[string]bool{
		`{"b":{"c":9007199254740993},"a":[1,true,null,"x"]}`:              true,
		`{"b" : {"c":9007199254740993}, "a":[1.0, true, null, "\u0078"]}`: true,
		`{"b":{"c":9007199254740993},"a":[10e-1,true,null,"x"]}`:          true,
		`{"b":{"c":9007199254740992},"a":[1,true,null,"x"]}`:              false,
		`{"b":{"c":9007199254740993},"a":[true,1,null,"x"]}`:              false,
		`{"b":{"c":9007199254740993},"a":["1",true,null,"x"]}`:            false,
		`{"b":{"c":9007199254740993},"a":[1,true,"x"]}`:                   false,
		`{"a":[1,true,null,"x"]}`:                                         false,
		``:                                                                false,
		`{"a":1e999999999}`:                                               false,
	} {
		job := same
		job.Arguments = json.RawMessage(arguments)
		assert.Equal(t, want, unsure.Matches(job), arguments)
	}
	for at, want := range map[time.Duration]bool{0: true, -5 * time.Second: true, -7 * time.Second: false, time.Hour: true} {
		job := same
		job.CreatedAt = since.Add(at).Truncate(time.Second)
		assert.Equal(t, want, unsure.Matches(job), at)
	}
	for _, job := range []jobs.Snapshot{
		{Type: jobs.TypeSquashAndMerge, Title: "t", Arguments: unsure.Arguments, CreatedAt: since},
		{Type: jobs.TypeBasicSearch, Title: "T", Arguments: unsure.Arguments, CreatedAt: since},
		{},
	} {
		assert.False(t, unsure.Matches(job))
	}
}

func TestCreate_IsAmbiguousIfCanceledInFlight(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := stubClient(t, func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	})
	err := operationCalls(t, client)["create"](ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, jobs.ErrAmbiguous)
}
