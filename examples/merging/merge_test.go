package merging

import (
	"testing"
	"testing/synctest"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestMergeDev(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // virtual time: the wait takes no real time
		server := jobstest.New(t)
		client, err := jobs.NewClient(server.AccessKey(),
			jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
		if err != nil {
			t.Fatal(err)
		}
		title, err := MergeDev(t.Context(), client, "squash-and-merge")
		if err != nil || title != "merge dev" {
			t.Errorf("got %q, %v", title, err)
		}
	})
}
