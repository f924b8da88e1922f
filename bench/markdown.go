package bench

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// A page is Markdown under construction.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// block writes a heading or a paragraph.
func (p *page) block(format string, args ...any) { p.line(format+"\n", args...) }

// table writes a table; the first two columns are text, the others numbers.
func (p *page) table(headings []string, rows [][]string) {
	p.line("| %s |", strings.Join(headings, " | "))
	p.line("|%s", strings.Repeat(" --- |", len(headings)))
	for _, row := range rows {
		p.line("| %s |", strings.Join(row, " | "))
	}
	p.line("")
}

// markdown is docs/performance.md.
func (r *Report) markdown() []byte {
	var p page
	p.block("# Performance")
	p.block("This page is written by the program in [bench](../bench), as `make bench` starts it; do not edit it. " +
		"Every client waits for the same jobs of one simulated service, which speaks to each in the wire form that it knows. " +
		"The service lives in virtual time (testing/synctest): an hour takes a moment, a request takes exactly " + sim.RoundTrip.String() +
		", and no figure but those about processor time depends on the machine.")
	p.block("A *request* is one HTTP round trip. *Lag* is the time from the end of a job to the return of the wait for it; " +
		"*lateness* is the lag as a part of the job's length. *Peak* is the most requests that were sent within any one second. " +
		"*Limit* is the pace limit of package jobs (`WithRateLimit`); the others have none.")
	r.writeMachine(&p)
	r.writeGoals(&p)

	p.block("## Lag against requests")
	p.block("![Mean lag against requests per job, both on logarithmic axes](%s)", filePlot)
	p.block("1,000 jobs. Down is sooner, left is cheaper. A dot is a library as it comes. The lines are the two ways that the others have, at many intervals: every job by itself, which needs two requests for a job at the very least, one to begin with and one to see the end; and a list of 25 ids a request.")

	p.block("## All clients")
	p.block("*Tuned* is a library set to as many requests per job as the first row of the table, by the knob that is named, where one exists that reaches that number; "+
		"where there are several, the best. (A wait that looks at once and shares nothing needs two requests for a job at the least.) A library whose waits share nothing does the same for each of ten jobs as for each of ten thousand, "+
		"so it is measured with no more jobs than make about %s requests; its peak is left out where that is fewer than the table is about.", thousands(Full.Budget))
	for _, table := range r.Tables {
		p.block("### %s", table.Title)
		p.block("%s", table.Text)
		r.writeTable(&p, table)
	}
	r.writeMemory(&p)
	r.writeGrowth(&p)
	for _, table := range r.Lost {
		table.write(&p)
	}
	r.writeCancelled(&p)
	r.writeSingles(&p)
	r.writeSweep(&p)
	r.writeAhead(&p)
	return p.Bytes()
}

func (r *Report) writeMachine(p *page) {
	p.block("Measured on %s, %d cores, %s, %s/%s, in %v.", processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, r.Took.Round(time.Second))
	built := versions()
	var rows [][]string
	for _, peer := range Peers() {
		version := "–"
		if peer.Module != "" {
			version = "`" + peer.Module + "` " + built[peer.Module]
		}
		rows = append(rows, []string{peer.Name, version, peer.DefaultText})
	}
	p.table([]string{"peer", "version", "as it comes"}, rows)
}

func (r *Report) writeGoals(p *page) {
	goals := r.goals()
	met := 0
	var rows [][]string
	for _, g := range goals {
		if g.Met() {
			met++
		}
		text := g.Text
		if g.Machine {
			text += " (this machine)"
		}
		rows = append(rows, []string{text, figure(g.Limit, g.Unit), figure(g.Value, g.Unit), verdict(g)})
	}
	p.block("## Goals")
	p.block("%d of %d are met.", met, len(goals))
	p.table([]string{"goal", "at most", "measured", ""}, rows)
}

