package jobs

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// reserve keeps the places in the pace that a last look before a deadline will
// need.
func (f *fleet) reserve(ctx context.Context, at time.Time, b batch) context.Context {
	if len(b.Keys) > 1 && f.mayList() && f.length.forgotten() {
		go f.count(ctx) // of which the last look knows in time
	}
	return f.client.pace.keep(ctx, at, max(len(f.lastRequests(b.Keys)), 1))
}

// count asks for the length of the list. What goes wrong does not matter: then it is
// what it was.
func (f *fleet) count(ctx context.Context) {
	if _, page, err := f.list(ctx, 0, 1, ""); err == nil {
		f.length.is(page.total)
	}
}

// A request asks for something and tells what it shows.
type request func(ctx context.Context, tell func(seen)) error

// lastRequests are those of a last look. There is no time to make one after the
// other, so each job is read, or the page on which it is with others.
// None are returned where the length of the list is not known: it is searched, since
// its first page may well show them all.
func (f *fleet) lastRequests(jobs []*Job) (requests []request) {
	mayList := f.mayList()
	if mayList && f.length.was() == 0 {
		return nil
	}
	var offsets []int
	if mayList {
		offsets, jobs = f.lastPages(jobs)
	}
	for _, offset := range offsets {
		requests = append(requests, func(ctx context.Context, tell func(seen)) error {
			_, err := f.blocks(ctx, offset, pageSize, tell)
			return err
		})
	}
	for _, j := range jobs {
		requests = append(requests, func(ctx context.Context, tell func(seen)) error {
			return f.read(ctx, j, placeOf(j), tell)
		})
	}
	return requests
}

// lastPages are where the pages begin that take fewer requests than to read the jobs on
// them one by one, and the jobs that are left. The page behind counts too: while the list
// grows, jobs move on to it. The only page of a short list has room.
func (f *fleet) lastPages(jobs []*Job) (offsets []int, rest []*Job) {
	total := f.length.was()
	behind := 1
	if total <= pageSize/2 {
		behind = 0
	}
	blocks := map[int][]*Job{} // -1 where it is not known
	for _, j := range jobs {
		block := int(j.block.Load()) - 1
		blocks[block] = append(blocks[block], j)
	}
	for _, block := range slices.Sorted(maps.Keys(blocks)) {
		on, newest := blocks[block], block
		if block < 0 {
			block, newest = 0, f.length.blocks()-1
		}
		if len(on) <= newest-block+1+behind {
			rest = append(rest, on...)
			continue
		}
		for ; newest >= block-behind; newest-- {
			offsets = append(offsets, begins(newest, total))
		}
	}
	slices.Sort(offsets)
	return slices.Compact(offsets), rest
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
