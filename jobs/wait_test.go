package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestWait_LagsByAFractionOfTheLength(t *testing.T) {
	for _, length := range []time.Duration{time.Second, time.Minute, time.Hour, 10 * time.Hour} {
		t.Run(length.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithQueuing(length/10), jobstest.WithProcessing(length-length/10))
				job := createMerge(t.Context(), t, client)
				start := time.Now()
				require.NoError(t, job.Wait(t.Context()))
				lag := time.Since(start) - length
				assert.GreaterOrEqual(t, lag, time.Duration(0))
				assert.LessOrEqual(t, lag, max(length/13, 250*time.Millisecond))
				s := job.Snapshot()
				assert.Equal(t, jobs.StatusSuccess, s.Status)
				assert.WithinDuration(t, start.Add(length), s.FinishedAt, time.Second)
				before := countPolls(server)
				require.NoError(t, job.Wait(t.Context()))
				assert.Equal(t, before, countPolls(server), "Wait does not poll a finished job")
			})
		})
	}
}

func TestWait_ReturnsTheErrorOfAFailedJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
			return jobstest.Run{Processing: time.Minute, Fail: "the disk is full"}
		}))
		job := createMerge(t.Context(), t, client)
		err := job.Wait(t.Context())
		require.ErrorIs(t, err, jobs.ErrJobFailed)
		var failed *jobs.JobError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "the disk is full", failed.Job.ErrorMessage)
		assert.EqualError(t, err, "job "+job.ID()+" failed: the disk is full")
		_, err = job.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrJobFailed)
	})
}

func TestWait_EndsAtOnceIfCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Hour))
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Minute+123*time.Millisecond, cancel)
		start := time.Now()
		err := job.Wait(ctx)
		assert.Equal(t, 10*time.Minute+123*time.Millisecond, time.Since(start))
		require.ErrorIs(t, err, context.Canceled)
		var ended *jobs.WaitError
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, jobs.StatusProcessing, ended.Job.Status)
		require.NoError(t, ended.Last)
		assert.ErrorContains(t, err, "wait for job "+job.ID()+", last seen PROCESSING, ended after 10m0.123s")
		require.NoError(t, job.Wait(t.Context()), "a second wait continues")
	})
}

func TestWait_PollsShortlyBeforeTheDeadline(t *testing.T) {
	const rtt, limit = 20 * time.Millisecond, 10 * time.Minute
	every := jobs.WithSchedule(polling.Schedule{Min: 7 * time.Second, Max: 7 * time.Second})
	for name, tc := range map[string]struct {
		length  time.Duration
		options []jobs.WaitOption
		want    error
	}{
		"ends two round trips before":                  {limit - 2*rtt, nil, nil},
		"ends after it":                                {limit + time.Second, nil, context.DeadlineExceeded},
		"ends two round trips before, own schedule":    {limit - 2*rtt, []jobs.WaitOption{every}, nil},
		"ends after it, own schedule":                  {limit + time.Second, []jobs.WaitOption{every}, context.DeadlineExceeded},
		"ends before, own schedule is longer than ctx": {limit - 2*rtt, []jobs.WaitOption{jobs.WithSchedule(polling.Schedule{Min: time.Hour})}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := connect(t, jobstest.WithLatency(rtt), jobstest.WithQueuing(0), jobstest.WithProcessing(tc.length))
				js := mergeJobs(t, client)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				job, err := js.Create(ctx, mergeDev)
				require.NoError(t, err)
				require.ErrorIs(t, job.Wait(ctx, tc.options...), tc.want)
			})
		})
	}
}

