package jobs_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

const datasetPath = "/datasets/154e35ba50954cae9f3e3c7ac41b2d0f"

// An errorCase provokes an error. want holds the parts of its text: the
// operation, the cause, the identifiers and the remedy.
type errorCase struct {
	provoke func(t *testing.T) error
	want    []string
}

// responseError returns the case of Refresh with a response.
func responseError(status int, body string, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		client := stubClient(t, respondWith(status, body))
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, append(want, "get dataset: GET "+datasetPath)}
}

// updateError returns the case of Update with a response of status 200.
func updateError(body string, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		return stubMerge(t, respondWith(200, body), processingJob).Update(t.Context())
	}, append(want, "get job: GET "+datasetPath+"/jobs/6f2a", "try again later")}
}

func invalidOption(o jobs.Option, want ...string) errorCase {
	return errorCase{func(*testing.T) error { return errorOf(jobs.NewClient(testKey, o)) }, want}
}

func invalidID(id string, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		client := stubClient(t, respondWith(500, ""))
		return errorOf(datasetByID(t, client).SquashAndMerge().Get(t.Context(), id))
	}, append(want, "job id", "use an id of the service")}
}

func invalidRevision(revision jobs.RevisionOption, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		return errorOf(stubClient(t, respondWith(500, "")).DatasetByID("154e", revision))
	}, want}
}

// mergeError returns the case of a create with changed arguments.
func mergeError(change func(*jobs.SquashAndMergeArgs), want ...string) errorCase {
	return mergeErrorAt(nil, change, want...)
}

func mergeErrorAt(revision []jobs.RevisionOption, change func(*jobs.SquashAndMergeArgs), want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		args := mergeDev
		change(&args)
		client := stubClient(t, respondWith(200, `{"name":"a","type":0}`))
		return errorOf(datasetByID(t, client, revision...).SquashAndMerge().Create(t.Context(), args))
	}, append(want, "create squashAndMerge job")}
}

// searchError returns the case of a create with changed arguments.
func searchError(change func(*jobs.BasicSearchArgs), want ...string) errorCase {
	return searchErrorAt(nil, change, want...)
}

func searchErrorAt(revision []jobs.RevisionOption, change func(*jobs.BasicSearchArgs), want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		args := jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}}
		change(&args)
		client := stubClient(t, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/commits") {
				return newResponse(200, `{"commits":[],"totalCount":0}`), nil
			}
			return newResponse(200, `{"name":"a","type":0}`), nil
		})
		return errorOf(datasetByID(t, client, revision...).BasicSearch().Create(t.Context(), args))
	}, append(want, "create basicSearch job")}
}

// rawError returns the case of a create of a job of any type.
func rawError(jobType jobs.Type, args jobs.RawArgs, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		return errorOf(datasetByID(t, stubClient(t, respondWith(500, ""))).Jobs(jobType).Create(t.Context(), args))
	}, want}
}

func filterError(f jobs.Filter, want ...string) errorCase {
	return searchError(func(a *jobs.BasicSearchArgs) { a.Filters = []jobs.Filter{f} }, append(want, "filter 0")...)
}

// openError returns the case of Data.Open with a signed URL.
func openError(signed string, s stub, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		return errorOf(stubDatum(t, signed, s).Open(t.Context()))
	}, want}
}

// saveError returns the case of a datum that is saved from a store.
func saveError(store stub, want ...string) errorCase {
	return errorCase{func(t *testing.T) error {
		contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "data.example" {
				return store(r)
			}
			return newResponse(200, `{"dataDetails":[{"remotePath":"a.bin","url":"https://data.example/a?sig=1"}],"totalCount":1}`), nil
		}, jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: time.Millisecond}))
		return errorOf(collect(t, contents.Data(t.Context(), "train"))[0].Save(t.Context(), io.Discard))
	}, want}
}

func respond(response func(*http.Request) *http.Response) stub {
	return func(r *http.Request) (*http.Response, error) { return response(r), nil }
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// stubDatum returns a datum with a mask, both at a signed URL.
func stubDatum(t *testing.T, signed string, s stub) *jobs.Data {
	t.Helper()
	contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/details") {
			return newResponse(200, fmt.Sprintf(`{"dataDetails":[{"remotePath":"a.bin","url":%q,"label":{"SEMANTIC_MASK":{"remotePath":"m.png","url":%q,"info":[]}}}],"totalCount":1}`, signed, signed)), nil
		}
		return s(r)
	})
	return collect(t, contents.Data(t.Context(), "train"))[0]
}

// success returns a job that succeeded with a result.
func success(result string) string { return jobJSON(`"PROCESSING"`, `"SUCCESS","result":`+result) }

