package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// The names of the own clients in the report.
const (
	nameWait    = "jobs.Job.Wait"
	nameAll     = "jobs.WaitAll"
	nameGeneric = "polling.Wait"
)

// The keys of tables that the report treats specially.
const (
	keyAlone = "alone"
	keyHours = "1h"
	keyMain  = "1000@10" // in docs/performance.md and in the plot
)

// Row holds one client in one scenario.
type Row struct {
	Client, Setting string
	Ours, Tuned     bool
	N               int  // jobs at the same time
	sampled         bool // fewer than in the table
	Result
}

// Limits are the goals for the own clients. Zero means none.
type Limits struct {
	PerJob, Mean, P99 float64
	// Median compares the median over the seeds with Mean and P99, in place of all lags
	// together, because the figure of one seed depends on chance.
	Median bool
}

// Table holds one scenario and its clients.
type Table struct {
	Key, Title, Text string
	Limit            float64 // rate limit of the own clients; negative means none
	Scenario         Scenario
	Goals            Limits
	Rows             []Row
	Curves           []Curve

	clients []ownClient
	peers   peers
	quick   bool // part of the short plan
	summary bool // part of docs/performance.md
}

// ownClient is a way to wait with this module.
type ownClient struct {
	name  string
	maker func(limit float64) Maker
}

var (
	waitAllClient = ownClient{nameAll, oursAll}
	waitClient    = ownClient{nameWait, oursEach}
	bothClients   = []ownClient{waitAllClient, waitClient}
)

// peers selects the peers of a table.
type peers int

const (
	noPeers    peers = iota
	hcloudOnly       // one call, with default options
	allPeers         // with default options, and tuned
)

// Curve holds a loop with many intervals.
type Curve struct {
	Text            string
	PerJob, MeanLag []float64
}

// ours returns the row of an own client, or nil.
func (table *Table) ours(name string) *Row {
	for i := range table.Rows {
		if table.Rows[i].Client == name {
			return &table.Rows[i]
		}
	}
	return nil
}

// Plan sets how much is measured.
type Plan struct {
	Quick  bool // only the tables that take a second or two, without peers
	Alone  int  // waits in the table for one job
	Budget int  // requests of a library whose waits are independent, for one table
}

// Full is the plan of the report, Short that of a quick check.
var (
	Full  = Plan{Alone: 300, Budget: 20_000}
	Short = Plan{Quick: true, Alone: 100}
)

// usual is the distribution of lengths unless a table says otherwise.
func usual() func(*rand.Rand) time.Duration { return sim.Lognormal(time.Minute, 0.5) }

const usualText = "All start within one second. The lengths are lognormal, median 60 s, sigma 0.5."