func TestWait_ToleratesTransientErrors(t *testing.T) {
	for name, fault := range map[string]jobstest.Fault{
		"500":                   jobstest.Status(500),
		"502 with a page":       jobstest.HTML(502),
		"503 with Retry-After":  jobstest.HTML(503).RetryAfter(5 * time.Second),
		"429":                   jobstest.Empty(429),
		"200 with a page":       jobstest.HTML(200),
		"200 with half a body":  jobstest.Truncate(),
		"200 with another job":  jobstest.Response(200, "application/json", processingJob),
		"302":                   jobstest.Redirect(302, "https://example.com"),
		"408":                   jobstest.Empty(408),
		"400 with a page":       jobstest.HTML(400),
		"401 with a page":       jobstest.HTML(401),
		"403 with a page":       jobstest.HTML(403),
		"404 with a page":       jobstest.HTML(404),
		"403 with a message":    jobstest.Response(403, "application/json", `{"message":"Forbidden"}`),
		"404 with another code": jobstest.Response(404, "application/json", `{"code":404,"message":"no route"}`),
		"connection refused":    jobstest.Refuse(),
		"connection reset":      jobstest.Reset(),
		"no response":           jobstest.Hang(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(5*time.Minute))
				job := createMerge(t.Context(), t, client)
				server.Inject(jobstest.Rule{Match: isPoll, After: time.Minute, For: time.Minute}, fault)
				errs, start := 0, time.Now()
				for e, err := range job.Watch(t.Context()) {
					require.NoError(t, err)
					if e.Err != nil {
						errs++
						assert.Equal(t, jobs.StatusProcessing, e.Job.Status, "the last known state")
					}
				}
				assert.Equal(t, len(server.Faulted()), errs, "each error is an event")
				assert.Positive(t, errs)
				assert.LessOrEqual(t, errs, 20)
				assert.Equal(t, jobs.StatusSuccess, job.Status())
				assert.Less(t, time.Since(start), 5*time.Minute*14/13)
			})
		})
	}
}

func TestWait_EndsWithADefinitiveError(t *testing.T) {
	for status, want := range map[int]error{
		400: jobs.ErrInvalidArgument, 401: jobs.ErrUnauthorized, 403: jobs.ErrForbidden, 404: jobs.ErrNotFound,
	} {
		for _, n := range []int{1, 2, 20} {
			t.Run(fmt.Sprintf("%d jobs, %d", n, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server, client := connect(t, jobstest.WithProcessing(time.Hour))
					all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), n)
					server.Inject(jobstest.Rule{Match: isPoll, After: time.Minute}, jobstest.Status(status))
					start := time.Now()
					for _, err := range waitEach(t.Context(), all) {
						require.ErrorIs(t, err, want)
						var ended *jobs.WaitError
						require.ErrorAs(t, err, &ended)
						assert.Equal(t, jobs.StatusProcessing, ended.Job.Status)
						assert.Positive(t, ended.Polls)
						assert.ErrorIs(t, ended.Last, want)
					}
					assert.Less(t, time.Since(start), 80*time.Second)
				})
			})
		}
	}
}

// With stale reads a new job is not found at first, and the previous run is read
// after a retry.
func TestWait_ToleratesStaleReads(t *testing.T) {
	for _, lag := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		t.Run(lag.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, jobstest.WithProcessing(time.Minute))
				server.Inject(jobstest.Rule{}, jobstest.Stale(lag))
				job := createMerge(t.Context(), t, client)
				require.ErrorIs(t, job.Update(t.Context()), jobs.ErrNotFound, "Update does not tolerate stale reads")
				require.NoError(t, job.Wait(t.Context()))

				job = createMerge(t.Context(), t, client)
				<-time.After(30 * time.Second)
				require.NoError(t, job.Abort(t.Context()))
				require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
				require.NoError(t, job.Retry(t.Context()))
				require.NoError(t, job.Wait(t.Context()), "Wait ignores the end of the previous run")
				_, err := job.Result(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

// Wait tolerates not found for half a minute after Create.
func TestWait_EndsIfTheJobStaysNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		job := createMerge(t.Context(), t, client)
		server.Inject(jobstest.Rule{}, jobstest.Stale(time.Hour))
		start := time.Now()
		err := job.Wait(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFound)
		var ended *jobs.WaitError
		require.ErrorAs(t, err, &ended)
		assert.Equal(t, job.ID(), ended.Job.ID)
		assert.Greater(t, time.Since(start), 30*time.Second)
		assert.Less(t, time.Since(start), 110*time.Second, "two delays of the backoff more")
	})
}

