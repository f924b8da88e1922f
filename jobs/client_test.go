package jobs_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestNewClient_SelectsTheServiceByAccessKey(t *testing.T) {
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

func TestClient_SendsTheDocumentedHeaders(t *testing.T) {
	ids := map[string]bool{}
	client := stubClient(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "https://gas.graviti.cn/gatewayv2/tensorbay-open-api/v1/datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a?jobType=squashAndMerge", r.URL.String())
		assert.Equal(t, []string{testKey}, r.Header["X-Token"])
		assert.Equal(t, "GO-SDK/"+jobs.Version, r.Header.Get("X-Source"))
		assert.Regexp(t, `^[0-9a-f]{32}$`, r.Header.Get("X-Request-Id"))
		ids[r.Header.Get("X-Request-Id")] = true
		return newResponse(503, ""), nil
	}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 3, Backoff: time.Nanosecond}))
	_, err := datasetByID(t, client).SquashAndMerge().Get(t.Context(), "6f2a")
	require.ErrorIs(t, err, jobs.ErrServer)
	assert.Len(t, ids, 3, "a new request id for every attempt")
	var e *jobs.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 3, e.Attempts)
	assert.True(t, ids[e.RequestID])
}

// operationCalls returns a call of each kind of operation.
func operationCalls(t *testing.T, client *jobs.Client) map[string]func(context.Context) error {
	ds := datasetByID(t, client)
	job := resumeMerge(t, ds, processingJob)
	search := resumeSearch(t, ds, jobJSON(`"PROCESSING"`, `"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}`))
	return map[string]func(context.Context) error{
		"get":    job.Update,
		"list":   func(ctx context.Context) error { return firstItem(ds.SquashAndMerge().List(ctx, jobs.ListOptions{})) },
		"delete": func(ctx context.Context) error { return ds.SquashAndMerge().Delete(ctx, "6f2a") },
		"abort":  job.Abort,
		"create": func(ctx context.Context) error {
			return errorOf(ds.SquashAndMerge().Create(ctx, mergeDev))
		},
		"retry":          job.Retry,
		"create dataset": func(ctx context.Context) error { return search.CreateDataset(ctx, jobs.DatasetSpec{Name: "n"}) },
	}
}

func TestClient_SendsNothingAfterTheContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client := stubClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return newResponse(200, "{}"), nil
	})
	for name, call := range operationCalls(t, client) {
		err := call(ctx)
		require.ErrorIs(t, err, context.Canceled, name)
		require.NotErrorIs(t, err, jobs.ErrAmbiguous, name)
		require.NotErrorIs(t, err, jobs.ErrUnreachable, name)
	}
}

func TestClient_DoesNotFollowRedirects(t *testing.T) {
	otherHost := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was followed, with X-Token %q", r.URL, r.Header.Get("X-Token"))
	}))
	defer otherHost.Close()
	api := httptest.NewServer(http.RedirectHandler(otherHost.URL, http.StatusMovedPermanently))
	defer api.Close()
	client, err := jobs.NewClient(testKey, jobs.WithBaseURL(api.URL), jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}))
	require.NoError(t, err)
	for name, call := range operationCalls(t, client) {
		err := call(t.Context())
		require.ErrorIs(t, err, jobs.ErrInvalidResponse, name)
		assert.ErrorContains(t, err, "301: invalid response: redirect to "+otherHost.URL+", which was not followed", name)
	}
}

func TestClient_ReusesConnections(t *testing.T) {
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
		_, err := datasetByID(t, client).Refresh(t.Context())
		assert.Equal(t, status == 200, err == nil)
	}
	assert.Equal(t, 1, connections)
}

// invalidIDs are ids that would change the path of a request or its log.
var invalidIDs = map[string]string{
	"other directory":  "../other",
	"empty":            "",
	"slash":            "a/b",
	"backslash":        `a\b`,
	"same directory":   ".",
	"parent directory": "..",
	"escaped slash":    "a%2fb",
	"question mark":    "a?b",
	"hash":             "a#b",
	"space":            "a b",
	"newline":          "a\nb",
	"control":          "a\x00b",
	"invalid utf-8":    "a\xff",
	"too long":         strings.Repeat("a", 257),
	"line separator":   "a\u2028b",
	"zero width space": "a\u200bb",
}

func TestClient_RejectsInvalidIDsOfTheCaller(t *testing.T) {
	client := stubClient(t, func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return newResponse(200, "{}"), nil
	})
	ds := datasetByID(t, client)
	for name, id := range invalidIDs {
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
}

func TestClient_RejectsInvalidIDsOfTheService(t *testing.T) {
	for name, id := range invalidIDs {
		if !utf8.ValidString(id) {
			continue // no JSON text holds it
		}
		t.Run(name, func(t *testing.T) {
			encoded, err := json.Marshal(id)
			require.NoError(t, err)
			quoted := string(encoded)
			responses := map[string]string{
				"/jobs":     `{"jobId":` + quoted + `,"createdAt":1,"jobs":[` + jobJSON(`"6f2a"`, quoted) + `],"totalCount":1}`,
				"/jobs/a":   jobJSON(`"6f2a"`, quoted),
				"/datasets": `{"datasets":[{"id":` + quoted + `,"name":"cars"}],"totalCount":1}`,
				"/commits":  `{"commits":[{"commitId":` + quoted + `}],"totalCount":1}`,
			}
			var paths []string
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				_, path, _ := strings.Cut(r.URL.EscapedPath(), "tensorbay-open-api/v1")
				paths = append(paths, path)
				for suffix, body := range responses {
					if strings.HasSuffix(path, suffix) {
						return newResponse(200, body), nil
					}
				}
				return newResponse(200, `{"name":"a","type":0}`), nil
			})
			ds := datasetByID(t, client)
			require.ErrorIs(t, errorOf(ds.SquashAndMerge().Create(t.Context(), mergeDev)), jobs.ErrInvalidResponse)
			require.ErrorIs(t, firstItem(ds.SquashAndMerge().List(t.Context(), jobs.ListOptions{})), jobs.ErrInvalidResponse)
			require.ErrorIs(t, errorOf(ds.SquashAndMerge().Get(t.Context(), "a")), jobs.ErrInvalidResponse)
			require.ErrorIs(t, errorOf(ds.SquashAndMerge().Resume(savedJob(ds, jobs.TypeSquashAndMerge, responses["/jobs/a"]))), jobs.ErrInvalidResponse)
			require.Error(t, errorOf(client.Dataset(t.Context(), "cars")))
			require.Error(t, errorOf(ds.Resolve(t.Context(), "main")))
			search := resumeSearch(t, ds, jobJSON(`"PROCESSING"`, `"SUCCESS","result":{"searchResultId":`+quoted+`,"searchResultCommitId":"c"}`))
			require.ErrorIs(t, errorOf(search.Result(t.Context())), jobs.ErrInvalidResponse)
			const base = "/datasets/154e35ba50954cae9f3e3c7ac41b2d0f"
			assert.Subset(t, []string{"/datasets", base, base + "/jobs", base + "/jobs/a", base + "/commits"}, paths)
		})
	}
}
