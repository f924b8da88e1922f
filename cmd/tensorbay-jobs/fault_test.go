package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestServe_InjectsFaults(t *testing.T) {
	t.Parallel()
	const rule = ",operation=getDataset,times=1"
	for name, test := range map[string]struct {
		faults     []string
		want, next error // errors of the first request for a dataset and of the next
	}{
		"refuse":   {[]string{"refuse" + rule}, jobs.ErrUnreachable, nil},
		"reset":    {[]string{"reset" + rule}, jobs.ErrUnreachable, nil},
		"hang":     {[]string{"hang" + rule}, jobs.ErrUnreachable, nil},
		"truncate": {[]string{"truncate" + rule}, jobs.ErrInvalidResponse, nil},
		"status":   {[]string{"status=429,retry-after=1s" + rule}, jobs.ErrRateLimited, nil},
		"html":     {[]string{"html=502" + rule}, jobs.ErrServer, nil},
		"delay":    {[]string{"delay=10ms" + rule}, nil, nil},
		"the first match applies": {[]string{"status=403,operation=getDataset,from=2", "status=409,after=1h",
			"status=503,for=1h,probability=1" + rule}, jobs.ErrServer, jobs.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var args []string
			for _, fault := range test.faults {
				args = append(args, "--fault", fault)
			}
			s := serve(t, args...)
			// net/http retries by itself on a reused connection.
			httpClient := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			c, err := jobs.NewClient(s.ready.AccessKey, jobs.WithBaseURL(s.ready.URL), jobs.WithHTTPClient(httpClient),
				jobs.WithRetry(jobs.RetryPolicy{Attempts: 1}), jobs.WithAttemptTimeout(time.Second))
			require.NoError(t, err)
			for _, err := range c.Datasets(t.Context(), "") {
				require.NoError(t, err, "another operation")
			}
			_, err = c.Dataset(t.Context(), "squash-and-merge")
			require.ErrorIs(t, err, test.want)
			_, err = c.Dataset(t.Context(), "squash-and-merge")
			require.ErrorIs(t, err, test.next)
			s.stop(t)
			for _, fault := range test.faults {
				require.Contains(t, s.stderr.String(), fault)
			}
		})
	}
}

func TestFaultFlags_RefuseValuesWithoutEffect(t *testing.T) {
	for _, text := range []string{"delay=0s", "delay=-1s", "hang,times=0", "hang,times=-1", "hang,probability=0", "hang,probability=-1"} {
		require.ErrorContains(t, new(faultFlags).Set(text), "the value must be above 0", text)
	}
}