func TestWithMaxOutage_EndsAWait(t *testing.T) {
	for name, options := range map[string][]jobs.WaitOption{
		"shared polls": nil, "own schedule": {jobs.WithSchedule(polling.Schedule{})},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				err := stubMerge(t, respondWith(503, ""), processingJob).Wait(t.Context(), append(options, jobs.WithMaxOutage(5*time.Minute))...)
				require.ErrorIs(t, err, polling.ErrOutage)
				assert.InDelta(t, 5, time.Since(start).Minutes(), 0.7)
				assert.ErrorContains(t, err, "the last poll failed: ")
				assert.ErrorContains(t, err, ": GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs")
			})
		})
	}
}

func TestWait_ContinuesOnAnUnknownStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		job := stubMerge(t, func(*http.Request) (*http.Response, error) {
			if time.Since(start) > time.Minute {
				return newResponse(200, jobJSON("PROCESSING", "SUCCESS")), nil
			}
			return newResponse(200, jobJSON("PROCESSING", "PAUSED")), nil
		}, processingJob)
		require.NoError(t, job.Update(t.Context()))
		assert.Equal(t, jobs.Status("PAUSED"), job.Status())
		assert.False(t, job.Status().Finished())
		_, err := job.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrNotFinished)
		assert.ErrorContains(t, err, "job 6f2a was last seen PAUSED")
		paused := 0
		for e, err := range job.Watch(t.Context()) {
			require.NoError(t, err)
			if e.Job.Status == "PAUSED" {
				paused++
			}
		}
		assert.Positive(t, paused)
		assert.Greater(t, time.Since(start), time.Minute)
	})
}

func TestWait_RepeatsASlowPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		server.Inject(jobstest.Rule{Match: isPoll, From: 3, Times: 1}, jobstest.Hang())
		var errs []error
		start := time.Now()
		for e, err := range job.Watch(t.Context()) {
			require.NoError(t, err)
			if e.Err != nil {
				errs = append(errs, e.Err)
			}
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], jobs.ErrUnreachable)
		require.NotErrorIs(t, errs[0], context.DeadlineExceeded)
		assert.ErrorContains(t, errs[0], "the poll was too slow and is repeated")
		assert.Less(t, time.Since(start), 66*time.Second)
	})
}

// runs of a job in its wire form
var (
	abortedRun = jobJSON(`"PROCESSING"`, `"ABORTED","finishedAt":1764000010`)
	newRun     = jobJSON(`"startedAt":1764000002`, `"startedAt":1764000020`)
	newRunDone = jobJSON(`"startedAt":1764000002`, `"startedAt":1764000020`, `"PROCESSING"`, `"SUCCESS","result":{"draftNumber":3}`)
)

func TestWait_IgnoresThePreviousRunAfterRetry(t *testing.T) {
	// Each function returns the state that the service shows some time after the
	// retry, in its n-th response.
	for name, state := range map[string]func(time.Duration, int) string{
		"reads are stale for five seconds": func(since time.Duration, _ int) string {
			if since < 5*time.Second {
				return abortedRun
			}
			return newRun
		},
		"the new run has no start yet": func(since time.Duration, _ int) string {
			if since < 5*time.Second {
				return jobJSON(`"startedAt":1764000002,"status":"PROCESSING"`, `"status":"QUEUING"`)
			}
			return newRun
		},
		"one replica is stale": func(_ time.Duration, n int) string {
			if n == 2 {
				return abortedRun
			}
			return newRun
		},
		"every second response is stale": func(since time.Duration, n int) string {
			if since < 25*time.Second && n%2 == 0 {
				return abortedRun
			}
			return newRun
		},
	} {
		for _, options := range [][]jobs.WaitOption{nil, {jobs.WithSchedule(polling.Schedule{})}} {
			t.Run(fmt.Sprint(name, ", own schedule: ", options != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var retriedAt time.Time
					n := 0
					job := stubMerge(t, func(r *http.Request) (*http.Response, error) {
						if r.Method == http.MethodPost {
							retriedAt = time.Now()
							return newResponse(200, "{}"), nil
						}
						since := time.Since(retriedAt)
						if n++; since >= time.Minute {
							return newResponse(200, newRunDone), nil
						}
						return newResponse(200, state(since, n)), nil
					}, abortedRun)
					require.ErrorIs(t, job.Wait(t.Context(), options...), jobs.ErrJobAborted)
					require.NoError(t, job.Retry(t.Context()))
					require.NoError(t, job.Wait(t.Context(), options...))
					assert.GreaterOrEqual(t, time.Since(retriedAt), time.Minute)
				})
			})
		}
	}
}