// tables returns the tables of a plan, not yet measured.
func (plan Plan) tables() (tables []*Table) {
	tables = append(tables, &Table{
		Key: keyAlone, Title: "One job", Limit: -1, quick: true, summary: true, peers: allPeers,
		Text: fmt.Sprintf("%d independent waits for jobs with lengths from 1 s to 1 h, uniform on a logarithmic scale. "+
			"Lateness is the lag as a fraction of the length of the job.", plan.Alone),
		Scenario: Scenario{Load: sim.Load{Seed: 1, N: plan.Alone, Within: time.Second, Length: sim.LogUniform(time.Second, time.Hour)}},
		clients: []ownClient{
			{nameWait, func(float64) Maker { return oursAlone() }},
			{nameGeneric, func(float64) Maker { return oursGeneric }},
		},
	})
	// The goals are 1.15 times the figures of the prototype of package watcher.
	for _, size := range []struct {
		n       int
		limit   float64
		clients []ownClient
		goals   Limits
	}{
		{100, 10, bothClients, Limits{PerJob: 1.71, Mean: 0.68, P99: 3.34}},
		{1000, 10, bothClients, Limits{PerJob: 1.31, Mean: 0.52, P99: 1.40}},
		{10_000, 50, bothClients[:1], Limits{PerJob: 0.71, Mean: 1.07, P99: 2.29}},
		{10_000, 10, bothClients[:1], Limits{PerJob: 0.24, Mean: 4.44, P99: 9.07}},
	} {
		most := 10_000
		if plan.Quick {
			most = 2000
		}
		table := &Table{
			Key:   fmt.Sprintf("%d@%g", size.n, size.limit),
			Title: fmt.Sprintf("%s jobs, limit %g/s", thousands(size.n), size.limit), Text: usualText,
			Limit: size.limit, Goals: size.goals, clients: size.clients, peers: allPeers, quick: size.n <= 1000, summary: true,
			Scenario: Scenario{
				Load:  sim.Load{Seed: 1, N: size.n, Within: time.Second, Length: usual()},
				Seeds: max(3, min(30, most/size.n)),
			},
		}
		if size.n >= 1000 {
			table.Scenario.HeldAt = 5500 * time.Millisecond
		}
		tables = append(tables, table)
	}
	tables = append(tables, &Table{
		Key: "5s", Title: "1,000 jobs of 5 s, limit 10/s", Limit: 10, clients: bothClients, peers: allPeers, summary: true,
		Text:     "All start within one second. The lengths are lognormal, median 5 s, sigma 0.1.",
		Scenario: Scenario{Load: sim.Load{Seed: 1, N: 1000, Within: time.Second, Length: sim.Lognormal(5*time.Second, 0.1)}},
	}, &Table{
		Key: keyHours, Title: "1,000 jobs of 1 h, limit 10/s", Limit: 10, clients: bothClients, peers: allPeers, summary: true,
		Text:     "All start within one second. The lengths are lognormal, median 1 h, sigma 0.1.",
		Scenario: Scenario{Load: sim.Load{Seed: 1, N: 1000, Within: time.Second, Length: sim.Lognormal(time.Hour, 0.1)}},
		Goals:    Limits{PerJob: 6.56, Mean: 1.41},
	}, &Table{
		Key: "arriving", Title: "1,000 jobs over ten minutes, limit 10/s", Limit: 10, clients: []ownClient{waitClient}, peers: allPeers, summary: true,
		Text:     "The lengths are lognormal, median 60 s, sigma 0.5. The same list contains 1,000 jobs of other users. Clients that wait for all jobs in one call are left out.",
		Scenario: Scenario{Load: sim.Load{Seed: 1, N: 1000, Others: 1000, Within: 10 * time.Minute, Length: usual()}},
	})
	return append(tables, situations()...)
}

