package jobs_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func TestBadOptions(t *testing.T) {
	for name, tc := range map[string]struct {
		key    string
		option jobs.Option
		text   string
	}{
		"empty key":        {"", nil, "malformed access key"},
		"other prefix":     {"accesskey-0123", nil, "malformed access key"},
		"no key after it":  {"Accesskey-", nil, "malformed access key"},
		"newline in key":   {"Accesskey-0123\r\nX-Evil: 1", nil, "malformed access key"},
		"http elsewhere":   {testKey, jobs.WithBaseURL("http://gas.graviti.com/"), "http://gas.graviti.com: only https is allowed, http only to a loopback address"},
		"http in disguise": {testKey, jobs.WithBaseURL("http://localhost.evil.example/"), "only https is allowed"},
		"ftp":              {testKey, jobs.WithBaseURL("ftp://gas.graviti.com/"), "only https is allowed"},
		"no host":          {testKey, jobs.WithBaseURL("gas.graviti.com"), "want https://host[:port]/"},
		"query":            {testKey, jobs.WithBaseURL("https://gas.graviti.com/?token=hidden"), "want https://host[:port]/"},
		"password":         {testKey, jobs.WithBaseURL("https://me:hidden@gas.graviti.com/"), "want https://host[:port]/"},
		"no url":           {testKey, jobs.WithBaseURL("https://[::1"), "base url does not parse"},
		"nil http client":  {testKey, jobs.WithHTTPClient(nil), "http client is nil"},
		"nil logger":       {testKey, jobs.WithLogger(nil), "logger is nil"},
		"negative retry":   {testKey, jobs.WithRetry(jobs.RetryPolicy{Attempts: -1}), "nothing in it may be negative"},
		"rate limit":       {testKey, jobs.WithRateLimit(math.NaN()), "rate limit is not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			var options []jobs.Option
			if tc.option != nil {
				options = append(options, tc.option)
			}
			client, err := jobs.NewClient(tc.key, options...)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.ErrorContains(t, err, tc.text)
			assert.NotContains(t, err.Error(), "hidden")
			assert.NotContains(t, err.Error(), "0123")
			assert.Nil(t, client)
		})
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

func TestBadArguments(t *testing.T) {
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
		"no segment to read":  {func(ctx context.Context) error { return first((&jobs.SearchResult{}).Data(ctx, "")) }, "segment name is empty"},
		"no dataset name": {func(ctx context.Context) error {
			return (&jobs.BasicSearchJob{}).CreateDataset(ctx, jobs.DatasetSpec{})
		}, "the name of the new dataset is empty"},
		"schedule": {func(ctx context.Context) error {
			return load(t, plain, processing).Wait(ctx, jobs.WithSchedule(polling.Schedule{Min: -1}))
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

func first[T any](items func(func(T, error) bool)) error {
	for _, err := range items {
		return err
	}
	return fmt.Errorf("no item and no error")
}