// The response to a request before the retry arrives after the new run was seen.
func TestWait_IgnoresALateResponseAfterRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var state atomic.Value
		state.Store(abortedRun)
		job := stubMerge(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				state.Store(newRun)
				time.AfterFunc(time.Minute, func() { state.Store(newRunDone) })
				return newResponse(200, "{}"), nil
			}
			body := state.Load().(string)
			if body == abortedRun {
				<-time.After(900 * time.Millisecond)
			}
			return newResponse(200, body), nil
		}, processingJob)
		var wait sync.WaitGroup
		wait.Go(func() { assert.NoError(t, job.Wait(t.Context())) })
		<-time.After(500 * time.Millisecond)
		require.NoError(t, job.Retry(t.Context()))
		require.NoError(t, job.Update(t.Context()))
		wait.Wait()
	})
}

// The job was last seen before the previous run began.
func TestWait_IgnoresAnUnknownEndOfThePreviousRunAfterRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var retriedAt time.Time
		job := stubMerge(t, func(r *http.Request) (*http.Response, error) {
			since := time.Since(retriedAt)
			switch {
			case r.Method == http.MethodPost:
				retriedAt = time.Now()
				return newResponse(200, "{}"), nil
			case since < 5*time.Second:
				return newResponse(200, abortedRun), nil
			case since < time.Minute:
				return newResponse(200, newRun), nil
			}
			return newResponse(200, newRunDone), nil
		}, jobJSON(`"startedAt":1764000002,"status":"PROCESSING"`, `"status":"QUEUING"`))
		require.NoError(t, job.Abort(t.Context()))
		require.NoError(t, job.Retry(t.Context()))
		require.NoError(t, job.Wait(t.Context()))
	})
}

// The wait sees the end of the previous run while the retry is under way.
func TestWatch_ReturnsTheEndDespiteRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		job := stubMerge(t, func(r *http.Request) (*http.Response, error) {
			switch since := time.Since(began); {
			case r.Method == http.MethodPost:
				<-time.After(9 * time.Second)
				return newResponse(200, "{}"), nil
			case since < 10*time.Second:
				return newResponse(200, processingJob), nil
			}
			return newResponse(200, abortedRun), nil
		}, processingJob)
		var retry sync.WaitGroup
		retry.Go(func() {
			<-time.After(9900 * time.Millisecond)
			assert.NoError(t, job.Retry(t.Context()))
		})
		var last jobs.Event
		var err error
		for last, err = range job.Watch(t.Context()) {
			if since := time.Since(began); err == nil && since > 9*time.Second && since < 11*time.Second {
				<-time.After(20 * time.Second) // until Retry has returned
			}
		}
		require.ErrorIs(t, err, jobs.ErrJobAborted)
		assert.Equal(t, jobs.StatusAborted, last.Job.Status)
		retry.Wait()
	})
}

func TestWait_ReturnsThePreviousOutcomeIfRetryHasNoEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := stubMerge(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return newResponse(200, "{}"), nil
			}
			return newResponse(200, abortedRun), nil
		}, abortedRun)
		require.NoError(t, job.Retry(t.Context()))
		start := time.Now()
		require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
		assert.InDelta(t, 30, time.Since(start).Seconds(), 3, "the time that reads may be stale")
	})
}

