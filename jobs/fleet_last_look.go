package jobs

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// reserve keeps the places in the pace that a last look before a deadline will
// need.
func (f *fleet) reserve(ctx context.Context, at time.Time, b batch) context.Context {
	f.planned(b.Place, at)
	if len(b.Keys) > 1 && f.mustCount() {
		go f.count(ctx) // of which the last look knows in time
	}
	return f.client.pace.keep(ctx, at, max(len(f.lastRequests(b)), 1))
}

// A request asks for something and tells what it shows.
type request func(ctx context.Context, tell func(seen)) error

// lastRequests are those of a last look. There is no time to make one after the
// other, so each job is read, or all pages on which the jobs are, where that is fewer.
// None are returned where the length of the list is not known: it is searched, since
// its first page may well show them all.
func (f *fleet) lastRequests(b batch) (requests []request) {
	var offsets []int
	if f.mayList() {
		if offsets = f.lastPages(b); len(offsets) == 0 {
			return nil
		}
	}
	if len(offsets) > 0 && len(offsets) < len(b.Keys) {
		for _, offset := range offsets {
			requests = append(requests, func(ctx context.Context, tell func(seen)) error {
				_, err := f.blocks(ctx, offset, pageSize, tell)
				return err
			})
		}
		return requests
	}
	for _, j := range b.Keys {
		requests = append(requests, func(ctx context.Context, tell func(seen)) error { return f.read(ctx, j, b.Place, tell) })
	}
	return requests
}

// lastPages are where the pages begin on which the jobs of a batch are. Where the
// list lately grew they may have moved on to the next page since it was last seen.
func (f *fleet) lastPages(b batch) (offsets []int) {
	total, grows := f.length()
	at, known := b.Place.(place)
	if known {
		offsets = []int{begins(at.block, total)}
	} else {
		for block := range f.blockCount() {
			offsets = append(offsets, begins(block, total))
		}
	}
	// offsets[0] is the oldest.
	if grows && total > pageSize/2 && (!known || !f.nextIsPlanned(at)) {
		offsets = append(offsets, offsets[0]+pageSize)
	}
	return offsets
}

// planned notes when a last look at a block will be made.
func (f *fleet) planned(where any, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastLook = at
	if block, ok := where.(place); ok {
		if f.lastLooks == nil {
			f.lastLooks = map[place]time.Time{}
		}
		f.lastLooks[block] = at
	}
}

// mustCount reports whether to find out how long the list is: nobody knows it well
// enough to look at its pages, for instance since only the list of the jobs in progress
// was followed.
func (f *fleet) mustCount() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.noList || f.total == 0 || now.Sub(f.counted) < stillGrows || now.Sub(f.counting) < time.Second {
		return false
	}
	f.counting = now
	return true
}

// count asks for the length of the list. What goes wrong does not matter: then it is
// what it was.
func (f *fleet) count(ctx context.Context) {
	if _, page, err := f.list(ctx, 0, 1, ""); err == nil {
		f.hasTotal(page.total)
	}
}

// nextIsPlanned reports whether the page behind that of a block is read as well, by
// a last look at the same time.
func (f *fleet) nextIsPlanned(block place) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, ok := f.lastLooks[place{block.block - 1}]
	return ok && f.lastLooks[block].Sub(next).Abs() < 10*time.Millisecond
}

// atOnce makes requests at the same time. When the service asks to be left alone, those
// that have not been sent are not made any more.
func atOnce(ctx context.Context, requests []request, tell func(seen)) error {
	var all sync.WaitGroup
	errs := make([]error, len(requests))
	free := make(chan struct{}, mostAtOnce)
	line, leave := context.WithCancel(ctx)
	defer leave()
	for i, request := range requests {
		free <- struct{}{}
		if line.Err() != nil {
			break
		}
		all.Go(func() {
			err := request(standFor(ctx, line), func(s seen) {
				if s.After > 0 {
					leave()
				}
				tell(s)
			})
			if line.Err() == nil || !errors.Is(err, context.Canceled) {
				errs[i] = err
			}
			<-free
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}

// mostAtOnce bounds the requests of one look that are under way.
const mostAtOnce = 32
