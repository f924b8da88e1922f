package jobs_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
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

// lasting makes every job run for so long.
func lasting(d time.Duration) jobstest.Option {
	return jobstest.WithRuns(func(jobstest.RunRequest) jobstest.Run {
		return jobstest.Run{Queuing: d / 10, Processing: d - d/10}
	})
}

func TestWaitSeesTheEndLateByAPartOfTheLength(t *testing.T) {
	for _, length := range []time.Duration{time.Second, time.Minute, time.Hour, 10 * time.Hour} {
		t.Run(length.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client := connect(t, lasting(length))
				job := createMerge(t.Context(), t, client)
				start := time.Now()
				require.NoError(t, job.Wait(t.Context()))
				late := time.Since(start) - length
				assert.GreaterOrEqual(t, late, time.Duration(0))
				assert.LessOrEqual(t, late, max(length/13, 250*time.Millisecond))
				s := job.Snapshot()
				assert.Equal(t, jobs.StatusSuccess, s.Status)
				assert.WithinDuration(t, start.Add(length), s.FinishedAt, time.Second)
				assert.Equal(t, s.FinishedAt.Sub(s.StartedAt).Round(time.Minute), (length - length/10).Round(time.Minute))
				asked := countRequests(server, "getJob")
				require.NoError(t, job.Wait(t.Context()), "what has ended is not looked at again")
				assert.Equal(t, asked, countRequests(server, "getJob"))
			})
		})
	}
}

func TestWaitOfAFailedJob(t *testing.T) {
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

func TestWaitEndsAtOnceWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, lasting(time.Hour))
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
		assert.NoError(t, ended.Last)
		assert.ErrorContains(t, err, "wait for job "+job.ID()+", last seen PROCESSING, ended after 10m0.123s")
		require.NoError(t, job.Wait(t.Context()), "it can be taken up again")
	})
}

func TestWaitTakesALastLookBeforeTheDeadline(t *testing.T) {
	const trip, limit = 20 * time.Millisecond, 10 * time.Minute
	for name, tc := range map[string]struct {
		length time.Duration
		seen   bool
	}{
		"ends two trips before": {limit - 2*trip, true},
		"ends after it":         {limit + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := connect(t, lasting(tc.length), jobstest.WithLatency(trip))
				ds := dataset(t, client, "squash-and-merge")
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "d", Source: "dev", Target: "main"})
				require.NoError(t, err)
				err = job.Wait(ctx)
				if tc.seen {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

// weather makes the client's requests for one job fail while bad says so.
func weather(server *jobstest.Server, bad func(since time.Duration) *http.Response) (http.RoundTripper, *int) {
	start, failed := time.Now(), new(int)
	inner := server.Client().Transport
	return stub(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/jobs/") {
			if resp := bad(time.Since(start)); resp != nil {
				*failed++
				return resp, nil
			}
		}
		return inner.RoundTrip(r)
	}), failed
}

func TestWaitGoesThroughErrors(t *testing.T) {
	retryAfter := func(status int, wait string) *http.Response {
		resp := newResponse(status, "<html>busy</html>")
		resp.Header.Set("Retry-After", wait)
		return resp
	}
	for name, bad := range map[string]func() *http.Response{
		"500":                  func() *http.Response { return newResponse(500, `{"code":"InternalServerError","message":"oops"}`) },
		"502 html":             func() *http.Response { return newResponse(502, "<html>bad gateway</html>") },
		"503 with retry-after": func() *http.Response { return retryAfter(503, "5") },
		"429":                  func() *http.Response { return newResponse(429, "") },
		"html with 200":        func() *http.Response { return newResponse(200, "<html>maintenance</html>") },
		"cut short":            func() *http.Response { return newResponse(200, processingJob[:40]) },
		"other job":            func() *http.Response { return newResponse(200, processingJob) },
		"redirect":             func() *http.Response { return newResponse(302, "") },
		"408":                  func() *http.Response { return newResponse(408, "") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, lasting(5*time.Minute))
				transport, failed := weather(server, func(since time.Duration) *http.Response {
					if since >= time.Minute && since < 2*time.Minute {
						return bad()
					}
					return nil
				})
				client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: transport}))
				job := createMerge(t.Context(), t, client)
				seen := 0
				for e, err := range job.Watch(t.Context()) {
					require.NoError(t, err)
					if e.Err != nil {
						seen++
						assert.Equal(t, jobs.StatusProcessing, e.Job.Status, "what was seen before")
					}
				}
				assert.Equal(t, *failed, seen, "every error is an event")
				assert.Positive(t, seen)
				assert.LessOrEqual(t, seen, 20)
				assert.Equal(t, jobs.StatusSuccess, job.Status())
			})
		})
	}
}

