package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// The names of package jobs' ways to wait, as the report shows them.
const (
	nameWait    = "jobs: Wait"
	nameEach    = "jobs: Wait, a goroutine each"
	nameAll     = "jobs: WaitAll"
	nameGeneric = "polling.Wait"
)

// The keys of the tables for other jobs than the usual.
const (
	keyAlone    = "alone"
	keyShort    = "5s"
	keyHours    = "1h"
	keyArriving = "arriving"
	keyPlot     = "1000@10" // that of the usual ones which is plotted
)

// A Row is one client in one scenario.
type Row struct {
	Client, Setting string
	Ours, Tuned     bool
	N               int  // jobs measured at once
	sampled         bool // fewer than the table is about
	Result
}

// A Table is one scenario and all clients in it.
type Table struct {
	Key, Title, Text string
	N                int
	Limit            float64
	Rows             []Row
	Curves           []Curve
}

// A Curve is what a way of waiting does at one interval after another.
type Curve struct {
	Text            string
	PerJob, MeanLag []float64
}

// addCurves adds the curves of the plot: a loop for each job, and one call for
// all of them, at many intervals.
func (b *bench) addCurves(table *Table, sc Scenario) {
	sc.Seeds, sc.Memory = 1, 0
	alone := sc
	alone.Load.N = 300
	for _, c := range []struct {
		text      string
		sc        Scenario
		tuning    Tuning
		intervals []float64
	}{
		{"every job by itself, every 0.5 s to 2 min", alone, loopPeer().Tunings[0], []float64{0.5, 1, 2, 4, 8, 15, 30, 60, 120}},
		{"25 jobs a request, every 0.1 s to 30 s", sc, hcloudPeer().Tunings[0], []float64{0.1, 0.5, 1, 2, 4, 8, 15, 30}},
	} {
		curve := Curve{Text: c.text}
		for _, interval := range c.intervals {
			r := Measure(b.t, c.sc, func(client *http.Client, _ *sim.Service) Wait {
				return c.tuning.Make(client, time.Duration(interval*float64(time.Second)))
			})
			curve.PerJob = append(curve.PerJob, r.PerJob())
			curve.MeanLag = append(curve.MeanLag, mean(r.Lags))
		}
		table.Curves = append(table.Curves, curve)
	}
	b.progress("curves")
}

// ours is the row of package jobs by its name.
func (table *Table) ours(name string) *Row {
	for i := range table.Rows {
		if table.Rows[i].Client == name {
			return &table.Rows[i]
		}
	}
	return nil
}

// A Plan says how much is measured.
type Plan struct {
	Sizes    []Size
	Shapes   bool // other lengths, arrivals, faults, sweep
	Alone    int  // waits of the table for a single job
	Budget   int  // requests that a library which shares nothing is given in one table
	Peers    bool
	SeedsFor func(n int) int
}

// A Size is a number of jobs and the limit of package jobs for it.
type Size struct {
	N     int
	Limit float64
}

// Full is what the report is made of; Short is for a quick check.
var (
	Full = Plan{
		Sizes:  []Size{{100, 10}, {1000, 10}, {10_000, 50}, {10_000, 10}},
		Shapes: true, Alone: 300, Budget: 20_000, Peers: true,
		SeedsFor: func(n int) int { return max(3, min(30, 10_000/n)) },
	}
	Short = Plan{
		Sizes: []Size{{100, 10}, {1000, 10}}, Alone: 100,
		SeedsFor: func(n int) int { return max(3, min(30, 5000/n)) },
	}
)

// usual is how long jobs take unless it is said otherwise.
func usual() func(*rand.Rand) time.Duration { return sim.Lognormal(time.Minute, 0.5) }

// A bench measures and remembers how peers are tuned.
type bench struct {
	t    *testing.T
	plan Plan
	// progress is called before each measurement.
	progress func(text string)
}

func (b *bench) measure(name string, sc Scenario, client Maker) Result {
	b.t.Helper()
	start := time.Now()
	r := Measure(b.t, sc, client)
	b.progress(fmt.Sprintf("%-28s %6d jobs %8.2f requests per job, lag %.2f s, in %v", name, sc.Load.N, r.PerJob(), mean(r.Lags), time.Since(start).Round(time.Millisecond)))
	return r
}

// A library that shares nothing between its waits does with a few jobs what it
// does with many: sample cuts the scenario to a number of jobs that it needs no
// more than the budget of requests for.
func (b *bench) sample(sc Scenario, client Maker) Scenario {
	few := sc
	few.Load.N, few.Load.Others, few.Seeds, few.Memory = min(sc.Load.N, 5), 0, 1, 0
	perJob := max(Measure(b.t, few, client).PerJob(), 1)
	sc.Seeds = 1
	if n := max(minSample, int(float64(b.plan.Budget)/perJob)); n < sc.Load.N {
		sc.Load.Others = sc.Load.Others * n / sc.Load.N
		sc.Load.N = n
	}
	return sc
}

