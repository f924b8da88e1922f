package jobstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestNewServer_RefusesInvalidOptions(t *testing.T) {
	for name, option := range map[string]jobstest.Option{
		"key":        jobstest.WithAccessKey("secret"),
		"queuing":    jobstest.WithQueuing(-1),
		"processing": jobstest.WithProcessing(-1),
		"latency":    jobstest.WithLatency(-1),
		"runs":       jobstest.WithRuns(nil),
		"address":    jobstest.WithListener(""),
		"listen":     jobstest.WithListener("127.0.0.1:65536"),
		"data":       jobstest.WithDataListener(""),
		"data alone": jobstest.WithDataListener("127.0.0.1:0"),
		"tls":        jobstest.WithTLS(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := jobstest.NewServer(option)
			require.Error(t, err)
			assert.Regexp(t, "^jobstest: ", err)
		})
	}
}

func TestWithURLTTL_SetsTheLifetimeOfDataURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, jobstest.WithSeed(hello()), jobstest.WithURLTTL(time.Hour))
		url := c.dataURL()
		for _, want := range []int{http.StatusOK, http.StatusForbidden} {
			response, err := c.Client().Get(url)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, want, response.StatusCode)
			time.Sleep(time.Hour)
		}
	})
}
