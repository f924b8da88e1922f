package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A mistake is one way to an error.
type mistake struct {
	make  func(t *testing.T) error
	names string // what its text must hold: what failed, with which id, and what to do; separated by |
}

// answering is a mistake of the service: what Refresh makes of an answer.
func answering(status int, body, names string) mistake {
	return mistake{func(t *testing.T) error {
		client := stubbed(t, always(status, body))
		return second(byID(t, client).Refresh(t.Context()))
	}, "get dataset: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f|" + names}
}

// unreached is one of the network.
func unreached(err error, names string) mistake {
	return mistake{func(t *testing.T) error {
		client := stubbed(t, func(*http.Request) (*http.Response, error) { return nil, err }, jobs.WithRetry(jobs.RetryPolicy{Attempts: 2, Backoff: 1}))
		return second(byID(t, client).Refresh(t.Context()))
	}, "get dataset: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f|" + names}
}

// option is a wrong option, and key a wrong key.
func option(o jobs.Option, names string) mistake {
	return mistake{func(*testing.T) error { return second(jobs.NewClient(testKey, o)) }, names}
}

func named(id, names string) mistake {
	return mistake{func(t *testing.T) error {
		client := stubbed(t, always(500, ""))
		return second(byID(t, client).SquashAndMerge().Get(t.Context(), id))
	}, "job id|use one of the service|" + names}
}

// position is a dataset client that stands in the wrong place.
func revision(p jobs.RevisionOption, names string) mistake {
	return mistake{func(t *testing.T) error {
		return second(stubbed(t, always(500, "")).DatasetByID("154e", p))
	}, names}
}

func merging(change func(*jobs.SquashAndMergeArgs), names string, p ...jobs.RevisionOption) mistake {
	return mistake{func(t *testing.T) error {
		args := mergeDev
		change(&args)
		client := stubbed(t, always(200, `{"name":"a","type":0}`))
		return second(byID(t, client, p...).SquashAndMerge().Create(t.Context(), args))
	}, "create squashAndMerge job|" + names}
}

func searching(change func(*jobs.BasicSearchArgs), names string, p ...jobs.RevisionOption) mistake {
	return mistake{func(t *testing.T) error {
		args := jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}}
		change(&args)
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/commits") {
				return reply(200, `{"commits":[],"totalCount":0}`), nil
			}
			return reply(200, `{"name":"a","type":0}`), nil
		})
		return second(byID(t, client, p...).BasicSearch().Create(t.Context(), args))
	}, "create basicSearch job|" + names}
}

func filtering(f jobs.Filter, names string) mistake {
	return searching(func(a *jobs.BasicSearchArgs) { a.Filters = []jobs.Filter{f} }, "filter 0|"+names)
}

// merged is a job in a state, and searched one of the other type.
func merged(t *testing.T, s stub, status string, options ...jobs.Option) *jobs.SquashAndMergeJob {
	t.Helper()
	return load(t, byID(t, stubbed(t, s, options...)), strings.Replace(processing, `"PROCESSING"`, status, 1))
}

func searched(t *testing.T, s stub, status string) *jobs.BasicSearchJob {
	t.Helper()
	job, err := byID(t, stubbed(t, s)).BasicSearch().Resume([]byte(strings.Replace(processing, `"PROCESSING"`, status, 1)))
	require.NoError(t, err)
	return job
}

// opening is what opening a datum with this URL gives.
func opening(signed string, s stub, names string) mistake {
	return mistake{func(t *testing.T) error {
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/details") {
				return reply(200, fmt.Sprintf(`{"dataDetails":[{"remotePath":"a.bin","url":%q,"label":{"SEMANTIC_MASK":{"remotePath":"m.png","url":%q,"info":[]}}}],"totalCount":1}`, signed, signed)), nil
			}
			return s(r)
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		d := collect(t, contents.Data(t.Context(), "train"))[0]
		if strings.Contains(names, "m.png") {
			return second(d.Label.SemanticMask.Open(t.Context()))
		}
		return second(d.Open(t.Context()))
	}, names}
}

const succeeded = `"SUCCESS","result":`