// addPeers measures every peer as it comes, and set to as many requests per
// job as ours, where one of its knobs reaches that. The best of its tunings
// counts, by the given figure.
func (b *bench) addPeers(table *Table, sc Scenario, perJob float64, figure func(Result) float64) {
	for _, p := range Peers() {
		shares := p.Name == hcloudAll
		if shares && (table.N == 1 || table.Key == keyArriving) {
			continue // one call needs all jobs to be there
		}
		row := func(setting string, tuned bool, at Scenario, r Result) Row {
			return Row{Client: p.Name, Setting: setting, Tuned: tuned, N: at.Load.N, sampled: at.Load.N < sc.Load.N, Result: r}
		}
		at := sc
		switch {
		case !shares:
			at = b.sample(sc, plain(p.Default))
		case table.Key == keyHours:
			at.Load.N = 100 // 118 requests for each of 1,000 jobs
		}
		table.Rows = append(table.Rows, row(p.DefaultText, false, at, b.measure(p.Name, at, plain(p.Default))))

		var best *Row
		for _, tuning := range p.Tunings {
			few, all := sc, sc
			few.Seeds, few.Memory, all.Memory = 1, 0, 0
			if !shares {
				few.Load.N = min(few.Load.N, 60)
				all.Load.N = min(all.Load.N, max(minSample, int(float64(b.plan.Budget)/perJob)))
				all.Seeds = 1
			}
			if knob, r, ok := b.tune(all, few, tuning, perJob); ok {
				if best == nil || figure(r) < figure(best.Result) {
					tuned := row(tuning.text(knob), true, all, r)
					best = &tuned
				}
			}
		}
		if best != nil {
			b.progress(p.Name + ", tuned: " + best.Setting)
			table.Rows = append(table.Rows, *best)
		}
	}
}

// minSample is the fewest jobs that a sample has, where the scenario has them.
const minSample = 20

func meanLag(r Result) float64      { return mean(r.Lags) }
func meanRelative(r Result) float64 { return mean(r.Relative) }

func (b *bench) add(table *Table, name string, sc Scenario, client Maker) *Row {
	table.Rows = append(table.Rows, Row{Client: name, Setting: "default", Ours: true, N: sc.Load.N, Result: b.measure(name, sc, client)})
	return &table.Rows[len(table.Rows)-1]
}

// alone is the table for single jobs of very different lengths.
func (b *bench) alone() *Table {
	table := &Table{
		Key: keyAlone, N: 1, Title: "One job",
		Text: fmt.Sprintf("%d waits that share nothing, for jobs whose lengths are spread log-uniformly from 1 s to 1 h. "+
			"Lateness is the lag as a part of the job's length.", b.plan.Alone),
	}
	sc := Scenario{Load: sim.Load{Seed: 1, N: b.plan.Alone, Within: time.Second, Length: sim.LogUniform(time.Second, time.Hour)}}
	r := b.add(table, nameWait, sc, oursAlone(0))
	perJob := r.PerJob()
	b.add(table, nameGeneric, sc, oursGeneric)
	if b.plan.Peers {
		// The lengths differ so much that everybody must see the same jobs.
		all := *b
		all.plan.Budget = 1 << 30
		all.addPeers(table, sc, perJob, meanRelative)
	}
	return table
}

// together is the table for many jobs started within a second.
func (b *bench) together(size Size) *Table {
	table := &Table{
		Key: fmt.Sprintf("%d@%g", size.N, size.Limit), N: size.N, Limit: size.Limit,
		Title: fmt.Sprintf("%s jobs, limit %g/s", thousands(size.N), size.Limit),
		Text:  "All started within one second; lengths lognormal, median 60 s, sigma 0.5.",
	}
	sc := Scenario{
		Load:  sim.Load{Seed: 1, N: size.N, Within: time.Second, Length: usual()},
		Limit: size.Limit, Seeds: b.plan.SeedsFor(size.N),
	}
	if size.N >= 1000 { // memory comes in pieces that are large for fewer
		sc.Memory = 5500 * time.Millisecond
	}
	perJob := b.add(table, nameAll, sc, oursAll(size.Limit)).PerJob()
	if size.N <= 1000 {
		b.add(table, nameEach, sc, oursEach(size.Limit))
	}
	if b.plan.Peers {
		b.addPeers(table, sc, perJob, meanLag)
	}
	if b.plan.Peers && table.Key == keyPlot {
		b.addCurves(table, sc)
	}
	return table
}