func TestWait_ContinuesInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Hour))
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		require.ErrorIs(t, job.Wait(ctx), context.DeadlineExceeded)
		saved, err := json.Marshal(job)
		require.NoError(t, err)

		other, err := clientOf(t, server).DatasetByID(job.Dataset().ID())
		require.NoError(t, err)
		before := len(server.Requests())
		resumed, err := other.SquashAndMerge().Resume(saved)
		require.NoError(t, err)
		assert.Len(t, server.Requests(), before, "Resume sends no request")
		assert.Equal(t, job.ID(), resumed.ID())
		var previous time.Duration
		for e, err := range resumed.Watch(t.Context()) {
			require.NoError(t, err)
			if e.Poll == 3 {
				assert.Greater(t, e.Elapsed-previous, 10*time.Second, "the schedule continues, because the job has run for minutes")
			}
			previous = e.Elapsed
		}
		assert.Equal(t, jobs.StatusSuccess, resumed.Status())
	})
}

// A wait with its own schedule updates its own value of the job.
func TestWithSchedule_WaitsBesideASharedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		duplicate := resumeAll(t, job.Dataset(), job)[0]
		var wait sync.WaitGroup
		wait.Go(func() { assert.NoError(t, duplicate.Wait(t.Context())) })
		require.NoError(t, job.Wait(t.Context(), jobs.WithSchedule(polling.Schedule{Max: time.Second})))
		assert.Equal(t, jobs.StatusSuccess, job.Status())
		wait.Wait()
	})
}

// Only the start of a run, by the clock of the service, tells how long it lasts.
func TestWait_ToleratesWrongTimes(t *testing.T) {
	for name, tc := range map[string]struct {
		clock   time.Duration // of the service, relative to the local one
		created func(start time.Time) int64
	}{
		"local clock an hour ahead":  {-time.Hour, time.Time.Unix},
		"local clock an hour behind": {time.Hour, time.Time.Unix},
		"no time of creation":        {0, func(time.Time) int64 { return 0 }},
		"created yesterday":          {0, func(start time.Time) int64 { return start.Unix() - 86400 }},
		"created tomorrow":           {0, func(start time.Time) int64 { return start.Unix() + 86400 }},
	} {
		for _, queued := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, queued: %v", name, queued), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const length = time.Minute
					start, polls := time.Now(), 0
					client := stubClient(t, func(r *http.Request) (*http.Response, error) {
						service := time.Now().Add(tc.clock)
						started := start.Add(tc.clock)
						createdAt := fmt.Sprint(tc.created(started))
						status := `"status":"PROCESSING"`
						switch {
						case queued && time.Since(start) < length/10:
							status = `"status":"QUEUING"`
						case time.Since(start) >= length:
							status = `"status":"SUCCESS"`
						}
						body := jobJSON("1764000000", createdAt, "1764000002", fmt.Sprint(started.Unix()), `"status":"PROCESSING"`, status)
						if strings.Contains(status, "QUEUING") {
							body = strings.Replace(body, fmt.Sprintf(`"startedAt":%d,`, started.Unix()), "", 1)
						}
						if !strings.Contains(r.URL.Path, "/jobs/") {
							body = `{"jobs":[` + body + `],"offset":0,"recordSize":1,"totalCount":1}`
						}
						polls++
						resp := newResponse(200, body)
						resp.Header.Set("Date", service.UTC().Format(http.TimeFormat))
						return resp, nil
					})
					job, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
					require.NoError(t, err)
					require.NoError(t, job.Wait(t.Context()))
					assert.LessOrEqual(t, time.Since(start)-length, length/10)
					assert.LessOrEqual(t, polls, 90)
				})
			})
		}
	}
}

