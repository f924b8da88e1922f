package progress

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// event returns an event whose poll was a while ago.
func event(title string, status jobs.Status, elapsed, ago time.Duration) jobs.Event {
	if !status.Finished() {
		elapsed -= ago
	}
	return jobs.Event{Job: jobs.Snapshot{ID: "6f2a", Title: title, Status: status}, Poll: 1, At: time.Now().Add(-ago), Elapsed: elapsed}
}

func TestFrame_ShowsALineForEachOfAFewJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		failing := event("main<-d", jobs.StatusProcessing, time.Second, 3*time.Second)
		failing.Err = errors.New("no response")
		events := []jobs.Event{
			event("main<-a with a long title", jobs.StatusProcessing, 12*time.Second, 1300*time.Millisecond),
			event("main<-b", jobs.StatusSuccess, 2*time.Minute, 0),
			event("main<-c", jobs.StatusFailed, 3*time.Hour, 0),
			failing,
		}
		for width, want := range map[int][]string{
			71: {
				"  main<-a with a long title   PROCESSING     12s  polled 1.3s ago",
				"✓ main<-b                     SUCCESS      2m00s",
				"✗ main<-c                     FAILED       3h00m",
				"  main<-d                     PROCESSING    1.0s  poll failed 3.0s ago",
			},
			48: {
				"  main<-a with a long title   PROCESSING     12s",
				"✓ main<-b                     SUCCESS      2m00s",
				"✗ main<-c                     FAILED       3h00m",
				"  main<-d                     PROCESSING    1.0s",
			},
			24: {
				"  main<-a w…  PROCESSING",
				"✓ main<-b     SUCCESS",
				"✗ main<-c     FAILED",
				"  main<-d     PROCESSING",
			},
		} {
			lines := frame(events, len(events), width, false)
			require.Equal(t, want, lines, width)
			for _, line := range lines {
				require.LessOrEqual(t, runewidth.StringWidth(line), width)
			}
		}
		require.Equal(t, []string{""}, frame(nil, 3, 80, true), "no wait has begun")
	})
}

func TestFrame_ShowsCountsAndFailuresOfManyJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		var events []jobs.Event
		for range 50 {
			events = append(events, event("a", jobs.StatusSuccess, time.Second, 0), event("b", jobs.StatusProcessing, 2*time.Second, time.Second))
		}
		for range 7 {
			events = append(events, event("c", jobs.StatusFailed, time.Second, 0))
		}
		lines := frame(events, 200, 90, false)
		require.Equal(t, "[====            ] 57 of 200 finished  7 FAILED  50 PROCESSING  50 SUCCESS  2.0s  polled …", lines[0])
		require.Len(t, lines, 1+maxFailures+1)
		require.True(t, strings.HasPrefix(lines[1], "✗ c "))
		require.Equal(t, "  … and 2 more", lines[maxFailures+1])
	})
}

func TestFrame_ColorsTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		lines := frame([]jobs.Event{event("a", jobs.StatusSuccess, 0, 0), event("b", jobs.StatusProcessing, 0, 0)}, 2, 40, true)
		require.Equal(t, "\x1b[32m✓ a                           SUCCESS\x1b[0m", lines[0])
		require.NotContains(t, lines[1], "\x1b")
	})
}

func TestWaits_PrintsPlainLinesWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		var out strings.Builder
		p := plain{w: &out, total: 1, last: map[string]jobs.Status{}}
		p.print([]jobs.Event{event("dev->main", jobs.StatusQueuing, 0, time.Second)}, false)
		p.print([]jobs.Event{event("dev->main", jobs.StatusQueuing, 0, time.Second)}, false)
		p.print([]jobs.Event{event("dev->main", jobs.StatusSuccess, time.Second, 0)}, true)
		require.Equal(t, "6f2a  QUEUING         0.0s  dev->main\n6f2a  SUCCESS         1.0s  dev->main\n", out.String())

		out.Reset()
		p = plain{w: &out, total: 100}
		p.print([]jobs.Event{event("a", jobs.StatusSuccess, time.Minute, 0)}, false)
		require.Empty(t, out.String())
		p.counted = time.Now().Add(-countInterval)
		p.print([]jobs.Event{event("a", jobs.StatusSuccess, time.Minute, 0)}, false)
		require.Equal(t, "1 of 100 finished  1 SUCCESS  1m00s\n", out.String())
	})
}

func TestShortAndSize(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.0s", 3290 * time.Millisecond: "3.2s", 9999 * time.Millisecond: "9.9s", 47900 * time.Millisecond: "47s",
		125 * time.Second: "2m05s", 187 * time.Minute: "3h07m", 300 * time.Hour: "12d",
	} {
		require.Equal(t, want, Short(d))
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1234567: "1.2 MB", 999_999: "1.0 MB", 5e15: "5000.0 TB"} {
		require.Equal(t, want, Size(n))
	}
}
