package jobs_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// A segmentServer serves a list of segments.
type segmentServer struct {
	names    []string
	requests int
	before   func(request int, s *segmentServer) // called before each response, may change names
	total    func() int                          // if not nil, returns totalCount
}

func (s *segmentServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests++
	if s.before != nil {
		s.before(s.requests, s)
	}
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	from, to := min(offset, len(s.names)), min(offset+limit, len(s.names))
	items := make([]string, 0, limit)
	for _, name := range s.names[from:to] {
		items = append(items, fmt.Sprintf(`{"name":%q}`, name))
	}
	total := len(s.names)
	if s.total != nil {
		total = s.total()
	}
	return newResponse(200, fmt.Sprintf(`{"segments":[%s],"totalCount":%d}`, strings.Join(items, ","), total)), nil
}

func numberedNames(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return names
}

// listSegments returns the names of all segments before the first error.
func listSegments(t *testing.T, s stub) (names []string, err error) {
	t.Helper()
	for segment, err := range stubContents(t, s).Segments(t.Context()) {
		if err != nil {
			return names, err
		}
		names = append(names, segment.Name)
	}
	return names, nil
}

func assertUnique(t *testing.T, names []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, name := range names {
		assert.False(t, seen[name], "%s twice", name)
		seen[name] = true
	}
}

func TestList_ReadsEveryPage(t *testing.T) {
	for n, requests := range map[int]int{0: 1, 1: 1, 127: 1, 128: 1, 129: 2, 1000: 8} {
		s := &segmentServer{names: numberedNames("s", n)}
		got, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err)
		assert.Len(t, got, n)
		assert.Equal(t, requests, s.requests, "%d segments", n)
	}
}

func TestList_StopsWithTheCaller(t *testing.T) {
	s := &segmentServer{names: numberedNames("s", 1000)}
	n := 0
	for range stubContents(t, s.RoundTrip).Segments(t.Context()) {
		if n++; n == 130 {
			break
		}
	}
	assert.Equal(t, 2, s.requests)
}

func TestList_ToleratesChangesBetweenPages(t *testing.T) {
	t.Run("items added at the front", func(t *testing.T) {
		s := &segmentServer{names: numberedNames("s", 300), before: func(request int, s *segmentServer) {
			if request > 1 {
				s.names = append(numberedNames(fmt.Sprintf("new%d-", request), 50), s.names...)
			}
		}}
		got, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err)
		assert.Subset(t, got, numberedNames("s", 300), "no item is missed")
		assertUnique(t, got)
	})
	t.Run("items removed at the front", func(t *testing.T) {
		s := &segmentServer{names: numberedNames("s", 600), before: func(request int, s *segmentServer) {
			if request > 1 && request < 4 {
				s.names = s.names[20:]
			}
		}}
		got, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err)
		assert.Subset(t, got, numberedNames("s", 600)[40:], "no remaining item is missed")
		assertUnique(t, got)
	})
	t.Run("all items removed", func(t *testing.T) {
		s := &segmentServer{names: numberedNames("s", 300), before: func(request int, s *segmentServer) {
			if request == 2 {
				s.names = nil
			}
		}}
		got, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err)
		assert.Len(t, got, 128)
	})
}

func TestList_EndsDespiteAWrongTotal(t *testing.T) {
	t.Run("too large", func(t *testing.T) {
		s := &segmentServer{names: numberedNames("s", 200), total: func() int { return 1 << 30 }}
		got, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err, "an empty page ends the list")
		assert.Len(t, got, 200)
	})
	t.Run("too large, and the same page again", func(t *testing.T) {
		requests := 0
		got, err := listSegments(t, func(*http.Request) (*http.Response, error) {
			requests++
			return newResponse(200, `{"segments":[{"name":"a"},{"name":"b"}],"totalCount":1000000}`), nil
		})
		assert.Equal(t, []string{"a", "b"}, got)
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "the list of 1000000 does not end: 9 pages, the last 8 of them without new items")
		assert.Equal(t, 9, requests)
	})
	t.Run("alternating", func(t *testing.T) {
		n := 0
		s := &segmentServer{names: numberedNames("s", 300), total: func() int {
			n++
			return 300 - 200*(n%2)
		}}
		_, err := listSegments(t, s.RoundTrip)
		require.NoError(t, err)
		assert.Less(t, s.requests, 20)
	})
}