// errorCases holds a case for every error of the package, under a stable id.
var errorCases = map[string]errorCase{
	"response/400":      responseError(400, `{"code":"InvalidParamsValue","message":"bad limit"}`, "400 InvalidParamsValue: bad limit", "(request R)", "change the arguments"),
	"response/401":      responseError(401, `{"code":"Unauthorized","message":"no"}`, "401 Unauthorized: no", "check the access key"),
	"response/403":      responseError(403, `{"code":"AccessDenied","message":"no"}`, "403 AccessDenied: no", "check the permissions of the access key"),
	"response/404":      responseError(404, `{"code":"ResourceNotExist","message":"no dataset"}`, "404 ResourceNotExist", "check the ids"),
	"response/409":      responseError(409, `{"code":"NameConflict","message":"taken"}`, "409 NameConflict: taken", "choose another name"),
	"response/418":      responseError(418, `{"code":"Teapot","message":"short and stout"}`, "418 Teapot", "ask the support"),
	"response/429":      responseError(429, "", "429", "slow down, see WithRateLimit"),
	"response/500":      responseError(500, `{"code":"InternalServerError","message":"oops"}`, "500 InternalServerError: oops", "try again later"),
	"response/502 html": responseError(502, "<html>", "502", "a gateway may have sent it", "try again later"),
	"response/301":      responseError(301, "", "301: invalid response: unexpected status", "check WithBaseURL"),
	"response/redirect": {func(t *testing.T) error {
		client := stubClient(t, redirectTo("https://other.example/login?token=hidden"))
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "302", "redirect to https://other.example, which was not followed", "check WithBaseURL"}},
	"response/html":          responseError(200, "<html>", "200: invalid response: the body is a page of html or xml", "try again later"),
	"response/empty":         responseError(200, "", "the body is empty", "try again later"),
	"response/null":          responseError(200, "null", "the value is null", "try again later"),
	"response/missing field": responseError(200, `{"name":"a"}`, "type is missing", "try again later"),
	"response/too large": {func(t *testing.T) error {
		client := stubClient(t, respondWith(200, `{"name":"aaaaaaa"}`), jobs.WithMaxBody(4))
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "the body is larger than 4 bytes", "see WithMaxBody"}},
	"response/truncated body": {func(t *testing.T) error {
		client := stubClient(t, func(*http.Request) (*http.Response, error) {
			resp := newResponse(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"na`), iotest.ErrReader(io.ErrUnexpectedEOF)))
			return resp, nil
		})
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "the body was cut short: unexpected EOF", "try again later"}},
	"response/html for an abort": {func(t *testing.T) error {
		return stubMerge(t, respondWith(200, "<html>"), processingJob).Abort(t.Context())
	}, []string{"abort job: POST " + datasetPath + "/jobs/6f2a/abort: 200", "the body is not json", "try again later"}},
	"response/other job":      updateError(jobJSON("6f2a", "7777"), "it describes job 7777"),
	"response/other type":     updateError(jobJSON(`"title"`, `"jobType":"basicSearch","title"`), `job 6f2a is of type "basicSearch", not "squashAndMerge"`),
	"response/empty status":   updateError(jobJSON(`"PROCESSING"`, `""`), "status of job 6f2a is empty"),
	"response/invalid job id": updateError(jobJSON("6f2a", "../x"), `job id "../x"`),
	"response/list without an end": {func(t *testing.T) error {
		page := respondWith(200, `{"segments":[{"name":"a"}],"totalCount":1048576}`)
		return errorOf(drain(stubContents(t, page).Segments(t.Context())))
	}, []string{"list segments: GET " + datasetPath + "/segments: 200", "the list of 1048576 does not end", "try again later"}},
	"response/too many items": {func(t *testing.T) error {
		client := stubClient(t, respondWith(200, `{"jobs":[`+strings.Repeat("{},", 1280)+`{}],"totalCount":1281}`))
		return firstItem(datasetByID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	}, []string{"list jobs", "jobs[1280] is one too many: 128 were requested", "try again later"}},

	"network/refused": {func(t *testing.T) error {
		client := stubClient(t, failWith(errRefused), jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: 1}))
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "connection refused", "(after 2 attempts)", "try again later"}},
	"network/timeout": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			client := stubClient(t, hang, jobs.WithAttemptTimeout(time.Second))
			err = errorOf(datasetByID(t, client).Refresh(t.Context()))
		})
		return err
	}, []string{"get dataset: GET " + datasetPath, "the attempt timed out after 1s", "see WithAttemptTimeout"}},
	"network/deadline": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = errorOf(datasetByID(t, stubClient(t, hang)).Refresh(ctx))
		})
		return err
	}, []string{"get dataset: GET " + datasetPath, "context deadline exceeded", "allow more time"}},
	"network/deadline before the next attempt": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			client := stubClient(t, respondWith(200, "<html>"), jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Minute, MaxBackoff: time.Minute}))
			err = errorOf(datasetByID(t, client).Refresh(ctx))
		})
		return err
	}, []string{"get dataset: GET " + datasetPath, "the body is a page of html or xml", "context deadline exceeded before the next attempt", "try again later"}},
	"network/canceled": {func(t *testing.T) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return errorOf(datasetByID(t, stubClient(t, hang)).Refresh(ctx))
	}, []string{"get dataset: GET " + datasetPath, "context canceled"}}, // no remedy: the caller canceled
	"network/proxy for http": {func(t *testing.T) error {
		client, err := jobs.NewClient(testKey, jobs.WithBaseURL("http://localhost:1/"), jobs.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: proxyOnAnotherHost}}))
		require.NoError(t, err)
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "the request to localhost:1 was not sent", "use https, or let loopback addresses bypass the proxy"}},
	"network/misconfigured proxy": {func(t *testing.T) error {
		proxy := func(*http.Request) (*url.URL, error) { return nil, errors.New("invalid port") }
		client, err := jobs.NewClient(testKey, jobs.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: proxy}}))
		require.NoError(t, err)
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "the proxy is misconfigured: invalid port"}},
	"network/no connection": {func(t *testing.T) error {
		client := stubClient(t, failWith(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}))
		return errorOf(datasetByID(t, client).Refresh(t.Context()))
	}, []string{"get dataset: GET " + datasetPath, "no connection: tls: failed to verify certificate: unknown authority", "add the authority"}},

	"client/key":            {func(*testing.T) error { return errorOf(jobs.NewClient("secret")) }, []string{"malformed access key", "want Accesskey-..."}},
	"client/base url":       invalidOption(jobs.WithBaseURL("https://[::1"), "the base url is empty or malformed", "want https://host[:port]/"),
	"client/url with query": invalidOption(jobs.WithBaseURL("https://a.example/?x=y"), "the base url is empty or malformed", `want https://host[:port]/ and nothing else`),
	"client/http":           invalidOption(jobs.WithBaseURL("http://a.example/"), "http://a.example", "only https is allowed"),
	"client/http client":    invalidOption(jobs.WithHTTPClient(nil), "http client is nil", "leave the option out"),
	"client/logger":         invalidOption(jobs.WithLogger(nil), "logger is nil", "leave the option out"),
	"client/observer":       invalidOption(jobs.WithObserver(nil), "observer is nil", "leave the option out"),
	"client/retry":          invalidOption(jobs.WithRetry(jobs.RetryPolicy{Attempts: -1}), "retry policy", "a field is negative"),
	"client/poll limit":     invalidOption(jobs.WithPollLimit(math.NaN()), "poll limit is not a number", "give polls per second"),
	"client/rate limit":     invalidOption(jobs.WithRateLimit(math.NaN()), "rate limit is not a number", "give requests per second"),

	"client/pages":         invalidOption(jobs.WithConcurrentPages(-1), "-1 concurrent pages", "use 1 for one after the other"),
	"id/empty":             invalidID("", "is empty"),
	"id/long":              invalidID(strings.Repeat("a", 300), "of 300 bytes is longer than 256"),
	"id/invalid utf-8":     invalidID("\xff", `"\xff" is malformed`),
	"id/parent directory":  invalidID("..", `".." is malformed`),
	"id/invalid character": invalidID("a/b", `"a/b" is malformed`),

	"dataset/empty name": {func(t *testing.T) error {
		return errorOf(stubClient(t, respondWith(500, "")).Dataset(t.Context(), ""))
	}, []string{"dataset name is empty", "give its exact name"}},
	"dataset/unknown name": {func(t *testing.T) error {
		return errorOf(stubClient(t, respondWith(200, `{"datasets":[],"totalCount":0}`)).Dataset(t.Context(), "cars"))
	}, []string{`no dataset is named "cars"`, `check the name`}},
	"dataset/empty branch":     invalidRevision(jobs.AtBranch(""), "branch name is empty", "Branches lists the names"),
	"dataset/draft 0":          invalidRevision(jobs.AtDraft(0), "draft number 0", "the first is 1"),
	"dataset/unknown revision": searchError(func(a *jobs.BasicSearchArgs) { a.Revision = "dev" }, `dataset 154e35ba50954cae9f3e3c7ac41b2d0f has no commit at revision "dev"`, `check the branch`),
	"dataset/other commit": {func(t *testing.T) error {
		id := strings.Repeat("a", 32)
		return errorOf(datasetByID(t, stubClient(t, respondWith(200, `{"commits":[{"commitId":"3bd4"}],"totalCount":1}`))).Resolve(t.Context(), id))
	}, []string{"list commits: GET", "it describes commit 3bd4"}},
	"contents/empty segment": {func(t *testing.T) error {
		return firstItem((&jobs.SearchResult{}).Data(t.Context(), ""))
	}, []string{"segment name is empty", "Segments lists the names"}},
	"contents/empty segment of sensors": {func(t *testing.T) error {
		return errorOf((&jobs.Contents{}).Sensors(t.Context(), ""))
	}, []string{"segment name is empty", "Segments lists the names"}},
	"contents/of no list": {func(t *testing.T) error {
		return errorOf((&jobs.Data{RemotePath: "a.bin"}).Stat(t.Context()))
	}, []string{"the datum or mask has no content", "use one that a list has returned"}},
	"contents/unparsable url": openError("://", nil, "open content: GET train/a.bin", "its url does not parse", "list it again"),
	"contents/http": openError("http://data.example/a?sig=1", nil,
		"open content: GET train/a.bin", "http://data.example: only https is allowed"),
	"contents/expired again":        openError("https://data.example/a?sig=1", rejectHost("data.example", `{"urls":[{"remotePath":"a.bin","url":"https://data.example/a?sig=2"}],"totalCount":1}`), "open content: GET train/a.bin: 403", "list the data again for a fresh url"),
	"contents/expired, not renewed": openError("https://data.example/a?sig=1", respondWith(403, ""), "renew the url of train/a.bin", "list data urls: GET", "403", "check"),
	"contents/expired, several new urls": openError("https://data.example/a?sig=1", rejectHost("data.example",
		`{"urls":[{"remotePath":"a.bin","url":"https://data.example/a?sig=2"},{"remotePath":"a.bin","url":"https://data.example/b?sig=2"}],"totalCount":2}`),
		"renew the url of train/a.bin", "it holds several urls of a.bin", "try again later"),
	"contents/expired, no new url": openError("https://data.example/a?sig=1", rejectHost("data.example", `{"urls":[],"totalCount":0}`), "renew the url of train/a.bin", "it holds no url of a.bin", "try again later"),
	"contents/expired, no new url of a mask": {func(t *testing.T) error {
		d := stubDatum(t, "https://data.example/a?sig=1", rejectHost("data.example", `{"urls":[],"totalCount":0}`))
		return errorOf(d.Label.SemanticMask.Open(t.Context()))
	}, []string{"renew the url of train/m.png", "it holds no url of m.png", "try again later"}},
	"contents/cut body": saveError(respond(func(*http.Request) *http.Response {
		resp := newResponse(200, "")
		resp.ContentLength = 10
		return resp
	}), "open content: GET train/a.bin: 200", "the body was cut short after 0 bytes: unexpected EOF", "try again later"),
	"contents/changed": saveError(func() stub {
		n := 0
		return respond(func(*http.Request) *http.Response {
			n++
			resp := newResponse(200, strings.Repeat("a", n))
			resp.ContentLength = int64(2 * n)
			return resp
		})
	}(), "the content has changed since the first byte"),
	"contents/other range": saveError(respond(func(r *http.Request) *http.Response {
		resp := newResponse(200, "a")
		resp.ContentLength = 10
		if r.Header.Get("Range") != "" {
			resp.StatusCode = 206
			resp.Header.Set("Content-Range", "bytes 5-9/10")
		}
		return resp
	}), "the store sent another range than bytes from 1, or no size"),
	"contents/checksum": saveError(respond(func(*http.Request) *http.Response {
		resp := newResponse(200, "a")
		resp.Header.Set("X-Oss-Hash-Crc64ecma", "7")
		return resp
	}), "the content differs from its checksum crc64ecma:0000000000000007"),
	"contents/writer": {func(t *testing.T) error {
		return errorOf(stubDatum(t, "https://data.example/a?sig=1", respondWith(200, "a")).Save(t.Context(), failingWriter{}))
	}, []string{"save train/a.bin", "no space left"}},
	"contents/redirects":         openError("https://data.example/a?sig=1", redirectTo("https://data.example/a"), "open content: GET train/a.bin", "more than 10 redirects", "try again later"),
	"contents/redirect to http":  openError("https://data.example/a?sig=1", redirectTo("http://data.example/a?sig=1"), "open content", "http://data.example: only https is allowed"),
	"contents/unexpected status": openError("https://data.example/a?sig=1", respondWith(204, ""), "open content: GET train/a.bin: 204", "unexpected status", "try again later"),

	"merge/empty draft title":     mergeError(func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "" }, "the draft title is empty", "set DraftTitle"),
	"merge/empty source":          mergeError(func(a *jobs.SquashAndMergeArgs) { a.Source = "" }, "the source branch is empty", "set Source"),
	"merge/unknown strategy":      mergeError(func(a *jobs.SquashAndMergeArgs) { a.Strategy = "rebase" }, `unknown strategy "rebase"`, `use abort, override or skip`),
	"merge/target is the source":  mergeError(func(a *jobs.SquashAndMergeArgs) { a.Target = a.Source }, `the same branch "dev"`, `use two branches`),
	"merge/no target":             mergeError(func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f has no default branch", "set Target"),
	"merge/no target at a draft":  mergeErrorAt([]jobs.RevisionOption{jobs.AtDraft(1)}, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f is checked out at draft 1", "set Target"),
	"merge/no target at a commit": mergeErrorAt([]jobs.RevisionOption{jobs.AtCommit("3bd4")}, func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f is checked out at commit 3bd4", "set Target"),

	"search/unknown conjunction":       searchError(func(a *jobs.BasicSearchArgs) { a.Conjunction = "xor" }, `unknown conjunction "xor"`, `use "and" or "or"`),
	"search/unknown unit":              searchError(func(a *jobs.BasicSearchArgs) { a.Unit = "row" }, `unknown unit "row"`, `use "file" or "frame"`),
	"search/no filters":                searchError(func(a *jobs.BasicSearchArgs) { a.Filters = nil }, "the filter list is empty", "add one filter at least"),
	"search/of a draft":                searchErrorAt([]jobs.RevisionOption{jobs.AtDraft(1)}, func(*jobs.BasicSearchArgs) {}, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f is checked out at draft 1", "commit it, or set Revision"),
	"search/no default branch":         searchError(func(a *jobs.BasicSearchArgs) { a.Revision = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f has no default branch", "set the revision"),
	"search/frames of a plain dataset": searchError(func(a *jobs.BasicSearchArgs) { a.Unit = jobs.UnitFrame }, "unit frame on plain dataset 154e35ba50954cae9f3e3c7ac41b2d0f", "use UnitFile"),
	"search/sensor of a plain dataset": filterError(jobs.SensorIn("CAM"), `sensor in ["CAM"], on plain dataset 154e35ba50954cae9f3e3c7ac41b2d0f`, `leave it out`),

	"raw/no type":      rawError("", jobs.RawArgs{}, "the job type is empty", "use one such as TypeBasicSearch"),
	"raw/no title":     rawError("countFiles", jobs.RawArgs{Arguments: map[string]any{}}, "create countFiles job", "the title is empty", "set Title"),
	"raw/no arguments": rawError("countFiles", jobs.RawArgs{Title: "count"}, "create countFiles job", "the arguments are not a JSON object", "use a map or a struct"),

	"filter/zero value":              filterError(jobs.Filter{}, "is the zero value", "use a function"),
	"filter/empty list":              filterError(jobs.SegmentIn(), "segment in", "the list is empty", "add one name at least"),
	"filter/empty name":              filterError(jobs.SegmentIn(""), "segment in", "a name in the list is empty", "leave it out"),
	"filter/empty label type":        filterError(jobs.CategoryIn("", "car"), "category in", "the label type is empty", "use one such as LabelBox2D"),
	"filter/malformed label type":    filterError(jobs.CategoryIn("box 2d", "car"), "category in", `label type "box 2d" is malformed`, "use one such as LabelBox2D"),
	"filter/negative size":           filterError(jobs.SizeEquals(-1), "size =", "a size of -1 bytes is negative", "use zero or more"),
	"filter/empty text":              filterError(jobs.RemotePathIs(""), "keyword =", "the text is empty", "use one character at least"),
	"filter/no attributes":           filterError(jobs.AttributeIn(jobs.LabelBox2D, nil), "attribute in", "the map of attributes is empty", "add one at least"),
	"filter/no attribute value":      filterError(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": nil}), `attribute "a" has no allowed value`, `add one at least`),
	"filter/value without JSON form": filterError(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": {math.NaN()}}), "the value has no JSON form", "use booleans, numbers, strings and nil"),
	"filter/raw filter without key":  filterError(jobs.RawFilter("", "", "", "", 1), "key or operator is empty", "set both"),

	"create/ambiguous": {func(t *testing.T) error {
		return errorOf(datasetByID(t, stubClient(t, respondWith(502, ""))).SquashAndMerge().Create(t.Context(), mergeDev))
	}, []string{`create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f`, `502`, `it may exist: check the list of jobs before you create it again`}},
	"create/ambiguous, not found":        recoveryError(`{"jobs":[],"totalCount":0}`, "not found in 5 lookups; it may exist"),
	"create/ambiguous, several matches":  recoveryError(`{"jobs":[`+newJob("6f2a")+`,`+newJob("6f2b")+`],"totalCount":2}`, "2 jobs match, check them before you create it again: 6f2a, 6f2b"),
	"create/ambiguous, lookups failed":   recoveryError(`<html>`, "the last of N lookups failed: list jobs", "check the list of jobs"),
	"create/concurrent identical create": {concurrentCreateError, []string{`create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f`, `another create of an equal job is in progress`, `wait for that one`}},
	"create/invalid id": {func(t *testing.T) error {
		return errorOf(datasetByID(t, stubClient(t, respondWith(200, `{"jobId":"..","createdAt":1}`))).SquashAndMerge().Create(t.Context(), mergeDev))
	}, []string{`create squashAndMerge job`, `job id ".." is malformed`, `check the list of jobs before you create it again`}},
	"retry/ambiguous": {func(t *testing.T) error {
		return stubMerge(t, respondWith(502, ""), jobJSON(`"PROCESSING"`, `"ABORTED"`)).Retry(t.Context())
	}, []string{"retry job: POST " + datasetPath + "/jobs/6f2a/retry: 502", "it may have taken effect: check before you send it again"}},

	"resume/unmarshal": {func(*testing.T) error { return json.Unmarshal([]byte(processingJob), &jobs.SquashAndMergeJob{}) },
		[]string{"a job cannot be unmarshaled", "pass its JSON to Resume"}},
	"create/invalid response with an id": {func(t *testing.T) error {
		return errorOf(datasetByID(t, stubClient(t, respondWith(202, `{"jobId":"6f2a"}`))).SquashAndMerge().Create(t.Context(), mergeDev))
	}, []string{"202", "the response names job 6f2a"}},
	"resume/invalid json": {func(t *testing.T) error {
		return errorOf(datasetByID(t, stubClient(t, respondWith(500, ""))).SquashAndMerge().Resume([]byte("{")))
	}, []string{"resume job", "unexpected end of JSON input", "pass the JSON of a job"}},
	"resume/wire form": {func(t *testing.T) error {
		return errorOf(stubClient(t, respondWith(500, "")).Resume([]byte(processingJob)))
	}, []string{"datasetId is missing", "pass the JSON of a job"}},
	"resume/malformed job": {func(t *testing.T) error {
		client := stubClient(t, respondWith(500, ""))
		return errorOf(client.Resume(savedJob(datasetByID(t, client), jobs.TypeSquashAndMerge, `{"jobId":"6f2a"}`)))
	}, []string{"resume squashAndMerge job", "status is missing"}},
	"resume/other type": {func(t *testing.T) error {
		ds := datasetByID(t, stubClient(t, respondWith(500, "")))
		return errorOf(ds.BasicSearch().Resume(savedJob(ds, jobs.TypeSquashAndMerge, processingJob)))
	}, []string{"of type squashAndMerge", "not of type basicSearch", "use Client.Resume"}},
	"resume/other dataset": {func(t *testing.T) error {
		client := stubClient(t, respondWith(500, ""))
		other, err := client.DatasetByID("d0f2")
		require.NoError(t, err)
		return errorOf(datasetByID(t, client).SquashAndMerge().Resume(savedJob(other, jobs.TypeSquashAndMerge, processingJob)))
	}, []string{"in dataset d0f2", "not of type squashAndMerge in dataset 154e", "use Client.Resume"}},

	"result/not finished": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(500, ""), processingJob).Result(t.Context()))
	}, []string{"job not finished: job 6f2a was last seen PROCESSING", "wait for it or update it"}},
	"result/failed": {func(t *testing.T) error {
		job := jobJSON("PROCESSING", "FAILED", `"errorMessage":""`, `"errorMessage":"the disk is full"`)
		return errorOf(stubMerge(t, respondWith(500, ""), job).Result(t.Context()))
	}, []string{"job 6f2a failed", "the disk is full"}}, // the remedy depends on the reason
	"result/failed without message": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(500, ""), jobJSON(`"PROCESSING"`, `"FAILED"`)).Result(t.Context()))
	}, []string{"job 6f2a failed", "the service gave no reason"}},
	"result/aborted": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(500, ""), jobJSON(`"PROCESSING"`, `"ABORTED"`)).Result(t.Context()))
	}, []string{"job 6f2a was aborted"}}, // no remedy: a caller aborted it
	"result/missing": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(200, jobJSON("PROCESSING", "SUCCESS")), jobJSON(`"PROCESSING"`, `"SUCCESS"`)).Result(t.Context()))
	}, []string{"job 6f2a is SUCCESS without a result", "update it later"}},
	"result/invalid": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(500, ""), success(`{}`)).Result(t.Context()))
	}, []string{"result of job 6f2a", "draftNumber is missing", "its Snapshot holds the response"}},
	"result/invalid arguments": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(500, ""), jobJSON(`"targetBranchName"`, `"plan"`)).Arguments())
	}, []string{"arguments of job 6f2a", "targetBranchName is missing", "its Snapshot holds the response"}},
	"draft/empty commit title": {func(t *testing.T) error {
		return errorOf((&jobs.Draft{}).Commit(t.Context(), jobs.CommitSpec{}))
	}, []string{"the title of the commit is empty", "set Title"}},
	"draft/of no dataset": {func(t *testing.T) error {
		return (&jobs.Draft{Number: 3}).Close(t.Context())
	}, []string{"draft 3 belongs to no dataset", "use one that Drafts has returned"}},
	"result/deleted draft": {func(t *testing.T) error {
		return errorOf(stubMerge(t, respondWith(200, `{"drafts":[],"totalCount":0}`), success(`{"draftNumber":7}`)).Result(t.Context()))
	}, []string{`6f2a`, `draft 7 on branch "main" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f`, `it may have been deleted`}},
	"result/invalid search result": {func(t *testing.T) error {
		return errorOf(stubSearch(t, respondWith(500, ""), success(`{}`)).Result(t.Context()))
	}, []string{"result of job 6f2a", "is missing", "its Snapshot holds the response"}},
	"result/invalid id": {func(t *testing.T) error {
		return errorOf(stubSearch(t, respondWith(500, ""), success(`{"searchResultId":"a/b","searchResultCommitId":"c"}`)).Result(t.Context()))
	}, []string{`result of job 6f2a`, `search result id "a/b" is malformed`, `its Snapshot holds the response`}},
	"result/invalid arguments of a search": {func(t *testing.T) error {
		return errorOf(stubSearch(t, respondWith(500, ""), processingJob).Arguments())
	}, []string{"arguments of job 6f2a", "is missing", "its Snapshot holds the response"}},
	"result/plain dataset": {func(t *testing.T) error {
		return errorOf(stubSearch(t, respondWith(200, `{"name":"a","type":0}`), success(`{"searchResultId":"a","searchResultCommitId":"c"}`)).FusionResult(t.Context()))
	}, []string{"dataset 154e35ba50954cae9f3e3c7ac41b2d0f is a plain dataset", "use Result"}},
	"result/fusion dataset": {func(t *testing.T) error {
		return errorOf(stubSearch(t, respondWith(200, `{"name":"a","type":1}`), success(`{"searchResultId":"a","searchResultCommitId":"c"}`)).Result(t.Context()))
	}, []string{"dataset 154e35ba50954cae9f3e3c7ac41b2d0f is a fusion dataset", "use FusionResult"}},
	"result/empty dataset name": {func(t *testing.T) error {
		return stubSearch(t, respondWith(500, ""), jobJSON(`"PROCESSING"`, `"SUCCESS"`)).CreateDataset(t.Context(), jobs.DatasetSpec{})
	}, []string{"the name of the new dataset is empty", "set Name"}},

	"wait/invalid schedule": {func(t *testing.T) error {
		return stubMerge(t, hang, processingJob).Wait(t.Context(), jobs.WithSchedule(polling.Schedule{Min: -1}))
	}, []string{"Schedule.Min", "must not be negative"}},
	"wait/no progress": {func(t *testing.T) error {
		return stubMerge(t, hang, processingJob).Wait(t.Context(), jobs.WithProgress(nil))
	}, []string{"progress is nil", "leave the option out"}},
	"wait/canceled": {func(t *testing.T) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return stubMerge(t, hang, processingJob).Wait(ctx)
	}, []string{"wait for job 6f2a, last seen PROCESSING", "context canceled", "the job goes on: wait again, or abort it"}},
	"wait/deadline": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err = stubMerge(t, respondWith(503, ""), processingJob).Wait(ctx)
		})
		return err
	}, []string{"wait for job 6f2a, last seen PROCESSING", "context deadline exceeded", "the last poll failed: ", "503", "the job goes on: wait again, or abort it"}},
	"wait/max outage": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			err = stubMerge(t, respondWith(503, ""), processingJob).Wait(t.Context(), jobs.WithMaxOutage(time.Minute))
		})
		return err
	}, []string{"wait for job 6f2a, last seen PROCESSING", "the last poll failed: ", "503", "the job goes on: wait again, or abort it"}},
	"wait/unauthorized": {func(t *testing.T) error {
		return stubMerge(t, respondWith(401, `{"code":"Unauthorized","message":"no"}`), processingJob).Wait(t.Context())
	}, []string{"wait for job 6f2a, last seen PROCESSING", "401", "check the access key"}},
	"wait/not found": {func(t *testing.T) error {
		return stubMerge(t, respondWith(404, `{"code":"ResourceNotExist","message":"no job"}`), processingJob).Wait(t.Context())
	}, []string{"wait for job 6f2a, last seen PROCESSING", "404", "check the ids"}},
	"wait/list is an array":         sharedListError(`[]`, "the value is not an object"),
	"wait/list without jobs":        sharedListError(`{"totalCount":1}`, "jobs is missing"),
	"wait/list without total":       sharedListError(`{"jobs":[]}`, "totalCount is missing"),
	"wait/list with duplicate jobs": sharedListError(`{"jobs":[],"jobs":[],"totalCount":1}`, "jobs appears twice"),
	"wait/list with invalid total":  sharedListError(`{"jobs":[],"totalCount":"1"}`, "totalCount is not a number"),
	"wait/list with too many jobs":  sharedListError(`{"jobs":[`+strings.Repeat("0,", 1280)+`0],"totalCount":1}`, "jobs[1280] is one too many: 128 were requested"),
}

