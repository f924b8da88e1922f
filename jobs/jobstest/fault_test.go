package jobstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// try sends a request and reads the response. Both may fail.
func (c caller) try(ctx context.Context, method, path, body string) (status int, header http.Header, payload []byte, err error) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, c.URL()+"gatewayv2/tensorbay-open-api/v1/"+path, strings.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("X-Token", c.AccessKey())
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	} else {
		request.Body = nil
	}
	client := *c.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	payload, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, payload, err
}

// transports runs a test without sockets, with sockets and with TLS.
func transports(t *testing.T, test func(t *testing.T, options ...jobstest.Option)) {
	t.Helper()
	socket := jobstest.WithListener("127.0.0.1:0")
	t.Run("in process", func(t *testing.T) { test(t) })
	t.Run("sockets", func(t *testing.T) { test(t, socket) })
	t.Run("tls", func(t *testing.T) { test(t, socket, jobstest.WithTLS()) })
}

func TestFault_ChangesTheResponse(t *testing.T) {
	const html = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>gateway</body></html>\n"
	whole := func(size int, prefix string) func(*testing.T, string) {
		return func(t *testing.T, body string) {
			assert.Len(t, body, size)
			assert.Equal(t, prefix, strings.TrimRight(body, " "))
		}
	}
	is := func(want string) func(*testing.T, string) {
		return func(t *testing.T, body string) { assert.Equal(t, want, body) }
	}
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(hello()))...)
		id := c.id("hello")
		path := "datasets/" + id + "/branches?limit=1&name=main"
		_, _, truth, err := c.try(t.Context(), "GET", path, "")
		require.NoError(t, err)
		branch := strings.TrimSuffix(strings.TrimPrefix(string(truth), `{"branches":[{`), "}],\"offset\":0,\"recordSize\":1,\"totalCount\":1}\n")
		require.NotEqual(t, string(truth), branch)
		for _, test := range []struct {
			fault  jobstest.Fault
			status int // 0 for no response
			body   func(*testing.T, string)
			broken bool
			header map[string]string
		}{
			{fault: jobstest.Refuse()},
			{fault: jobstest.Reset()},
			{fault: jobstest.Reset().Executed()},
			{fault: jobstest.Status(404), status: 404, body: is(`{"code":"ResourceNotExist","message":"The test server injects this error."}` + "\n")},
			{fault: jobstest.Status(503), status: 503, body: is("")},
			{fault: jobstest.Status(429).RetryAfter(2500 * time.Millisecond), status: 429, body: is(""), header: map[string]string{"Retry-After": "2.5"}},
			{fault: jobstest.Empty(204), status: 204, body: is("")},
			{fault: jobstest.Empty(200), status: 200, body: is("")},
			{fault: jobstest.HTML(502), status: 502, body: is(html), header: map[string]string{"Content-Type": "text/html"}},
			{fault: jobstest.HTML(502).Executed().Header("Content-Type", ""), status: 502, body: is(html)},
			{fault: jobstest.Redirect(301, "https://elsewhere.test/"), status: 301, body: is(""), header: map[string]string{"Location": "https://elsewhere.test/"}},
			{fault: jobstest.Response(418, "text/plain", "teapot"), status: 418, body: is("teapot")},
			{fault: jobstest.Truncate(), status: 200, body: is(string(truth[:len(truth)/2]))},
			{fault: jobstest.ResetInBody(), status: 200, body: is(string(truth[:len(truth)/2])), broken: true},
			{fault: jobstest.Slow(1e6), status: 200, body: is(string(truth))},
			{fault: jobstest.Huge(1e6), status: 200, body: whole(1e6, string(truth))},
			{fault: jobstest.GzipBomb(2.5e6), status: 200, body: whole(2.5e6, string(truth))},
			{fault: jobstest.DuplicateKeys(), status: 200, body: is(`{"branches":[{` + branch2(branch) + `}],"offset":0,"recordSize":1,"totalCount":1,"branches":[{` + branch2(branch) + `}],"offset":0,"recordSize":1,"totalCount":1}`)},
			{fault: jobstest.WrongTypes(), status: 200, body: func(t *testing.T, body string) {
				assert.True(t, json.Valid([]byte(body)), body)
				assert.Contains(t, body, `"name":1`)
				assert.Contains(t, body, `"totalCount":"1"`)
			}},
			{fault: jobstest.Nulls(), status: 200, body: func(t *testing.T, body string) {
				assert.True(t, json.Valid([]byte(body)), body)
				assert.Contains(t, body, `"name":null`)
				assert.Contains(t, body, `"totalCount":null`)
			}},
			{fault: jobstest.Change(func(b []byte) []byte { return append(b, "more"...) }), status: 200, body: is(string(truth) + "more")},
			{fault: jobstest.Delay(time.Millisecond), status: 200, body: is(string(truth))},
			{fault: jobstest.Stale(time.Hour), status: 200, body: is(string(truth))},
			{fault: jobstest.Fault{}, status: 200, body: is(string(truth))},
		} {
			t.Run(test.fault.String(), func(t *testing.T) {
				defer c.Clear()
				// net/http repeats a GET whose reused connection breaks.
				c.Client().CloseIdleConnections()
				c.Inject(jobstest.Rule{Operation: "listBranches", Times: 1}, test.fault)
				before := len(c.Faulted())
				status, header, body, err := c.try(t.Context(), "GET", path, "")
				require.Equal(t, test.status, status)
				require.Equal(t, test.status == 0 || test.broken, err != nil, "%v", err)
				if test.broken && !strings.Contains(err.Error(), "stream error") { // HTTP/2
					require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
				if test.body != nil {
					test.body(t, string(body))
				}
				for name, value := range test.header {
					assert.Equal(t, value, header.Get(name))
				}
				hit := c.Faulted()
				require.Len(t, hit, before+1)
				assert.Equal(t, test.fault.String(), hit[before].Fault)
				assert.Equal(t, test.status, hit[before].Status)
				status, _, body, err = c.try(t.Context(), "GET", path, "")
				require.NoError(t, err)
				require.Equal(t, 200, status)
				require.Equal(t, truth, body, "the fault must affect one request")
			})
		}
	})
}

