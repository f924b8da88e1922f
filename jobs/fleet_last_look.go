package jobs

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// reserve keeps the places in the pace that a last look before a deadline will
// need.
func (f *fleet) reserve(ctx context.Context, at time.Time, b batch) context.Context {
	n := 1
	if f.needsAllAtOnce(b) {
		n, _ = f.atOnceTakes(b)
	}
	return f.client.pace.keep(ctx, at, n)
}

// needsAllAtOnce reports whether a batch is a last look that takes several requests,
// which there is no time to make one after the other: the jobs are not all on one
// page that is known. A list of unknown length is searched all the same, since one
// page of it may show them all.
func (f *fleet) needsAllAtOnce(b batch) bool {
	_, block := b.Place.(place)
	return b.Last && (!f.mayList() || !block && f.blockCount() > 0)
}

// atOnce reads each job of a batch, or all blocks of the list where that is fewer,
// at the same time.
func (f *fleet) atOnce(ctx context.Context, b batch, tell func(seen)) error {
	n, blocks := f.atOnceTakes(b)
	var all sync.WaitGroup
	errs := make([]error, n)
	free := make(chan struct{}, mostAtOnce)
	for i := range n {
		free <- struct{}{}
		all.Go(func() {
			if blocks {
				errs[i] = f.page(ctx, i, tell)
			} else {
				errs[i] = f.read(ctx, b.Keys[i], b.Place, tell)
			}
			<-free
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}

// atOnceTakes is how many requests atOnce takes, and whether they are for blocks.
func (f *fleet) atOnceTakes(b batch) (n int, blocks bool) {
	n = f.blockCount()
	if blocks = f.mayList() && n > 0 && n < len(b.Keys); !blocks {
		n = len(b.Keys)
	}
	return n, blocks
}

// mostAtOnce bounds the requests of one look that are under way.
const mostAtOnce = 32
