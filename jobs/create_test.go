package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
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
	atDraft := dataset(t, client, "street-scenes", jobs.AtDraft(1))
	atCommit := dataset(t, client, "street-scenes", jobs.AtCommit("0123456789abcdef0123456789abcdef"))
	before := len(server.Requests())

	merge := func(ds *jobs.Dataset, change func(*jobs.SquashAndMergeArgs)) func(context.Context) error {
		return func(ctx context.Context) error {
			args := mergeDev
			change(&args)
			return errorOf(ds.SquashAndMerge().Create(ctx, args))
		}
	}
	search := func(ds *jobs.Dataset, args jobs.BasicSearchArgs) func(context.Context) error {
		return func(ctx context.Context) error {
			return errorOf(ds.BasicSearch().Create(ctx, args))
		}
	}
	filters := func(f ...jobs.Filter) jobs.BasicSearchArgs { return jobs.BasicSearchArgs{Filters: f} }
	for name, tc := range map[string]struct {
		call func(context.Context) error
		text string
	}{
		"no draft title":                {merge(plain, func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "" }), "the draft title is empty"},
		"no source":                     {merge(plain, func(a *jobs.SquashAndMergeArgs) { a.Source = "" }), "the source branch is empty"},
		"unknown strategy":              {merge(plain, func(a *jobs.SquashAndMergeArgs) { a.Strategy = "rebase" }), `unknown strategy "rebase": use abort, override or skip`},
		"target is the source":          {merge(plain, func(a *jobs.SquashAndMergeArgs) { a.Target = "dev" }), "source and target are the same branch"},
		"no target at a draft":          {merge(atDraft, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }), "is checked out at draft 1; set Target"},
		"no target at a commit":         {merge(atCommit, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }), "is checked out at commit 0123456789abcdef0123456789abcdef; set Target"},
		"no filters":                    {search(fusion, filters()), "the filter list is empty"},
		"zero filter":                   {search(plain, filters(jobs.HasLabel(true), jobs.Filter{})), "filter 1 is the zero value"},
		"unknown conjunction":           {search(plain, jobs.BasicSearchArgs{Conjunction: "xor", Filters: []jobs.Filter{jobs.HasLabel(true)}}), `unknown conjunction "xor"`},
		"unknown unit":                  {search(plain, jobs.BasicSearchArgs{Unit: "segment", Filters: []jobs.Filter{jobs.HasLabel(true)}}), `unknown unit "segment"`},
		"unit frame on a plain dataset": {search(plain, jobs.BasicSearchArgs{Unit: jobs.UnitFrame, Filters: []jobs.Filter{jobs.HasLabel(true)}}), "only fusion datasets have frames"},
		"sensor on a plain dataset":     {search(plain, filters(jobs.HasLabel(true), jobs.SensorIn("CAM"))), `filter 1, sensor in ["CAM"], on plain dataset`},
		"frame id on a plain dataset":   {search(plain, filters(jobs.FrameIs("01"))), `filter 0, frame = "01", on plain dataset`},
		"search of a draft":             {search(atDraft, filters(jobs.HasLabel(true))), "which is no commit"},
		"no segments":                   {search(plain, filters(jobs.SegmentIn())), "filter 0, segment in: invalid argument: the list is empty"},
		"empty segment":                 {search(plain, filters(jobs.SegmentIn("a", ""))), "a name in the list is empty"},
		"no label type":                 {search(plain, filters(jobs.CategoryIn("", "car"))), "the label type is empty"},
		"negative size":                 {search(plain, filters(jobs.SizeAtLeast(-1))), "a size of -1 bytes is negative"},
		"empty path":                    {search(plain, filters(jobs.RemotePathLike(""))), "the text is empty"},
		"no attributes":                 {search(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, nil))), "the map of attributes is empty"},
		"no attribute values":           {search(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": nil}))), `attribute "occluded" has no allowed value`},
		"value without JSON form":       {search(plain, filters(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": {math.NaN()}}))), "the value has no JSON form"},
		"raw filter without key":        {search(plain, filters(jobs.RawFilter("", "", "=", "", 1))), "key or operator is empty"},
		"no segment name":               {func(ctx context.Context) error { return firstItem((&jobs.SearchResult{}).Data(ctx, "")) }, "segment name is empty"},
		"no dataset name": {func(ctx context.Context) error {
			return (&jobs.BasicSearchJob{}).CreateDataset(ctx, jobs.DatasetSpec{})
		}, "the name of the new dataset is empty"},
		"schedule": {func(ctx context.Context) error {
			return resumeMerge(t, plain, processingJob).Wait(ctx, jobs.WithSchedule(polling.Schedule{Min: -1}))
		}, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.call(ctx)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.ErrorContains(t, err, tc.text)
		})
	}
	assert.Len(t, server.Requests(), before, "no request is sent")
}

// A delivery is the part of a round trip that is lost, if any.
type delivery int

const (
	delivered delivery = iota
	responseLost
	requestLost
)

// each loses the same part of every create.
func each(d delivery) func(int) delivery { return func(int) delivery { return d } }

// clientLosing returns a client of server that loses creates. lose returns the
// lost part of the n-th create, counted from 1.
func clientLosing(t *testing.T, server *jobstest.Server, lose func(n int) delivery, options ...jobs.Option) *jobs.Client {
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
			d := lose(n)
			mu.Unlock()
			if d == requestLost {
				return nil, errReset
			}
			resp, err := inner.RoundTrip(r)
			if err == nil && d == responseLost {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				return nil, errReset
			}
			return resp, err
		}),
	})}, options...)...)
}

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
		assert.NotEqual(t, job.ID(), again.ID(), "a job that was already returned is not returned again")
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
		start := time.Now()
		job, err := js.Create(t.Context(), mergeDev)
		assert.Nil(t, job)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		require.ErrorIs(t, err, jobs.ErrUnreachable)
		var createError *jobs.CreateError
		require.ErrorAs(t, err, &createError)
		assert.Equal(t, jobs.TypeSquashAndMerge, createError.Type)
		assert.Equal(t, "dev->main(skip)", createError.Title)
		assert.JSONEq(t, `{"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"}`, string(createError.Arguments))
		assert.Equal(t, start, createError.Since)
		assert.Zero(t, createError.Lookups)
		assert.Zero(t, countRequests(server, "listJobs"))
		found := 0
		for job, err := range js.List(t.Context(), jobs.ListOptions{}) {
			require.NoError(t, err)
			if createError.Matches(job.Snapshot()) {
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
		var createError *jobs.CreateError
		require.ErrorAs(t, err, &createError)
		assert.Equal(t, 5, createError.Lookups)
		assert.Equal(t, 7500*time.Millisecond, time.Since(start))
		assert.ErrorContains(t, err, "; not found in 5 lookups; it may exist: check the list of jobs")
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
		other, err := mergeJobs(t, clientOf(t, server)).Create(t.Context(), mergeDev)
		require.NoError(t, err)
		_, err = mergeJobs(t, clientLosing(t, server, each(responseLost), jobs.WithCreateRecovery())).Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		var createError *jobs.CreateError
		require.ErrorAs(t, err, &createError)
		assert.Len(t, createError.Found, 2)
		assert.Contains(t, createError.Found, other.ID())
		assert.ErrorContains(t, err, "; 2 jobs match, check them before you create it again: "+strings.Join(createError.Found, ", "))
	})
}

