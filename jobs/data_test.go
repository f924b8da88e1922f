package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// openAll opens all data and masks with eight workers.
func openAll(t *testing.T, data []*jobs.Data) {
	t.Helper()
	var workers sync.WaitGroup
	next := make(chan opener)
	for range 8 {
		workers.Go(func() {
			for o := range next {
				_, err := download(t.Context(), o)
				assert.NoError(t, err)
			}
		})
	}
	for _, d := range data {
		next <- d
		if m := d.Label.SemanticMask; m != nil {
			next <- m
		}
	}
	close(next)
	workers.Wait()
}

// One request renews the URLs of a page of files, for all goroutines.
func TestOpen_ExpiredURLsCostLittleMoreThanFreshOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithLatency(20*time.Millisecond), jobstest.WithoutContractCheck())
		contents := contentsOf(t.Context(), t, client, "street-scenes")
		segments := len(collect(t, contents.Segments(t.Context())))
		data := collect(t, contents.AllData(t.Context()))
		require.Len(t, data, 2076)
		data = data[:fullSize(700, 2076)]
		start := time.Now()
		openAll(t, data)
		fresh := time.Since(start)
		time.Sleep(jobstest.DefaultURLTTL)
		require.Zero(t, countRequests(server, "listDataUrls"))
		start = time.Now()
		openAll(t, data)
		expired := time.Since(start)
		urls := countRequests(server, "listDataUrls")
		masks := countRequests(server, "listMaskUrls")
		t.Logf("fresh %v, expired %v, %d and %d requests for urls", fresh, expired, urls, masks)
		assert.LessOrEqual(t, urls, len(data)/100+segments)
		assert.LessOrEqual(t, masks, len(data)/100+segments)
		assert.LessOrEqual(t, expired.Seconds(), 1.2*fresh.Seconds())
	})
}

func TestSave_WritesDataAndMasks(t *testing.T) {
	_, client := connect(t)
	saved := 0
	for d, err := range contentsOf(t.Context(), t, client, "street-scenes").AllData(t.Context()) {
		require.NoError(t, err)
		m := d.Label.SemanticMask
		if m == nil {
			continue
		}
		for _, source := range []interface {
			opener
			Save(ctx context.Context, w io.Writer) (int64, error)
			Stat(ctx context.Context) (jobs.ContentInfo, error)
		}{d, m} {
			want, err := download(t.Context(), source)
			require.NoError(t, err)
			var got strings.Builder
			n, err := source.Save(t.Context(), &got)
			require.NoError(t, err)
			assert.Equal(t, want, got.String())
			info, err := source.Stat(t.Context())
			require.NoError(t, err)
			assert.Equal(t, jobs.ContentInfo{Size: n}, info)
		}
		if saved++; saved == 5 {
			return
		}
	}
	t.Error("the dataset has fewer masks")
}

// A caller may build a datum, or decode it from JSON of its own.
func TestOpen_RejectsDataAndMasksThatNoListReturned(t *testing.T) {
	for name, source := range map[string]interface {
		opener
		Save(ctx context.Context, w io.Writer) (int64, error)
		Stat(ctx context.Context) (jobs.ContentInfo, error)
		URL() string
	}{
		"datum": &jobs.Data{Segment: "train", RemotePath: "a.jpg"},
		"mask":  &jobs.Mask[jobs.SemanticMaskInfo]{RemotePath: "a.png"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source.Open(t.Context())
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.EqualError(t, err, "invalid argument: the datum or mask has no content: use one that a list has returned")
			_, err = source.Save(t.Context(), io.Discard)
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			_, err = source.Stat(t.Context())
			require.ErrorIs(t, err, jobs.ErrInvalidArgument)
			assert.Empty(t, source.URL())
		})
	}
}

// endlessPages serves n labeled data without storing them.
func endlessPages(n int) stub {
	page := labeledPage()
	first := page[strings.Index(page, "[")+1 : strings.Index(page, `,{"remotePath":"images/camera-front/000001`)]
	return func(r *http.Request) (*http.Response, error) {
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		var body strings.Builder
		body.WriteString(`{"dataDetails":[`)
		for i := offset; i < min(offset+128, n); i++ {
			if i > offset {
				body.WriteByte(',')
			}
			body.WriteString(strings.ReplaceAll(first, "000000.jpg", fmt.Sprintf("%06d.jpg", i)))
		}
		fmt.Fprintf(&body, `],"totalCount":%d}`, n)
		return newResponse(200, body.String()), nil
	}
}

func TestData_ListsInLittleMemory(t *testing.T) {
	all := fullSize(10_000, 50_000)
	client := stubClient(t, endlessPages(all), jobs.WithConcurrentPages(0))
	contents, err := datasetByID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
	require.NoError(t, err)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	start, most, n := heap(), int64(0), 0
	for d, err := range contents.Data(t.Context(), "train") {
		require.NoError(t, err)
		require.Len(t, d.Label.Box2D, 2)
		if n++; n%2500 == 0 {
			most = max(most, heap()-start)
		}
	}
	assert.Equal(t, all, n)
	t.Logf("at most %.1f MiB above the start", float64(most)/(1<<20))
	assert.Less(t, most, int64(32<<20))
}

func TestAll_ListsEverySegmentInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := connect(t, jobstest.WithoutContractCheck())
		ctx := t.Context()
		result, err := runSearch(ctx, t, client, jobs.HasLabel(true)).Result(ctx)
		require.NoError(t, err)
		var want []string
		for _, segment := range collect(t, result.Segments(ctx)) {
			for _, d := range collect(t, result.Data(ctx, segment.Name)) {
				want = append(want, segment.Name+"/"+d.RemotePath)
			}
		}
		var got []string
		for _, d := range collect(t, result.All(ctx)) {
			got = append(got, d.Segment+"/"+d.RemotePath)
		}
		assert.Equal(t, want, got)

		job, err := dataset(t, client, "basic-search").BasicSearch().Create(ctx, jobs.BasicSearchArgs{Filters: []jobs.Filter{jobs.HasLabel(true)}})
		require.NoError(t, err)
		require.NoError(t, job.Wait(ctx))
		frames, err := job.FusionResult(ctx)
		require.NoError(t, err)
		assert.NotEmpty(t, collect(t, frames.All(ctx)))
	})
}

func TestAll_EndsAtTheFirstError(t *testing.T) {
	contents := stubContents(t, func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/segments") {
			return newResponse(200, `{"segments":[{"name":"a"},{"name":"b"}],"totalCount":2}`), nil
		}
		return newResponse(500, ""), nil
	})
	n, err := drain(contents.AllData(t.Context()))
	require.ErrorIs(t, err, jobs.ErrServer)
	assert.Zero(t, n)
	n, err = drain(stubContents(t, respondWith(500, "")).AllFrames(t.Context()))
	require.ErrorIs(t, err, jobs.ErrServer)
	assert.Zero(t, n)
}
