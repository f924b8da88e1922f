// Package progress shows waits and downloads: live on a terminal, as plain lines elsewhere.
package progress

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

const (
	// maxLines is the largest number of jobs with a line each. More are shown as counts.
	maxLines = 10
	// maxFailures is the largest number of failed jobs below the counts.
	maxFailures = 5
	// maxWidth keeps the columns of a line together on a wide terminal.
	maxWidth = 100

	liveInterval  = 150 * time.Millisecond // between live frames
	plainInterval = 100 * time.Millisecond // between checks for plain lines
	countInterval = 10 * time.Second       // between plain lines with counts
)

// Waits shows the jobs of p on w until stop is called. total is the number of jobs, of which
// some may not have begun to wait.
func Waits(w io.Writer, p *jobs.Progress, total int) (stop func()) {
	if Live(w) {
		return showLive(w, p, total)
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		printer := plain{w: w, total: total, last: map[string]jobs.Status{}}
		for {
			select {
			case <-time.After(plainInterval):
				printer.print(p.Events(), false)
			case <-quit:
				printer.print(p.Events(), true)
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

// Live reports whether w is a terminal that can move its cursor.
func Live(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// plain prints waits without control characters.
type plain struct {
	w       io.Writer
	total   int
	last    map[string]jobs.Status // by job
	counted time.Time
}

func (p *plain) print(events []jobs.Event, ended bool) {
	if p.total > maxLines {
		if p.counted.IsZero() {
			p.counted = time.Now()
		}
		if ended || time.Since(p.counted) >= countInterval {
			p.counted = time.Now()
			fmt.Fprintf(p.w, "%s  %s\n", counts(events, p.total), Short(longest(events)))
		}
		return
	}
	for _, e := range events {
		if p.last[e.Job.ID] != e.Job.Status {
			p.last[e.Job.ID] = e.Job.Status
			fmt.Fprintf(p.w, "%s  %-10s  %8s  %s\n", e.Job.ID, e.Job.Status, Short(elapsed(e)), title(e.Job))
		}
	}
}

func showLive(w io.Writer, p *jobs.Progress, total int) (stop func()) {
	color := os.Getenv("NO_COLOR") == ""
	container := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(liveInterval), mpb.WithAutoRefresh())
	var lines []string
	first := mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		lines = frame(p.Events(), total, min(stat.AvailableWidth-1, maxWidth), color)
		_, err := io.WriteString(w, lines[0])
		return err
	})
	rest := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error { // is called after first
		for _, line := range lines[1:] {
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
	bar := container.MustAdd(1, first, mpb.BarFillerTrim(), mpb.BarExtender(rest, false))
	return func() {
		bar.SetCurrent(1)
		container.Wait()
	}
}

// frame returns the lines that show the events, at least one.
func frame(events []jobs.Event, total, width int, color bool) (lines []string) {
	if total <= maxLines {
		for _, e := range events {
			lines = append(lines, jobLine(e, width, color))
		}
		if len(lines) == 0 {
			lines = []string{""}
		}
		return lines
	}
	lines = append(lines, countLine(events, total, width))
	failed := 0
	for _, e := range events {
		if s := e.Job.Status; s == jobs.StatusFailed || s == jobs.StatusAborted {
			if failed++; failed <= maxFailures {
				lines = append(lines, jobLine(e, width, color))
			}
		}
	}
	if more := failed - maxFailures; more > 0 {
		lines = append(lines, fit(fmt.Sprintf("  … and %d more", more), width))
	}
	return lines
}

// jobLine shows one job. On a narrow terminal, it leaves out the last columns.
func jobLine(e jobs.Event, width int, color bool) string {
	status := e.Job.Status.String()
	marker, code := " ", ""
	switch e.Job.Status {
	case jobs.StatusSuccess:
		marker, code = "✓", "32" // green
	case jobs.StatusFailed, jobs.StatusAborted:
		marker, code = "✗", "31" // red
	}
	right := fmt.Sprintf("  %-10s", status)
	if columns := fmt.Sprintf("  %6s", Short(elapsed(e))); width >= 44 {
		right += columns
	}
	note := ""
	switch {
	case e.Job.Status.Finished():
	case e.Err != nil:
		note = "  poll failed " + Short(time.Since(e.At)) + " ago"
	case e.Poll > 0:
		note = "  polled " + Short(time.Since(e.At)) + " ago"
	}
	const noteWidth = 23
	if width >= 60 {
		right += runewidth.FillRight(note, noteWidth)
	}
	room := max(1, width-2-runewidth.StringWidth(right))
	left := runewidth.FillRight(fit(title(e.Job), room), room)
	line := strings.TrimRight(marker+" "+left+right, " ")
	if color && code != "" {
		line = "\x1b[" + code + "m" + line + "\x1b[0m"
	}
	return line
}

// countLine shows many jobs as counts.
func countLine(events []jobs.Event, total, width int) string {
	finished := 0
	var polled time.Time
	for _, e := range events {
		if e.Job.Status.Finished() {
			finished++
		}
		if e.Poll > 0 && e.At.After(polled) {
			polled = e.At
		}
	}
	const barWidth = 16
	done := barWidth * finished / total
	text := "[" + strings.Repeat("=", done) + strings.Repeat(" ", barWidth-done) + "] " + counts(events, total) + "  " + Short(longest(events))
	if finished < total && !polled.IsZero() {
		text += "  polled " + Short(time.Since(polled)) + " ago"
	}
	return fit(text, width)
}

// counts returns the number of jobs by status, such as
// 248 of 300 finished  2 FAILED  52 PROCESSING  246 SUCCESS.
func counts(events []jobs.Event, total int) string {
	n := map[jobs.Status]int{}
	finished := 0
	for _, e := range events {
		n[e.Job.Status]++
		if e.Job.Status.Finished() {
			finished++
		}
	}
	texts := []string{fmt.Sprintf("%d of %d finished", finished, total)}
	for _, s := range slices.Sorted(maps.Keys(n)) {
		texts = append(texts, fmt.Sprintf("%d %s", n[s], s))
	}
	return strings.Join(texts, "  ")
}

// elapsed returns how long a wait has lasted.
func elapsed(e jobs.Event) time.Duration {
	if e.Job.Status.Finished() {
		return e.Elapsed
	}
	return e.Elapsed + time.Since(e.At)
}

func longest(events []jobs.Event) (d time.Duration) {
	for _, e := range events {
		d = max(d, elapsed(e))
	}
	return d
}

func title(s jobs.Snapshot) string { return cmp.Or(s.Title, s.ID) }

func fit(text string, width int) string { return runewidth.Truncate(text, width, "…") }

// Short returns a duration for people, such as 3.2s, 47s, 2m05s, 3h07m or 12d.
func Short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
