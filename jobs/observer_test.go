package jobs_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

type attempts struct {
	mu  sync.Mutex
	all []jobs.Attempt
	ctx []context.Context
}

func (a *attempts) observe(ctx context.Context, attempt jobs.Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all, a.ctx = append(a.all, attempt), append(a.ctx, ctx)
}

func TestWithObserver_SeesEachAttempt(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithLatency(20*time.Millisecond))
		var seen attempts
		client := clientOf(t, server, jobs.WithObserver(seen.observe))
		server.Inject(jobstest.Rule{Operation: "getDataset", Times: 1}, jobstest.Status(503))
		ctx := context.WithValue(t.Context(), key{}, "call")
		_, err := client.DatasetByID("squash-and-merge")
		require.NoError(t, err)
		_, err = client.Dataset(ctx, "squash-and-merge")
		require.NoError(t, err)
		require.Len(t, seen.all, 3)
		assert.Equal(t, []string{"listDatasets", "getDataset", "getDataset"}, []string{seen.all[0].Operation, seen.all[1].Operation, seen.all[2].Operation})
		failed, again := seen.all[1], seen.all[2]
		assert.Equal(t, 503, failed.StatusCode)
		require.ErrorIs(t, failed.Err, jobs.ErrServer)
		assert.Equal(t, 1, failed.Number)
		assert.Equal(t, 2, again.Number)
		assert.NoError(t, again.Err)
		assert.Equal(t, 20*time.Millisecond, again.Duration)
		assert.Equal(t, time.Now().Add(-again.Duration), again.Start)
		assert.NotEqual(t, failed.RequestID, again.RequestID)
		assert.Equal(t, "call", seen.ctx[0].Value(key{}))

		job := createMerge(ctx, t, client)
		before := len(seen.all)
		require.NoError(t, job.Wait(ctx))
		require.Greater(t, len(seen.all), before)
		assert.Nil(t, seen.ctx[before].Value(key{}), "polls are shared")
	})
	_, err := jobs.NewClient(testKey, jobs.WithObserver(nil))
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
}

func TestWithObserver_SeesNoRequestThatCannotBeBuilt(t *testing.T) {
	var seen attempts
	client := stubClient(t, func(*http.Request) (*http.Response, error) { panic("no request is expected") }, jobs.WithObserver(seen.observe))
	ds, err := client.DatasetByID("d1")
	require.NoError(t, err)
	for _, err := range ds.Jobs("").List(t.Context(), jobs.ListOptions{}) {
		require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	}
	assert.Empty(t, seen.all)
}
