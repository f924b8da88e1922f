package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// hostileIDs are ids a service could send to lead a later request astray.
var hostileIDs = []string{"../other", "..", "a/b", "a%2fb", "a?x=y", "a#b", "a\nb", "a\x00b", "a b", "", strings.Repeat("a", 300), `a\b`}

func TestHostileIDsOfTheServiceAreRefused(t *testing.T) {
	for _, id := range hostileIDs {
		quoted := fmt.Sprintf("%q", id)
		if strings.Contains(id, "\x00") {
			quoted = `"a\u0000b"`
		}
		answers := map[string]string{
			"/jobs":     `{"jobId":` + quoted + `,"createdAt":1,"jobs":[` + strings.Replace(processing, `"6f2a"`, quoted, 1) + `],"totalCount":1}`,
			"/jobs/a":   strings.Replace(processing, `"6f2a"`, quoted, 1),
			"/datasets": `{"datasets":[{"id":` + quoted + `,"name":"cars"}],"totalCount":1}`,
			"/commits":  `{"commits":[{"commitId":` + quoted + `}],"totalCount":1}`,
		}
		var asked []string
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			_, path, _ := strings.Cut(r.URL.EscapedPath(), "tensorbay-open-api/v1")
			asked = append(asked, path)
			for suffix, answer := range answers {
				if strings.HasSuffix(path, suffix) {
					return reply(200, answer), nil
				}
			}
			return reply(200, `{"name":"a","type":0}`), nil
		})
		ds := byID(t, client)
		_, err := ds.SquashAndMerge().Create(t.Context(), mergeDev)
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		require.ErrorIs(t, first(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{})), jobs.ErrInvalidResponse, id)
		_, err = ds.SquashAndMerge().Get(t.Context(), "a")
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		_, err = ds.SquashAndMerge().Resume([]byte(answers["/jobs/a"]))
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		_, err = client.Dataset(t.Context(), "cars")
		require.Error(t, err, id)
		_, err = ds.Resolve(t.Context(), "main")
		require.Error(t, err, id)
		found := strings.Replace(strings.Replace(processing, "PROCESSING", "SUCCESS", 1), `"status"`, `"result":{"searchResultId":`+quoted+`,"searchResultCommitId":"c"},"status"`, 1)
		search, err := ds.BasicSearch().Resume([]byte(found))
		require.NoError(t, err)
		_, err = search.Result(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, id)
		const base = "/datasets/154e35ba50954cae9f3e3c7ac41b2d0f"
		assert.Subset(t, []string{"/datasets", base, base + "/jobs", base + "/jobs/a", base + "/commits"}, asked)
	}
}

func TestAccessKeySelectsTheService(t *testing.T) {
	for key, want := range map[string]string{
		"Accesskey-0a": "https://gas.graviti.cn/gatewayv2/tensorbay-open-api/v1/",
		"ACCESSKEY-0a": "https://gas.graviti.com/gatewayv2/tensorbay-open-api/v1/",
	} {
		client, err := jobs.NewClient(key)
		require.NoError(t, err)
		assert.Contains(t, client.String(), want)
	}
	for _, url := range []string{"http://127.0.0.1:8080", "http://localhost/", "http://[::1]:1/", "https://tensorbay.example/"} {
		_, err := jobs.NewClient(testKey, jobs.WithBaseURL(url))
		assert.NoError(t, err, url)
	}
}

var badIDs = map[string]string{
	"empty":            "",
	"slash":            "a/b",
	"backslash":        `a\b`,
	"dot":              ".",
	"dots":             "..",
	"escaped slash":    "a%2fb",
	"question mark":    "a?b",
	"hash":             "a#b",
	"space":            "a b",
	"newline":          "a\nb",
	"control":          "a\x00b",
	"broken utf-8":     "a\xff",
	"longer than any":  strings.Repeat("a", 257),
	"line separator":   "a\u2028b",
	"zero width space": "a\u200bb",
}