func TestCreate_ConcurrentRecoveriesClaimDifferentJobs(t *testing.T) {
	// except loses a part of create n, and another part of all other creates.
	except := func(n int, part, others delivery) func(int) delivery {
		return func(i int) delivery {
			if i == n {
				return part
			}
			return others
		}
	}
	for name, lose := range map[string]func(int) delivery{
		"all responses are lost":              each(responseLost),
		"requests and responses are lost":     func(n int) delivery { return delivery(n % 3) },
		"one request is lost":                 except(5, requestLost, delivered),
		"all requests but one are lost":       except(1, delivered, requestLost),
		"one request, other responses":        except(1, requestLost, responseLost),
		"all responses but the last are lost": except(10, delivered, responseLost),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond))
				js := mergeJobs(t, clientLosing(t, server, lose, jobs.WithCreateRecovery()))
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
				listed := collect(t, js.List(t.Context(), jobs.ListOptions{}))
				assert.Len(t, listed, len(ids), "every created job was returned")
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
		assert.ErrorContains(t, err, "not sent, because another create of an equal job is in progress")
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
		require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller set no deadline")
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.ErrorContains(t, err, "; the last of 1 lookups failed: list jobs: ")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		_, err = js.Create(ctx, mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, time.Second, time.Since(start), "it ends with the context of the caller")
		assert.Equal(t, 3, countRequests(server, "createJob"))
	})
}

func TestCreate_RecoveryReadsTheNewestJobsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := 0
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return newResponse(500, ""), nil
			}
			lists++
			items := make([]string, 128)
			for i := range items { // a list without an end
				items[i] = fmt.Sprintf(`{"jobId":"%d-%d","title":"x","arguments":{},"createdAt":%d,"status":"SUCCESS"}`, lists, i, time.Now().Unix())
			}
			return newResponse(200, `{"jobs":[`+strings.Join(items, ",")+`],"totalCount":1000000}`), nil
		}, jobs.WithCreateRecovery())
		_, err := datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrAmbiguous)
		assert.Equal(t, 5*5, lists, "5 pages in each of 5 lookups")
	})
}

func TestCreateError_HasATextWithoutItsCause(t *testing.T) {
	assert.ErrorContains(t, &jobs.CreateError{Type: jobs.TypeBasicSearch, Title: "t", DatasetID: "d1"}, `create basicSearch job "t" of dataset d1: <nil>`)
}

func TestCreateError_Matches(t *testing.T) {
	since := time.Date(2026, 11, 25, 12, 0, 0, 900e6, time.UTC)
	createError := &jobs.CreateError{Type: jobs.TypeBasicSearch, Title: "t", Arguments: json.RawMessage(`{"a":[1,true,null,"x"],"b":{"c":9007199254740993}}`), Since: since}
	same := jobs.Snapshot{Type: jobs.TypeBasicSearch, Title: "t", Arguments: createError.Arguments, CreatedAt: since.Truncate(time.Second)}
	assert.True(t, createError.Matches(same))
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
		assert.Equal(t, want, createError.Matches(job), arguments)
	}
	for at, want := range map[time.Duration]bool{0: true, -5 * time.Second: true, -7 * time.Second: false, time.Hour: true} {
		job := same
		job.CreatedAt = since.Add(at).Truncate(time.Second)
		assert.Equal(t, want, createError.Matches(job), at)
	}
	for _, job := range []jobs.Snapshot{
		{Type: jobs.TypeSquashAndMerge, Title: "t", Arguments: createError.Arguments, CreatedAt: since},
		{Type: jobs.TypeBasicSearch, Title: "T", Arguments: createError.Arguments, CreatedAt: since},
		{},
	} {
		assert.False(t, createError.Matches(job))
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

// A response that is invalid otherwise may still name the job.
func TestCreate_KeepsTheIdOfAnInvalidResponse(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"202":               {202, `{"jobId":"6f2a","createdAt":1764000000}`, "6f2a"},
		"no time":           {201, `{"jobId":"6f2a"}`, "6f2a"},
		"time is a text":    {200, `{"jobId":"6f2a","createdAt":"now"}`, "6f2a"},
		"malformed id":      {202, `{"jobId":"../a"}`, ""},
		"no id":             {202, `{}`, ""},
		"html":              {200, `<html>`, ""},
		"cut within the id": {200, `{"jobId":"6f`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := datasetByID(t, stubClient(t, respondWith(tc.status, tc.body))).SquashAndMerge().Create(t.Context(), mergeDev)
			var uncertain *jobs.CreateError
			require.ErrorAs(t, err, &uncertain)
			require.ErrorIs(t, err, jobs.ErrAmbiguous)
			assert.Equal(t, tc.want, uncertain.JobID)
			if tc.want != "" {
				assert.ErrorContains(t, err, "; the response names job 6f2a")
			}
		})
	}
}

