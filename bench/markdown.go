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

// page is a Markdown document.
type page struct{ bytes.Buffer }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// block writes a heading or a paragraph.
func (p *page) block(format string, args ...any) { p.line(format+"\n", args...) }

func (p *page) table(headings []string, rows [][]string) {
	p.line("| %s |", strings.Join(headings, " | "))
	p.line("|%s", strings.Repeat(" --- |", len(headings)))
	for _, row := range rows {
		p.line("| %s |", strings.Join(row, " | "))
	}
	p.line("")
}

// name returns the name of a client, in bold if it is ours.
func name(client string, ours bool) string {
	if ours {
		return "**" + client + "**"
	}
	return client
}

// definitions explains the terms of both pages.
const definitions = "*Requests* are HTTP round trips. *Lag* is the time from the end of a job to the return of its wait. " +
	"*Limit* is the rate limit of package jobs (`WithRateLimit`); the other libraries have none."

// summary returns docs/performance.md.
func (r *Report) summary() []byte {
	var p page
	p.block("# Performance")
	p.block("`make bench` writes this page; do not edit it. All figures of waits come from a simulated service in virtual time: " +
		"all clients wait for the same jobs, and each request takes " + short(sim.RoundTrip) + ". " + definitions)

	p.block("## How late is a wait, and how many requests does it send?")
	main := r.table(keyMain)
	p.block("%s. %s The libraries have their default options. The last columns are the waits lost if 1 %% of the requests fail, and in an outage of 60 s.", main.Title, main.Text)
	var rows [][]string
	for _, row := range main.Rows {
		if row.Tuned {
			continue
		}
		cells := []string{name(row.Client, row.Ours), number3(row.PerJob()), seconds(mean(row.Lags)), seconds(quantile(row.Lags, 0.99))}
		for _, fault := range r.Faults[0].Rows {
			if fault.Client == row.Client {
				for i := range 2 {
					cells = append(cells, percent(fault.Results[i].LostShare()))
				}
			}
		}
		rows = append(rows, cells)
	}
	p.table([]string{"client", "requests per job", "mean lag", "p99", "lost, 1 % fail", "lost, outage"}, rows)

	p.block("## What about my number of jobs?")
	p.block("`WaitAll`, or one `Wait` for each job in a goroutine: the waits share their requests. More jobs therefore need fewer requests each. " +
		"The rate limit determines how late the waits for very many jobs are.")
	rows = nil
	for _, table := range r.Tables {
		if !table.summary {
			continue
		}
		row := table.Rows[0]
		rows = append(rows, []string{table.Title, row.Client, number3(row.PerJob()), seconds(mean(row.Lags)), seconds(quantile(row.Lags, 0.99))})
	}
	p.table([]string{"jobs", "client", "requests per job", "mean lag", "p99"}, rows)
	if alone := r.table(keyAlone); alone != nil {
		own := alone.ours(nameWait)
		p.block("One job alone is polled after delays of 7 %% of the time it has run: on average the end is noticed late by %s of the length of the job.", percent(mean(own.Relative)))
	}

	p.block("## Could another interval do better?")
	p.block("![Mean lag and requests per job on logarithmic axes](%s)", filePlot)
	p.block("1,000 jobs. A dot is a library with its default options. The lines show what the other two ways of polling reach with any interval: a request for each job, and a request for 25 jobs.")

	if r.Bulk != nil {
		r.Bulk.write(&p)
	}

	p.block("## How do I measure again?")
	p.block("`make bench` measures everything, in about %d minutes, and writes this page and [bench/results.md](../bench/results.md). "+
		"That page has all scenarios, versions and goals, and the figures on which another library is better. `make bench-check` checks the goals that take seconds. "+
		"`cd bench && go test -v -run TestTable/queue` measures one scenario.", int(math.Ceil(r.Took.Minutes())))
	return p.Bytes()
}