func (r *Report) writeTable(p *page, table *Table) {
	heads := []string{"client", "setting", "requests per job", "lag, mean", "p95", "p99", "peak/s", "lost", "CPU per observation", "allocations"}
	columns := []int{0, 1, 2, 3, 4, 5, 8, 9, 12, 13}
	if table.Key == keyAlone {
		heads = []string{"client", "setting", "requests per job", "lateness, mean", "p95", "lag, mean", "lost", "CPU per observation", "allocations"}
		columns = []int{0, 1, 2, 6, 7, 3, 9, 12, 13}
	}
	var rows [][]string
	for _, row := range table.Rows {
		all := cells(row)
		var shown []string
		for _, c := range columns {
			shown = append(shown, all[c])
		}
		if row.Ours {
			shown[0] = "**" + shown[0] + "**"
		}
		rows = append(rows, shown)
	}
	p.table(heads, rows)
}

func (r *Report) writeMemory(p *page) {
	p.block("## Held while waiting")
	p.block("Heap and stacks per wait, and goroutines, 5.5 s after the start, when all wait; the jobs themselves, which the program holds anyway, are not counted, and neither is the runtime's descriptor of a goroutine (about 490 bytes), which is kept for the next one. `job.Wait` keeps to the smallest stack that Go has, 2 KB, when it is called near the bottom of its goroutine; deeper down it is 4 KB. (Go begins a goroutine with more than 2 KB where those of the program have needed more on average. That is turned off here, for all clients, so that no row depends on the one before.)")
	var rows [][]string
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			if row.Bytes != 0 && !row.Tuned && (row.Ours || table.Key == "1000@10") {
				rows = append(rows, []string{row.Client, thousands(row.N), thousands(int(math.Round(row.Bytes))), fmt.Sprintf("%.2f", row.Goroutines)})
			}
		}
	}
	p.table([]string{"client", "jobs", "bytes per wait", "goroutines per wait"}, rows)
}

func (r *Report) writeGrowth(p *page) {
	p.block("## How cost grows")
	p.block("WaitAll of more and more jobs: a request is shared by more of them, and an observation costs the same.")
	var rows [][]string
	for _, table := range r.Tables {
		if row := table.ours(nameAll); row != nil && strings.Contains(table.Key, "@") {
			rows = append(rows, []string{thousands(table.N), fmt.Sprintf("%g/s", table.Limit), number3(row.PerJob()), seconds(mean(row.Lags)),
				fmt.Sprintf("%.1f µs", float64(row.CPUPerObservation())/1e3), fmt.Sprintf("%.1f", row.MallocsPerObservation())})
		}
	}
	p.table([]string{"jobs", "limit", "requests per job", "mean lag", "CPU per observation", "allocations per observation"}, rows)
}

func (table FaultTable) write(p *page) {
	p.block("## %s", table.Title)
	p.block("%s", table.Text)
	var rows [][]string
	for _, row := range table.Rows {
		name := row.Client
		if row.Ours {
			name = "**" + name + "**"
		}
		rows = append(rows, append([]string{name}, table.cells(row)...))
	}
	p.table(append([]string{"client"}, table.names()...), rows)
}

func (r *Report) writeCancelled(p *page) {
	if c := r.Cancelled; c != nil {
		p.block("## Cancelled waits")
		p.block("A wait of package jobs that is cancelled returns after %v and sends %d more requests. When one of a hundred is cancelled, the hundred send %d requests in three runs, and %d when none is; %d others are lost.",
			c.Late, c.After, c.With, c.Without, c.Lost)
	}
}

func (r *Report) writeSingles(p *page) {
	if len(r.Singles) == 0 {
		return
	}
	p.block("## One Update and its floor")
	p.block("`job.Update` beside the least that reads the same answer: net/http, `io.ReadAll` and one `json.Unmarshal`. Both run in turn in short rounds; the ratio is the median of the rounds'.")
	var rows [][]string
	for _, s := range r.Singles {
		rows = append(rows, []string{s.Transport, fmt.Sprintf("%.1f µs", float64(s.Update)/1e3), fmt.Sprintf("%.1f µs", float64(s.Floor)/1e3), fmt.Sprintf("%.2f×", s.RatioCPU),
			fmt.Sprintf("%.0f", s.UpdateAllocs), fmt.Sprintf("%.0f", s.FloorAllocs), fmt.Sprintf("%.2f×", s.RatioAlloc)})
	}
	p.table([]string{"transport", "Update", "floor", "", "allocations", "floor", ""}, rows)
}