// branch2 returns the members of a branch and of its committer twice.
func branch2(branch string) string {
	from := strings.Index(branch, `"committer":{`) + len(`"committer":{`)
	to := from + strings.Index(branch[from:], "}")
	once := branch[:from] + branch[from:to] + "," + branch[from:to] + branch[to:]
	return once + "," + once
}

func TestFault_InProcessErrorsEqualThoseOfSockets(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	c.Inject(jobstest.Rule{Times: 1}, jobstest.Refuse())
	_, _, _, err := c.try(t.Context(), "GET", "datasets", "")
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	c.Inject(jobstest.Rule{Times: 1}, jobstest.Reset())
	_, _, _, err = c.try(t.Context(), "GET", "datasets", "")
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestFault_ExecutesTheRequestOnlyIfDocumented(t *testing.T) {
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(hello()))...)
		path := "datasets/" + c.id("hello") + "/jobs"
		body := string(mustJSON(t, object{"title": "t", "jobType": "squashAndMerge", "arguments": mergeArguments("skip")}))
		jobs := func() int { return int(c.get(path + "?jobType=squashAndMerge")["totalCount"].(float64)) }
		for i, test := range []struct {
			fault    jobstest.Fault
			executed bool
		}{
			{jobstest.Refuse(), false},
			{jobstest.Refuse().Executed(), false},
			{jobstest.Reset(), false},
			{jobstest.Reset().Executed(), true},
			{jobstest.HTML(502), false},
			{jobstest.HTML(502).Executed(), true},
			{jobstest.Truncate(), true},
			{jobstest.Truncate().Executed(), true},
			{jobstest.Delay(time.Nanosecond), true},
		} {
			before := jobs()
			c.Inject(jobstest.Rule{Operation: "createJob", Times: 1}, test.fault)
			_, _, _, _ = c.try(t.Context(), "POST", path, body)
			want := before
			if test.executed {
				want++
			}
			assert.Equal(t, want, jobs(), "%d: %v", i, test.fault)
			c.Clear()
		}
	})
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	encoded, err := json.Marshal(v)
	require.NoError(t, err)
	return encoded
}