// results returns bench/results.md.
func (r *Report) results() []byte {
	var p page
	p.block("# Results")
	p.block("`make bench` writes this page; do not edit it. [Performance](../docs/performance.md) is its summary.")
	p.block("All clients wait for the same jobs of one simulated service, each in the wire form that it understands. "+
		"The service runs in virtual time (testing/synctest), and each request takes %s. Only processor time and memory depend on the machine.", short(sim.RoundTrip))
	p.block(definitions + " *Lateness* is the lag as a fraction of the length of the job. *Peak* is the largest number of requests within a second. " +
		"An *observation* is one job state in a response.")
	r.writeMachine(&p)
	r.writeGoals(&p)

	p.block("## All clients")
	p.block("A *tuned* library sends as many requests for each job as the first row of the table. The setting names the option that was changed; of several, it is the best one. "+
		"Some libraries cannot send so few: a wait that is independent needs at least two requests. "+
		"A library whose waits are independent does the same for each of ten jobs as for each of ten thousand. It is measured with as many jobs as need about %s requests, and without its peak if that is a sample.", thousands(Full.Budget))
	for _, table := range r.Tables {
		p.block("### %s", table.Title)
		p.block("%s", table.Text)
		table.write(&p)
	}
	r.writeMemory(&p)
	r.writeGrowth(&p)
	for _, table := range r.Faults {
		table.write(&p)
	}
	r.writeCanceled(&p)
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
	p.table([]string{"library", "version", "default options"}, rows)
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
			text += " (depends on the machine)"
		}
		rows = append(rows, []string{text, figure(g.Limit, g.Unit), figure(g.Value, g.Unit), verdict(g)})
	}
	p.block("## Goals")
	p.block("%d of %d are met.", met, len(goals))
	p.table([]string{"goal", "at most", "measured", ""}, rows)
}

func (table *Table) write(p *page) {
	headings := []string{"client", "setting", "requests per job", "mean lag", "p95", "p99", "peak/s", "lost", "CPU per observation", "allocations"}
	columns := []int{0, 1, 2, 3, 4, 5, 8, 9, 12, 13}
	if table.Key == keyAlone {
		headings = []string{"client", "setting", "requests per job", "mean lateness", "p95", "mean lag", "lost", "CPU per observation", "allocations"}
		columns = []int{0, 1, 2, 6, 7, 3, 9, 12, 13}
	}
	var rows [][]string
	for _, row := range table.Rows {
		all := cells(row)
		var shown []string
		for _, c := range columns {
			shown = append(shown, all[c])
		}
		shown[0] = name(row.Client, row.Ours)
		rows = append(rows, shown)
	}
	p.table(headings, rows)
}

func (r *Report) writeMemory(p *page) {
	p.block("## Memory of a wait")
	p.block("Heap and goroutines for each wait, 5.5 s after the start. Stacks and the jobs themselves are not included.")
	var rows [][]string
	for _, table := range r.Tables {
		for _, row := range table.Rows {
			if row.Goroutines >= 0 && (row.Ours || table.Key == keyMain) {
				rows = append(rows, []string{row.Client, thousands(row.N), thousands(int(math.Round(row.Heap))), fmt.Sprintf("%.2f", row.Goroutines)})
			}
		}
	}
	p.table([]string{"client", "jobs", "bytes per wait", "goroutines per wait"}, rows)
}

func (r *Report) writeGrowth(p *page) {
	p.block("## Cost of many jobs")
	p.block("WaitAll of more and more jobs. More jobs share each request, and the cost of an observation is about constant.")
	var rows [][]string
	for _, table := range r.Tables {
		if row := table.ours(nameAll); row != nil && table.isSize() {
			rows = append(rows, []string{thousands(row.N), fmt.Sprintf("%g/s", table.Limit), number3(row.PerJob()), seconds(mean(row.Lags)),
				fmt.Sprintf("%.1f µs", float64(row.CPUPerObservation())/1e3), fmt.Sprintf("%.1f", row.MallocsPerObservation())})
		}
	}
	p.table([]string{"jobs", "limit", "requests per job", "mean lag", "CPU per observation", "allocations per observation"}, rows)
}