// mistakes are all the ways to an error of this package, under ids that stay.
var mistakes = map[string]mistake{
	"answer/400":           answering(400, `{"code":"InvalidParamsValue","message":"bad limit"}`, "400 InvalidParamsValue: bad limit|(request R)|change what"),
	"answer/401":           answering(401, `{"code":"Unauthorized","message":"no"}`, "401 Unauthorized: no|check the access key"),
	"answer/403":           answering(403, `{"code":"AccessDenied","message":"no"}`, "403 AccessDenied: no|check what the access key may do"),
	"answer/404":           answering(404, `{"code":"ResourceNotExist","message":"no dataset"}`, "404 ResourceNotExist|check the ids"),
	"answer/409":           answering(409, `{"code":"NameConflict","message":"taken"}`, "409 NameConflict: taken|choose another name"),
	"answer/418":           answering(418, `{"code":"Teapot","message":"short and stout"}`, "418 Teapot|ask the support"),
	"answer/429":           answering(429, "", "429|slow down, see WithRateLimit"),
	"answer/500":           answering(500, `{"code":"InternalServerError","message":"oops"}`, "500 InternalServerError: oops|try again later"),
	"answer/502 html":      answering(502, "<html>", "502|a gateway may have sent it|try again later"),
	"answer/301":           answering(301, "", "301: invalid response: unexpected status|try again later, or see what answers"),
	"answer/html":          answering(200, "<html>", "200: invalid response: invalid character '<'|try again later"),
	"answer/empty":         answering(200, "", "the body is empty|try again later"),
	"answer/null":          answering(200, "null", "the value is null|try again later"),
	"answer/missing field": answering(200, `{"name":"a"}`, "type is missing|try again later"),
	"answer/too large": {func(t *testing.T) error {
		client := stubbed(t, always(200, `{"name":"aaaaaaa"}`), jobs.WithMaxBody(4))
		return second(byID(t, client).Refresh(t.Context()))
	}, "get dataset|the body is larger than 4 bytes|see WithMaxBody"},
	"answer/broken off": {func(t *testing.T) error {
		client := stubbed(t, func(*http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"na`), broken{}))
			return resp, nil
		})
		return second(byID(t, client).Refresh(t.Context()))
	}, "get dataset|the body broke off: unexpected EOF|try again later"},
	"answer/html where none is promised": {func(t *testing.T) error {
		return merged(t, always(200, "<html>"), `"PROCESSING"`).Abort(t.Context())
	}, "abort job: POST /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a/abort: 200|the body is not json|try again later"},
	"answer/another job": {func(t *testing.T) error {
		return merged(t, always(200, strings.Replace(processing, "6f2a", "7777", 1)), `"PROCESSING"`).Update(t.Context())
	}, "get job|/jobs/6f2a|the answer is about job 7777|try again later"},
	"answer/another type": {func(t *testing.T) error {
		return merged(t, always(200, strings.Replace(processing, `"title"`, `"jobType":"basicSearch","title"`, 1)), `"PROCESSING"`).Update(t.Context())
	}, `get job|job 6f2a is of type "basicSearch", not "squashAndMerge"|try again later`},
	"answer/no status": {func(t *testing.T) error {
		return merged(t, always(200, strings.Replace(processing, `"PROCESSING"`, `""`, 1)), `"PROCESSING"`).Update(t.Context())
	}, "get job|status of job 6f2a is empty|try again later"},
	"answer/bad id of a job": {func(t *testing.T) error {
		return merged(t, always(200, strings.Replace(processing, `6f2a`, `../x`, 1)), `"PROCESSING"`).Update(t.Context())
	}, `get job|/jobs/6f2a|job id "../x"|try again later`},
	"answer/endless list": {func(t *testing.T) error {
		p := &pages{names: []string{"a"}, total: func() int { return 1 << 20 }}
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			r.URL.RawQuery = "offset=0&limit=1"
			return p.RoundTrip(r)
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		for _, err = range contents.Segments(t.Context()) { //nolint:revive // to the end
		}
		return err
	}, "list segments: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/segments: 200|the list of 1048576 does not end|try again later"},
	"answer/too many items": {func(t *testing.T) error {
		return first(byID(t, stubbed(t, always(200, `{"jobs":[`+strings.Repeat("{},", 1280)+`{}],"totalCount":1281}`))).SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	}, "list jobs|jobs[1280] is one too many, where 128 were asked for|try again later"},

	"network/refused": unreached(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, "connection refused|(after 2 attempts)|try again later"),
	"network/timeout": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			client := stubbed(t, hang, jobs.WithAttemptTimeout(time.Second))
			err = second(byID(t, client).Refresh(t.Context()))
		})
		return err
	}, "get dataset|the attempt timed out after 1s|see WithAttemptTimeout"},
	"network/deadline": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err = second(byID(t, stubbed(t, hang)).Refresh(ctx))
		})
		return err
	}, "get dataset|context deadline exceeded|allow more time"},
	"network/deadline before it could be sent again": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			client := stubbed(t, always(200, "<html>"), jobs.WithRetry(jobs.RetryPolicy{Backoff: time.Minute, MaxBackoff: time.Minute}))
			err = second(byID(t, client).Refresh(ctx))
		})
		return err
	}, "get dataset|invalid character|context deadline exceeded before it could be sent again|try again later"},
	"network/canceled": {func(t *testing.T) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return second(byID(t, stubbed(t, hang)).Refresh(ctx))
	}, "get dataset|context canceled"}, // whoever cancelled knows what to do
	"network/proxy in clear": {func(t *testing.T) error {
		client, err := jobs.NewClient(testKey, jobs.WithBaseURL("http://localhost:1/"), jobs.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: throughProxy}}))
		require.NoError(t, err)
		return second(byID(t, client).Refresh(t.Context()))
	}, "get dataset|the request to localhost:1 was not sent|use https, or let loopback addresses bypass the proxy"},

	"client/key":         {func(*testing.T) error { return second(jobs.NewClient("secret")) }, "malformed access key|want Accesskey-..."},
	"client/base url":    option(jobs.WithBaseURL("https://[::1"), "base url does not parse|want https://host[:port]/"),
	"client/more in url": option(jobs.WithBaseURL("https://a.example/?x=y"), `base url of host "a.example"|want https://host[:port]/ and nothing else`),
	"client/http":        option(jobs.WithBaseURL("http://a.example/"), "http://a.example|only https is allowed"),
	"client/http client": option(jobs.WithHTTPClient(nil), "http client is nil|leave the option out"),
	"client/logger":      option(jobs.WithLogger(nil), "logger is nil|leave the option out"),
	"client/retry":       option(jobs.WithRetry(jobs.RetryPolicy{Attempts: -1}), "retry policy|nothing in it may be negative"),
	"client/rate limit":  option(jobs.WithRateLimit(math.NaN()), "rate limit is not a number|give requests per second"),

	"id/empty":         named("", "is empty"),
	"id/long":          named(strings.Repeat("a", 300), "of 300 bytes is longer than 256"),
	"id/not utf-8":     named("\xff", "is not valid utf-8"),
	"id/dots":          named("..", `".." would change the path`),
	"id/bad character": named("a/b", `"a/b" holds '/'`),

	"dataset/no name": {func(t *testing.T) error {
		return second(stubbed(t, always(500, "")).Dataset(t.Context(), ""))
	}, "dataset name is empty|give its exact name"},
	"dataset/unknown name": {func(t *testing.T) error {
		return second(stubbed(t, always(200, `{"datasets":[],"totalCount":0}`)).Dataset(t.Context(), "cars"))
	}, `no dataset is named "cars"|check the name`},
	"dataset/no branch":        revision(jobs.AtBranch(""), "branch name is empty|Branches lists the names"),
	"dataset/draft 0":          revision(jobs.AtDraft(0), "draft number 0|they count from 1"),
	"dataset/unknown revision": searching(func(a *jobs.BasicSearchArgs) { a.Revision = "dev" }, `dataset 154e35ba50954cae9f3e3c7ac41b2d0f has no commit at revision "dev"|check the branch`),
	"contents/no segment": {func(t *testing.T) error {
		return first((&jobs.SearchResult{}).Data(t.Context(), ""))
	}, "segment name is empty|Segments lists the names"},
	"contents/no segment of sensors": {func(t *testing.T) error {
		return second((&jobs.Contents{}).Sensors(t.Context(), ""))
	}, "segment name is empty|Segments lists the names"},
	"contents/url": opening("://", nil, "content of train/a.bin|its url does not parse|list it again"),
	"contents/http": opening("http://data.example/a?sig=1", nil,
		"content of train/a.bin|http://data.example: only https is allowed"),
	"contents/expired": opening("https://data.example/a?sig=1", func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "data.example" {
			return reply(403, ""), nil
		}
		return reply(200, `{"urls":[{"remotePath":"a.bin","url":"https://data.example/a?sig=2"}],"totalCount":1}`), nil
	}, "open content: GET train/a.bin: 403|check what the access key may do"),
	"contents/expired, not renewed":           opening("https://data.example/a?sig=1", always(403, ""), "renew the url of train/a.bin|renew data urls: GET|403|check"),
	"contents/expired, nothing fresh":         opening("https://data.example/a?sig=1", forbiddenAt("data.example", `{"urls":[],"totalCount":0}`), "renew the url of train/a.bin|it holds no url of a.bin|try again later"),
	"contents/expired, nothing fresh, a mask": opening("https://data.example/a?sig=1", forbiddenAt("data.example", `{"urls":[],"totalCount":0}`), "renew the url of train/m.png|it holds no url of m.png|try again later"),
	"contents/redirects":                      opening("https://data.example/a?sig=1", redirect("https://data.example/a"), "open content: GET train/a.bin|more than 10 redirects|try again later"),
	"contents/redirect to http":               opening("https://data.example/a?sig=1", redirect("http://data.example/a?sig=1"), "open content|http://data.example: only https is allowed"),
	"contents/unexpected status":              opening("https://data.example/a?sig=1", always(204, ""), "open content: GET train/a.bin: 204|unexpected status|try again later"),

	"merge/no draft title":      merging(func(a *jobs.SquashAndMergeArgs) { a.DraftTitle = "" }, "the draft title is empty|set DraftTitle"),
	"merge/no source":           merging(func(a *jobs.SquashAndMergeArgs) { a.Source = "" }, "the source branch is empty|set Source"),
	"merge/strategy":            merging(func(a *jobs.SquashAndMergeArgs) { a.Strategy = "rebase" }, `unknown strategy "rebase"|want abort, override or skip`),
	"merge/into itself":         merging(func(a *jobs.SquashAndMergeArgs) { a.Target = a.Source }, `the same branch "dev"|name two`),
	"merge/no target":           merging(func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "no target branch|dataset 154e35ba50954cae9f3e3c7ac41b2d0f has no default branch|name the target"),
	"merge/no target on draft":  merging(func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f stands on draft 1|name the target", jobs.AtDraft(1)),
	"merge/no target on commit": merging(func(a *jobs.SquashAndMergeArgs) { a.Target = "" }, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f stands on commit 3bd4|name the target", jobs.AtCommit("3bd4")),

	"search/match":           searching(func(a *jobs.BasicSearchArgs) { a.Conjunction = "xor" }, `unknown match "xor"|want "and" or "or"`),
	"search/unit":            searching(func(a *jobs.BasicSearchArgs) { a.Unit = "row" }, `unknown unit "row"|want "file" or "frame"`),
	"search/no filters":      searching(func(a *jobs.BasicSearchArgs) { a.Filters = nil }, "the filter list is empty|needs at least one"),
	"search/draft":           searching(func(*jobs.BasicSearchArgs) {}, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f stands on draft 1|commit it, or name a revision", jobs.AtDraft(1)),
	"search/frames of plain": searching(func(a *jobs.BasicSearchArgs) { a.Unit = jobs.UnitFrame }, "unit frame on plain dataset 154e35ba50954cae9f3e3c7ac41b2d0f|use UnitFile"),
	"search/sensor of plain": filtering(jobs.SensorIn("CAM"), `sensor in ["CAM"], on plain dataset 154e35ba50954cae9f3e3c7ac41b2d0f|leave it out`),

	"filter/zero":            filtering(jobs.Filter{}, "is the zero value|make it with a function"),
	"filter/empty list":      filtering(jobs.SegmentIn(), "segment in|the list is empty|give one name"),
	"filter/empty name":      filtering(jobs.SegmentIn(""), "segment in|a name in the list is empty|leave it out"),
	"filter/no label type":   filtering(jobs.CategoryIn("", "car"), "category in|the label type is empty|give one, such as Box2D"),
	"filter/negative size":   filtering(jobs.SizeEquals(-1), "size =|a size of -1 bytes is negative|must be zero or more"),
	"filter/empty text":      filtering(jobs.RemotePathIs(""), "keyword =|the text is empty|give one character"),
	"filter/no attributes":   filtering(jobs.AttributeIn(jobs.LabelBox2D, nil), "attribute in|no attributes are named|name one"),
	"filter/no value":        filtering(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": nil}), `no value is allowed for attribute "a"|allow one`),
	"filter/unsendable":      filtering(jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"a": {math.NaN()}}), "the value cannot be sent|use booleans, numbers, strings and nil"),
	"filter/raw without key": filtering(jobs.RawFilter("", "", "", "", 1), "key and operator must not be empty"),

	"create/ambiguous": {func(t *testing.T) error {
		return second(byID(t, stubbed(t, always(502, ""))).SquashAndMerge().Create(t.Context(), mergeDev))
	}, `create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f|502|it may have taken effect: look before sending it again`},
	"create/ambiguous, not found":     looking(`{"jobs":[],"totalCount":0}`, "not found in 5 looks, and may still show"),
	"create/ambiguous, several":       looking(`{"jobs":[`+young("6f2a")+`,`+young("6f2b")+`],"totalCount":2}`, "2 jobs fit, look which is yours: 6f2a, 6f2b"),
	"create/ambiguous, looks failed":  looking(`<html>`, "the last of 5 looks for it failed: list jobs|try again later"),
	"create/another one is under way": {waitsForAnother, `create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f|another create of the same job is under way|wait for that one`},
	"create/bad id": {func(t *testing.T) error {
		return second(byID(t, stubbed(t, always(200, `{"jobId":"..","createdAt":1}`))).SquashAndMerge().Create(t.Context(), mergeDev))
	}, `create squashAndMerge job|job id ".." would change the path|look before sending it again`},
	"retry/ambiguous": {func(t *testing.T) error {
		return merged(t, always(502, ""), `"ABORTED"`).Retry(t.Context())
	}, "retry job: POST /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a/retry: 502|it may have taken effect: look before"},

	"load/broken": {func(t *testing.T) error {
		return second(byID(t, stubbed(t, always(500, ""))).SquashAndMerge().Resume([]byte("{")))
	}, "resume squashAndMerge job|unexpected end of JSON input|pass what the JSON of such a job was"},
	"load/another type": {func(t *testing.T) error {
		return second(byID(t, stubbed(t, always(500, ""))).BasicSearch().Resume([]byte(strings.Replace(processing, `"title"`, `"jobType":"squashAndMerge","title"`, 1))))
	}, "resume basicSearch job|job 6f2a is of type|pass what the JSON of such a job was"},

	"result/not finished": {func(t *testing.T) error {
		return second(merged(t, always(500, ""), `"PROCESSING"`).Result(t.Context()))
	}, "job not finished: job 6f2a was last seen PROCESSING|wait for it or update it"},
	"result/failed": {func(t *testing.T) error {
		job := strings.Replace(processing, `"errorMessage":""`, `"errorMessage":"the disk is full"`, 1)
		return second(load(t, byID(t, stubbed(t, always(500, ""))), strings.Replace(job, "PROCESSING", "FAILED", 1)).Result(t.Context()))
	}, "job 6f2a failed|the disk is full"}, // what to do is in the reason
	"result/failed without a reason": {func(t *testing.T) error {
		return second(merged(t, always(500, ""), `"FAILED"`).Result(t.Context()))
	}, "job 6f2a failed|the service gave no reason"},
	"result/aborted": {func(t *testing.T) error {
		return second(merged(t, always(500, ""), `"ABORTED"`).Result(t.Context()))
	}, "job 6f2a was aborted"}, // somebody wished it
	"result/none": {func(t *testing.T) error {
		return second(merged(t, always(200, strings.Replace(processing, "PROCESSING", "SUCCESS", 1)), `"SUCCESS"`).Result(t.Context()))
	}, "job 6f2a is SUCCESS without a result|update it later"},
	"result/broken": {func(t *testing.T) error {
		return second(merged(t, always(500, ""), succeeded+`{}`).Result(t.Context()))
	}, "result of job 6f2a|draftNumber is missing|see its Snapshot"},
	"result/broken arguments": {func(t *testing.T) error {
		return second(load(t, byID(t, stubbed(t, always(500, ""))), strings.Replace(processing, `"strategy"`, `"plan"`, 1)).Arguments())
	}, "arguments of job 6f2a|strategy is missing|see its Snapshot"},
	"result/draft is gone": {func(t *testing.T) error {
		return second(merged(t, always(200, `{"drafts":[],"totalCount":0}`), succeeded+`{"draftNumber":7}`).Result(t.Context()))
	}, `6f2a|draft 7 on branch "main" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f|it may have been deleted`},
	"result/broken search": {func(t *testing.T) error {
		return second(searched(t, always(500, ""), succeeded+`{}`).Result(t.Context()))
	}, "result of job 6f2a|is missing|see its Snapshot"},
	"result/bad id": {func(t *testing.T) error {
		return second(searched(t, always(500, ""), succeeded+`{"searchResultId":"a/b","searchResultCommitId":"c"}`).Result(t.Context()))
	}, `result of job 6f2a|search result id "a/b" holds '/'|see its Snapshot`},
	"result/broken arguments of a search": {func(t *testing.T) error {
		return second(searched(t, always(500, ""), `"PROCESSING"`).Arguments())
	}, "arguments of job 6f2a|is missing|see its Snapshot"},
	"result/plain dataset": {func(t *testing.T) error {
		return second(searched(t, always(200, `{"name":"a","type":0}`), succeeded+`{"searchResultId":"a","searchResultCommitId":"c"}`).FusionResult(t.Context()))
	}, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f is a plain dataset|use Result"},
	"result/fusion dataset": {func(t *testing.T) error {
		return second(searched(t, always(200, `{"name":"a","type":1}`), succeeded+`{"searchResultId":"a","searchResultCommitId":"c"}`).Result(t.Context()))
	}, "dataset 154e35ba50954cae9f3e3c7ac41b2d0f is a fusion dataset|use FusionResult"},
	"result/new dataset without name": {func(t *testing.T) error {
		return searched(t, always(500, ""), `"SUCCESS"`).CreateDataset(t.Context(), jobs.DatasetSpec{})
	}, "the name of the new dataset is empty|set Name"},

	"wait/schedule": {func(t *testing.T) error {
		return merged(t, hang, `"PROCESSING"`).Wait(t.Context(), jobs.WithSchedule(polling.Schedule{Min: -1}))
	}, "schedule|nothing but jitter may be negative"},
	"wait/canceled": {func(t *testing.T) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return merged(t, hang, `"PROCESSING"`).Wait(ctx)
	}, "wait for job 6f2a, last seen PROCESSING|context canceled|the job goes on: wait again, or abort it"},
	"wait/deadline": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err = merged(t, always(503, ""), `"PROCESSING"`).Wait(ctx)
		})
		return err
	}, "wait for job 6f2a, last seen PROCESSING|context deadline exceeded|the last look failed: |503|the job goes on: wait again, or abort it"},
	"wait/patience ran out": {func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			err = merged(t, always(503, ""), `"PROCESSING"`).Wait(t.Context(), jobs.WithMaxOutage(time.Minute))
		})
		return err
	}, "wait for job 6f2a, last seen PROCESSING|the last look failed: |503|the job goes on: wait again, or abort it"},
	"wait/refused": {func(t *testing.T) error {
		return merged(t, always(401, ""), `"PROCESSING"`).Wait(t.Context())
	}, "wait for job 6f2a, last seen PROCESSING|401|check the access key"},
	"wait/not found": {func(t *testing.T) error {
		return merged(t, always(404, ""), `"PROCESSING"`).Wait(t.Context())
	}, "wait for job 6f2a, last seen PROCESSING|404|check the ids"},
	"wait/list of another form":     listing(`[]`, "the value is not an object"),
	"wait/list without jobs":        listing(`{"totalCount":1}`, "jobs is missing"),
	"wait/list without total":       listing(`{"jobs":[]}`, "totalCount is missing"),
	"wait/list with jobs twice":     listing(`{"jobs":[],"jobs":[],"totalCount":1}`, "jobs is there twice"),
	"wait/list with a broken total": listing(`{"jobs":[],"totalCount":"1"}`, "totalCount is not a number"),
	"wait/list with too many":       listing(`{"jobs":[`+strings.Repeat("0,", 1280)+`0],"totalCount":1}`, "jobs[1280] is one too many, where 128 were asked for"),
	"wait all/schedule": {func(t *testing.T) (err error) {
		job := merged(t, hang, `"PROCESSING"`)
		for _, err = range jobs.WaitAll(t.Context(), []*jobs.SquashAndMergeJob{job}, jobs.WithSchedule(polling.Schedule{})) { //nolint:revive // to the end
		}
		return err
	}, "a schedule of its own is for a wait that shares no looks|use Job.Wait"},
}

