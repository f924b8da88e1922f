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

// A Report is everything that was measured in one run.
type Report struct {
	Tables    []*Table
	Lost      []FaultTable
	Cancelled *Cancelled
	Singles   []Single
	Sweep     []SweepPoint
	Took      time.Duration
}

func (r *Report) table(key string) *Table {
	for _, table := range r.Tables {
		if table.Key == key {
			return table
		}
	}
	return nil
}

// Make measures everything in a plan.
func Make(t *testing.T, plan Plan, progress func(string)) *Report {
	t.Helper()
	start := time.Now()
	b := &bench{t: t, plan: plan, progress: progress}
	r := &Report{}
	r.Tables = append(r.Tables, b.alone())
	for _, size := range plan.Sizes {
		r.Tables = append(r.Tables, b.together(size))
	}
	r.Lost = []FaultTable{b.faults(), b.deadlines()}
	c := b.cancelled()
	r.Cancelled = &c
	if plan.Shapes {
		r.Tables = append(r.Tables, b.shapes()...)
		r.Sweep = b.sweep()
		for _, via := range []string{viaCanned, viaChanging, viaLoopback, viaInProcess} {
			r.Singles = append(r.Singles, CompareSingle(t, via))
		}
	}
	r.Took = time.Since(start)
	return r
}

// Text is the table for a terminal.
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
	for _, table := range r.Lost {
		fmt.Fprintf(w, "\n%s\n", table.Title)
		fmt.Fprintln(w, "client\t"+strings.Join(table.names(), "\t"))
		for _, row := range table.Rows {
			fmt.Fprintln(w, row.Client+"\t"+strings.Join(table.cells(row), "\t"))
		}
	}
	fmt.Fprintln(w, "\ngoal\tlimit\tfigure\t")
	for _, g := range r.goals() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", g.Text, figure(g.Limit, g.Unit), figure(g.Value, g.Unit), verdict(g))
	}
	if err := w.Flush(); err != nil {
		panic(err) // it writes to memory
	}
	return out.String()
}

// Benchstat is what benchstat reads, one line for each row.
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

// The names of the files that Write makes.
const (
	fileReport = "performance.md"
	filePlot   = "performance.svg"
)

// Write writes the report and its plot into a folder.
func (r *Report) Write(folder string) error {
	if err := os.WriteFile(filepath.Join(folder, filePlot), r.plot(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, fileReport), r.markdown(), 0o644)
}

var headings = []string{"client", "setting", "requests per job", "lag mean", "p95", "p99", "late", "late p95", "peak/s", "lost", "bytes per wait", "goroutines per wait", "CPU per observation", "allocs per observation"}

// cells are the figures of a row.
func cells(row Row) []string {
	client := row.Client
	lost := "0"
	if row.Lost > 0 {
		lost = fmt.Sprintf("%.3g %%", 100*row.LostShare())
	}
	held := []string{"", ""}
	if row.Bytes > 0 {
		held = []string{thousands(int(math.Round(row.Bytes))), fmt.Sprintf("%.2g", math.Round(row.Goroutines*100)/100)}
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

// peak is left out where fewer jobs were measured than the table is about.
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

// thousands writes a number with commas.
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

func (table FaultTable) names() (names []string) {
	for _, f := range table.Faults {
		names = append(names, f.Name)
	}
	return names
}

func (table FaultTable) cells(row FaultRow) (cells []string) {
	for i, result := range row.Results {
		text := percent(result.LostShare())
		if f := table.Faults[i]; f.Faults.OutageTo > 0 {
			text += fmt.Sprintf(" (%s requests in it)", thousands(result.InOutage))
		} else if f.Faults.Limit > 0 {
			text += fmt.Sprintf(" (%s answered 429)", percent(result.Throttled429()))
		}
		cells = append(cells, text)
	}
	return cells
}

// processor is the model of the processors, where the system tells it.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer file.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if name, model, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}

// versions are those of the modules that the bench is built with. A test binary
// does not know them, and its tests run beside go.mod.
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