func TestCreate_RecoversTheJobThatTheResponseNames(t *testing.T) {
	client := stubClient(t, func(r *http.Request) (*http.Response, error) {
		switch {
		case r.Method == http.MethodPost:
			return newResponse(202, `{"jobId":"6f2a"}`), nil
		case strings.HasSuffix(r.URL.Path, "/jobs/6f2a"):
			return newResponse(200, processingJob), nil
		}
		return nil, errors.New("the list is not needed")
	}, jobs.WithCreateRecovery())
	job, err := datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev)
	require.NoError(t, err)
	assert.Equal(t, "6f2a", job.ID())
	assert.Equal(t, jobs.StatusProcessing, job.Status())
}

// The service may trim titles, add empty arguments, and have a slow clock.
func TestCreate_RecoversAJobThatTheServiceHasNormalized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		serviceTime := func() time.Time { return time.Now().Add(-time.Hour) }
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			resp := newResponse(502, "")
			if r.Method == http.MethodGet {
				created := fmt.Sprint(serviceTime().Unix())
				resp = newResponse(200, `{"jobs":[{"jobId":"6f2a","title":"merge","createdAt":`+created+`,"status":"QUEUING","arguments":`+
					`{"title":"merge dev","description":"","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"}}],"totalCount":1}`)
			}
			resp.Header.Set("Date", serviceTime().UTC().Format(http.TimeFormat))
			return resp, nil
		}, jobs.WithCreateRecovery())
		args := mergeDev
		args.Title = " merge "
		job, err := datasetByID(t, client).SquashAndMerge().Create(t.Context(), args)
		require.NoError(t, err)
		assert.Equal(t, "6f2a", job.ID())
	})
}

func TestCreate_RecoversAJobWhoseTitleIsInvalidUTF8(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return nil, errReset
			}
			return newResponse(200, fmt.Sprintf(`{"jobs":[{"jobId":"6f2a","title":"caf\ufffd","createdAt":%d,"status":"QUEUING","arguments":{}}],"totalCount":1}`, time.Now().Unix())), nil
		}, jobs.WithCreateRecovery())
		job, err := datasetByID(t, client).Jobs("count").Create(t.Context(), jobs.RawArgs{Title: "café"[:4], Arguments: struct{}{}})
		require.NoError(t, err)
		assert.Equal(t, "6f2a", job.ID())
	})
}

func TestCreate_EqualTitlesDoNotRecoverTheSameJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			if r.Method == http.MethodPost {
				return nil, errReset
			}
			id, title := "6f2a", "merge"
			if r.URL.Query().Get("offset") != "0" {
				id, title = "6f2b", "other"
			}
			return newResponse(200, fmt.Sprintf(`{"jobs":[{"jobId":%q,"title":%q,"createdAt":%d,"status":"QUEUING","arguments":{"a":1}}],"totalCount":2}`, id, title, time.Now().Unix())), nil
		}, jobs.WithCreateRecovery())
		recovered := make(chan bool, 2)
		for _, args := range []jobs.RawArgs{
			{Title: "merge", Arguments: map[string]any{"a": 1}},
			{Title: " merge ", Arguments: map[string]any{"a": 1.0, "description": ""}},
		} {
			go func() {
				_, err := datasetByID(t, client).Jobs("count").Create(t.Context(), args)
				recovered <- err == nil
			}()
		}
		assert.NotEqual(t, <-recovered, <-recovered)
	})
}

func TestCreate_DoesNotRecoverTheJobOfTheCreateItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		created, requests := time.Now().Unix(), 0
		ds := datasetByID(t, stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPost {
				return newResponse(200, fmt.Sprintf(`{"jobs":[{"jobId":"6f2a","title":"merge","createdAt":%d,"status":"QUEUING","arguments":{}}],"totalCount":1}`, created)), nil
			}
			if requests++; requests == 1 { // it creates the job, but its response is lost
				return hang(r)
			}
			return nil, errReset
		}, jobs.WithCreateRecovery()))
		args := jobs.RawArgs{Title: "merge", Arguments: struct{}{}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		first := make(chan error, 1)
		go func() { first <- errorOf(ds.Jobs("count").Create(ctx, args)) }()
		synctest.Wait()
		require.ErrorIs(t, errorOf(ds.Jobs("count").Create(t.Context(), args)), jobs.ErrAmbiguous)
		require.ErrorIs(t, <-first, jobs.ErrAmbiguous)
	})
}
