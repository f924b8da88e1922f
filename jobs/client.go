package jobs

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// Version is the version of this package. Every request sends it in the X-Source header, as
// GO-SDK/<version>.
const Version = "0.1.0"

// Client is a client of one TensorBay with one access key.
//
// A Client is safe for concurrent use. It needs no closing: it holds no goroutine and no
// timer while no call of its methods is in progress.
type Client struct {
	transport *transport.Transport
	server    string // the root of the API
	pace      *pace
	recovery  *recovery // nil without WithCreateRecovery

	fleet func(*Dataset, Type) *fleet
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
	s := defaultSettings(key, address)
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	c := &Client{pace: newPace(s.rate)}
	s.Limit = c.pace
	c.transport = transport.New(s.Config)
	c.server = c.transport.Server
	if s.recover {
		c.recovery = newRecovery()
	}
	c.fleet = newFleets(c)
	return c, nil
}

// String returns the address of the service, without the access key.
func (c *Client) String() string { return "tensorbay client of " + c.server }

// Dataset returns the dataset with the given name. It sends two requests: one finds the id,
// the other reads kind, default branch and head commit. The error matches [ErrNotFound] if
// there is no such dataset.
//
// The dataset is checked out at its default branch, or at the given revision.
func (c *Client) Dataset(ctx context.Context, name string, at ...RevisionOption) (*Dataset, error) {
	if name == "" {
		return nil, invalid("dataset name is empty: give its exact name")
	}
	for d, err := range c.Datasets(ctx, name) {
		if err != nil {
			return nil, err
		}
		if d.Name != name { // a server may ignore the filter
			continue
		}
		ds, err := c.DatasetByID(d.ID, at...)
		if err != nil {
			return nil, err
		}
		_, err = ds.Info(ctx)
		return ds, err
	}
	return nil, fmt.Errorf("%w: no dataset is named %q: check the name, and that the access key may read it", ErrNotFound, name)
}

// DatasetItem is one entry of [Client.Datasets].
type DatasetItem struct {
	ID, Name string
	// Fusion reports whether it is a fusion dataset; false if the list does not say.
	Fusion bool
}

// Datasets lists the datasets that the access key may read. If name is not empty, the list
// holds only the dataset with exactly that name.
func (c *Client) Datasets(ctx context.Context, name string) iter.Seq2[DatasetItem, error] {
	return list(ctx, c, opListDatasets,
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListDatasetsRequest(c.server, &gen.ListDatasetsParams{Name: optional(name), Offset: offset, Limit: limit})
		},
		func(p *gen.DatasetList) ([]DatasetItem, int, error) {
			return convert(p.Datasets, func(d gen.DatasetListItem) DatasetItem {
				return DatasetItem{d.ID, d.Name, isFusion(value(d.Type))}
			}), p.TotalCount, nil
		},
		func(d DatasetItem) string { return d.ID })
}

// DatasetByID returns the dataset with the given id without a request. If it does not exist,
// the first request that uses it fails with [ErrNotFound].
func (c *Client) DatasetByID(id string, at ...RevisionOption) (*Dataset, error) {
	if err := checkID("dataset id", id); err != nil {
		return nil, err
	}
	ds := &Dataset{client: c, id: id}
	for _, option := range at {
		if err := option(&ds.at); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// The operations of openapi.yaml that this package uses.
var (
	opListDatasets            = transport.Operation{ID: "listDatasets", Name: "list datasets"}
	opGetDataset              = transport.Operation{ID: "getDataset", Name: "get dataset"}
	opListBranches            = transport.Operation{ID: "listBranches", Name: "list branches"}
	opListTags                = transport.Operation{ID: "listTags", Name: "list tags"}
	opListCommits             = transport.Operation{ID: "listCommits", Name: "list commits"}
	opListDrafts              = transport.Operation{ID: "listDrafts", Name: "list drafts"}
	opUpdateDraft             = transport.Operation{ID: "updateDraft", Name: "close draft"}
	opCreateJob               = transport.Operation{ID: "createJob", Name: "create job", NonIdempotent: true}
	opListJobs                = transport.Operation{ID: "listJobs", Name: "list jobs"}
	opGetJob                  = transport.Operation{ID: "getJob", Name: "get job"}
	opDeleteJob               = transport.Operation{ID: "deleteJob", Name: "delete job"}
	opAbortJob                = transport.Operation{ID: "abortJob", Name: "abort job"}
	opRetryJob                = transport.Operation{ID: "retryJob", Name: "retry job", NonIdempotent: true}
	opCreateDatasetFromSearch = transport.Operation{ID: "createDatasetFromSearch", Name: "create dataset from search", NonIdempotent: true}
	opListSegments            = transport.Operation{ID: "listSegments", Name: "list segments"}
	opListSensors             = transport.Operation{ID: "listSensors", Name: "list sensors"}
	opListDataDetails         = transport.Operation{ID: "listDataDetails", Name: "list data"}
	opListDataUrls            = transport.Operation{ID: "listDataUrls", Name: "renew data urls"}
	opListMaskUrls            = transport.Operation{ID: "listMaskUrls", Name: "renew mask urls"}
	opGetLabelStatistics      = transport.Operation{ID: "getLabelStatistics", Name: "get label statistics"}
)

// call sends a request and passes the body of the response to parse; a nil parse means that
// no body is promised.
func (c *Client) call(ctx context.Context, op transport.Operation, build transport.Build, parse func(body []byte) error) error {
	return newError(c.transport.Do(ctx, op, build, parse))
}

// get sends a request and decodes the response.
func get[T any](ctx context.Context, c *Client, op transport.Operation, build transport.Build) (body T, err error) {
	err = c.call(ctx, op, build, func(raw []byte) error { return decode(raw, &body) })
	return body, err
}
