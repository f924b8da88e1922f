package jobs

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/pager"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/ratelimit"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/watcher"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// Version is the version of this package. Every request sends it in the X-Source header, as
// GO-SDK/<version>.
const Version = "0.1.0"

// Client is a client of one TensorBay with one access key. Get one from [NewClient].
//
// A Client is safe for concurrent use. It has no Close method: it keeps no goroutine and no
// timer while no call is in progress.
type Client struct {
	transport *transport.Transport
	server    string    // the root of the API
	recovery  *recovery // nil without WithCreateRecovery
	pages     int       // of one list, requested at the same time
	// watch starts a wait. It is a func so that no dump of a client reads the state of waits.
	watch func(watcher.Source, watcher.Options) *watcher.Wait
}

// NewClient returns a client that uses the given access key. The prefix of the key selects
// the TensorBay: Accesskey- is https://gas.graviti.cn/, ACCESSKEY- is
// https://gas.graviti.com/. [WithBaseURL] overrides it.
//
// NewClient sends no request. Its errors match [ErrInvalidArgument] and name the option.
func NewClient(accessKey string, options ...Option) (*Client, error) {
	key, address, err := transport.ParseAccessKey(accessKey)
	if err != nil {
		return nil, invalid("%v", err)
	}
	s := settings{Config: transport.Config{
		Key: key, Product: "GO-SDK/" + Version, BaseURL: address,
		Client: &http.Client{}, Log: slog.New(slog.DiscardHandler),
	}}
	for _, option := range slices.Concat(defaults, options) {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	c, requests := &Client{}, ratelimit.NewAdaptive(s.rate)
	s.Limit = requests
	if s.pollRate == 0 && s.rate == 0 {
		s.pollRate = 10
	}
	polls := ratelimit.New(s.pollRate).Within(requests)
	c.transport = transport.New(s.Config)
	c.server, c.pages = c.transport.Server, s.pages
	if s.recover {
		c.recovery = newRecovery()
	}
	c.watch = watcher.NewSet(polls).Start
	return c, nil
}

// String returns the address of the service, without the access key.
func (c *Client) String() string { return "tensorbay client of " + c.server }

// send sends a request and passes the body of the response to parse; a nil parse means that
// no body is promised.
func (c *Client) send(ctx context.Context, op transport.Operation, build transport.Build, parse func(body []byte) error) error {
	return newError(c.transport.Do(ctx, op, build, parse))
}

// call sends a request, decodes the response as a T and checks it; check may be nil.
func call[T any](ctx context.Context, c *Client, op transport.Operation, build transport.Build, check func(*T) error) (v T, err error) {
	err = c.send(ctx, op, build, func(body []byte) error {
		v = *new(T) // a body that was rejected may have filled it
		if err := decode(body, &v); err != nil || check == nil {
			return err
		}
		return check(&v)
	})
	return v, err
}

// list iterates over all pages of a list; P is the generated type of a page.
func list[P, T any](ctx context.Context, c *Client, op transport.Operation,
	build func(offset, limit *int) (*http.Request, error),
	read func(page *P) (items []T, total int, err error),
	id func(T) string,
) iter.Seq2[T, error] {
	return pages(ctx, c, op, build, func(body []byte, _ int) (items []T, total int, err error) {
		var page P
		if err := decode(body, &page); err != nil {
			return nil, 0, err
		}
		return read(&page)
	}, id)
}

// pages is a list whose pages are read from the body and the offset of a response.
func pages[T any](ctx context.Context, c *Client, op transport.Operation,
	build func(offset, limit *int) (*http.Request, error),
	read func(body []byte, offset int) (items []T, total int, err error),
	id func(T) string,
) iter.Seq2[T, error] {
	return pager.List(ctx, c.pages-1, func(ctx context.Context, offset int) (page pager.Page[T]) {
		limit := wire.PageSize
		o := c.transport.Do(ctx, op,
			func() (*http.Request, error) { return build(&offset, &limit) },
			func(body []byte) (err error) {
				page.Items, page.Total, err = read(body, offset)
				return err
			})
		page.Err = newError(o)
		page.Fail = func(err error) error {
			o.State, o.RequestID, o.Err = transport.Unknown, "", err
			return newError(o)
		}
		return page
	}, id)
}

// failed returns a list that ends with an error at once.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(*new(T), err) }
}

// only returns the items of a list that keep accepts. A server may ignore the filter of a
// request.
func only[T any](items iter.Seq2[T, error], keep func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range items {
			if (err != nil || keep(item)) && !yield(item, err) {
				return
			}
		}
	}
}
