package bench

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

var (
	reportFolder  = flag.String("report", "", "measure everything and write the report into this folder; takes minutes")
	benchstatFile = flag.String("benchstat", "", "write what benchstat reads to this file, with -report")
)

// TestGoals holds package jobs to those of its goals that take seconds.
func TestGoals(t *testing.T) {
	r := Make(t, Short, func(string) {})
	check(t, r)
}

// TestReport measures everything and writes the report.
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
	check(t, r)
}

func check(t *testing.T, r *Report) {
	t.Helper()
	for _, g := range r.goals() {
		switch {
		case g.Met():
		case g.Machine:
			t.Logf("missed on this machine: %s: %s, at most %s", g.Text, figure(g.Value, g.Unit), figure(g.Limit, g.Unit))
		default:
			t.Errorf("missed: %s: %s, at most %s", g.Text, figure(g.Value, g.Unit), figure(g.Limit, g.Unit))
		}
	}
}