// situations returns the tables for special lists, jobs and waits.
func situations() []*Table {
	load := func(n int, change func(*sim.Load)) sim.Load {
		l := sim.Load{Seed: 1, N: n, Within: time.Second, Length: usual()}
		if change != nil {
			change(&l)
		}
		return l
	}
	listed := []ownClient{
		{nameAll, func(limit float64) Maker { return oursListed(limit, true) }},
		{nameWait, func(limit float64) Maker { return oursListed(limit, false) }},
	}
	tables := []*Table{{
		Key: "queue", Title: "600 jobs, four run at a time", peers: hcloudOnly, quick: true, summary: true,
		Text: "All are created within one second. Their lengths are lognormal, median 8 s, sigma 0.5. Four run, the others have status QUEUING.",
		Scenario: Scenario{Seeds: 3, Load: load(600, func(l *sim.Load) {
			l.Running, l.Length = 4, sim.Lognormal(8*time.Second, 0.5)
		})},
		Goals: Limits{PerJob: 2.5, P99: 3},
	}, {
		Key: "datasets", Title: "200 datasets of five jobs", peers: hcloudOnly, quick: true, summary: true,
		Text:     usualText + " A request to TensorBay shows jobs of one dataset.",
		Scenario: Scenario{Load: load(1000, func(l *sim.Load) { l.Dataset = func(i int) int { return i % 200 } })},
		Goals:    Limits{Mean: 10.4},
	}, {
		Key: "beside", Title: "One job beside 10,000 of another dataset", peers: hcloudOnly,
		Text: usualText + " The lag is that of the one job; the requests are for all.",
		Scenario: Scenario{
			Seeds: 9, Counts: func(j *sim.Job) bool { return j.Dataset == 1 },
			Load: load(10_001, func(l *sim.Load) {
				l.Dataset = func(i int) int {
					if i == 0 {
						return 1
					}
					return 0
				}
			}),
		},
		Goals: Limits{Mean: 4.44, Median: true},
	}, {
		Key: "attempts", Title: "100 jobs, waits of 5 s that are repeated", clients: []ownClient{waitClient}, quick: true,
		Text:     usualText + " Each call has a timeout of 5 s and is repeated until the job has finished.",
		Scenario: Scenario{Seeds: 5, Attempt: 5 * time.Second, Load: load(100, nil)},
		Goals:    Limits{Mean: 0.68},
	}, {
		Key: "40 pages", Title: "5,000 jobs, 40 pages", peers: hcloudOnly, Text: usualText,
		Scenario: Scenario{Load: load(5000, nil)},
		Goals:    Limits{Mean: 2.25, P99: 4.6},
	}, {
		Key: "10 pages", Title: "1,280 jobs, as many pages as requests a second", peers: hcloudOnly, quick: true, Text: usualText,
		Scenario: Scenario{Seeds: 3, Load: load(1280, nil)},
		Goals:    Limits{PerJob: 1.31, Mean: 0.66, P99: 2.1},
	}, {
		Key: "deletions", Title: "1,000 jobs, older ones are deleted", peers: hcloudOnly, quick: true,
		Text:     usualText + " The list begins with 2,000 finished jobs, which are deleted within a minute.",
		Scenario: Scenario{Seeds: 3, Load: load(1000, func(l *sim.Load) { l.Older, l.DeletedWithin = 2000, time.Minute })},
		Goals:    Limits{Mean: 0.56},
	}, {
		Key: "growing", Title: "200 jobs, the list grows by 20 a second", peers: hcloudOnly, quick: true,
		Text:     usualText + " Other users create 6,000 jobs within five minutes.",
		Scenario: Scenario{Seeds: 5, Load: load(200, func(l *sim.Load) { l.Others, l.OthersWithin = 6000, 5*time.Minute })},
		Goals:    Limits{Mean: 0.68, P99: 3.34},
	}, {
		Key: "one second", Title: "10,000 jobs that end within one second", peers: hcloudOnly,
		Text:     "All start within one second and take 60 s.",
		Scenario: Scenario{Load: load(10_000, func(l *sim.Load) { l.Length = sim.Lognormal(time.Minute, 0) })},
		Goals:    Limits{Mean: 5.06},
	}, {
		Key: "hangs", Title: "1,000 jobs, each tenth request hangs", quick: true,
		Text:     usualText + " A request that hangs gets no response.",
		Scenario: Scenario{Seeds: 9, Load: load(1000, nil), Faults: sim.Faults{HangEvery: 10}},
		Goals:    Limits{Mean: 0.83, P99: 3.22, Median: true},
	}, {
		Key: "List", Title: "1,000 jobs from List", clients: listed, quick: true,
		Text:     usualText + " They are listed a minute later. The lag of a job that has finished by then is counted from the start of the waits.",
		Scenario: Scenario{Seeds: 3, Load: load(1000, nil)},
		Goals:    Limits{Mean: 0.51},
	}, {
		Key: "Create", Title: "100 jobs from Create", clients: []ownClient{{nameWait, oursCreated}}, quick: true,
		Text:     "They are created within 20 s, and each is waited for after its creation. The lengths are lognormal, median 60 s, sigma 0.5.",
		Scenario: Scenario{Seeds: 5, Load: load(100, func(l *sim.Load) { l.Within = 20 * time.Second })},
		Goals:    Limits{PerJob: 2, Mean: 0.68},
	}}
	for _, table := range tables {
		table.Limit = 10
		if table.clients == nil {
			table.clients = bothClients
		}
		table.Title += ", limit 10/s"
	}
	return tables
}

// bench measures according to a plan.
type bench struct {
	t    *testing.T
	plan Plan
	// progress is called after each measurement.
	progress func(text string)
}

func (b *bench) measure(name string, sc Scenario, client Maker) Result {
	b.t.Helper()
	start := time.Now()
	r := Measure(b.t, sc, client)
	b.progress(fmt.Sprintf("%-28s %6d jobs %8.2f requests per job, lag %.2f s, p99 %.2f s, in %v",
		name, sc.Load.N, r.PerJob(), mean(r.Lags), quantile(r.Lags, 0.99), time.Since(start).Round(time.Millisecond)))
	return r
}