func (table *FaultTable) write(p *page) {
	p.block("## %s", table.Title)
	p.block("%s", table.Text)
	var rows [][]string
	for _, row := range table.Rows {
		rows = append(rows, append([]string{name(row.Client, row.Ours)}, table.cells(row)...))
	}
	p.table(append([]string{"client"}, table.names()...), rows)
}

func (r *Report) writeCanceled(p *page) {
	if c := r.Canceled; c != nil {
		p.block("## Canceled waits")
		p.block("A canceled wait of package jobs returns after %v, and %d requests follow. If one of a hundred waits is canceled, they send %d requests in three runs, and %d if none is. %d others are lost.",
			c.Late, c.After, c.With, c.Without, c.Lost)
	}
}

func (r *Report) writeSingles(p *page) {
	if len(r.Singles) == 0 {
		return
	}
	p.block("## Job.Update and its floor")
	p.block("The floor reads the same response with net/http, `io.ReadAll` and one `json.Unmarshal`. Both run in turn in short rounds. The ratio is the median of the rounds.")
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
	p.block("## The schedule of one wait")
	p.block("One job with a length from 1 s to 1 h, uniform on a logarithmic scale. A schedule is *dominated* if another one in the table sends no more requests and is less late on average. "+
		"The default is fraction %s, min %s, max %s.", percent(defaultSchedule.Fraction), short(defaultSchedule.Min), short(defaultSchedule.Max))
	var rows [][]string
	var usual, best SweepPoint
	for _, s := range r.Sweep {
		if s.Schedule == defaultSchedule {
			usual = s
		}
	}
	best = usual
	for _, s := range r.Sweep {
		dominated := ""
		for _, other := range r.Sweep {
			if other.PerJob <= s.PerJob && other.Mean < s.Mean {
				dominated = "dominated"
			}
		}
		rows = append(rows, []string{percent(s.Fraction), short(s.Min), short(s.Max), number3(s.PerJob), percent(s.Mean), percent(s.P95), dominated})
		if s.PerJob <= usual.PerJob*1.01 && s.Mean < best.Mean {
			best = s
		}
	}
	p.table([]string{"fraction", "min", "max", "requests per job", "mean lateness", "p95", ""}, rows)
	if best == usual {
		p.block("With as many requests, no schedule is less late than the default.")
		return
	}
	p.block("With at most the %s requests of the default, the least late is fraction %s, min %s, max %s: %s on average and %s at p95. The default reaches %s and %s.",
		number3(usual.PerJob), percent(best.Fraction), short(best.Min), short(best.Max), percent(best.Mean), percent(best.P95), percent(usual.Mean), percent(usual.P95))
}

