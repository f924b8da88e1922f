package bench

import (
	"fmt"
	"math"
)

// Goal compares a figure of package jobs with its upper limit.
type Goal struct {
	Text  string
	Limit float64
	Value float64
	Unit  string
	// Machine reports whether the figure depends on the machine. Such a goal does
	// not fail a test.
	Machine bool
}

// Met reports whether the goal is met.
func (g Goal) Met() bool { return g.Value <= g.Limit }

// goals returns the goals of the measured tables.
func (r *Report) goals() (goals []Goal) {
	add := func(text string, value, limit float64, unit string) {
		goals = append(goals, Goal{Text: text, Value: value, Limit: limit, Unit: unit})
	}
	for _, table := range r.Tables {
		goals = append(goals, table.goals()...)
	}
	for _, table := range r.Faults {
		for _, row := range table.Rows {
			if !row.Ours {
				continue
			}
			for i, result := range row.Results {
				f := table.Faults[i]
				add(fmt.Sprintf("%s, %s: waits lost", row.Client, f.Name), float64(result.Lost), 0, "")
				if f.Faults.OutageTo > 0 {
					add(fmt.Sprintf("%s, %s: requests during the outage", row.Client, f.Name), float64(result.InOutage), 20, "")
				}
				if f.Faults.Limit > 0 {
					add(fmt.Sprintf("%s, %s: responses with status 429", row.Client, f.Name), 100*result.ThrottledShare(), 1, "%")
				}
				if f.goals.PerJob > 0 {
					add(fmt.Sprintf("%s, %s: requests per job in half an hour", row.Client, f.Name), result.PerJob(), f.goals.PerJob, "")
				}
				if f.goals.P99 > 0 {
					add(fmt.Sprintf("%s, %s: p99 of the lag", row.Client, f.Name), quantile(result.Lags, 0.99), f.goals.P99, "s")
				}
			}
		}
	}
	if c := r.Canceled; c != nil {
		add("requests after the only wait was canceled", float64(c.After), 0, "")
		add("other waits lost if one of 100 is canceled", float64(c.Lost), 0, "")
		add("requests of 100 waits if one is canceled, relative to none", float64(c.With)/float64(c.Without), 1.05, "×")
	}
	if r.Bulk != nil {
		goals = append(goals, r.Bulk.Goals...)
	}
	return append(goals, r.processorGoals()...)
}

// goals returns the goals of one table.
func (table *Table) goals() (goals []Goal) {
	add := func(text string, value, limit float64, unit string) {
		goals = append(goals, Goal{Text: table.Title + ": " + text, Value: value, Limit: limit, Unit: unit})
	}
	for _, row := range table.Rows {
		if !row.Ours {
			continue
		}
		p99 := func(lags []float64) float64 { return quantile(lags, 0.99) }
		figure, of := func(f func([]float64) float64) float64 { return f(row.Lags) }, ""
		if table.Goals.Median {
			of = fmt.Sprintf(", median of %d seeds", len(row.bySeed))
			figure = func(f func([]float64) float64) float64 {
				var values []float64
				for _, lags := range row.bySeed {
					values = append(values, f(lags))
				}
				return median(values)
			}
		}
		for _, g := range []struct {
			text         string
			value, limit float64
			unit         string
		}{
			{"requests per job", row.PerJob(), table.Goals.PerJob, ""},
			{"mean lag" + of, figure(mean), table.Goals.Mean, "s"},
			{"p99 of the lag" + of, figure(p99), table.Goals.P99, "s"},
			{"requests within a second", float64(row.Peak), table.Limit, ""},
		} {
			if g.limit > 0 {
				add(g.text+", "+row.Client, g.value, g.limit, g.unit)
			}
		}
		add("waits lost, "+row.Client, float64(row.Lost), 0, "")
	}
	if table.peers != allPeers {
		return goals
	}
	if table.Key == keyAlone {
		best, bestP95 := math.Inf(1), math.Inf(1)
		for _, row := range table.Rows {
			if row.Tuned {
				best = min(best, mean(row.Relative))
				bestP95 = min(bestP95, quantile(row.Relative, 0.95))
			}
		}
		if !math.IsInf(best, 1) {
			own := table.ours(nameWait)
			add("mean lateness, with the best peer as the limit", 100*mean(own.Relative), 100*best, "%")
			add("p95 of the lateness, with the best peer as the limit", 100*quantile(own.Relative, 0.95), 100*bestP95, "%")
		}
		return goals
	}
	better, peers := 0, 0
	for _, row := range table.Rows {
		if !row.Ours {
			peers++
			if row.Lost == 0 && dominated(table, row) {
				better++
			}
		}
	}
	if peers > 0 {
		add("peers with fewer requests and less lag", float64(better), 0, "")
	}
	return goals
}

// dominated reports whether a peer has fewer requests and less lag than each row of
// package jobs.
func dominated(table *Table, peer Row) bool {
	for _, row := range table.Rows {
		if row.Ours && (row.PerJob() <= peer.PerJob() || mean(row.Lags) <= mean(peer.Lags)) {
			return false
		}
	}
	return true
}

// processorGoals returns the goals for processor time. An observation is one job
// state in a response.
func (r *Report) processorGoals() (goals []Goal) {
	add := func(text string, value, limit float64, unit string) {
		goals = append(goals, Goal{Text: "processor time for an observation: " + text, Value: value, Limit: limit, Unit: unit, Machine: true})
	}
	table, large := r.table(keyMain), r.table("10000@50")
	if table == nil {
		return nil
	}
	own := float64(table.ours(nameAll).CPUPerObservation())
	add("1,000 jobs", own/1e3, 8, "µs")
	if loop := table.ours(listPeer().Name); loop != nil {
		add("1,000 jobs, relative to a plain list loop", own/float64(loop.CPUPerObservation()), 2, "×")
	}
	if large != nil {
		add("10,000 jobs, relative to 1,000", float64(large.ours(nameAll).CPUPerObservation())/own, 1.5, "×")
	}
	return goals
}
