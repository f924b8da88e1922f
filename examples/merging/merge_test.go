package merging

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// connect starts a TensorBay and returns a client of it.
func connect(t *testing.T, options ...jobstest.Option) (*jobstest.Server, *jobs.Client) {
	t.Helper()
	server := jobstest.New(t, options...)
	client, err := jobs.NewClient(server.AccessKey(),
		jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestMergeDev_ReturnsTheTitleOfTheDraft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // virtual time: the wait takes no real time
		_, client := connect(t)
		title, err := MergeDev(t.Context(), client, "squash-and-merge")
		if err != nil || title != "merge dev" {
			t.Errorf("got %q, %v", title, err)
		}
	})
}

func TestMergeDev_SurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t, jobstest.WithProcessing(time.Hour))
		server.Inject(jobstest.Rule{After: time.Minute, For: 10 * time.Minute}, jobstest.Status(http.StatusServiceUnavailable))
		if _, err := MergeDev(t.Context(), client, "squash-and-merge"); err != nil {
			t.Error(err)
		}
		if len(server.Faulted()) == 0 {
			t.Error("no request met the outage")
		}
	})
}

func TestMergeDev_ReportsALostCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client := connect(t)
		lost := jobstest.Reset().Executed() // the job exists, but its response is lost
		server.Inject(jobstest.Rule{Operation: "createJob", Times: 1}, lost)
		if _, err := MergeDev(t.Context(), client, "squash-and-merge"); !errors.Is(err, jobs.ErrAmbiguous) {
			t.Errorf("got %v", err)
		}
	})
}