// sharedListError returns the case of waits that share polls, with a list
// response.
func sharedListError(list string, want ...string) errorCase {
	return errorCase{func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/jobs") {
					return newResponse(200, list), nil
				}
				return newResponse(200, jobJSON("6f2a", r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])), nil
			})
			for i := range 20 {
				job := resumeMerge(t, datasetByID(t, client), jobJSON("6f2a", strconv.Itoa(i)))
				go func() {
					for e := range job.Watch(ctx) {
						if i == 0 && e.Err != nil {
							err = e.Err
							cancel()
							return
						}
					}
				}()
			}
			<-ctx.Done()
			synctest.Wait()
		})
		return err
	}, append(want, "list jobs: GET "+datasetPath+"/jobs: 200", "try again later")}
}

// redirectTo returns a stub that redirects every request.
func redirectTo(url string) stub {
	return func(*http.Request) (*http.Response, error) {
		resp := newResponse(302, "")
		resp.Header.Set("Location", url)
		return resp, nil
	}
}

// rejectHost returns a stub that rejects requests to host, and sends body for
// other requests.
func rejectHost(host, body string) stub {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == host {
			return newResponse(403, ""), nil
		}
		return newResponse(200, body), nil
	}
}

// newJob returns a job that was created after any create of the tests.
func newJob(id string) string { return jobJSON("6f2a", id, "1764000000", "4000000000") }

