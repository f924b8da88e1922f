package bench

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

var (
	reportFolder  = flag.String("report", "", "measure all scenarios and write the report below this `folder`, the root of the repository; takes minutes")
	peersToo      = flag.Bool("peers", false, "measure the other libraries in TestTable too")
	benchstatFile = flag.String("benchstat", "", "with -report, write the figures to this `file` in the format of benchstat")
)

// TestGoals checks the goals that take seconds. The delays of the clients are spread at
// random, so that a goal fails the test only if it is missed twice.
func TestGoals(t *testing.T) {
	measure := func() *Report { return Make(t, Short, func(text string) { t.Log(text) }) }
	r := measure()
	goals := r.goals()
	missed := func(g Goal) bool { return !g.Machine && !g.Met() }
	if slices.ContainsFunc(goals, missed) {
		t.Log("a goal was missed: measure again")
		met := map[string]bool{}
		for _, g := range measure().goals() {
			met[g.Text] = g.Met()
		}
		goals = slices.DeleteFunc(goals, func(g Goal) bool { return missed(g) && met[g.Text] })
	}
	check(t, goals)

	folder := t.TempDir()
	for _, name := range []string{"docs", "bench"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Write(folder); err != nil {
		t.Error(err)
	}
	if lines := bytes.Count(r.summary(), []byte("\n")); lines > 120 {
		t.Errorf("docs/performance.md has %d lines", lines)
	}
}

// TestTable measures each table. Use -run to choose one, and -peers to include the
// other libraries.
func TestTable(t *testing.T) {
	if testing.Short() || *reportFolder != "" {
		t.Skip("TestGoals and TestReport measure the tables")
	}
	for _, table := range Full.tables() {
		t.Run(table.Key, func(t *testing.T) {
			plan := Full
			plan.Quick = !*peersToo
			b := &bench{t: t, plan: plan, progress: func(text string) { t.Log(text) }}
			b.fill(table)
			check(t, table.goals())
		})
	}
}

// TestReport measures all scenarios and writes the report.
func TestReport(t *testing.T) {
	if *reportFolder == "" {
		t.Skip("without -report")
	}
	r := Make(t, Full, func(text string) { fmt.Fprintln(os.Stderr, text) })
	fmt.Println(r.Text())
	fmt.Println(r.Benchstat())
	if err := r.Write(*reportFolder); err != nil {
		t.Fatal(err)
	}
	if *benchstatFile != "" {
		if err := os.WriteFile(*benchstatFile, []byte(r.Benchstat()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check(t, r.goals())
}

func check(t *testing.T, goals []Goal) {
	t.Helper()
	for _, g := range goals {
		switch {
		case g.Met():
		case g.Machine:
			t.Logf("missed on this machine: %s: %s, at most %s", g.Text, figure(g.Value, g.Unit), figure(g.Limit, g.Unit))
		default:
			t.Errorf("missed: %s: %s, at most %s", g.Text, figure(g.Value, g.Unit), figure(g.Limit, g.Unit))
		}
	}
}
