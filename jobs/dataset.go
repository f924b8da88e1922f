package jobs

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Dataset is a dataset of TensorBay, seen from a position in its history: a
// branch, a commit or a draft. Get one from [Client.Dataset] or
// [Client.DatasetByID].
//
// A Dataset is safe for concurrent use.
type Dataset struct {
	client *Client
	id     string
	at     revision

	mu   sync.Mutex
	info *DatasetInfo
}

// position is where a dataset client stands. The zero value is the default
// branch.
type revision struct {
	branch, commit string
	draft          int64
}

// A Position says where in the history of a dataset to stand; the default is
// its default branch.
type RevisionOption func(*revision) error

// AtBranch stands on a branch: it is the target of merges that name none, and
// its head is what is searched.
func AtBranch(name string) RevisionOption {
	return func(p *revision) error {
		if name == "" {
			return invalid("branch name is empty: Branches lists the names")
		}
		*p = revision{branch: name}
		return nil
	}
}

// AtCommit stands on a commit, given by its id. There is no branch to merge
// into by default.
func AtCommit(id string) RevisionOption {
	return func(p *revision) error {
		*p = revision{commit: id}
		return checkID("commit id", id)
	}
}

// AtDraft stands on a draft, given by its number. There is no branch to merge
// into by default, and nothing to search: a search needs a commit.
func AtDraft(number int64) RevisionOption {
	return func(p *revision) error {
		if number < 1 {
			return invalid("draft number %d: they count from 1", number)
		}
		*p = revision{draft: number}
		return nil
	}
}

// DatasetInfo is what the service says of a dataset.
type DatasetInfo struct {
	ID   string
	Name string
	// Alias is a second name for people; it may be empty.
	Alias string
	// Fusion tells a fusion dataset, whose data are grouped in frames, from a
	// plain one.
	Fusion        bool
	DefaultBranch string
	// CommitID is the newest commit of the default branch; empty before the
	// first commit.
	CommitID string
	Public   bool
}

// ID is the id of the dataset.
func (ds *Dataset) ID() string { return ds.id }

// String names the dataset by its id.
func (ds *Dataset) String() string { return "dataset " + ds.id }

// Info reads the dataset once and remembers it: kind and default branch do not
// change. Use [Dataset.Refresh] for the newest commit.
func (ds *Dataset) Info(ctx context.Context) (DatasetInfo, error) {
	ds.mu.Lock()
	info := ds.info
	ds.mu.Unlock()
	if info != nil {
		return *info, nil
	}
	return ds.Refresh(ctx)
}

// Refresh reads the dataset again.
func (ds *Dataset) Refresh(ctx context.Context) (DatasetInfo, error) {
	var body gen.Dataset
	err := ds.client.call(ctx, opGetDataset,
		func() (*http.Request, error) { return gen.NewGetDatasetRequest(ds.client.server, ds.id) },
		into(&body))
	if err != nil {
		return DatasetInfo{}, err
	}
	info := DatasetInfo{
		ID:            ds.id,
		Name:          body.Name,
		Alias:         value(body.Alias),
		DefaultBranch: value(body.DefaultBranch),
		CommitID:      value(body.CommitID),
		Public:        value(body.IsPublic),
		Fusion:        isFusion(body.Type),
	}
	ds.mu.Lock()
	ds.info = &info
	ds.mu.Unlock()
	return info, nil
}

// isFusion reads the type of a dataset, which is written as a number or as a
// boolean. What is neither is no fusion dataset as far as anybody knows.
func isFusion(kind []byte) bool {
	kind = bytes.TrimSpace(kind)
	return string(kind) == "1" || string(kind) == "true"
}

// branch is the branch the dataset stands on.
func (ds *Dataset) branch(ctx context.Context) (string, error) {
	switch p := ds.at; {
	case p.draft != 0:
		return "", invalid("no target branch: dataset %s stands on draft %d; name the target", ds.id, p.draft)
	case p.commit != "":
		return "", invalid("no target branch: dataset %s stands on commit %s; name the target", ds.id, p.commit)
	case p.branch != "":
		return p.branch, nil
	}
	info, err := ds.Info(ctx)
	if err == nil && info.DefaultBranch == "" {
		err = invalid("no target branch: dataset %s has no default branch; name the target", ds.id)
	}
	return info.DefaultBranch, err
}

// revision is the commit the dataset stands on, as a name that the service can
// resolve.
func (ds *Dataset) revision(ctx context.Context) (string, error) {
	switch p := ds.at; {
	case p.draft != 0:
		return "", invalid("a commit is needed, and dataset %s stands on draft %d: commit it, or name a revision", ds.id, p.draft)
	case p.commit != "":
		return p.commit, nil
	}
	return ds.branch(ctx)
}

// Resolve returns the commit that a revision names: a branch, a tag or a commit
// id. An empty revision is where the dataset stands. The error is
// [ErrNotFound] when nothing has this name.
func (ds *Dataset) Resolve(ctx context.Context, revision string) (Commit, error) {
	if revision == "" {
		var err error
		if revision, err = ds.revision(ctx); err != nil {
			return Commit{}, err
		}
	}
	var body gen.CommitList
	one := 1
	err := ds.client.call(ctx, opListCommits,
		func() (*http.Request, error) {
			return gen.NewListCommitsRequest(ds.client.server, ds.id, &gen.ListCommitsParams{Commit: &revision, Limit: &one})
		},
		into(&body))
	if err != nil {
		return Commit{}, err
	}
	if len(body.Commits) == 0 || checkID("commit id", body.Commits[0].CommitID) != nil {
		return Commit{}, fmt.Errorf("%w: dataset %s has no commit at revision %q: check the branch, tag or commit id", ErrNotFound, ds.id, revision)
	}
	return newCommit(body.Commits[0]), nil
}

// value is what a pointer of package gen points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
