package jobs_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// The poll of a page fails often enough that lists are avoided for some time.
func TestWait_PollsRarelyWhileListsAreAvoided(t *testing.T) {
	t.Skip("bug of the watcher: jobs that are read alone stay due, because the page keeps its errors")
	synctest.Test(t, func(t *testing.T) {
		server := jobstest.New(t, jobstest.WithProcessing(time.Minute), jobstest.WithoutContractCheck())
		client := clientOf(t, server, jobs.WithRateLimit(50))
		all := createMerges(t.Context(), t, dataset(t, client, "squash-and-merge"), 10)
		server.Inject(jobstest.Rule{Match: isPoll, After: 20 * time.Second, For: 5 * time.Second}, jobstest.HTML(403))
		requireNoErrors(t, waitEach(t.Context(), all))
		assert.LessOrEqual(t, countPolls(server), 150)
	})
}
