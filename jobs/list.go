package jobs

import (
	"context"
	"iter"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

const (
	// maxPages limits a list that does not end: more than ten million items.
	maxPages = 100_000
	// maxStalePages is how many pages in a row may hold nothing new. One or two can, if
	// many items were added at the front while the list was read.
	maxStalePages = 8
)

// list iterates over all pages of a list; P is the generated type of a page. Items may
// move between pages while the list is read, so list skips items whose id it has yielded,
// and goes back if the list shrinks. It ends at the total, at an empty page, or with an
// error at the limits above.
func list[P, T any](ctx context.Context, c *Client, op transport.Operation,
	build func(offset, limit *int) (*http.Request, error),
	read func(page *P) (items []T, total int, err error),
	id func(T) string,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[string]bool{}
		limit := wire.PageSize
		for offset, total, stale, pages := 0, 0, 0, 0; ; {
			var items []T
			before := total
			o := c.transport.Do(ctx, op,
				func() (*http.Request, error) { return build(&offset, &limit) },
				func(body []byte) (err error) {
					var page P
					if err := decode(body, &page); err != nil {
						return err
					}
					items, total, err = read(&page)
					return err
				})
			if err := newError(o); err != nil {
				yield(none, err)
				return
			}
			stale++
			for _, item := range items {
				if key := id(item); !seen[key] {
					seen[key] = true
					stale = 0
					if !yield(item, nil) {
						return
					}
				}
			}
			shrunk := before - total
			if shrunk > 0 {
				// The items after the deleted ones have moved to just before this page.
				offset = max(0, offset-shrunk)
			} else {
				offset += len(items)
			}
			if pages++; offset >= total || len(items) == 0 && shrunk <= 0 {
				return
			}
			if stale >= maxStalePages || pages >= maxPages {
				o.State, o.RequestID = transport.Unknown, ""
				o.Err = wire.Errorf("the list of %d does not end: %d pages, the last %d of them without new items", total, pages, stale)
				yield(none, newError(o))
				return
			}
		}
	}
}
