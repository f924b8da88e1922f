package bench

import (
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	b := &bench{t: t, plan: Short, progress: func(string) {}}
	_ = b
	for _, f := range b.deadlines().Rows {
		for i, r := range f.Results {
			t.Log(f.Client, i, r.Lost, r.Waits, r.PerJob(), r.LastErr)
		}
	}
	_ = time.Second
}
