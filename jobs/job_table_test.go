package jobs

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A table does what a map does, whatever is put in and taken out.
func TestJobTableIsAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table jobTable
	want := map[string]*Job{}
	for range 20_000 {
		id := fmt.Sprint(rng.IntN(300))
		switch j, there := want[id]; {
		case !there:
			j = &Job{id: id}
			table.add(j)
			want[id] = j
		case rng.IntN(2) == 0:
			table.remove(j)
			delete(want, id)
		}
		other := fmt.Sprint(rng.IntN(300))
		require.Same(t, want[other], table.find(other))
		require.Same(t, want[other], table.findBytes([]byte(other)))
		require.Equal(t, len(want), table.used)
	}
	for _, j := range want {
		table.remove(j)
	}
	require.Empty(t, table.slots, "nothing is kept when nothing is waited for")
}