func (r *Report) writeSweep(p *page) {
	if len(r.Sweep) == 0 {
		return
	}
	p.block("## The schedule of a single wait")
	p.block("One job with a length log-uniform from 1 s to 1 h, by schedule. A schedule is *beaten* when another one in the table sends no more requests and is less late on average; the default is fraction %g %%, floor %v, cap %s.",
		100*defaultSchedule.Fraction, defaultSchedule.Min, short(defaultSchedule.Max))
	var rows [][]string
	var usual, best SweepPoint
	for _, s := range r.Sweep {
		if s.Schedule == defaultSchedule {
			usual = s
		}
	}
	best = usual
	for _, s := range r.Sweep {
		beaten := ""
		for _, other := range r.Sweep {
			if other.PerJob <= s.PerJob && other.Mean < s.Mean {
				beaten = "beaten"
			}
		}
		rows = append(rows, []string{number3(100*s.Fraction) + " %", s.Min.String(), short(s.Max), number3(s.PerJob), percent(s.Mean), percent(s.P95), beaten})
		if s.PerJob <= usual.PerJob*1.01 && s.Mean < best.Mean {
			best = s
		}
	}
	p.table([]string{"fraction", "floor", "cap", "requests per job", "lateness, mean", "p95", ""}, rows)
	if best == usual {
		p.block("No schedule here is less late than the default at as many requests.")
	} else {
		p.block("At no more requests than the default's %s, the least late is fraction %s, floor %v, cap %s: %s on average and %s at p95, against %s and %s.",
			number3(usual.PerJob), number3(100*best.Fraction)+" %", best.Min, short(best.Max), percent(best.Mean), percent(best.P95), percent(usual.Mean), percent(usual.P95))
	}
}

// short is a duration without its zeros.
func short(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return d.String()
}

// A measure is a figure by which clients are compared; the smaller, the better.
type measure struct {
	name string
	of   func(Row) float64
	text func(float64) string
	// why says why those ahead are ahead.
	why func(ours Row, ahead []Row) string
}

func measures(table *Table) []measure {
	perJob := measure{"Fewer requests per job", Row.perJob, number3, func(ours Row, ahead []Row) string {
		return "They look less often: their mean lag is " + span(ours, ahead, Row.meanLag) + " ours" + span2(table, ours, ahead)
	}}
	lag := func(name string, of func(Row) float64) measure {
		return measure{name, of, seconds, func(ours Row, ahead []Row) string {
			text := "They send " + span(ours, ahead, Row.perJob) + " the requests"
			if table.Key == keyAlone {
				text += ". A constant interval is late by a constant: little for the long jobs, which make up the mean in seconds, and much for the short ones, whose lateness is what a person waits for"
			}
			return text
		}}
	}
	list := []measure{perJob}
	if table.Key == keyAlone {
		list = append(list,
			measure{"Less lateness, mean", Row.meanLateness, percent, func(ours Row, ahead []Row) string {
				return "They send " + span(ours, ahead, Row.perJob) + " the requests"
			}})
	}
	list = append(list, lag("Less lag, mean", Row.meanLag), lag("Less lag, p99", func(r Row) float64 { return quantile(r.Lags, 0.99) }))
	return append(list,
		measure{"Fewer bytes per wait", func(r Row) float64 { return zeroIsNaN(r.Bytes) }, func(v float64) string { return thousands(int(math.Round(v))) }, func(Row, []Row) string {
			return "One loop holds little but the ids of what it waits for, and forgets what it saw"
		}},
		measure{"Less CPU per observation", func(r Row) float64 { return float64(r.CPUPerObservation()) }, func(v float64) string { return fmt.Sprintf("%.1f µs", v/1e3) }, reads},
		measure{"Fewer allocations per observation", func(r Row) float64 { return r.MallocsPerObservation() }, func(v float64) string { return fmt.Sprintf("%.1f", v) }, reads})
}

