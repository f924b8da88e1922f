package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Report holds the measurements of one run.
type Report struct {
	Tables   []*Table
	Faults   []*FaultTable
	Canceled *Canceled
	Singles  []Single
	Sweep    []SweepPoint
	Bulk     *Bulk // nil in the short plan
	Took     time.Duration
}

func (r *Report) table(key string) *Table {
	for _, table := range r.Tables {
		if table.Key == key {
			return table
		}
	}
	return nil
}

// Make measures according to a plan.
func Make(t *testing.T, plan Plan, progress func(string)) *Report {
	t.Helper()
	start := time.Now()
	b := &bench{t: t, plan: plan, progress: progress}
	r := &Report{}
	for _, table := range plan.tables() {
		if table.quick || !plan.Quick {
			b.fill(table)
			r.Tables = append(r.Tables, table)
		}
	}
	r.Faults = []*FaultTable{b.faults(), b.deadlines()}
	c := b.canceled()
	r.Canceled = &c
	if !plan.Quick {
		r.Sweep = b.sweep()
		for _, via := range []string{viaCanned, viaChanging, viaLoopback, viaInProcess} {
			r.Singles = append(r.Singles, CompareSingle(t, via))
		}
	}
	if !plan.Quick {
		r.Bulk = b.bulk()
	}
	r.Took = time.Since(start)
	return r
}

// Text returns the tables and goals for a terminal.
func (r *Report) Text() string {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, table := range r.Tables {
		fmt.Fprintf(w, "\n%s\n", table.Title)
		fmt.Fprintln(w, strings.Join(headings, "\t"))
		for _, row := range table.Rows {
			fmt.Fprintln(w, strings.Join(cells(row), "\t"))
		}
	}
	for _, table := range r.Faults {
		fmt.Fprintf(w, "\n%s\n", table.Title)
		fmt.Fprintln(w, "client\t"+strings.Join(table.names(), "\t"))
		for _, row := range table.Rows {
			fmt.Fprintln(w, row.Client+"\t"+strings.Join(table.cells(row), "\t"))
		}
	}
	if r.Bulk != nil {
		fmt.Fprintln(w, "\ntask in bulk\tpackage jobs\tcompared with\tratio")
		for _, row := range r.Bulk.Rows {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.Text, row.Figure, row.Other, row.Ratio)
		}
	}
	fmt.Fprintln(w, "\ngoal\tlimit\tfigure\t")
	for _, g := range r.goals() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.Text, figure(g.Limit, g.Unit), figure(g.Value, g.Unit), verdict(g))
	}
	if err := w.Flush(); err != nil {
		panic(err) // out is in memory
	}
	return out.String()
}

// Benchstat returns a line for each row in the format of benchstat.
func (r *Report) Benchstat() string {
	var out strings.Builder
	fmt.Fprintf(&out, "goos: %s\ngoarch: %s\npkg: github.com/graviti-ai/tensorbay-jobs-go/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, processor())
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			name := "BenchmarkWait/jobs=" + table.Key + "/client=" + word(row.Client)
			if row.Tuned {
				name += "/tuned"
			}
			fmt.Fprintf(&out, "%s %d", name, row.Waits)
			for _, v := range []struct {
				value float64
				unit  string
			}{
				{row.PerJob(), "req/job"},
				{mean(row.Lags), "lag-s"},
				{quantile(row.Lags, 0.95), "p95-lag-s"},
				{quantile(row.Lags, 0.99), "p99-lag-s"},
				{mean(row.Relative), "relative-lag"},
				{float64(row.Peak), "peak-req/s"},
				{float64(row.CPUPerObservation()), "cpu-ns/observation"},
				{row.MallocsPerObservation(), "allocs/observation"},
			} {
				if !math.IsNaN(v.value) {
					fmt.Fprintf(&out, " %.6g %s", v.value, v.unit)
				}
			}
			fmt.Fprintln(&out)
		}
	}
	return out.String()
}

func word(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' {
			return '_'
		}
		if r == ',' || r == ':' {
			return -1
		}
		return r
	}, text)
}

const filePlot = "performance.svg"

// Write writes docs/performance.md, its plot and bench/results.md below a folder.
func (r *Report) Write(folder string) error {
	for name, content := range map[string][]byte{
		"docs/performance.md": r.summary(),
		"docs/" + filePlot:    r.plot(),
		"bench/results.md":    r.results(),
	} {
		if err := os.WriteFile(filepath.Join(folder, filepath.FromSlash(name)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

var headings = []string{"client", "setting", "requests per job", "lag mean", "p95", "p99", "lateness", "lateness p95", "peak/s", "lost", "heap per wait", "goroutines per wait", "CPU per observation", "allocs per observation"}

// cells returns the figures of a row.
func cells(row Row) []string {
	client := row.Client
	lost := "0"
	if row.Lost > 0 {
		lost = fmt.Sprintf("%.3g %%", 100*row.LostShare())
	}
	held := []string{"", ""}
	if row.Goroutines >= 0 {
		held = []string{thousands(int(math.Round(row.Heap))), fmt.Sprintf("%.2f", row.Goroutines)}
	}
	setting := row.Setting
	if row.Tuned {
		setting = "tuned: " + setting
	}
	return slices.Concat([]string{
		client, setting,
		number3(row.PerJob()), seconds(mean(row.Lags)), seconds(quantile(row.Lags, 0.95)), seconds(quantile(row.Lags, 0.99)),
		percent(mean(row.Relative)), percent(quantile(row.Relative, 0.95)),
		peak(row), lost,
	}, held, []string{
		fmt.Sprintf("%.1f µs", float64(row.CPUPerObservation())/1e3), fmt.Sprintf("%.1f", row.MallocsPerObservation()),
	})
}

// peak returns nothing if only a sample of the jobs was measured.
func peak(row Row) string {
	if row.sampled {
		return ""
	}
	return fmt.Sprint(row.Peak)
}

func number3(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 1000:
		return thousands(int(math.Round(v)))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// thousands formats a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return number3(v) + " s"
}

func percent(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return number3(100*v) + " %"
}

func figure(v float64, unit string) string {
	switch unit {
	case "":
		return number3(v)
	case "×":
		return fmt.Sprintf("%.3f×", v)
	}
	return number3(v) + " " + unit
}

func verdict(g Goal) string {
	if g.Met() {
		return "met"
	}
	return "**missed**"
}

func (table *FaultTable) names() (names []string) {
	for _, f := range table.Faults {
		names = append(names, f.Name)
	}
	return names
}

func (table *FaultTable) cells(row FaultRow) (cells []string) {
	for i, result := range row.Results {
		text := percent(result.LostShare())
		if f := table.Faults[i]; f.Faults.OutageTo > 0 {
			text += fmt.Sprintf(" (%s requests in the outage)", thousands(result.InOutage))
		} else if f.Faults.Limit > 0 {
			text += fmt.Sprintf(" (%s with status 429)", percent(result.ThrottledShare()))
		}
		cells = append(cells, text)
	}
	return cells
}

// processor returns the model of the processor if the system knows it.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, model, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}

// versions returns the versions of the modules in go.mod. A test binary does not
// contain them.
func versions() map[string]string {
	versions := map[string]string{}
	text, err := os.ReadFile("go.mod")
	if err != nil {
		return versions
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(strings.TrimPrefix(line, "require ")); len(fields) >= 2 {
			versions[fields[0]] = fields[1]
		}
	}
	return versions
}