// recoveryError returns the case of a create that is recovered with a list
// response.
func recoveryError(list string, want ...string) errorCase {
	return errorCase{func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			client := stubClient(t, func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return newResponse(502, ""), nil
				}
				return newResponse(200, list), nil
			}, jobs.WithCreateRecovery())
			err = errorOf(datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev))
		})
		return err
	}, append(want, `create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f`, "502")}
}

// concurrentCreateError returns the error of a create during an identical one.
func concurrentCreateError(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) {
		js := datasetByID(t, stubClient(t, hang, jobs.WithCreateRecovery())).SquashAndMerge()
		go js.Create(t.Context(), mergeDev)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = errorOf(js.Create(ctx, mergeDev))
		<-time.After(time.Hour)
	})
	return err
}

// variableParts are the parts of error texts that differ between runs.
var variableParts = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`request [0-9a-f]{32}`), "request R"},
	{regexp.MustCompile(`ended after \S+ and \d+ (look|poll)s?`), "ended after D and N ${1}s"},
	{regexp.MustCompile(`last of \d+`), "last of N"},
	{regexp.MustCompile(`poll failed: (get job|list jobs): GET \S+`), "poll failed: O: GET P"},
}

// stableText replaces the variable parts of an error text.
func stableText(text string) string {
	for _, part := range variableParts {
		text = part.pattern.ReplaceAllString(text, part.replacement)
	}
	return text
}