func (r Row) perJob() float64       { return r.PerJob() }
func (r Row) meanLag() float64      { return mean(r.Lags) }
func (r Row) meanLateness() float64 { return mean(r.Relative) }

// span is how many times ours a figure of others is.
func span(ours Row, others []Row, of func(Row) float64) string {
	least, most := math.Inf(1), math.Inf(-1)
	for _, row := range others {
		ratio := of(row) / of(ours)
		least, most = min(least, ratio), max(most, ratio)
	}
	if number3(least) == number3(most) {
		return number3(least) + "×"
	}
	return number3(least) + " to " + number3(most) + "×"
}

func span2(table *Table, ours Row, ahead []Row) string {
	if table.Key != keyAlone {
		return ""
	}
	return ", their mean lateness " + span(ours, ahead, Row.meanLateness)
}

func zeroIsNaN(v float64) float64 {
	if v == 0 {
		return math.NaN()
	}
	return v
}

// reads says what those ahead read of an answer.
func reads(_ Row, ahead []Row) string {
	var texts []string
	for _, peer := range Peers() {
		for _, row := range ahead {
			if row.Client == peer.Name && !slices.Contains(texts, peer.Reads) {
				texts = append(texts, peer.Reads)
			}
		}
	}
	return "They read less: " + strings.Join(texts, "; ") + ". Ours reads the whole job and checks it against the contract"
}

// writeAhead says where a peer is ahead of package jobs, on any figure.
func (r *Report) writeAhead(p *page) {
	p.block("## Where a peer is ahead, and why")
	p.block("Every figure of the tables above on which a peer is ahead of the first row of its table, which is package jobs. Rows that lost a wait are left out.")
	for _, table := range r.Tables {
		p.block("### %s", table.Title)
		ours := table.Rows[0]
		for _, m := range measures(table) {
			var ahead []Row
			var names []string
			for _, row := range table.Rows {
				if row.Ours || row.Lost > 0 || !(m.of(row) < m.of(ours)) {
					continue
				}
				ahead = append(ahead, row)
				name := row.Client
				if row.Tuned {
					name += ", tuned"
				}
				names = append(names, fmt.Sprintf("%s (%s)", name, m.text(m.of(row))))
			}
			if len(ahead) > 0 {
				p.line("- **%s** than %s: %s. %s.", m.name, m.text(m.of(ours)), strings.Join(names, "; "), m.why(ours, ahead))
			}
		}
		both := 0
		for _, row := range table.Rows {
			if !row.Ours && row.Lost == 0 && dominated(table, row) {
				both++
				p.line("- **Both requests and lag in seconds: %s**, %s and %s.", row.Client, number3(row.PerJob()), seconds(mean(row.Lags)))
			}
		}
		if both == 0 {
			p.line("- On both requests and lag: nobody.")
		}
		p.line("")
	}
	var lost []string
	for _, table := range r.Lost {
		for i, f := range table.Faults {
			for _, own := range table.Rows {
				if !own.Ours {
					continue
				}
				for _, row := range table.Rows {
					if !row.Ours && row.Results[i].LostShare() < own.Results[i].LostShare() {
						lost = append(lost, fmt.Sprintf("%s loses %s of the waits under: %s; %s %s", row.Client, percent(row.Results[i].LostShare()), f.Name, own.Client, percent(own.Results[i].LostShare())))
					}
				}
			}
		}
	}
	p.block("### Waits lost")
	if len(lost) == 0 {
		p.line("Under no fault and no deadline does a peer lose fewer waits.")
	}
	for _, text := range lost {
		p.line("- %s", text)
	}
}