func TestFault_HangEndsWithTheClient(t *testing.T) {
	for _, fault := range []jobstest.Fault{jobstest.Hang(), jobstest.Hang().Executed(), jobstest.HangInBody(), jobstest.Slow(1), jobstest.Delay(time.Hour)} {
		t.Run(fault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(hello()))
				c.Inject(jobstest.Rule{}, fault)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				begin := time.Now()
				_, _, _, err := c.try(ctx, "GET", "datasets", "")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, time.Since(begin))
			})
			transports(t, func(t *testing.T, options ...jobstest.Option) {
				c := start(t, append(options, jobstest.WithSeed(hello()))...)
				c.Inject(jobstest.Rule{}, fault)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_, _, _, err := c.try(ctx, "GET", "datasets", "")
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestFault_HangEndsWithTheServer(t *testing.T) {
	for _, fault := range []jobstest.Fault{jobstest.Hang(), jobstest.HangInBody(), jobstest.Slow(1), jobstest.Delay(time.Hour)} {
		t.Run(fault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(hello()))
				c.Inject(jobstest.Rule{}, fault)
				ended := make(chan error)
				go func() {
					_, _, _, err := c.try(t.Context(), "GET", "datasets", "")
					ended <- err
				}()
				<-time.After(time.Second)
				require.NoError(t, c.Close())
				require.ErrorIs(t, <-ended, syscall.ECONNRESET)
			})
		})
	}
}

// A client may close a body on one goroutine while another goroutine reads it.
func TestFault_CloseEndsABlockedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithBadRequests())
		c.Inject(jobstest.Rule{}, jobstest.HangInBody())
		response, err := c.Client().Get(c.URL() + "gatewayv2/tensorbay-open-api/v1/datasets")
		require.NoError(t, err)
		ended := make(chan error)
		go func() {
			_, err := io.ReadAll(response.Body)
			ended <- err
		}()
		synctest.Wait()
		response.Body.Close()
		require.Error(t, <-ended)
	})
}

func TestSlow_LimitsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()))
		c.Inject(jobstest.Rule{}, jobstest.Slow(20))
		begin := time.Now()
		_, _, body, err := c.try(t.Context(), "GET", "datasets", "")
		require.NoError(t, err)
		require.InDelta(t, float64(len(body))/20, time.Since(begin).Seconds(), 0.2)
	})
}

func TestFault_RetryAtSendsADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()))
		c.Inject(jobstest.Rule{}, jobstest.Empty(503).RetryAt(90*time.Second))
		_, header, _, err := c.try(t.Context(), "GET", "datasets", "")
		require.NoError(t, err)
		date, err := http.ParseTime(header.Get("Retry-After"))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(90*time.Second), date, 0)
	})
}

func TestDelay_DoesNotExecuteACanceledRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()))
		path := "datasets/" + c.id("hello") + "/jobs"
		c.Inject(jobstest.Rule{Operation: "createJob"}, jobstest.Delay(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		body := mustJSON(t, object{"title": "t", "jobType": "squashAndMerge", "arguments": mergeArguments("skip")})
		_, _, _, err := c.try(ctx, "POST", path, string(body))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, c.get(path + "?jobType=squashAndMerge")["jobs"])
	})
}

func TestFault_AppliesToDataURLs(t *testing.T) {
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(hello()))...)
		details := c.get("datasets/" + c.id("hello") + "/data/details?segmentName=Segment1")["dataDetails"].([]any)
		c.Inject(jobstest.Rule{Operation: "content", Times: 1}, jobstest.Status(403))
		for _, want := range []int{403, 200} {
			response, err := c.Client().Get(details[0].(object)["url"].(string))
			require.NoError(t, err)
			response.Body.Close()
			require.Equal(t, want, response.StatusCode)
		}
	})
}

func TestResponse_PanicsOnAnInvalidStatus(t *testing.T) {
	for _, status := range []int{0, 100, 1000} {
		require.PanicsWithValue(t, fmt.Sprintf("jobstest: the status %d is not between 200 and 999", status), func() { jobstest.Status(status) })
	}
}

func TestFault_KeepsTheLengthOfAHeadRequest(t *testing.T) {
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(hello()))...)
		c.Inject(jobstest.Rule{Operation: "content"}, jobstest.Delay(time.Millisecond))
		response, err := c.Client().Head(c.dataURL())
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.EqualValues(t, 10, response.ContentLength)
	})
}