// TestErrors_MatchTheGoldenTexts compares every error text with
// testdata/errors.golden. Flag -update writes the file.
func TestErrors_MatchTheGoldenTexts(t *testing.T) {
	const path = "testdata/errors.golden"
	lines := make([]string, 0, len(errorCases))
	for id, tc := range errorCases {
		t.Run(id, func(t *testing.T) {
			err := tc.provoke(t)
			require.Error(t, err)
			text := stableText(err.Error())
			for _, part := range tc.want {
				assert.Contains(t, text, part)
			}
			assert.NotContains(t, text, "\n")
			assert.NotContains(t, text, "%!")
			assert.NotContains(t, text, testKey)
			assert.NotContains(t, text, "sig=")
			assert.NotContains(t, text, "hidden")
			assert.Regexp(t, `^[a-z]`, text, "lower case")
			lines = append(lines, id+"\n\t"+text+"\n")
		})
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run: go test -run TestErrors_MatchTheGoldenTexts ./jobs -update")
}

// untestedTexts are texts that no test can provoke.
var untestedTexts = []string{
	"job %s was created, get it by its id: %w", // encoding of JSON that was just decoded fails
	"%s: %v", // building a request fails
}

// TestErrors_EveryTextIsGolden checks that the golden file has a line for every
// error text in the source.
func TestErrors_EveryTextIsGolden(t *testing.T) {
	golden, err := os.ReadFile("testdata/errors.golden")
	require.NoError(t, err)
	found := 0
	for path, file := range sourceFiles(t, "../internal/transport", "../internal/wire", "../internal/content", "../internal/pager") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || !makesError(call.Fun) {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			format, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if verbs.ReplaceAllString(format, "") == "" || slices.Contains(untestedTexts, format) || sentinel(format) {
				return true
			}
			found++
			var pattern strings.Builder
			for i, text := range verbs.Split(format, -1) {
				if i > 0 {
					pattern.WriteString(".*")
				}
				pattern.WriteString(regexp.QuoteMeta(text))
			}
			assert.Regexp(t, pattern.String(), string(golden), "%s: no error case provokes %q", path, format)
			return true
		})
	}
	assert.Greater(t, found, 60)
}

