package jobs_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// pages serves segments; each request may change what there is.
type pages struct {
	names    []string
	before   func(request int, p *pages)
	total    func() int
	requests int
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	p.requests++
	if p.before != nil {
		p.before(p.requests, p)
	}
	q := r.URL.Query()
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	from, to := min(offset, len(p.names)), min(offset+limit, len(p.names))
	items := make([]string, 0, limit)
	for _, name := range p.names[from:to] {
		items = append(items, fmt.Sprintf(`{"name":%q}`, name))
	}
	total := len(p.names)
	if p.total != nil {
		total = p.total()
	}
	return reply(200, fmt.Sprintf(`{"segments":[%s],"totalCount":%d}`, strings.Join(items, ","), total)), nil
}

func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%04d", prefix, i)
	}
	return names
}

// list reads all segments, and stops at the first error.
func (p *pages) list(t *testing.T) (names []string, err error) {
	t.Helper()
	client := stubbed(t, p.RoundTrip)
	contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	for s, err := range contents.Segments(t.Context()) {
		if err != nil {
			return names, err
		}
		names = append(names, s.Name)
	}
	return names, nil
}

func TestListReadsEveryPage(t *testing.T) {
	for n, requests := range map[int]int{0: 1, 1: 1, 127: 1, 128: 1, 129: 2, 1000: 8} {
		p := &pages{names: numbered("s", n)}
		got, err := p.list(t)
		require.NoError(t, err)
		assert.Len(t, got, n)
		assert.Equal(t, requests, p.requests, "%d segments", n)
	}
}

func TestListStopsWhereTheCallerDoes(t *testing.T) {
	p := &pages{names: numbered("s", 1000)}
	client := stubbed(t, p.RoundTrip)
	contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	n := 0
	for range contents.Segments(t.Context()) {
		if n++; n == 130 {
			break
		}
	}
	assert.Equal(t, 2, p.requests)
}

func TestListWhileItChanges(t *testing.T) {
	t.Run("added in front", func(t *testing.T) {
		p := &pages{names: numbered("s", 300), before: func(n int, p *pages) {
			if n > 1 {
				p.names = append(numbered(fmt.Sprintf("new%d-", n), 50), p.names...)
			}
		}}
		got, err := p.list(t)
		require.NoError(t, err)
		assert.Subset(t, got, numbered("s", 300), "nothing is lost")
		assertUnique(t, got)
	})
	t.Run("removed in front", func(t *testing.T) {
		p := &pages{names: numbered("s", 600), before: func(n int, p *pages) {
			if n > 1 && n < 4 {
				p.names = p.names[20:]
			}
		}}
		got, err := p.list(t)
		require.NoError(t, err)
		assert.Subset(t, got, numbered("s", 600)[40:], "nothing that is still there is lost")
		assertUnique(t, got)
	})
	t.Run("shrinks to nothing", func(t *testing.T) {
		p := &pages{names: numbered("s", 300), before: func(n int, p *pages) {
			if n == 2 {
				p.names = nil
			}
		}}
		got, err := p.list(t)
		require.NoError(t, err)
		assert.Len(t, got, 128)
	})
}

func TestListThatLies(t *testing.T) {
	t.Run("total too large", func(t *testing.T) {
		p := &pages{names: numbered("s", 200), total: func() int { return 1 << 30 }}
		got, err := p.list(t)
		require.NoError(t, err, "an empty page is the end")
		assert.Len(t, got, 200)
	})
	t.Run("the same page for ever", func(t *testing.T) {
		requests := 0
		client := stubbed(t, func(*http.Request) (*http.Response, error) {
			requests++
			return reply(200, `{"segments":[{"name":"a"},{"name":"b"}],"totalCount":1000000}`), nil
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		var got []string
		for s, e := range contents.Segments(t.Context()) {
			if err = e; err == nil {
				got = append(got, s.Name)
			}
		}
		assert.Equal(t, []string{"a", "b"}, got)
		require.ErrorIs(t, err, jobs.ErrInvalidResponse)
		assert.ErrorContains(t, err, "the list of 1000000 does not end: 9 pages, the last 8 of them without anything new")
		assert.Equal(t, 9, requests)
	})
	t.Run("a total that goes up and down", func(t *testing.T) {
		n := 0
		p := &pages{names: numbered("s", 300), total: func() int {
			n++
			return 300 - 200*(n%2)
		}}
		_, err := p.list(t)
		require.NoError(t, err)
		assert.Less(t, p.requests, 20)
	})
}

func assertUnique(t *testing.T, names []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, name := range names {
		assert.False(t, seen[name], "%s twice", name)
		seen[name] = true
	}
}

func TestListOfJobsLeavesOutOtherTypes(t *testing.T) {
	other := strings.Replace(processing, `"title"`, `"jobType":"mineDiamonds","title"`, 1)
	client := stubbed(t, always(200, `{"jobs":[`+other+`,`+processing+`],"totalCount":2}`))
	got := collect(t, byID(t, client).SquashAndMerge().List(t.Context(), jobs.ListOptions{}))
	require.Len(t, got, 1)
	assert.Equal(t, "6f2a", got[0].ID())
}

func TestErrorInTheMiddleOfAList(t *testing.T) {
	p := &pages{names: numbered("s", 300)}
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		if p.requests == 1 {
			p.requests++
			return reply(500, ""), nil
		}
		return p.RoundTrip(r)
	})
	contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	n := 0
	for _, e := range contents.Segments(t.Context()) {
		if err = e; err == nil {
			n++
		}
	}
	assert.Equal(t, 128, n)
	require.ErrorIs(t, err, jobs.ErrServer)
}

func TestNamesWithSpecialCharactersReachTheServer(t *testing.T) {
	const name = "a&b=c d/é%2f?#\"+;"
	client := stubbed(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, name, r.URL.Query().Get("segmentName"))
		return reply(200, `{"dataDetails":[],"totalCount":0}`), nil
	})
	contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, collect(t, contents.Data(t.Context(), name)))
}