// rewriteJobs returns a client whose responses to reads of jobs are rewritten.
func rewriteJobs(t *testing.T, server *jobstest.Server, rewrite func(body string) string) *jobs.Client {
	t.Helper()
	return clientOf(t, server, jobs.WithRateLimit(50), jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
		resp, err := server.Client().Transport.RoundTrip(r)
		if err != nil || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/jobs") {
			return resp, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(strings.NewReader(rewrite(string(body))))
		resp.ContentLength = -1
		return resp, nil
	})}))
}

// A malformed field of a response does not hide that a job has finished.
func TestWait_SeesTheEndDespiteMalformedFields(t *testing.T) {
	for name, tc := range map[string]struct{ pattern, replacement string }{
		"time with a fraction": {`"(createdAt|startedAt|finishedAt)":(\d+)`, `"$1":$2.0`},
		"time is a text":       {`"(createdAt|startedAt|finishedAt)":(\d+)`, `"$1":"$2"`},
		"message is an object": {`"errorMessage":"[^"]*"`, `"errorMessage":{"text":""}`},
		"no title":             {`"title":`, `"caption":`},
		"arguments are null":   {`"arguments":\{[^}]*\}`, `"arguments":null`},
		"result is a text":     {`"result":\{[^}]*\}`, `"result":"draft 1"`},
		"jobs are null":        {`(?s)"jobs":\s*\[.*\]`, `"jobs":null`},
		"lists are empty":      {`(?s)"jobs":\s*\[.*\]`, `"jobs":[]`},
		"total is a text":      {`"totalCount":(\d+)`, `"totalCount":"$1"`},
	} {
		for _, n := range []int{10, 1}[:fullSize(1, 2)] {
			if n == 1 && (strings.Contains(tc.pattern, `"jobs"`) || strings.Contains(tc.pattern, "totalCount")) {
				continue // a job alone needs no list
			}
			t.Run(fmt.Sprintf("%s, %d jobs", name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					pattern := regexp.MustCompile(tc.pattern)
					var changed atomic.Int64
					server := jobstest.New(t, jobstest.WithProcessing(time.Minute))
					client := rewriteJobs(t, server, func(body string) string {
						changed.Add(int64(len(pattern.FindAllString(body, -1))))
						return pattern.ReplaceAllString(body, tc.replacement)
					})
					all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), n)
					start := time.Now()
					requireNoErrors(t, waitEach(t.Context(), all))
					assert.Less(t, time.Since(start), 70*time.Second)
					assert.Positive(t, changed.Load())
				})
			})
		}
	}
}

// A login page with status 200 hides the job. Events and the error of the wait say so.
func TestWait_ReportsALoginPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const want = "200: invalid response: the body is a page of html or xml, perhaps a login"
		server := jobstest.New(t, jobstest.WithProcessing(time.Minute))
		client := rewriteJobs(t, server, func(string) string { return "\n<!DOCTYPE html><title>Log in</title>" })
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		for e, err := range job.Watch(ctx) {
			if err == nil {
				require.ErrorContains(t, e.Err, want)
				continue
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "the last poll failed: get job: GET")
			require.ErrorContains(t, err, want)
		}
		err := job.Wait(t.Context(), jobs.WithMaxOutage(5*time.Minute))
		require.ErrorIs(t, err, polling.ErrOutage)
		require.ErrorContains(t, err, want)
	})
}

// A RoundTripper of the caller may panic or end its goroutine.
func TestWait_EndsIfAPollPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithProcessing(time.Minute))
		start := time.Now()
		client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
			if time.Since(start) > 20*time.Second && time.Since(start) < 30*time.Second && strings.Contains(r.URL.RawQuery, "jobType=squashAndMerge") {
				panic("a bug near " + testKey)
			}
			return server.Client().Transport.RoundTrip(r)
		})}))
		merging := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 3)
		searching, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		errs := waitEach(t.Context(), []*jobs.Job{merging[0].Job, merging[1].Job, merging[2].Job, searching.Job})
		for _, err := range errs[:3] {
			var ended *jobs.WaitError
			require.ErrorAs(t, err, &ended)
			require.ErrorContains(t, err, "panic in a poll: a bug near ")
			assert.NotContains(t, err.Error(), testKey)
			assert.Equal(t, ended.Reason, ended.Last)
			assert.Positive(t, ended.Polls)
		}
		require.NoError(t, errs[3], "a wait for another dataset continues")
		requireNoErrors(t, waitEach(t.Context(), merging))
	})
}