var verbs = regexp.MustCompile(`%[+#.\d]*[a-z]`)

// errorFuncs are the functions whose first argument is an error text, without
// their package.
var errorFuncs = []string{"New", "Errorf", "invalid", "invalidResponse"}

// makesError reports whether fun creates an error from a format.
func makesError(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return slices.Contains(errorFuncs, f.Name)
	case *ast.SelectorExpr:
		return slices.Contains(errorFuncs, f.Sel.Name)
	}
	return false
}

// sentinel reports whether text is that of a sentinel, which other errors wrap.
func sentinel(text string) bool {
	for _, err := range sentinels {
		if err.Error() == text {
			return true
		}
	}
	return text == "%w: other job type"
}

// sentinels are the exported sentinels by name.
// TestDocs_ListEverySentinelAndErrorType fails if one is missing.
var sentinels = map[string]error{
	"ErrInvalidArgument": jobs.ErrInvalidArgument, "ErrUnauthorized": jobs.ErrUnauthorized, "ErrForbidden": jobs.ErrForbidden,
	"ErrNotFound": jobs.ErrNotFound, "ErrConflict": jobs.ErrConflict, "ErrRateLimited": jobs.ErrRateLimited, "ErrServer": jobs.ErrServer,
	"ErrUnreachable": jobs.ErrUnreachable, "ErrInvalidResponse": jobs.ErrInvalidResponse, "ErrAmbiguous": jobs.ErrAmbiguous,
	"ErrNotFinished": jobs.ErrNotFinished, "ErrJobFailed": jobs.ErrJobFailed, "ErrJobAborted": jobs.ErrJobAborted,
}