func TestStale_ShowsThePastState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithQueuing(10*time.Second), jobstest.WithProcessing(20*time.Second))
		c.Inject(jobstest.Rule{}, jobstest.Stale(5*time.Second))
		id := c.id("hello")
		j := c.create(id, "squashAndMerge", mergeArguments("skip"))
		begin := time.Now()
		at := func(second int) {
			time.Sleep(time.Until(begin.Add(time.Duration(second) * time.Second)))
		}
		list := func(status string) int {
			return len(c.get("datasets/" + id + "/jobs?jobType=squashAndMerge" + status)["jobs"].([]any))
		}
		at(4)
		c.doError(404, "ResourceNotExist", "GET", j.path(""), nil)
		require.Zero(t, list(""))
		at(5)
		require.Equal(t, "QUEUING", j.state()["status"])
		require.Equal(t, 1, list(""))
		require.Equal(t, 1, list("&status=QUEUING"))
		at(14)
		require.Equal(t, "QUEUING", j.state()["status"])
		at(15)
		require.Equal(t, "PROCESSING", j.state()["status"])
		require.Zero(t, list("&status=QUEUING"))
		at(34)
		require.Equal(t, "PROCESSING", j.state()["status"])
		c.Clear()
		require.Equal(t, "SUCCESS", j.state()["status"])
		require.NotNil(t, j.state()["result"])
		c.Inject(jobstest.Rule{Operation: "getJob"}, jobstest.Stale(5*time.Second))
		require.Equal(t, "PROCESSING", j.state()["status"], "the past state")
		require.Nil(t, j.state()["result"])
		require.Equal(t, 1, list("&status=SUCCESS"))
	})
}

func TestStale_ShowsThePreviousRunAfterARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithQueuing(time.Second), jobstest.WithProcessing(time.Minute))
		j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip"))
		<-time.After(10 * time.Second)
		c.do("POST", j.path("/abort"), nil)
		<-time.After(10 * time.Second)
		c.do("POST", j.path("/retry"), nil)
		c.Inject(jobstest.Rule{}, jobstest.Stale(5*time.Second))
		for range 5 {
			state := j.state()
			require.Equal(t, "ABORTED", state["status"])
			require.NotNil(t, state["finishedAt"])
			<-time.After(time.Second)
		}
		require.Equal(t, "PROCESSING", j.state()["status"])
	})
}

func TestEarlyRetry_RefusesARetryAfterAnAbort(t *testing.T) {
	for status, code := range map[int]string{400: "InvalidParamsValue", 403: "Forbidden"} {
		synctest.Test(t, func(t *testing.T) {
			c := start(t, jobstest.WithSeed(hello()))
			c.Inject(jobstest.Rule{}, jobstest.EarlyRetry(status, 3*time.Second))
			j := c.create(c.id("hello"), "squashAndMerge", mergeArguments("skip"))
			c.do("POST", j.path("/abort"), nil)
			<-time.After(3*time.Second - 1)
			c.doError(status, code, "POST", j.path("/retry"), nil)
			<-time.After(time.Nanosecond)
			c.do("POST", j.path("/retry"), nil)
		})
	}
}

func TestFault_AbortsTheHandler(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	c.Inject(jobstest.Rule{Times: 1}, jobstest.Reset())
	err := func() (err error) {
		defer func() { err, _ = recover().(error) }()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/gatewayv2/tensorbay-open-api/v1/datasets", nil)
		require.NoError(t, err)
		request.Header.Set("X-Token", c.AccessKey())
		c.ServeHTTP(noHijack{}, request)
		return errors.New("no panic")
	}()
	require.Equal(t, http.ErrAbortHandler, err, "as net/http wants a broken connection told")
}

type noHijack struct{}

func (noHijack) Header() http.Header { return http.Header{} }

func (noHijack) Write(p []byte) (int, error) { return len(p), nil }

func (noHijack) WriteHeader(int) {}

func TestFault_HangOverSocketsEndsWithTheServer(t *testing.T) {
	for _, options := range [][]jobstest.Option{{}, {jobstest.WithTLS()}} {
		c := start(t, append(options, jobstest.WithSeed(hello()), jobstest.WithListener("127.0.0.1:0"))...)
		c.Inject(jobstest.Rule{}, jobstest.Hang())
		ended := make(chan error)
		go func() {
			_, _, _, err := c.try(t.Context(), "GET", "datasets", "")
			ended <- err
		}()
		require.Eventually(t, func() bool { return len(c.Faulted()) > 0 }, time.Minute, time.Millisecond)
		require.NoError(t, c.Close())
		require.Error(t, <-ended)
	}
}
