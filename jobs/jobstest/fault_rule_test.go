package jobstest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestRule_SelectsRequests(t *testing.T) {
	// There is one request a second. The pattern shows the rule that selects each
	// request.
	for name, test := range map[string]struct {
		rules []jobstest.Rule
		want  string
	}{
		"all":              {[]jobstest.Rule{{}}, "0000000000"},
		"operation":        {[]jobstest.Rule{{Operation: "getDataset"}}, ".........."},
		"third":            {[]jobstest.Rule{{From: 3, Times: 1}}, "..0......."},
		"third and fourth": {[]jobstest.Rule{{Operation: "listDatasets", From: 3, Times: 2}}, "..00......"},
		"first":            {[]jobstest.Rule{{From: 1, Times: 1}}, "0........."},
		"from fifth":       {[]jobstest.Rule{{From: 5}}, "....000000"},
		"outage":           {[]jobstest.Rule{{After: 2 * time.Second, For: 4 * time.Second}}, "..0000...."},
		"outage, second":   {[]jobstest.Rule{{After: 2 * time.Second, For: 4 * time.Second, From: 2}}, "...000...."},
		"half":             {[]jobstest.Rule{{Probability: 0.5, Seed: 7}}, "..000000.0"},
		"half, once":       {[]jobstest.Rule{{Probability: 0.5, Seed: 7, Times: 1}}, "..0......."},
		"other seed":       {[]jobstest.Rule{{Probability: 0.5, Seed: 8}}, ".0.00...0."},
		"first wins":       {[]jobstest.Rule{{From: 2, Times: 2}, {Times: 4}}, "100111...."},
		"both count":       {[]jobstest.Rule{{Times: 2}, {From: 2, Times: 1}}, "001......."},
		"match":            {[]jobstest.Rule{{Match: func(r jobstest.Request) bool { return strings.Contains(r.RawQuery, "offset=3") }}}, "...0......"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, jobstest.WithSeed(hello()))
				for i, rule := range test.rules {
					c.Inject(rule, jobstest.Empty(530+i))
				}
				var got strings.Builder
				for i := range 10 {
					status, _, _, err := c.try(t.Context(), "GET", fmt.Sprintf("datasets?offset=%d", i), "")
					require.NoError(t, err)
					if status == 200 {
						got.WriteByte('.')
					} else {
						fmt.Fprint(&got, status-530)
					}
					<-time.After(time.Second)
				}
				assert.Equal(t, test.want, got.String())
				c.Clear()
				status, _, _, err := c.try(t.Context(), "GET", "datasets", "")
				require.NoError(t, err)
				require.Equal(t, 200, status)
			})
		})
	}
}

func TestRule_ProbabilityIsTheShareOfRequestsAndIndependentOfOtherRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithoutContractCheck())
		c.Inject(jobstest.Rule{Probability: 0.3, Seed: 1}, jobstest.Empty(502))
		c.Inject(jobstest.Rule{Probability: 0.3, Seed: 1}, jobstest.Empty(503))
		counts := make(map[int]int)
		for range 2000 {
			status, _, _, err := c.try(t.Context(), "GET", "datasets", "")
			require.NoError(t, err)
			counts[status]++
		}
		assert.InDelta(t, 600, counts[502], 60)
		assert.InDelta(t, 420, counts[503], 60, "the second rule selects 30 % of the other requests")
	})
}

func TestInject_PanicsOnAnInvalidRule(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	for text, rule := range map[string]jobstest.Rule{
		`there is no operation "getjob", only abortJob, addData, content, createBranch, `: {Operation: "getjob"},
		"a number in the rule": {From: -1},
		"is negative":          {For: -time.Second},
		"the probability 1.5":  {Probability: 1.5},
	} {
		func() {
			defer func() { assert.Contains(t, recover(), text) }()
			c.Inject(rule, jobstest.Reset())
		}()
	}
}

func TestInject_ReportsABadRequest(t *testing.T) {
	watched := &watchedT{TB: t}
	server := jobstest.New(watched, jobstest.WithSeed(hello()))
	server.Inject(jobstest.Rule{}, jobstest.Empty(503))
	response, err := server.Client().Get(server.URL() + "gatewayv2/tensorbay-open-api/v1/datasets?limit=1000")
	require.NoError(t, err)
	response.Body.Close()
	require.NotEmpty(t, watched.errors)
}

// A watchedT collects the reported failures.
type watchedT struct {
	testing.TB
	errors []string
}

func (w *watchedT) Errorf(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func TestInject_IsSafeForConcurrentUse(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithoutContractCheck())
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 50 {
				switch n {
				case 0:
					c.Inject(jobstest.Rule{Probability: 0.5}, jobstest.HTML(502).RetryAfter(time.Second))
				case 1:
					c.Clear()
				case 2:
					c.Faulted()
				default:
					status, _, _, err := c.try(t.Context(), "GET", "datasets", "")
					assert.NoError(t, err)
					assert.Contains(t, []int{200, 502}, status)
				}
			}
		})
	}
	all.Wait()
}