func TestErrors_AreLoggedAsGroups(t *testing.T) {
	client := stubClient(t, respondWith(503, ""))
	job := resumeMerge(t, datasetByID(t, client), processingJob)
	var failed *jobs.Error
	require.ErrorAs(t, job.Update(t.Context()), &failed)
	err := errorOf(datasetByID(t, client).SquashAndMerge().Create(t.Context(), mergeDev))
	var create *jobs.CreateError
	require.ErrorAs(t, err, &create)
	ended := jobJSON(`"PROCESSING","errorMessage":""`, `"FAILED","finishedAt":1764000010,"errorMessage":"no room"`)
	for want, v := range map[string]any{
		`{"operation":"get job","path":"/datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a","attempt":1,"status":503,"code":"","request_id":"R"`:                                                             failed,
		`{"id":"6f2a","title":"dev->main(skip)","dataset":"154e35ba50954cae9f3e3c7ac41b2d0f","type":"squashAndMerge","status":"PROCESSING","created":"2025-11-24T16:00:00Z","started":"2025-11-24T16:00:02Z"}`: job,
		`"title":"dev->main(skip)","dataset":"154e35ba50954cae9f3e3c7ac41b2d0f","type":"squashAndMerge",`:                                                                                                      create,
		`"finished":"2025-11-24T16:00:10Z","error_message":"no room"},"error":"job 6f2a failed: no room"}`:                                                                                                     resumeMerge(t, datasetByID(t, client), ended).Wait(t.Context()),
		`},"polls":3,"elapsed":1000000000,"error":"wait for job 6f2a, last seen PROCESSING, ended after 1s and 3 polls: x; `:                                                                                   &jobs.WaitError{Job: job.Snapshot(), Polls: 3, Elapsed: time.Second, Reason: errors.New("x")},
		`},"poll":2,"elapsed":0,"error":"x"}`: jobs.Event{Job: job.Snapshot(), Poll: 2, Err: errors.New("x")},
	} {
		text := renderings(t, v)["slog json"]
		text = regexp.MustCompile(`"request_id":"\w+"`).ReplaceAllString(text, `"request_id":"R"`)
		assert.Contains(t, text, want)
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &object))
		assert.IsType(t, map[string]any{}, object["b"], "the value is a group")
	}
}