// listing is the error of a look that many waits share.
func listing(list, names string) mistake {
	return mistake{func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			client := stubbed(t, func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/jobs") {
					return reply(200, list), nil
				}
				return reply(200, strings.Replace(processing, "6f2a", r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], 1)), nil
			})
			for i := range 20 {
				job := load(t, byID(t, client), strings.Replace(processing, "6f2a", strconv.Itoa(i), 1))
				go func() {
					for e := range job.Watch(ctx) {
						if i == 0 && e.Err != nil && err == nil {
							err = e.Err
						}
					}
				}()
			}
			<-ctx.Done()
			synctest.Wait()
		})
		return err
	}, "list jobs: GET /datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs: 200|try again later|" + names}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func redirect(to string) stub {
	return func(*http.Request) (*http.Response, error) {
		resp := reply(302, "")
		resp.Header.Set("Location", to)
		return resp, nil
	}
}

func forbiddenAt(host, otherwise string) stub {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == host {
			return reply(403, ""), nil
		}
		return reply(200, otherwise), nil
	}
}

// young is a job that was created in the future, to be sure.
func young(id string) string {
	return strings.NewReplacer("6f2a", id, "1764000000", "4000000000").Replace(processing)
}

// looking is a create that is settled with such a list.
func looking(list, names string) mistake {
	return mistake{func(t *testing.T) (err error) {
		synctest.Test(t, func(t *testing.T) {
			client := stubbed(t, func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost {
					return reply(502, ""), nil
				}
				return reply(200, list), nil
			}, jobs.WithCreateRecovery())
			err = second(byID(t, client).SquashAndMerge().Create(t.Context(), mergeDev))
		})
		return err
	}, `create squashAndMerge job "dev->main(skip)" of dataset 154e35ba50954cae9f3e3c7ac41b2d0f|502|` + names}
}

