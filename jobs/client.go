package jobs

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Version is the version of this package, sent in the X-Source header of every
// request as GO-SDK/<version>.
const Version = "0.1.0"

// Client talks to one TensorBay with one access key.
//
// A Client is safe for concurrent use. It needs no closing: it holds no
// goroutine and no timer while no call of its methods is under way.
type Client struct {
	key      secret
	server   string
	api      sender
	data     sender
	log      *slog.Logger
	retry    RetryPolicy
	pace     *pace
	timeout  time.Duration
	maxBody  int64
	recovery *recovery // nil: creates are not settled

	fleet func(*Dataset, Type) *fleet
}

// NewClient returns a client that uses the given access key. The prefix of the
// key selects the TensorBay: Accesskey- is https://gas.graviti.cn/, ACCESSKEY-
// is https://gas.graviti.com/; [WithBaseURL] overrides it.
//
// It sends nothing. Errors are [ErrInvalidArgument] and say which option is
// wrong.
func NewClient(accessKey string, options ...Option) (*Client, error) {
	key, home, err := parseAccessKey(accessKey)
	if err != nil {
		return nil, err
	}
	s := defaults(home)
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	c := &Client{
		key:     key,
		server:  s.baseURL + apiPath,
		log:     s.logger,
		retry:   s.retry,
		pace:    newPace(s.rate),
		timeout: s.timeout,
		maxBody: s.maxBody,
	}
	if s.recover {
		c.recovery = newRecovery()
	}
	// Both are copies: the caller's client is never changed.
	api, data := *s.httpClient, *s.httpClient
	api.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	data.CheckRedirect = checkDataRedirect
	c.api, c.data = newSender(&api), newSender(&data)
	c.fleet = newFleets(c)
	return c, nil
}

// String names the client by its address; the access key does not appear.
func (c *Client) String() string { return "tensorbay client of " + c.server }

// Dataset finds a dataset by its exact name and reads its kind, default branch
// and head commit: two requests. The error is [ErrNotFound] when there is no
// such dataset.
func (c *Client) Dataset(ctx context.Context, name string, position ...RevisionOption) (*Dataset, error) {
	if name == "" {
		return nil, invalid("dataset name is empty: give its exact name")
	}
	for d, err := range c.Datasets(ctx, name) {
		if err != nil {
			return nil, err
		}
		// The filter is the server's; an address that ignores it must not
		// hand out somebody else's dataset.
		if d.Name != name {
			continue
		}
		ds, err := c.DatasetByID(d.ID, position...)
		if err != nil {
			return nil, err
		}
		_, err = ds.Info(ctx)
		return ds, err
	}
	return nil, fmt.Errorf("%w: no dataset is named %q: check the name, and that the access key may read it", ErrNotFound, name)
}

// A DatasetItem is one entry of [Client.Datasets].
type DatasetItem struct {
	ID, Name string
	// Fusion tells a fusion dataset; false where the list does not say.
	Fusion bool
}

// Datasets lists the datasets the access key may read. A name that is not
// empty narrows the list to the dataset of exactly that name.
func (c *Client) Datasets(ctx context.Context, name string) iter.Seq2[DatasetItem, error] {
	return list(ctx, c, opListDatasets,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListDatasetsRequest(c.server, &gen.ListDatasetsParams{Name: optional(name), Offset: &offset, Limit: &limit})
		},
		func(body []byte) ([]DatasetItem, int, error) {
			var p gen.DatasetList
			err := decode(body, &p)
			return each(p.Datasets, func(d gen.DatasetListItem) DatasetItem {
				return DatasetItem{d.ID, d.Name, isFusion(value(d.Type))}
			}), p.TotalCount, err
		},
		func(d DatasetItem) string { return d.ID })
}

// DatasetByID returns the dataset with the given id, without a request: whether
// it exists shows at the first use.
func (c *Client) DatasetByID(id string, position ...RevisionOption) (*Dataset, error) {
	if err := checkID("dataset id", id); err != nil {
		return nil, err
	}
	ds := &Dataset{client: c, id: id}
	for _, p := range position {
		if err := p(&ds.at); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// optional is how gen wants a query parameter that may be left out.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