func TestWaitEndsWithAnErrorThatNoLookMends(t *testing.T) {
	for status, want := range map[int]error{
		400: jobs.ErrInvalidArgument, 401: jobs.ErrUnauthorized, 403: jobs.ErrForbidden, 404: jobs.ErrNotFound,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := jobstest.New(t, lasting(5*time.Minute))
				transport, failed := weather(server, func(since time.Duration) *http.Response {
					if since > time.Minute {
						return newResponse(status, "")
					}
					return nil
				})
				client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: transport}))
				job := createMerge(t.Context(), t, client)
				err := job.Wait(t.Context())
				require.ErrorIs(t, err, want)
				assert.Equal(t, 1, *failed)
				var ended *jobs.WaitError
				require.ErrorAs(t, err, &ended)
				assert.Equal(t, jobs.StatusProcessing, ended.Job.Status)
			})
		})
	}
}

func TestNotFoundJustAfterCreateIsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t)
		transport, failed := weather(server, func(since time.Duration) *http.Response {
			if since < 10*time.Second {
				return newResponse(404, `{"code":"ResourceNotExist","message":"no such job"}`)
			}
			return nil
		})
		client := clientOf(t, server, jobs.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, createMerge(t.Context(), t, client).Wait(t.Context()))
		assert.Positive(t, *failed)
	})
}

func TestPatienceEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubClient(t, respondWith(503, ""))
		start := time.Now()
		err := resumeMerge(t, datasetByID(t, client), processingJob).Wait(t.Context(), jobs.WithMaxOutage(5*time.Minute))
		require.ErrorIs(t, err, polling.ErrOutage)
		assert.InDelta(t, 5, time.Since(start).Minutes(), 0.7)
		assert.ErrorContains(t, err, "the last look failed: get job: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a: 503")
	})
}

func TestUnknownStatusIsNeitherSuccessNorTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			status := "PAUSED"
			if time.Since(start) > time.Minute {
				status = "SUCCESS"
			}
			return newResponse(200, strings.Replace(processingJob, "PROCESSING", status, 1)), nil
		})
		job := resumeMerge(t, datasetByID(t, client), processingJob)
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
		assert.Positive(t, paused, "it is visible")
		assert.Greater(t, time.Since(start), time.Minute)
	})
}

func TestHungLookCostsItsTimeoutAndNotTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, lasting(time.Minute))
		looks := 0
		inner := server.Client().Transport
		client := clientOf(t, server, jobs.WithAttemptTimeout(7*time.Second), jobs.WithHTTPClient(&http.Client{
			Transport: stub(func(r *http.Request) (*http.Response, error) {
				if strings.Contains(r.URL.Path, "/jobs/") {
					if looks++; looks == 3 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
				}
				return inner.RoundTrip(r)
			}),
		}))
		job := createMerge(t.Context(), t, client)
		var hung []error
		for e, err := range job.Watch(t.Context()) {
			require.NoError(t, err)
			if e.Err != nil {
				hung = append(hung, e.Err)
			}
		}
		require.Len(t, hung, 1)
		assert.ErrorIs(t, hung[0], jobs.ErrUnreachable)
		assert.ErrorContains(t, hung[0], "the attempt timed out after 7s")
		assert.NotErrorIs(t, hung[0], context.DeadlineExceeded)
	})
}