func TestList_BoundsTheItemsOfAPage(t *testing.T) {
	for n, valid := range map[int]bool{128: true, 129: true, wire.MaxPageItems: true, wire.MaxPageItems + 1: false} {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"name":"b%d","commitId":"c"}`, i)
		}
		client := stubClient(t, respondWith(200, fmt.Sprintf(`{"branches":[%s],"totalCount":%d}`, strings.Join(items, ","), n)))
		got, err := drain(datasetByID(t, client).Branches(t.Context(), ""))
		if valid {
			require.NoError(t, err, "a service that exceeds the requested limit is tolerated")
			assert.Equal(t, n, got)
			continue
		}
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.Zero(t, got)
	}
}

func TestList_EndsAtTheFirstError(t *testing.T) {
	s := &segmentServer{names: numberedNames("s", 300)}
	requests := 0
	got, err := listSegments(t, func(r *http.Request) (*http.Response, error) {
		if requests++; requests == 2 {
			return newResponse(500, ""), nil
		}
		return s.RoundTrip(r)
	})
	assert.Len(t, got, 128)
	require.ErrorIs(t, err, jobs.ErrServer)
}

func TestList_EscapesQueryParameters(t *testing.T) {
	const name = "a&b=c d/é%2f?#\"+;"
	contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, name, r.URL.Query().Get("segmentName"))
		return newResponse(200, `{"dataDetails":[],"totalCount":0}`), nil
	})
	assert.Empty(t, collect(t, contents.Data(t.Context(), name)))
}

// A server may ignore the filter of a list.
func TestList_LeavesOutItemsThatTheFilterExcludes(t *testing.T) {
	const (
		main   = `{"name":"main","commitId":"c1","title":"t"}`
		dev    = `{"name":"dev","commitId":"c2","title":"t"}`
		drafts = `{"number":1,"title":"a","branchName":"main","status":"OPEN"},{"number":2,"title":"b","branchName":"dev","status":"OPEN"},{"number":3,"title":"c","branchName":"dev","status":"CLOSED"}`
	)
	bodies := map[string]string{
		"/datasets": `{"datasets":[{"id":"d1","name":"cars"},{"id":"d2","name":"buses"}],"totalCount":2}`,
		"/branches": `{"branches":[` + main + `,` + dev + `],"totalCount":2}`,
		"/tags":     `{"tags":[` + main + `,` + dev + `],"totalCount":2}`,
		"/drafts":   `{"drafts":[` + drafts + `],"totalCount":3}`,
		"/jobs":     `{"jobs":[` + jobJSON("6f2a", "1") + `,` + jobJSON("6f2a", "2", `"PROCESSING"`, `"FAILED"`) + `],"totalCount":2}`,
		"/commits":  `{"commits":[{"commitId":"c1","title":"t"}],"totalCount":1}`,
	}
	client := stubClient(t, func(r *http.Request) (*http.Response, error) {
		return newResponse(200, bodies[r.URL.Path[strings.LastIndex(r.URL.Path, "/"):]]), nil
	})
	ds, ctx := datasetByID(t, client), t.Context()
	datasets := collect(t, client.Datasets(ctx, "buses"))
	require.Len(t, datasets, 1)
	assert.Equal(t, "d2", datasets[0].ID)
	branches := collect(t, ds.Branches(ctx, "dev"))
	require.Len(t, branches, 1)
	assert.Equal(t, "c2", branches[0].Head.ID)
	assert.Empty(t, collect(t, ds.Tags(ctx, "none")))
	for options, want := range map[jobs.DraftOptions]int{
		{}: 2, {Branch: "dev"}: 1, {Status: jobs.DraftAll}: 3, {Status: jobs.DraftClosed}: 1, {Status: jobs.DraftAll, Branch: "dev"}: 2,
	} {
		assert.Len(t, collect(t, ds.Drafts(ctx, options)), want, options)
	}
	failed := collect(t, ds.SquashAndMerge().List(ctx, jobs.ListOptions{Status: jobs.StatusFailed}))
	require.Len(t, failed, 1)
	assert.Equal(t, "2", failed[0].ID())
	_, err := ds.Resolve(ctx, strings.Repeat("a", 32))
	require.ErrorIs(t, err, jobs.ErrInvalidResponse)
	assert.ErrorContains(t, err, "it describes commit c1")
}

// A page that holds only jobs of other types does not end the list.
func TestJobs_ListContinuesAfterAPageOfOtherTypes(t *testing.T) {
	others := make([]string, 128)
	for i := range others {
		others[i] = jobJSON("6f2a", fmt.Sprint("other", i), `"title"`, `"jobType":"basicSearch","title"`)
	}
	client := stubClient(t, func(r *http.Request) (*http.Response, error) {
		items := strings.Join(others, ",")
		if r.URL.Query().Get("offset") != "0" {
			items = processingJob
		}
		return newResponse(200, `{"jobs":[`+items+`],"totalCount":129}`), nil
	})
	all := collect(t, datasetByID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	require.Len(t, all, 1)
	assert.Equal(t, "6f2a", all[0].ID())
}
