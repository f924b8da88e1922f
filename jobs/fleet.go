package jobs

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A fleet waits for all jobs of one type of a dataset that anybody waits for
// with one client. How it looks at them with few requests is in fleet_look.go.
type fleet struct {
	client  *Client
	dataset *Dataset // for its id
	of      Type
	group   *polling.Group[*Job, *Snapshot]

	mu       sync.Mutex
	jobs     jobTable          // that are waited for
	twins    map[string][]*Job // further values of the same job, by id
	total    int               // how long the list was the last time
	counted  time.Time         // when that was
	counting time.Time         // when only that was asked for
	grew     time.Time         // when it was seen to be longer than before

	lastLook  time.Time           // when one before a deadline will be made
	lastLooks map[place]time.Time // by the block that it is at
	noList    bool                // the service does not let us list
	followed  time.Time           // when following the list of the jobs in progress began
}

// newFleets returns a function that finds the fleet of a dataset and job type. It
// is a func so that nobody who dumps a client reads what waits are changing.
func newFleets(c *Client) func(*Dataset, Type) *fleet {
	type key struct {
		dataset string
		of      Type
	}
	var mu sync.Mutex
	fleets := map[key]*fleet{}
	return func(ds *Dataset, of Type) *fleet {
		mu.Lock()
		defer mu.Unlock()
		f := fleets[key{ds.id, of}]
		if f == nil {
			f = &fleet{client: c, dataset: ds, of: of, twins: map[string][]*Job{}}
			f.group = polling.NewGroup(f.observe, polling.GroupOptions{Rate: c.pace.perSecond(), Timeout: -1})
			f.group.ReserveWith(f.reserve)
			f.group.TellOf(f.waitsFor)
			f.group.KeepIn(func(j *Job) *polling.Slot { return &j.slot })
			fleets[key{ds.id, of}] = f
		}
		return f
	}
}

// alone is for a wait that shares its looks with no other.
func (f *fleet) alone(s polling.Schedule) *polling.Group[*Job, *Snapshot] {
	g := polling.NewGroup(func(ctx context.Context, b batch, tell func(seen)) error {
		return f.single(ctx, b.Keys, nil, tell)
	}, polling.GroupOptions{Schedule: s, Rate: f.client.pace.perSecond(), Timeout: -1})
	g.ReserveWith(func(ctx context.Context, at time.Time, _ batch) context.Context {
		return f.client.pace.keep(ctx, at, 1)
	})
	return g
}

// waitsFor makes a job that is waited for known by its id, so that a list can tell of
// it, or forgets it.
func (f *fleet) waitsFor(j *Job, waitedFor bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first, twins := f.jobs.find(j.id), f.twins[j.id]
	switch {
	case waitedFor && first == nil:
		f.jobs.add(j)
	case waitedFor:
		f.twins[j.id] = append(twins, j)
	case first != j:
		i := slices.Index(twins, j)
		f.twins[j.id] = slices.Delete(twins, i, i+1)
	default:
		f.jobs.remove(j)
		if len(twins) > 0 {
			f.jobs.add(twins[0])
			f.twins[j.id] = twins[1:]
		}
	}
	if len(f.twins[j.id]) == 0 {
		delete(f.twins, j.id)
	}
}

// named returns the jobs with an id that anybody waits for.
func (f *fleet) named(id []byte, into []*Job) []*Job {
	f.mu.Lock()
	defer f.mu.Unlock()
	if j := f.jobs.findBytes(id); j != nil {
		into = append(append(into, j), f.twins[j.id]...)
	}
	return into
}
