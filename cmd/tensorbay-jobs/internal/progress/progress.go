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
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

const (
	// maxLines is the largest number of jobs with a line each. More are shown as counts.
	maxLines = 10
	// maxFailures is the largest number of failed jobs below the counts.
	maxFailures = 5
	// maxWidth keeps the columns of a line together on a wide terminal.
	maxWidth = 100

	plainInterval = 100 * time.Millisecond // between checks for plain lines
	countInterval = 10 * time.Second       // between plain lines with counts
)

// Waits shows the jobs of p on w until stop is called, live or as plain lines. total is the
// number of jobs, of which some may not have begun to wait. If keep is false, stop removes the
// live lines.
func Waits(w io.Writer, live bool, p *jobs.Progress, total int) (stop func(keep bool)) {
	if live {
		color := os.Getenv("NO_COLOR") == ""
		return animate(w, func(width, height int) []string {
			return waitLines(p.Events(), total, min(width-1, maxWidth), height-1, color)
		})
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
	return func(bool) { close(quit); <-done }
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
		if len(events) > 0 && time.Since(p.counted) >= countInterval || ended {
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

// waitLines returns at most height lines that show the events.
func waitLines(events []jobs.Event, total, width, height int, color bool) (lines []string) {
	if total <= min(maxLines, height) {
		for _, e := range events {
			lines = append(lines, jobLine(e, width, color))
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
		lines = append(lines, fit(width, fmt.Sprintf("  … and %d more", more)))
	}
	return lines[:min(len(lines), max(1, height))]
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
		note = "  poll failed " + ago(e.At)
	case e.Poll > 0:
		note = "  polled " + ago(e.At)
	}
	const noteWidth = 23
	if width >= 60 {
		right += runewidth.FillRight(note, noteWidth)
	}
	room := max(1, width-2-runewidth.StringWidth(right))
	left := runewidth.FillRight(fit(room, title(e.Job)), room)
	line := strings.TrimRight(marker+" "+left+right, " ")
	if color && code != "" {
		line = "\x1b[" + code + "m" + line + "\x1b[0m"
	}
	return line
}

// countLine shows many jobs as counts. On a narrow terminal, it leaves out the last poll and
// the bar.
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
	text := counts(events, total) + "  " + Short(longest(events))
	withBar := bar(finished, total) + " " + text
	withPoll := withBar
	if finished < total && !polled.IsZero() {
		withPoll += "  polled " + ago(polled)
	}
	return fit(width, withPoll, withBar, text)
}

func bar(done, total int) string {
	const width = 16
	filled := width * min(done, total) / max(1, total)
	return "[" + strings.Repeat("=", filled) + strings.Repeat(" ", width-filled) + "]"
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

// ago returns the time since t in seconds, because tenths would flicker.
func ago(t time.Time) string {
	d := time.Since(t)
	if d < time.Minute {
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	}
	return Short(d) + " ago"
}

func longest(events []jobs.Event) (d time.Duration) {
	for _, e := range events {
		d = max(d, elapsed(e))
	}
	return d
}

func title(s jobs.Snapshot) string { return Printable(cmp.Or(s.Title, s.ID)) }

// Printable removes control characters and marks that change the direction of a text, which
// texts of the service may contain.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, text)
}

// fit returns the first text that fits the width. If none does, it clips the last one.
func fit(width int, texts ...string) string {
	for _, text := range texts {
		if runewidth.StringWidth(text) <= width {
			return text
		}
	}
	return runewidth.Truncate(texts[len(texts)-1], width, "…")
}

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