// fill measures the clients of a table.
func (b *bench) fill(table *Table) {
	b.t.Helper()
	b.progress(table.Title)
	for _, c := range table.clients {
		r := b.measure(c.name, table.Scenario, c.maker(table.Limit))
		table.Rows = append(table.Rows, Row{Client: c.name, Setting: "default", Ours: true, N: table.Scenario.Load.N, Result: r})
	}
	if b.plan.Quick {
		return
	}
	for _, p := range Peers() {
		switch {
		case table.peers == noPeers, table.peers == hcloudOnly && p.Name != hcloudPeer().Name:
		case p.OneCall && (table.Key == keyAlone || table.Key == "arriving"): // the jobs do not exist at the same time
		default:
			b.addPeer(table, p)
		}
	}
	if table.Key == keyMain {
		b.addCurves(table)
	}
}

// addPeer measures a peer with its default options. If the table has all peers, it
// also tunes the peer to the number of requests of the first row. Of several tunings
// it keeps the best.
func (b *bench) addPeer(table *Table, p Peer) {
	sc := table.Scenario
	row := func(setting string, tuned bool, at Scenario, r Result) Row {
		return Row{Client: p.Name, Setting: setting, Tuned: tuned, N: at.Load.N, sampled: at.Load.N < sc.Load.N, Result: r}
	}
	at := sc
	switch {
	case table.Key == keyAlone: // the lengths differ too much for a sample
		at.Seeds = 1
	case !p.OneCall:
		at = b.sample(sc, plain(p.Default))
	default:
		if table.Key == keyHours {
			at.Load.N = 100 // there are more than 100 requests for each job
		}
		at.Seeds = max(1, min(sc.Seeds, 3000/at.Load.N))
	}
	table.Rows = append(table.Rows, row(p.DefaultText, false, at, b.measure(p.Name, at, plain(p.Default))))
	if table.peers != allPeers {
		return
	}

	figure, perJob := meanLag, table.Rows[0].PerJob()
	if table.Key == keyAlone {
		figure = meanRelative
	}
	var best *Row
	for _, tuning := range p.Tunings {
		few, all := sc, sc
		few.Seeds, few.HeldAt, all.HeldAt = 1, 0, 0
		if !p.OneCall {
			few.Load.N = min(few.Load.N, 60)
			all.Seeds = 1
			if table.Key != keyAlone {
				all.Load.N = min(all.Load.N, max(minSample, int(float64(b.plan.Budget)/perJob)))
			}
		}
		if value, r, ok := b.tune(all, few, tuning, perJob); ok && (best == nil || figure(r) < figure(best.Result)) {
			tuned := row(tuning.text(value), true, all, r)
			best = &tuned
		}
	}
	if best != nil {
		b.progress(p.Name + ", tuned: " + best.Setting)
		table.Rows = append(table.Rows, *best)
	}
}

// sample reduces the number of jobs so that a client sends at most the budget of
// requests. A library whose waits are independent does the same for each job of few
// as of many.
func (b *bench) sample(sc Scenario, client Maker) Scenario {
	few := sc
	few.Load.N, few.Load.Others, few.Seeds, few.HeldAt = min(sc.Load.N, 5), 0, 1, 0
	perJob := max(Measure(b.t, few, client).PerJob(), 1)
	sc.Seeds = 1
	if n := max(minSample, int(float64(b.plan.Budget)/perJob)); n < sc.Load.N {
		sc.Load.Others = sc.Load.Others * n / sc.Load.N
		sc.Load.N = n
	}
	return sc
}

// minSample is the least number of jobs in a sample.
const minSample = 20

func meanLag(r Result) float64      { return mean(r.Lags) }
func meanRelative(r Result) float64 { return mean(r.Relative) }