func waitsForAnother(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) {
		js := byID(t, stubbed(t, hang, jobs.WithCreateRecovery())).SquashAndMerge()
		go js.Create(t.Context(), mergeDev)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = second(js.Create(ctx, mergeDev))
		<-time.After(time.Hour)
	})
	return err
}

// steady takes out of a text what is another one each time.
var unsteady = []struct {
	find *regexp.Regexp
	put  string
}{
	{regexp.MustCompile(`request [0-9a-f]{32}`), "request R"},
	{regexp.MustCompile(`ended after \S+ and \d+ looks?`), "ended after D and N looks"},
	{regexp.MustCompile(`of \d+ looks for it`), "of N looks for it"},
}

// TestErrorTexts holds every error text against testdata/errors.golden: run it
// with -update to write that file again, and read what changed.
func TestErrorTexts(t *testing.T) {
	const path = "testdata/errors.golden"
	lines := make([]string, 0, len(mistakes))
	for id, m := range mistakes {
		t.Run(id, func(t *testing.T) {
			err := m.make(t)
			require.Error(t, err)
			text := err.Error()
			for _, u := range unsteady {
				text = u.find.ReplaceAllString(text, u.put)
			}
			for part := range strings.SplitSeq(m.names, "|") {
				part = regexp.MustCompile(`last of \d+ looks`).ReplaceAllString(part, "last of N looks")
				assert.Contains(t, text, part)
			}
			assert.NotContains(t, text, "\n")
			assert.NotContains(t, text, "%!")
			assert.NotContains(t, text, testKey)
			assert.NotContains(t, text, "sig=")
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
	assert.Equal(t, string(want), got, "run: go test -run TestErrorTexts ./jobs -update")
}

// unprovoked are texts that no test can bring about.
var unprovoked = []string{
	"job %s was created, get it by its id: %w", // JSON that was just decoded cannot be encoded
	"%s: %v", // a request that cannot be built
}

// TestNoErrorTextIsForgotten finds every text in the source of the package, and
// a line for it in the golden file.
func TestNoErrorTextIsForgotten(t *testing.T) {
	golden, err := os.ReadFile("testdata/errors.golden")
	require.NoError(t, err)
	found := 0
	for path, file := range sources(t) {
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
			if verbs.ReplaceAllString(format, "") == "" || slices.Contains(unprovoked, format) || sentinel(format) {
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
			assert.Regexp(t, pattern.String(), string(golden), "%s: no mistake brings about %q", path, format)
			return true
		})
	}
	assert.Greater(t, found, 60)
}

var verbs = regexp.MustCompile(`%[+#.\d]*[a-z]`)

func makesError(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name == "invalid" || f.Name == "badAnswer" || f.Name == "unreadable"
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && (x.Name == "fmt" && f.Sel.Name == "Errorf" || x.Name == "errors" && f.Sel.Name == "New")
	}
	return false
}

// sentinel reports whether a text is that of a sentinel, which stands in others.
func sentinel(text string) bool {
	for _, err := range sentinels {
		if err.Error() == text {
			return true
		}
	}
	return text == "%w: other job type"
}

// sentinels are the exported ones, by name; TestErrorsAreDocumented finds one
// that is missing.
var sentinels = map[string]error{
	"ErrInvalidArgument": jobs.ErrInvalidArgument, "ErrUnauthorized": jobs.ErrUnauthorized, "ErrForbidden": jobs.ErrForbidden,
	"ErrNotFound": jobs.ErrNotFound, "ErrConflict": jobs.ErrConflict, "ErrRateLimited": jobs.ErrRateLimited, "ErrServer": jobs.ErrServer,
	"ErrUnreachable": jobs.ErrUnreachable, "ErrInvalidResponse": jobs.ErrInvalidResponse, "ErrAmbiguous": jobs.ErrAmbiguous,
	"ErrNotFinished": jobs.ErrNotFinished, "ErrJobFailed": jobs.ErrJobFailed, "ErrJobAborted": jobs.ErrJobAborted,
}

// TestErrorsInLogs holds the groups that log records show.
func TestErrorsInLogs(t *testing.T) {
	client := stubbed(t, always(503, ""))
	job := load(t, byID(t, client), processing)
	var failed *jobs.Error
	require.ErrorAs(t, job.Update(t.Context()), &failed)
	unsure := second(byID(t, client).SquashAndMerge().Create(t.Context(), mergeDev))
	var create *jobs.CreateError
	require.ErrorAs(t, unsure, &create)
	ended := strings.Replace(processing, `"PROCESSING","errorMessage":""`, `"FAILED","finishedAt":1764000010,"errorMessage":"no room"`, 1)
	for want, v := range map[string]any{
		`{"operation":"get job","path":"/datasets/154e35ba50954cae9f3e3c7ac41b2d0f/jobs/6f2a","attempt":1,"status":503,"code":"","request_id":"R"`: failed,
		`{"id":"6f2a","type":"squashAndMerge","status":"PROCESSING","created":"2025-11-24T16:00:00Z","started":"2025-11-24T16:00:02Z"}`:            job,
		`{"dataset":"154e35ba50954cae9f3e3c7ac41b2d0f","type":"squashAndMerge",`:                                                                   create,
		`"finished":"2025-11-24T16:00:10Z","error_message":"no room"},"error":"job 6f2a failed: no room"}`:                                         load(t, byID(t, client), ended).Wait(t.Context()),
		`},"looks":3,"elapsed":1000000000,"error":"wait for job 6f2a, last seen PROCESSING, ended after 1s and 3 looks: x; `:                       &jobs.WaitError{Job: job.Snapshot(), Polls: 3, Elapsed: time.Second, Reason: errors.New("x")},
		`},"look":2,"elapsed":0,"error":"x"}`: jobs.Event{Job: job.Snapshot(), Poll: 2, Err: errors.New("x")},
	} {
		text := shown(t, v)["slog json"]
		text = unsteady[0].find.ReplaceAllString(text, "request R")
		text = regexp.MustCompile(`"request_id":"\w+"`).ReplaceAllString(text, `"request_id":"R"`)
		assert.Contains(t, text, want)
		var object map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &object))
		assert.IsType(t, map[string]any{}, object["b"], "a group")
	}
}