// shapes are jobs of other lengths, and jobs that arrive over time.
func (b *bench) shapes() []*Table {
	var tables []*Table
	for _, shape := range []struct {
		key, title, text string
		load             sim.Load
	}{
		{keyShort, "1,000 jobs of 5 s", "All started within one second; lengths lognormal, median 5 s, sigma 0.1.",
			sim.Load{Seed: 1, N: 1000, Within: time.Second, Length: sim.Lognormal(5*time.Second, 0.1)}},
		{keyHours, "1,000 jobs of 1 h", "All started within one second; lengths lognormal, median 1 h, sigma 0.1.",
			sim.Load{Seed: 1, N: 1000, Within: time.Second, Length: sim.Lognormal(time.Hour, 0.1)}},
		{keyArriving, "1,000 jobs over ten minutes, among others' jobs",
			"Lengths lognormal, median 60 s, sigma 0.5. 1,000 jobs of other people come and go in the same list. WaitAll and the one call of hcloud-go are left out: they need all jobs to be there.",
			sim.Load{Seed: 1, N: 1000, Others: 1000, Within: 10 * time.Minute, Length: usual()}},
	} {
		table := &Table{Key: shape.key, Title: shape.title + ", limit 10/s", Text: shape.text, N: shape.load.N, Limit: 10}
		sc := Scenario{Load: shape.load, Limit: 10}
		if shape.key != keyArriving { // one call needs them all to be there
			b.add(table, nameAll, sc, oursAll(10))
		}
		perJob := b.add(table, nameEach, sc, oursEach(10)).PerJob()
		b.addPeers(table, sc, perJob, meanLag)
		tables = append(tables, table)
	}
	return tables
}

// A FaultTable is the waits lost under each fault.
type FaultTable struct {
	Title, Text string
	Faults      []Fault
	Rows        []FaultRow
}

// A Fault is a scenario in which something goes wrong.
type Fault struct {
	Name string
	Scenario
	// spare is a job that may be lost, from one.
	spare int
	limit float64 // of package jobs
}

// A FaultRow is one client under all faults.
type FaultRow struct {
	Client  string
	Ours    bool
	Results []Result
}

// faults measures what every client loses when something goes wrong.
func (b *bench) faults() FaultTable {
	load := sim.Load{Seed: 1, N: 200, Within: time.Second, Length: usual()}
	many := load
	many.N = 1000
	return b.lost(FaultTable{
		Title: "Waits lost",
		Text: "200 jobs unless said otherwise, lognormal as above, every library as it comes. A wait is lost when it returns an error although its job succeeded, or has not returned after two hours. " +
			"The job that always fails is not counted itself: its reads are answered 500, and no list shows it.",
		Faults: []Fault{
			{Name: "1 % of requests fail", limit: 10, Scenario: Scenario{Load: load, Faults: sim.Faults{Rate: 0.01}}},
			{Name: "outage of 60 s", limit: 10, Scenario: Scenario{Load: load, Faults: sim.Faults{OutageFrom: 40 * time.Second, OutageTo: 100 * time.Second}}},
			{Name: "1,000 jobs, 50 requests/s served", limit: 50, Scenario: Scenario{Load: many, Faults: sim.Faults{Limit: 50}}},
			{Name: "one job always fails", limit: 10, spare: 77, Scenario: Scenario{Load: load, Faults: sim.Faults{Broken: 77}}},
			{Name: "one answer never comes", limit: 10, Scenario: Scenario{Load: load, Faults: sim.Faults{Hang: 60}}},
		},
	})
}

// deadlines measures what every client loses to deadlines that come two round trips
// after the end of a job.
func (b *bench) deadlines() FaultTable {
	const trips = 2 * sim.RoundTrip
	slow := sim.Faults{RoundTrip: 500 * time.Millisecond}
	load := sim.Load{Seed: 1, N: 200, Within: time.Second, Length: usual()}
	many, few, short := load, load, load
	many.N, few.N, short.N = 1000, 10, 5
	short.Length = sim.LogUniform(100*time.Millisecond, 3*time.Second)
	return b.lost(FaultTable{
		Title: "Waits lost to a deadline",
		Text: "The user of each job gives up two round trips after its end, 40 ms where nothing else is said; with a deadline for all, only the jobs count that end by then. Limits as of package jobs are 10 requests/s. " +
			"For the clients that wait for all jobs in one call, a deadline for each is measured with a call for each. Where listing is refused it is so for package jobs; the others do not list.",
		Faults: []Fault{
			{Name: "200 jobs, one for each", limit: 10, Scenario: Scenario{Load: load, Seeds: 5, Patience: trips}},
			{Name: "1,000 jobs, 60 s for all", limit: 10, Scenario: Scenario{Load: many, Seeds: 5, Deadline: time.Minute}},
			{Name: "200 jobs, round trips of 0.5 s, 1 s after each", limit: 10, Scenario: Scenario{Load: load, Seeds: 5, Patience: 2 * slow.RoundTrip, Faults: slow}},
			{Name: "5 jobs of 0.1 to 3 s, one for each", limit: 10, Scenario: Scenario{Load: short, Seeds: 40, Patience: trips}},
			{Name: "10 jobs, listing refused, one for each", limit: 10, Scenario: Scenario{Load: few, Seeds: 20, Patience: trips, Faults: sim.Faults{NoList: true}}},
		},
	})
}

