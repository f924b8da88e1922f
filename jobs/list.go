package jobs

import (
	"context"
	"iter"
	"net/http"
)

// pageSize is the most the service gives at once.
const pageSize = 128

const (
	// maxPageItems is how many items a page may hold. A service that gives
	// more than was asked for is borne with, one that floods is not.
	maxPageItems = 10 * pageSize
	// maxPages bounds a list that does not end: more than ten million items.
	maxPages = 100_000
	// maxStalePages is how many pages in a row may bring nothing new. One or
	// two can, when much was added in front while the list was read.
	maxStalePages = 8
)

// list reads every page of a list. Items may move between pages meanwhile, so
// it drops those whose id it has seen, and reads again what may have moved to
// where it was. It ends at the total, at an empty page, or at the limits above.
func list[T any](ctx context.Context, c *Client, op operation,
	build func(offset, limit int) (*http.Request, error),
	parse func(body []byte) (items []T, total int, err error),
	id func(T) string,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var path string // for error texts
		seen := map[string]bool{}
		for offset, total, stale, pages := 0, 0, 0, 0; ; {
			var items []T
			before := total
			err := c.call(ctx, op,
				func() (*http.Request, error) {
					req, err := build(offset, pageSize)
					if err == nil {
						path = c.relative(req)
					}
					return req, err
				},
				func(body []byte) (err error) { items, total, err = parse(body); return err })
			if err != nil {
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
				// What was taken away in front moved up as many that this reader
				// has not seen, to just before this page.
				offset = max(0, offset-shrunk)
			} else {
				offset += len(items)
			}
			if pages++; offset >= total || len(items) == 0 && shrunk <= 0 {
				return
			}
			if stale >= maxStalePages || pages >= maxPages {
				yield(none, &Error{Operation: op.name, Method: http.MethodGet, Path: path, StatusCode: http.StatusOK, Attempts: 1,
					cause: invalidResponse("the list of %d does not end: %d pages, the last %d of them without anything new", total, pages, stale)})
				return
			}
		}
	}
}
