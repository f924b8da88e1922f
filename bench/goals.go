package bench

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A Goal is a figure of package jobs that must not be larger than a limit.
type Goal struct {
	Text  string
	Limit float64
	Value float64
	Unit  string
	// Machine says that the figure depends on the machine and on what else it
	// does.
	Machine bool
}

// Met reports whether the goal is reached.
func (g Goal) Met() bool { return g.Value <= g.Limit }

// goals are those that the measured parts of a report allow to judge.
func (r *Report) goals() (goals []Goal) {
	add := func(text string, value, limit float64, unit string) {
		goals = append(goals, Goal{Text: text, Value: value, Limit: limit, Unit: unit})
	}
	machine := func(text string, value, limit float64, unit string) {
		goals = append(goals, Goal{Text: text, Value: value, Limit: limit, Unit: unit, Machine: true})
	}
	if table := r.table(keyAlone); table != nil {
		own := table.ours(nameWait)
		least, leastP95 := math.Inf(1), math.Inf(1)
		for _, row := range table.Rows {
			if row.Tuned && !row.Ours {
				least = min(least, mean(row.Relative))
				leastP95 = min(leastP95, quantile(row.Relative, 0.95))
			}
		}
		if !math.IsInf(least, 1) {
			add("one job: mean lateness, against the best peer at as many requests", 100*mean(own.Relative), 100*least, "%")
			add("one job: p95 of the lateness, against the best peer at as many requests", 100*quantile(own.Relative, 0.95), 100*leastP95, "%")
		}
	}
	for _, want := range []struct {
		key                string
		perJob, mean, tail float64
	}{{"100@10", 1.6, 0.6, 0}, {"1000@10", 1.3, 0.6, 1.5}, {"10000@50", 0.65, 1.1, 2.5}, {"10000@10", 0.25, 4.2, 8}} {
		table := r.table(want.key)
		if table == nil {
			continue
		}
		for _, name := range []string{nameAll, nameEach} {
			row := table.ours(name)
			if row == nil {
				continue
			}
			add(fmt.Sprintf("%s: requests per job, %s", table.Title, name), row.PerJob(), want.perJob, "")
			add(fmt.Sprintf("%s: mean lag, %s", table.Title, name), mean(row.Lags), want.mean, "s")
			if want.tail > 0 {
				add(fmt.Sprintf("%s: p99 of the lag, %s", table.Title, name), quantile(row.Lags, 0.99), want.tail, "s")
			}
			add(fmt.Sprintf("%s: most requests in a second, %s", table.Title, name), float64(row.Peak), table.Limit, "")
		}
	}
	if table := r.table("1000@10"); table != nil {
		all, each := table.ours(nameAll), table.ours(nameEach)
		add("1,000 goroutines with Wait beside WaitAll: requests per job", each.PerJob()/all.PerJob(), 1.05, "×")
		add("1,000 goroutines with Wait beside WaitAll: mean lag", mean(each.Lags)/mean(all.Lags), 1.05, "×")
		add(fmt.Sprintf("bytes per blocked Wait, the stack of its goroutine (%.0f B) with it", each.Stack), each.Bytes, 3000, "B")
	}
	if table := r.table("10000@50"); table != nil {
		add("bytes per job in WaitAll", table.ours(nameAll).Bytes, 64, "B")
	}
	for _, key := range []string{keyShort, keyHours, keyArriving} {
		if table := r.table(key); table != nil {
			beaten := 0
			for _, row := range table.Rows {
				if !row.Ours && row.Lost == 0 && dominated(table, row) {
					beaten++
				}
			}
			add(table.Title+": peers ahead on both requests and lag", float64(beaten), 0, "")
		}
	}
	for _, table := range r.Lost {
		for _, row := range table.Rows {
			if !row.Ours {
				continue
			}
			for i, result := range row.Results {
				f := table.Faults[i]
				add(fmt.Sprintf("%s, %s, %s", strings.ToLower(table.Title), f.Name, row.Client), float64(result.Lost), 0, "")
				if f.Faults.OutageTo > 0 {
					add("requests during the outage, "+row.Client, float64(result.InOutage), 20, "")
				}
				if f.Faults.Limit > 0 {
					add("answered 429, "+f.Name+", "+row.Client, 100*result.Throttled429(), 1, "%")
				}
				if f.Faults.Hang > 0 {
					// 30 s is the timeout of an attempt. With the longest job that
					// this load has, no interval is longer than that part of it.
					add("longest lag, "+f.Name+", "+row.Client, quantile(result.Lags, 1), 30+longestInterval.Seconds(), "s")
				}
			}
		}
	}
	if c := r.Cancelled; c != nil {
		add("requests after the only wait was cancelled", float64(c.After), 0, "")
		add("others lost when one of 100 waits is cancelled", float64(c.Lost), 0, "")
		add("requests of 100 waits when one is cancelled, beside none", float64(c.With)/float64(c.Without), 1.05, "×")
	}
	if table := r.table("1000@10"); table != nil {
		machine("allocations per observation in a batch, all of net/http and the service counted", table.ours(nameAll).MallocsPerObservation(), 6.5, "")
	}
	if small, large := r.table("100@10"), r.table("10000@50"); small != nil && large != nil {
		a, b := small.ours(nameAll).CPUPerObservation(), large.ours(nameAll).CPUPerObservation()
		machine("processor time per observation, 10,000 jobs beside 100", float64(b)/float64(a), 1.25, "×")
	}
	for _, s := range r.Singles {
		switch s.Transport {
		case viaCanned:
			machine("one Update beside bare net/http and encoding/json: processor time", s.RatioCPU, 1.10, "×")
			machine("one Update beside bare net/http and encoding/json: allocations", s.RatioAlloc, 1.2, "×")
		case viaInProcess:
			machine("allocations of one Update but for those of net/http", s.UpdateAllocs-s.TransportAllocs, 30, "")
		}
	}
	return goals
}

// longestInterval is more than any delay between two looks at the usual jobs.
const longestInterval = 10 * time.Second

// dominated reports whether a peer's row is ahead of every row of ours on both
// requests and lag.
func dominated(table *Table, peer Row) bool {
	for _, row := range table.Rows {
		if row.Ours && (row.PerJob() <= peer.PerJob() || mean(row.Lags) <= mean(peer.Lags)) {
			return false
		}
	}
	return true
}