func TestWait_ContinuesIfAPollEndsItsGoroutine(t *testing.T) {
	for name, until := range map[string]time.Duration{"for five seconds": 25 * time.Second, "always": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, jobstest.WithProcessing(time.Minute))
				start := time.Now()
				client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
					if time.Since(start) > 20*time.Second && time.Since(start) < until && strings.Contains(r.URL.RawQuery, "jobType=squashAndMerge") {
						runtime.Goexit()
					}
					return server.Client().Transport.RoundTrip(r)
				})}))
				merging := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 3)
				searching, err := dataset(t, client, "street-scenes").BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
				require.NoError(t, err)
				errs := waitEach(t.Context(), []*jobs.Job{merging[0].Job, merging[1].Job, merging[2].Job, searching.Job}, jobs.WithMaxOutage(5*time.Minute))
				require.NoError(t, errs[3])
				if until < time.Minute {
					requireNoErrors(t, errs)
					assert.Less(t, time.Since(start), 70*time.Second)
					return
				}
				for _, err := range errs[:3] {
					require.ErrorIs(t, err, polling.ErrOutage)
					require.ErrorContains(t, err, "the poll ended its goroutine")
				}
			})
		})
	}
}

// With a schedule of its own a wait polls only while the loop asks for an event.
func TestWithSchedule_EndsInTimeInASlowLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		start := time.Now()
		for _, err := range job.Watch(t.Context(), jobs.WithSchedule(polling.Schedule{Max: time.Second})) {
			require.NoError(t, err)
			<-time.After(10 * time.Second)
		}
		assert.Less(t, time.Since(start), 85*time.Second)
		assert.Equal(t, jobs.StatusSuccess, job.Status())
	})
}

func TestWatch_WaitsForRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := stubMerge(t, func(*http.Request) (*http.Response, error) {
			resp := newResponse(200, processingJob)
			resp.Header.Set("Retry-After", "30")
			return resp, nil
		}, processingJob)
		for event := range job.Watch(t.Context()) {
			if event.Poll == 2 {
				assert.InDelta(t, 30, event.Elapsed.Seconds(), 1)
				break
			}
		}
	})
}

func TestWatch_StopsPollingWhenTheLoopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Hour))
		for event, err := range createMerge(t.Context(), t, client).Watch(t.Context()) {
			require.NoError(t, err)
			if event.Poll == 3 {
				break
			}
		}
		synctest.Wait()
		before := countPolls(server)
		<-time.After(time.Hour)
		assert.Equal(t, before, countPolls(server))
	})
}

// The polls do not wait for a slow loop, and the last event does not wait behind
// older ones.
func TestWatch_EndsInTimeInASlowLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		job := createMerge(t.Context(), t, client)
		start := time.Now()
		for _, err := range job.Watch(t.Context()) {
			require.NoError(t, err)
			<-time.After(10 * time.Second)
		}
		assert.Less(t, time.Since(start), 85*time.Second)
		assert.Equal(t, jobs.StatusSuccess, job.Status())
	})
}

func TestWatch_EndsWithTheContextInASlowLoop(t *testing.T) {
	for range 10 { // the order of the ready channels is random
		synctest.Test(t, func(t *testing.T) {
			job := stubMerge(t, respondWith(200, processingJob), processingJob)
			ctx, cancel := context.WithTimeout(t.Context(), 20500*time.Millisecond)
			defer cancel()
			for _, err := range job.Watch(ctx, jobs.WithSchedule(polling.Schedule{Max: 100 * time.Millisecond})) {
				if ctx.Err() != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				<-time.After(time.Second)
			}
		})
	}
}

