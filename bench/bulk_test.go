package bench

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestBulk measures lists, content and creates.
func TestBulk(t *testing.T) {
	if testing.Short() || *reportFolder != "" {
		t.Skip("TestReport measures it")
	}
	b := &bench{t: t, plan: Full, progress: func(text string) { t.Log(text) }}
	bulk := b.bulk()
	for _, row := range bulk.Rows {
		t.Logf("%s: %s; %s; %s", row.Text, row.Figure, row.Other, row.Ratio)
	}
	check(t, bulk.Goals)
}
