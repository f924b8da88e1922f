// Package pager reads lists page by page and requests following pages ahead.
package pager

import (
	"context"
	"iter"
	"sync"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

const (
	// maxPages limits a list that does not end: more than ten million items.
	maxPages = 100_000
	// maxStalePages is how many pages in a row may hold nothing new. One or two can, if
	// many items were added at the front while the list was read.
	maxStalePages = 8
	// maxExpected limits the memory that is allocated because of a total.
	maxExpected = 1 << 16
)

// A Page is one page of a list.
type Page[T any] struct {
	Items []T
	Total int   // the length of the list
	Err   error // in place of items
	// Fail describes an error of the list as one of the request for this page.
	Fail func(error) error
}

// List iterates over the items of a list. Items may move between pages while the list is
// read, so List skips items whose id it has yielded, and goes back if the list shrinks. It
// ends at the total, at an empty page, or with an error at the limits above.
//
// List requests up to so many pages ahead of the one that the caller works on or waits for:
// one during the first page, and twice as many during each further one. It yields them in
// order. read must be safe for concurrent use. No call of read is in progress when the
// iterator returns.
func List[T any](ctx context.Context, ahead int, read func(ctx context.Context, offset int) Page[T], id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f := fetcher[T]{ctx: ctx, read: read, most: max(ahead, 0), ahead: min(max(ahead, 0), 1)}
		defer f.group.Wait()
		defer f.drop()
		var seen map[string]struct{}
		for offset, total, stale, pages := 0, 0, 0, 0; ; {
			page := f.get(offset)
			if page.Err != nil {
				yield(none, page.Err)
				return
			}
			shrunk := total - page.Total
			total = page.Total
			if shrunk > 0 {
				// The items after the deleted ones have moved to just before this page.
				offset = max(0, offset-shrunk)
			} else {
				offset += len(page.Items)
			}
			pages++
			over := offset >= total || len(page.Items) == 0 && shrunk <= 0
			if !over {
				f.expect(offset, len(page.Items), total)
			}
			if seen == nil {
				seen = make(map[string]struct{}, min(max(total, len(page.Items)), maxExpected))
			}
			stale++
			for _, item := range page.Items {
				known := len(seen)
				if seen[id(item)] = struct{}{}; len(seen) == known {
					continue
				}
				stale = 0
				if !yield(item, nil) {
					return
				}
			}
			if over {
				return
			}
			if stale >= maxStalePages || pages >= maxPages {
				yield(none, page.Fail(wire.Errorf("the list of %d does not end: %d pages, the last %d of them without new items", total, pages, stale)))
				return
			}
		}
	}
}

// A fetcher requests pages ahead.
type fetcher[T any] struct {
	ctx         context.Context
	read        func(ctx context.Context, offset int) Page[T]
	most, ahead int // pages; ahead grows to most
	items       int // on each page, as expected
	total       int
	group       sync.WaitGroup
	queue       []request[T] // in the order of their offsets
}

// A request is one page under way. Its channel is closed without a page if read panicked or
// ended its goroutine.
type request[T any] struct {
	offset int
	page   chan Page[T]
	cancel context.CancelFunc
}

// get returns the page at an offset. Pages ahead of another offset are of no use.
func (f *fetcher[T]) get(offset int) Page[T] {
	if len(f.queue) == 0 || f.queue[0].offset != offset {
		f.drop()
		return f.read(f.ctx, offset)
	}
	next := f.queue[0]
	f.queue = f.queue[1:]
	f.ahead = min(2*f.ahead, f.most)
	f.request(offset + f.items)
	page, ok := <-next.page
	if !ok { // a panic must reach the caller
		return f.read(f.ctx, offset)
	}
	return page
}

// expect requests pages of so many items from an offset on.
func (f *fetcher[T]) expect(offset, items, total int) {
	if len(f.queue) > 0 && f.queue[0].offset != offset {
		f.drop()
	}
	f.items, f.total = items, total
	f.request(offset)
}

// request requests pages from an offset on, until enough are under way.
func (f *fetcher[T]) request(offset int) {
	if n := len(f.queue); n > 0 {
		offset = f.queue[n-1].offset + f.items
	}
	for ; len(f.queue) < f.ahead && offset < f.total; offset += f.items {
		ctx, cancel := context.WithCancel(f.ctx)
		r := request[T]{offset, make(chan Page[T], 1), cancel}
		f.queue = append(f.queue, r)
		f.group.Go(func() {
			defer close(r.page)
			defer cancel()
			defer func() { _ = recover() }()
			r.page <- f.read(ctx, r.offset)
		})
		if f.items == 0 {
			return
		}
	}
}

// drop cancels all requests under way.
func (f *fetcher[T]) drop() {
	for _, r := range f.queue {
		r.cancel()
	}
	f.queue = nil
}
