package progress

import (
	"errors"
	"fmt"
	"slices"
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

func TestWaitLines_ShowsALineForEachOfAFewJobs(t *testing.T) {
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
				"  main<-a with a long title   PROCESSING     12s  polled 1s ago",
				"✓ main<-b                     SUCCESS      2m00s",
				"✗ main<-c                     FAILED       3h00m",
				"  main<-d                     PROCESSING    1.0s  poll failed 3s ago",
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
			lines := waitLines(events, len(events), width, 23, false)
			require.Equal(t, want, lines, width)
			for _, line := range lines {
				require.LessOrEqual(t, runewidth.StringWidth(line), width)
			}
		}
		require.Empty(t, waitLines(nil, 3, 80, 23, true), "no wait has begun")
	})
}

func TestWaitLines_ShowsCountsAndFailuresOfManyJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		var events []jobs.Event
		for range 50 {
			events = append(events, event("a", jobs.StatusSuccess, time.Second, 0), event("b", jobs.StatusProcessing, 2*time.Second, time.Second))
		}
		for range 7 {
			events = append(events, event("c", jobs.StatusFailed, time.Second, 0))
		}
		lines := waitLines(events, 200, 99, 23, false)
		require.Equal(t, "[====            ] 57 of 200 finished  7 FAILED  50 PROCESSING  50 SUCCESS  2.0s  polled 0s ago", lines[0])
		require.Len(t, lines, 1+maxFailures+1)
		require.True(t, strings.HasPrefix(lines[1], "✗ c "))
		require.Equal(t, "  … and 2 more", lines[maxFailures+1])

		for width, want := range map[int]string{
			90: "[====            ] 57 of 200 finished  7 FAILED  50 PROCESSING  50 SUCCESS  2.0s",
			79: "57 of 200 finished  7 FAILED  50 PROCESSING  50 SUCCESS  2.0s",
			44: "57 of 200 finished  7 FAILED  50 PROCESSING…",
		} {
			require.Equal(t, want, waitLines(events, 200, width, 23, false)[0], width)
		}
	})
}

func TestWaitLines_FitALowTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		events := slices.Repeat([]jobs.Event{event("a", jobs.StatusFailed, time.Second, 0)}, 4)
		require.Len(t, waitLines(events, 4, 80, 4, false), 4)
		require.Equal(t, "[================] 4 of 4 finished  4 FAILED  1.0s", waitLines(events, 4, 80, 3, false)[0])
		require.Len(t, waitLines(events, 4, 80, 3, false), 3)
		require.Len(t, waitLines(events, 4, 80, 0, false), 1)
	})
}

func TestWaitLines_ColorTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the time stands still
		lines := waitLines([]jobs.Event{event("a", jobs.StatusSuccess, 0, 0), event("b", jobs.StatusProcessing, 0, 0)}, 2, 40, 23, true)
		require.Equal(t, "\x1b[32m✓ a                           SUCCESS\x1b[0m", lines[0])
		require.NotContains(t, lines[1], "\x1b")
	})
}

func TestDraw_RestsAtTheStartOfTheFirstLine(t *testing.T) {
	const begin, end = "\r\x1b[?7l", "\x1b[J\x1b[?7h"
	require.Equal(t, begin+"a\x1b[K"+end+"\r", draw([]string{"a"}, false))
	require.Equal(t, begin+"a\x1b[K\r\nb\x1b[K\r\nc\x1b[K"+end+"\x1b[2A\r", draw([]string{"a", "b", "c"}, false))
	require.Equal(t, begin+"a\x1b[K\r\nb\x1b[K\r\n"+end, draw([]string{"a", "b"}, true))
	require.Equal(t, begin+"\x1b[K"+end, draw(nil, true))
}

func TestAnimate_KeepsOrRemovesTheLastFrame(t *testing.T) {
	lines := func(width, height int) []string { return []string{fmt.Sprint(width, height)} }
	for keep, want := range map[bool]string{true: draw([]string{"80 24"}, true), false: "\r" + clearBelow} {
		synctest.Test(t, func(t *testing.T) {
			var out strings.Builder
			stop := animate(&out, lines)
			time.Sleep(liveInterval + 1)
			stop(keep)
			require.Equal(t, draw([]string{"80 24"}, false)+want, out.String())
		})
	}
}

func TestDownload_ShowsFilesRateAndTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &Downloading{}
		d.Found(50)
		d.Found(150)
		require.Equal(t, []string{"Listing files: 200"}, d.frame(80, 24))
		time.Sleep(time.Minute)
		d.Begin()
		require.Equal(t, []string{"[                ] 0 of 200 files  0 B  0 B/s"}, d.frame(80, 24))
		time.Sleep(10 * time.Second)
		d.stop = func(bool) {}
		for range 50 {
			d.Add(1e6)
		}
		require.Equal(t, []string{"[====            ] 50 of 200 files  50.0 MB  5.0 MB/s  30s left"}, d.frame(80, 24))
		require.Equal(t, "[================]", bar(3, 2), "a list that was too short")
		require.Equal(t, []string{"50 of 200 files  50.0 MB  5.0 MB/s  30s left"}, d.frame(60, 24))
		require.Equal(t, []string{"50 of 200 files  50.0 M…"}, d.frame(25, 24))
	})
}

func TestDownload_PrintsPlainLinesWithoutATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		d := Download(&out, false)
		d.Begin()
		d.Add(1e6)
		require.Empty(t, out.String())
		time.Sleep(countInterval)
		d.Add(1e6)
		d.Stop()
		require.Equal(t, "2 files  2.0 MB  200.0 kB/s\n", out.String())
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
		p.print(nil, false)
		require.Empty(t, out.String())
		p.print([]jobs.Event{event("a", jobs.StatusSuccess, time.Minute, 0)}, false)
		p.print([]jobs.Event{event("a", jobs.StatusSuccess, time.Minute, 0)}, false)
		require.Equal(t, "1 of 100 finished  1 SUCCESS  1m00s\n", out.String())
		time.Sleep(countInterval)
		p.print([]jobs.Event{event("a", jobs.StatusSuccess, time.Minute, 0)}, false)
		require.Equal(t, 2, strings.Count(out.String(), "\n"))
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

func TestWaitLines_LeaveOutControlCharactersOfATitle(t *testing.T) {
	events := []jobs.Event{event("a\x1b[2Jb\nc\u202ed\u2028e", jobs.StatusQueuing, 0, 0)}
	const clean = "a [2Jb c d e"
	require.Contains(t, waitLines(events, 1, 80, 23, false)[0], clean)
	var out strings.Builder
	p := plain{w: &out, total: 1, last: map[string]jobs.Status{}}
	p.print(events, false)
	require.Contains(t, out.String(), clean+"\n")
}