// addCurves adds the curves of the plot: a loop for each job, and one call for all
// jobs.
func (b *bench) addCurves(table *Table) {
	all := table.Scenario
	all.Seeds, all.HeldAt = 1, 0
	alone := all
	alone.Load.N = 300
	for _, c := range []struct {
		text      string
		sc        Scenario
		tuning    Tuning
		intervals []float64
	}{
		{"a request for each job, every 0.5 s to 2 min", alone, loopPeer().Tunings[0], []float64{0.5, 1, 2, 4, 8, 15, 30, 60, 120}},
		{"a request for 25 jobs, every 0.1 s to 30 s", all, hcloudPeer().Tunings[0], []float64{0.1, 0.5, 1, 2, 4, 8, 15, 30}},
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

// FaultTable holds the lost waits for each fault.
type FaultTable struct {
	Title, Text string
	Faults      []Fault
	Rows        []FaultRow
}

// Fault is a scenario with a fault or a deadline.
type Fault struct {
	Name string
	Scenario
	ignored int     // a job that may be lost, counted from one
	limit   float64 // rate limit of the own clients
	goals   Limits
}

// FaultRow holds one client with all faults.
type FaultRow struct {
	Client  string
	Ours    bool
	Results []Result
}

// faults measures the waits that each client loses because of a fault.
func (b *bench) faults() *FaultTable {
	load := sim.Load{Seed: 1, N: 200, Within: time.Second, Length: usual()}
	many := load
	many.N = 1000
	with := func(faults sim.Faults) Scenario { return Scenario{Load: load, Faults: faults} }
	return b.lost(&FaultTable{
		Title: "Waits lost to faults",
		Text: "200 jobs unless the column says otherwise, with lognormal lengths as above. All libraries have their default options. " +
			"A wait is lost if it returns an error although its job succeeded, or if it has not returned after half an hour. " +
			"The job that always fails does not count: reads of it return 500, and no list contains it.",
		Faults: []Fault{
			{Name: "1 % of requests fail", limit: 10, Scenario: with(sim.Faults{Rate: 0.01})},
			{Name: "outage of 60 s", limit: 10, Scenario: with(sim.Faults{OutageFrom: 40 * time.Second, OutageTo: 100 * time.Second})},
			{Name: "1,000 jobs, 50 requests/s served", limit: 50, Scenario: Scenario{Load: many, Faults: sim.Faults{Limit: 50}}},
			{Name: "one job always fails", limit: 10, ignored: 77, goals: Limits{PerJob: 4}, Scenario: with(sim.Faults{Broken: 77})},
			{Name: "one request hangs", limit: 10, goals: Limits{P99: 2.07}, Scenario: Scenario{Load: load, Seeds: 10, Faults: sim.Faults{Hang: 60}}},
			{Name: "lists count half of the jobs", limit: 10, Scenario: with(sim.Faults{Count: 0.5})},
			{Name: "lists count twice the jobs", limit: 10, Scenario: with(sim.Faults{Count: 2})},
		},
	})
}

// deadlines measures the waits that each client loses because of a deadline.
func (b *bench) deadlines() *FaultTable {
	const rtts = 2 * sim.RoundTrip
	slow := sim.Faults{RoundTrip: 500 * time.Millisecond}
	load := sim.Load{Seed: 1, N: 200, Within: time.Second, Length: usual()}
	many, few, short := load, load, load
	many.N, few.N, short.N = 1000, 10, 5
	short.Length = sim.LogUniform(100*time.Millisecond, 3*time.Second)
	return b.lost(&FaultTable{
		Title: "Waits lost to a deadline",
		Text: "The context of each wait ends two round trips after the end of the job, 40 ms unless the column says otherwise. With one deadline for all, only jobs that finish 40 ms before it count. " +
			"The limit of package jobs is 10 requests/s. Clients that wait for all jobs in one call make one call for each job if each has a deadline of its own. " +
			"In the last column, the connection is reset when a response would show the end of a job for the first time.",
		Faults: []Fault{
			{Name: "200 jobs, one for each", limit: 10, Scenario: Scenario{Load: load, Seeds: 5, GiveUp: rtts}},
			{Name: "1,000 jobs, 60 s for all", limit: 10, Scenario: Scenario{Load: many, Seeds: 5, Deadline: time.Minute}},
			{Name: "200 jobs, round trips of 0.5 s, 1 s after each", limit: 10, Scenario: Scenario{Load: load, Seeds: 5, GiveUp: 2 * slow.RoundTrip, Faults: slow}},
			{Name: "5 jobs of 0.1 to 3 s, one for each", limit: 10, Scenario: Scenario{Load: short, Seeds: 40, GiveUp: rtts}},
			{Name: "10 jobs, lists return 403, one for each", limit: 10, Scenario: Scenario{Load: few, Seeds: 20, GiveUp: rtts, Faults: sim.Faults{NoList: true}}},
			{Name: "10 jobs, 100 ms after each, final poll fails", limit: 10, Scenario: Scenario{Load: few, Seeds: 20, GiveUp: 5 * sim.RoundTrip, Faults: sim.Faults{ResetEnd: true}}},
		},
	})
}

func (b *bench) lost(table *FaultTable) *FaultTable {
	b.t.Helper()
	b.progress(table.Title)
	row := func(name string, ours, oneCall bool, client func(limit float64) Maker) {
		r := FaultRow{Client: name, Ours: ours}
		for _, f := range table.Faults {
			f.Until = 30 * time.Minute
			switch {
			case f.GiveUp > 0 && oneCall:
				f.Load.N, f.Load.Within = 1, 0
				f.Seeds = 100
			case !ours:
				f.Seeds = max(1, min(f.Seeds, 500/f.Load.N))
			}
			result := b.measure(name, f.Scenario, client(f.limit))
			for _, lost := range result.LostJobs {
				if lost == f.ignored-1 {
					result.Lost--
					result.Waits--
				}
			}
			r.Results = append(r.Results, result)
		}
		table.Rows = append(table.Rows, r)
	}
	row(nameAll, true, true, oursAll)
	row(nameWait, true, false, oursEach)
	if !b.plan.Quick {
		for _, p := range Peers() {
			row(p.Name, false, p.OneCall, func(float64) Maker { return plain(p.Default) })
		}
	}
	return table
}

// Canceled holds the cost of a canceled wait.
type Canceled struct {
	// After is the number of requests after the only wait was canceled. Late is how
	// long that wait took to return.
	After int
	Late  time.Duration
	// With and Without are the requests of a hundred waits if one is canceled after
	// 5 s, and if none is. Lost is the number of the other waits that were lost.
	With, Without, Lost int
}

func (b *bench) canceled() (c Canceled) {
	b.t.Helper()
	const at = 5123 * time.Millisecond
	load := sim.Load{Seed: 1, N: 1, Length: usual()}
	synctest.Test(b.t, func(t *testing.T) {
		s := sim.New(load, sim.Faults{})
		job := connect(&http.Client{Transport: s}, 10).resume(s.Own[0])
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(at, cancel)
		_ = job.Wait(ctx) // it is canceled
		canceled := time.Now()
		c.Late = time.Since(s.Own[0].Created) - at
		time.Sleep(time.Hour)
		c.After = s.RequestsAfter(canceled)
	})
	load.N, load.Within = 100, time.Second
	for _, cancels := range []bool{false, true} {
		sc := Scenario{Load: load, Seeds: 3}
		r := Measure(b.t, sc, func(client *http.Client, s *sim.Service) Wait {
			resumed := byJob(s, connect(client, 10).resumeAll(s))
			return each(func(ctx context.Context, j *sim.Job) error {
				if cancels && j == s.Own[50] {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					defer time.AfterFunc(at, cancel).Stop()
				}
				return resumed[j].Wait(ctx)
			})
		})
		if cancels {
			c.With, c.Lost = r.Requests, r.Lost-sc.Seeds // without the canceled ones
		} else {
			c.Without = r.Requests
		}
	}
	b.progress("canceled waits")
	return c
}

// SweepPoint holds a schedule and its results for single jobs.
type SweepPoint struct {
	polling.Schedule
	PerJob, Mean, P95 float64
}

// defaultSchedule is the default of package polling.
var defaultSchedule = polling.Schedule{Fraction: 0.07, Min: 200 * time.Millisecond, Max: 2 * time.Minute}

// sweep measures schedules around the default with single jobs.
func (b *bench) sweep() (points []SweepPoint) {
	sc := Scenario{Load: sim.Load{Seed: 1, N: b.plan.Alone, Within: time.Second, Length: sim.LogUniform(time.Second, time.Hour)}}
	measure := func(s polling.Schedule) {
		r := Measure(b.t, sc, oursAlone(jobs.WithSchedule(s)))
		points = append(points, SweepPoint{s, r.PerJob(), mean(r.Relative), quantile(r.Relative, 0.95)})
	}
	for _, shortest := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		for _, fraction := range []float64{0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.25} {
			s := defaultSchedule
			s.Fraction, s.Min = fraction, shortest
			measure(s)
		}
	}
	for _, longest := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute} {
		s := defaultSchedule
		s.Max = longest
		measure(s)
	}
	b.progress(fmt.Sprintf("sweep of %d schedules", len(points)))
	return points
}

// isSize reports whether a table is one of those that differ only in the number of
// jobs and the limit.
func (table *Table) isSize() bool { return strings.Contains(table.Key, "@") }