func TestWaitAfterRetryIsNotTakenInByTheRunBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aborted := strings.Replace(processingJob, `"PROCESSING"`, `"ABORTED","finishedAt":1764000010`, 1)
		var retried time.Time
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Method == http.MethodPost:
				retried = time.Now()
				return newResponse(200, "{}"), nil
			case retried.IsZero() || time.Since(retried) < 5*time.Second: // read from a copy that lags
				return newResponse(200, aborted), nil
			case time.Since(retried) < time.Minute:
				return newResponse(200, processingJob), nil
			}
			return newResponse(200, strings.Replace(processingJob, `"PROCESSING"`, `"SUCCESS","result":{"draftNumber":3}`, 1)), nil
		})
		job := resumeMerge(t, datasetByID(t, client), aborted)
		require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
		require.NoError(t, job.Retry(t.Context()))
		require.NoError(t, job.Wait(t.Context()))
	})
}

// An answer that was asked for before the new run was seen does not end the wait for it,
// however late it comes.
func TestWaitAfterRetryIsNotTakenInByALateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aborted := strings.Replace(processingJob, `"PROCESSING"`, `"ABORTED","finishedAt":1764000010`, 1)
		again := strings.Replace(processingJob, `"startedAt":1764000002`, `"startedAt":1764000020`, 1)
		success := strings.Replace(again, `"PROCESSING"`, `"SUCCESS","result":{"draftNumber":3}`, 1)
		var body atomic.Value
		body.Store(aborted)
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				body.Store(again)
				time.AfterFunc(time.Minute, func() { body.Store(success) })
				return newResponse(200, "{}"), nil
			}
			answer := body.Load().(string)
			if answer == aborted {
				time.Sleep(10 * time.Second)
			}
			return newResponse(200, answer), nil
		})
		job := resumeMerge(t, datasetByID(t, client), processingJob)
		var wait sync.WaitGroup
		wait.Go(func() { assert.NoError(t, job.Wait(t.Context())) })
		time.Sleep(time.Second)
		require.NoError(t, job.Retry(t.Context()))
		require.NoError(t, job.Update(t.Context()))
		wait.Wait()
	})
}

// An answer that was asked for before a Retry says nothing of what came after it.
func TestLateAnswerAfterASecondRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := func(status string, started int) string {
			return strings.NewReplacer(`"PROCESSING"`, status, "1764000002", strconv.Itoa(1764000000+started)).Replace(processingJob)
		}
		var body atomic.Value
		var slow atomic.Bool
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			answer := body.Load().(string)
			if slow.Load() {
				time.Sleep(8 * time.Second)
			}
			return newResponse(200, answer), nil
		})
		body.Store(run(`"FAILED","finishedAt":1764000012`, 2))
		job := resumeMerge(t, datasetByID(t, client), body.Load().(string))
		var late sync.WaitGroup
		slow.Store(true)
		late.Go(func() { assert.NoError(t, job.Update(t.Context())) })
		time.Sleep(time.Millisecond)
		slow.Store(false)
		require.NoError(t, job.Retry(t.Context()))
		body.Store(run(`"FAILED","finishedAt":1764000104`, 102))
		time.Sleep(time.Second)
		require.NoError(t, job.Update(t.Context()))
		require.NoError(t, job.Retry(t.Context()))
		late.Wait()
		_, err := job.Result(t.Context())
		assert.ErrorIs(t, err, jobs.ErrNotFinished, "nobody has seen the third run")
	})
}

// However they overlap, what is new is seen at last.
func TestUpdatesThatOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var body atomic.Value
		body.Store(strings.Replace(processingJob, `"PROCESSING"`, `"FAILED","finishedAt":1764000012`, 1))
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			answer := body.Load().(string)
			time.Sleep(100 * time.Millisecond)
			return newResponse(200, answer), nil
		})
		job := resumeMerge(t, datasetByID(t, client), body.Load().(string))
		ctx, stop := context.WithCancel(t.Context())
		var updates sync.WaitGroup
		for i := range 2 {
			updates.Go(func() {
				time.Sleep(time.Duration(i) * 50 * time.Millisecond)
				for ctx.Err() == nil {
					_ = job.Update(ctx)
				}
			})
		}
		time.Sleep(time.Second)
		body.Store(strings.Replace(processingJob, "1764000002", "1764000102", 1)) // somebody else's Retry
		time.Sleep(time.Second)
		assert.Equal(t, jobs.StatusProcessing, job.Status())
		stop()
		updates.Wait()
	})
}