func TestBadIDs(t *testing.T) {
	sent := 0
	client := stubbed(t, func(*http.Request) (*http.Response, error) {
		sent++
		return reply(200, "{}"), nil
	})
	ds := byID(t, client)
	for name, id := range badIDs {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			_, err := client.DatasetByID(id)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			_, err = ds.SquashAndMerge().Get(ctx, id)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			require.ErrorIs(t, ds.BasicSearch().Delete(ctx, id), jobs.ErrInvalidArgument)
			_, err = client.DatasetByID("154e", jobs.AtCommit(id))
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
		})
	}
	_, err := client.Dataset(t.Context(), "")
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	_, err = client.DatasetByID("154e", jobs.AtBranch(""))
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	_, err = client.DatasetByID("154e", jobs.AtDraft(0))
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	assert.Zero(t, sent)
}

func TestHeadersOfARequest(t *testing.T) {
	ids := map[string]bool{}
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "https://gas.graviti.cn/gatewayv2/tensorbay-open-api/v1/datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a?jobType=squashAndMerge", r.URL.String())
		assert.Equal(t, []string{testKey}, r.Header["X-Token"])
		assert.Equal(t, "GO-SDK/"+jobs.Version, r.Header.Get("X-Source"))
		assert.Regexp(t, `^[0-9a-f]{32}$`, r.Header.Get("X-Request-Id"))
		ids[r.Header.Get("X-Request-Id")] = true
		return reply(503, ""), nil
	}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 3, Backoff: time.Nanosecond}))
	_, err := byID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.ErrorIs(t, err, jobs.ErrServer)
	assert.Len(t, ids, 3, "a new request id for every attempt")
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 3, e.Attempts)
	assert.True(t, ids[e.RequestID])
}

// calls are the operations by how they may be repeated.
func calls(t *testing.T, client *jobs.Client) map[string]func(context.Context) error {
	ds := byID(t, client)
	job := load(t, ds, processing)
	found, err := ds.BasicSearch().Resume([]byte(strings.Replace(processing, `"status":"PROCESSING"`, `"status":"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}`, 1)))
	require.NoError(t, err)
	return map[string]func(context.Context) error{
		"get":    job.Update,
		"list":   func(ctx context.Context) error { return first(ds.SquashAndMerge().List(ctx, jobs.ListOptions{})) },
		"delete": func(ctx context.Context) error { return ds.SquashAndMerge().Delete(ctx, "6f2a") },
		"abort":  job.Abort,
		"create": func(ctx context.Context) error {
			return second(ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "t", Source: "dev", Target: "main"}))
		},
		"retry":          job.Retry,
		"create dataset": func(ctx context.Context) error { return found.CreateDataset(ctx, jobs.DatasetSpec{Name: "n"}) },
	}
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := stubbed(t, func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return reply(200, "{}"), nil
	})
	for name, call := range calls(t, client) {
		err := call(ctx)
		require.ErrorIs(t, err, context.Canceled, name)
		require.NotErrorIs(t, err, jobs.ErrAmbiguous, name)
		require.NotErrorIs(t, err, jobs.ErrUnreachable, name)
	}
}

func TestRedirectDoesNotCarryTheKeyAway(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was followed, with X-Token %q", r.URL, r.Header.Get("X-Token"))
	}))
	defer elsewhere.Close()
	api := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusMovedPermanently))
	defer api.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(api.URL), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}))
	require.NoError(t, err)
	for name, call := range calls(t, client) {
		err := call(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, name)
		assert.ErrorContains(t, err, "301: invalid response: unexpected status", name)
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	connections := 0
	status := 200
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"name":"a","type":0,"filler":"`+strings.Repeat("a", 100_000)+`"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections++
		}
	}
	server.Start()
	defer server.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(server.URL), jobs.WithRateLimit(-1), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}),
		jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	for _, status = range []int{200, 500, 404, 200, 302, 200} {
		_, err := byID(t, client).Refresh(t.Context())
		assert.Equal(t, status == 200, err == nil)
	}
	assert.Equal(t, 1, connections)
}