// short formats a duration in one unit.
func short(d time.Duration) string {
	switch {
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

// measure is a figure by which clients are compared. Less is better.
type measure struct {
	name string
	of   func(Row) float64
	text func(float64) string
	// why explains why other clients are better.
	why func(ours Row, better []Row) string
}

func measures(table *Table) []measure {
	fewerRequests := func(ours Row, better []Row) string {
		text := "They poll less often: their mean lag is " + ratios(ours, better, Row.meanLag) + " ours"
		if table.Key == keyAlone {
			text += ", their mean lateness " + ratios(ours, better, Row.meanLateness)
		}
		return text + "."
	}
	moreRequests := func(ours Row, better []Row) string {
		text := "They send " + ratios(ours, better, Row.perJob) + " the requests."
		if table.Key == keyAlone {
			text += " A constant interval is late by a constant: little for long jobs, which dominate the mean in seconds, and much for short ones."
		}
		return text
	}
	list := []measure{{"Fewer requests per job", Row.perJob, number3, fewerRequests}}
	if table.Key == keyAlone {
		list = append(list, measure{"Less lateness", Row.meanLateness, percent, moreRequests})
	}
	return append(list,
		measure{"Less lag, mean", Row.meanLag, seconds, moreRequests},
		measure{"Less lag, p99", func(r Row) float64 { return quantile(r.Lags, 0.99) }, seconds, moreRequests},
		measure{"Less CPU per observation", func(r Row) float64 { return float64(r.CPUPerObservation()) }, func(v float64) string { return fmt.Sprintf("%.1f µs", v/1e3) }, reads},
		measure{"Fewer allocations per observation", func(r Row) float64 { return r.MallocsPerObservation() }, func(v float64) string { return fmt.Sprintf("%.1f", v) }, reads})
}

func (r Row) perJob() float64       { return r.PerJob() }
func (r Row) meanLag() float64      { return mean(r.Lags) }
func (r Row) meanLateness() float64 { return mean(r.Relative) }

// ratios formats the range of a figure of others relative to ours.
func ratios(ours Row, others []Row, of func(Row) float64) string {
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

// reads explains less work for an observation.
func reads(_ Row, better []Row) string {
	var texts []string
	for _, peer := range Peers() {
		for _, row := range better {
			if row.Client == peer.Name && !slices.Contains(texts, peer.Reads) {
				texts = append(texts, peer.Reads)
			}
		}
	}
	return strings.Join(texts, " ") + " Package jobs reads and checks the whole job."
}

// writeAhead lists each figure on which a peer is better than package jobs.
func (r *Report) writeAhead(p *page) {
	p.block("## Figures on which another library is better")
	p.block("Each is compared with the first row of its table, which is this module. Clients that lost a wait are left out.")
	for _, table := range r.Tables {
		if !slices.ContainsFunc(table.Rows, func(row Row) bool { return !row.Ours }) {
			continue
		}
		p.block("### %s", table.Title)
		ours := table.Rows[0]
		for _, m := range measures(table) {
			var better []Row
			var names []string
			for _, row := range table.Rows {
				if row.Ours || row.Lost > 0 || !(m.of(row) < m.of(ours)) {
					continue
				}
				better = append(better, row)
				name := row.Client
				if row.Tuned {
					name += ", tuned"
				}
				names = append(names, fmt.Sprintf("%s (%s)", name, m.text(m.of(row))))
			}
			if len(better) > 0 {
				p.line("- **%s** than %s: %s. %s", m.name, m.text(m.of(ours)), strings.Join(names, "; "), m.why(ours, better))
			}
		}
		both := 0
		for _, row := range table.Rows {
			if !row.Ours && row.Lost == 0 && dominated(table, row) {
				both++
				p.line("- **Fewer requests and less lag: %s**, %s and %s.", row.Client, number3(row.PerJob()), seconds(mean(row.Lags)))
			}
		}
		if both == 0 {
			p.line("- Fewer requests and less lag: none.")
		}
		p.line("")
	}
	p.block("### Lost waits")
	lost := r.fewerLost()
	if len(lost) == 0 {
		p.line("No library loses fewer waits, with any fault or deadline.")
	}
	for _, text := range lost {
		p.line("- %s", text)
	}
}

// fewerLost lists the faults with which a peer loses fewer waits than package jobs.
func (r *Report) fewerLost() (texts []string) {
	for _, table := range r.Faults {
		for i, f := range table.Faults {
			for _, own := range table.Rows {
				for _, row := range table.Rows {
					if own.Ours && !row.Ours && row.Results[i].LostShare() < own.Results[i].LostShare() {
						texts = append(texts, fmt.Sprintf("%s: %s loses %s of the waits, %s loses %s.", f.Name,
							row.Client, percent(row.Results[i].LostShare()), own.Client, percent(own.Results[i].LostShare())))
					}
				}
			}
		}
	}
	return texts
}