// The looks do not wait for a slow loop, and the end does not stand behind old ones.
func TestWatchInASlowLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, lasting(time.Minute))
		job := createMerge(t.Context(), t, client)
		start := time.Now()
		for _, err := range job.Watch(t.Context(), jobs.WithSchedule(polling.Schedule{Max: time.Second})) {
			require.NoError(t, err)
			time.Sleep(10 * time.Second)
		}
		assert.Less(t, time.Since(start), 85*time.Second)
	})
}

// Next is when the next look comes, also where the service asks for it to come later.
func TestNextKnowsOfRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			resp := newResponse(200, processingJob)
			resp.Header.Set("Retry-After", "30")
			return resp, nil
		})
		for event := range resumeMerge(t, datasetByID(t, client), processingJob).Watch(t.Context()) {
			assert.Equal(t, 30*time.Second, event.Next)
			if event.Poll == 2 {
				assert.InDelta(t, 30, event.Elapsed.Seconds(), 1)
				break
			}
		}
	})
}

// Requests may overtake each other: an end that was seen stays.
func TestEndThatWasSeenStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := strings.Replace(processingJob, `"PROCESSING"`, `"FAILED","finishedAt":1764000010`, 1)
		var requests atomic.Int32
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			if requests.Add(1) == 1 {
				time.Sleep(10 * time.Second)
				return newResponse(200, processingJob), nil
			}
			return newResponse(200, failed), nil
		})
		job := resumeMerge(t, datasetByID(t, client), processingJob)
		var late sync.WaitGroup
		late.Go(func() { assert.NoError(t, job.Update(t.Context())) })
		time.Sleep(time.Second)
		require.NoError(t, job.Update(t.Context()))
		late.Wait()
		assert.Equal(t, jobs.StatusFailed, job.Status())
	})
}

func TestRetryThatTheServiceIgnoredEndsAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		aborted := strings.Replace(processingJob, `"PROCESSING"`, `"ABORTED","finishedAt":1764000010`, 1)
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				return newResponse(200, "{}"), nil
			}
			return newResponse(200, aborted), nil
		})
		job := resumeMerge(t, datasetByID(t, client), aborted)
		require.NoError(t, job.Retry(t.Context()))
		start := time.Now()
		require.ErrorIs(t, job.Wait(t.Context()), jobs.ErrJobAborted)
		assert.InDelta(t, 30, time.Since(start).Seconds(), 3, "for as long as a retry may need to show")
	})
}

func TestSearchDoesNotRunAgainAfterItEnded(t *testing.T) {
	status := "SUCCESS"
	body := func() string {
		return strings.NewReplacer("PROCESSING", status, `"title":"merge dev","sourceBranchName":"dev","targetBranchName":"main","strategy":"skip"`,
			`"commit":"3bd4","conjunction":"and","unit":"file","filters":[]`).Replace(processingJob)
	}
	client := stubClient(t, func(*http.Request) (*http.Response, error) { return newResponse(200, body()), nil })
	job, err := datasetByID(t, client).BasicSearch().Resume([]byte(body()))
	require.NoError(t, err)
	status = "PROCESSING"
	require.NoError(t, job.Update(t.Context()))
	assert.Equal(t, jobs.StatusSuccess, job.Status(), "the answer came late")
}

func TestResumeInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, lasting(time.Hour))
		job := createMerge(t.Context(), t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		require.ErrorIs(t, job.Wait(ctx), context.DeadlineExceeded)
		saved, err := json.Marshal(job)
		require.NoError(t, err)

		other, err := clientOf(t, server).DatasetByID(job.Dataset().ID())
		require.NoError(t, err)
		asked := len(server.Requests())
		again, err := other.SquashAndMerge().Resume(saved)
		require.NoError(t, err)
		assert.Len(t, server.Requests(), asked, "without a request")
		assert.Equal(t, job.ID(), again.ID())
		looks := 0
		for e, err := range again.Watch(t.Context()) {
			require.NoError(t, err)
			if looks++; looks == 2 {
				assert.Greater(t, e.Next, 20*time.Second, "the schedule goes on where it was")
			}
		}
		assert.Equal(t, jobs.StatusSuccess, again.Status())
	})
}