func TestWatch_RedactsThePanicOfAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		start := time.Now()
		client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: stub(func(r *http.Request) (*http.Response, error) {
			if time.Since(start) > 20*time.Second {
				panic("a bug near " + testKey)
			}
			return server.Client().Transport.RoundTrip(r)
		})}))
		job := createMerge(t.Context(), t, client)
		time.Sleep(time.Minute)
		var progress jobs.Progress
		var last jobs.Event
		for event, err := range job.Watch(t.Context(), jobs.WithProgress(&progress)) {
			if last = event; err != nil {
				assert.NotContains(t, err.Error(), testKey)
			}
		}
		for _, event := range append(progress.Events(), last) {
			require.ErrorContains(t, event.Err, "panic in a poll: a bug near ")
			assert.NotContains(t, event.Err.Error(), testKey)
		}
	})
}

// A sender that blocks would stop all waits of the client.
func TestWatch_QueuesEventsWithoutBlocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan jobs.Event, 1)
		go func() {
			defer close(events)
			for i := range 100_000 {
				jobs.ReplaceOldest(events, jobs.Event{Poll: i})
			}
		}()
		last := -1
		for e := range events {
			require.Greater(t, e.Poll, last)
			last = e.Poll
		}
		assert.Equal(t, 99_999, last)
	})
}

func TestProgress_ShowsEachJobOfWaitAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithQueuing(0), jobstest.WithProcessing(time.Minute))
		ds := dataset(t, client, "squash-and-merge")
		all := createMerges(t.Context(), t, ds, 3)
		finished := createMerge(t.Context(), t, client)
		require.NoError(t, finished.Wait(t.Context()))
		all = append(createMerges(t.Context(), t, ds, 2), all[0], finished)

		var progress jobs.Progress
		assert.Empty(t, progress.Events())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for _, err := range jobs.WaitAll(t.Context(), all, jobs.WithProgress(&progress)) {
				assert.NoError(t, err)
			}
		}()
		<-time.After(30 * time.Second)
		events := progress.Events()
		require.Len(t, events, 4)
		for i, e := range events[:2] {
			assert.Equal(t, all[i].ID(), e.Job.ID)
			assert.Equal(t, jobs.StatusProcessing, e.Job.Status)
			assert.InDelta(t, 30, (e.Elapsed + time.Since(e.At)).Seconds(), 0.001)
			assert.Less(t, time.Since(e.At), 5*time.Second)
			assert.NotEmpty(t, e.RequestID)
			assert.Positive(t, e.Poll)
		}
		assert.Equal(t, jobs.StatusSuccess, events[2].Job.Status)
		assert.Zero(t, events[3].Elapsed, "finished before the wait")
		<-done
		<-time.After(time.Hour)
		for _, e := range progress.Events() {
			assert.Equal(t, jobs.StatusSuccess, e.Job.Status)
			assert.Less(t, e.Elapsed, 2*time.Minute)
		}
	})
}

func TestProgress_KeepsWaitsThatEndedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Hour))
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var progress jobs.Progress
		require.ErrorIs(t, job.Wait(ctx, jobs.WithProgress(&progress)), context.DeadlineExceeded)
		<-time.After(time.Hour)
		event := progress.Events()[0]
		assert.Equal(t, jobs.StatusProcessing, event.Job.Status)
		assert.Equal(t, time.Minute, event.Elapsed)
		require.ErrorIs(t, job.Wait(ctx, jobs.WithProgress(nil)), jobs.ErrInvalidArgument)
	})
}

func TestProgress_AlsoFeedsWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithProcessing(time.Minute))
		var progress jobs.Progress
		for event, err := range createMerge(t.Context(), t, client).Watch(t.Context(), jobs.WithProgress(&progress)) {
			require.NoError(t, err)
			assert.Equal(t, event.Job.Status, progress.Events()[0].Job.Status)
		}
	})
}