func (b *bench) lost(table FaultTable) FaultTable {
	row := func(name string, ours, oneCall bool, client func(limit float64) Maker) {
		r := FaultRow{Client: name, Ours: ours}
		for _, f := range table.Faults {
			f.Until = 2 * time.Hour
			if f.Patience > 0 && oneCall {
				// A deadline of its own for every job: one call for each.
				f.Load.N, f.Load.Within = 1, 0
				f.Seeds = 100
			}
			result := b.measure(name, f.Scenario, client(f.limit))
			if f.spare > 0 {
				for _, lost := range result.LostJobs {
					if lost == f.spare-1 {
						result.Lost--
						result.Waits--
					}
				}
			}
			r.Results = append(r.Results, result)
		}
		table.Rows = append(table.Rows, r)
	}
	row(nameAll, true, true, oursAll)
	row(nameEach, true, false, oursEach)
	if b.plan.Peers {
		for _, p := range Peers() {
			row(p.Name, false, p.Name == hcloudAll, func(float64) Maker { return plain(p.Default) })
		}
	}
	return table
}

// A Cancelled is what a cancelled wait costs.
type Cancelled struct {
	// After is how many requests are sent after the only wait was cancelled,
	// and Late how long its return took.
	After int
	Late  time.Duration
	// With and Without are the requests of a hundred waits, one of which is
	// cancelled after 5 s, or none. Lost are the others that were lost.
	With, Without, Lost int
}

// cancelled measures it.
func (b *bench) cancelled() (c Cancelled) {
	b.t.Helper()
	const at = 5123 * time.Millisecond
	load := sim.Load{Seed: 1, N: 1, Length: usual()}
	synctest.Test(b.t, func(t *testing.T) {
		s := sim.New(load, sim.Faults{})
		job := load1(s)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(at, cancel)
		_ = job.Wait(ctx) // it is cancelled
		moment := time.Now()
		c.Late = time.Since(s.Own[0].Created) - at
		time.Sleep(time.Hour)
		c.After = s.RequestsAfter(moment)
	})
	load.N, load.Within = 100, time.Second
	for _, cancels := range []bool{false, true} {
		sc := Scenario{Load: load, Seeds: 3}
		r := Measure(b.t, sc, func(client *http.Client, s *sim.Service) Wait {
			loaded := loadAll(connect(client, 10), s)
			return each(func(ctx context.Context, j *sim.Job) error {
				if cancels && j == s.Own[50] {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					defer time.AfterFunc(at, cancel).Stop()
				}
				return loaded[j].Wait(ctx)
			})
		})
		if cancels {
			c.With, c.Lost = r.Requests, r.Lost-sc.Seeds // the cancelled ones do not count
		} else {
			c.Without = r.Requests
		}
	}
	b.progress("cancelled waits")
	return c
}

func load1(s *sim.Service) *jobs.SquashAndMergeJob {
	return load(connect(&http.Client{Transport: s}, 10), s.Own[0])
}

// A SweepPoint is a schedule and what it does with single jobs.
type SweepPoint struct {
	polling.Schedule
	PerJob, Mean, P95 float64
}

// defaultSchedule is that of package polling: the sweep goes around it.
var defaultSchedule = polling.Schedule{Fraction: 0.07, Min: 200 * time.Millisecond, Max: 2 * time.Minute}

// sweep tries schedules on single jobs of very different lengths.
func (b *bench) sweep() (points []SweepPoint) {
	sc := Scenario{Load: sim.Load{Seed: 1, N: b.plan.Alone, Within: time.Second, Length: sim.LogUniform(time.Second, time.Hour)}}
	at := func(s polling.Schedule) {
		r := Measure(b.t, sc, oursAlone(0, jobs.WithSchedule(s)))
		points = append(points, SweepPoint{s, r.PerJob(), mean(r.Relative), quantile(r.Relative, 0.95)})
	}
	usual := defaultSchedule
	for _, floor := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		for _, fraction := range []float64{0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.25} {
			s := usual
			s.Fraction, s.Min = fraction, floor
			at(s)
		}
	}
	for _, longest := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute} {
		s := usual
		s.Max = longest
		at(s)
	}
	b.progress(fmt.Sprintf("sweep of %d schedules", len(points)))
	return points
}
