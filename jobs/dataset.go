package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// Dataset is a dataset of TensorBay that is checked out at a revision of its history: a
// branch, a commit or a draft. Get one from [Client.Dataset] or [Client.DatasetByID].
//
// A Dataset is safe for concurrent use.
type Dataset struct {
	client *Client
	id     string
	at     revision
	info   atomic.Pointer[DatasetInfo] // nil until it is read
}

// revision identifies a version of a dataset. The zero value is the default branch.
type revision struct {
	branch, commit string
	draft          int64
}

// RevisionOption selects the revision that a dataset is checked out at: [AtBranch],
// [AtCommit] or [AtDraft]. The default is the default branch. The last of several options
// applies.
type RevisionOption func(*revision) error

// AtBranch checks out a branch. It is the default target of merges, and its head is the
// default revision of searches.
func AtBranch(name string) RevisionOption {
	return func(r *revision) error {
		if name == "" {
			return invalid("branch name is empty: Branches lists the names")
		}
		*r = revision{branch: name}
		return nil
	}
}

// AtCommit checks out a commit by its id. Merges then need a target.
func AtCommit(id string) RevisionOption {
	return func(r *revision) error {
		*r = revision{commit: id}
		return checkID("commit id", id)
	}
}

// AtDraft checks out a draft by its number. Merges then need a target, and searches need a
// revision.
func AtDraft(number int64) RevisionOption {
	return func(r *revision) error {
		if number < 1 {
			return invalid("draft number %d: the first is 1", number)
		}
		*r = revision{draft: number}
		return nil
	}
}

// DatasetInfo describes a dataset.
type DatasetInfo struct {
	ID   string
	Name string
	// Alias is the display name; it may be empty.
	Alias string
	// Fusion reports whether the data are grouped in frames of several sensors.
	Fusion bool
	// DefaultBranch is empty if the service does not report it.
	DefaultBranch string
	// CommitID is the newest commit of the default branch. Before the first commit it is
	// empty or 32 zeros.
	CommitID string
	// Public reports whether every user can read the dataset.
	Public bool
}

// Dataset returns the dataset with the given name. It sends two requests: one finds the id,
// the other reads the [DatasetInfo]. The error matches [ErrNotFound] if there is no such
// dataset.
//
// The dataset is checked out at its default branch, or at the given revision.
func (c *Client) Dataset(ctx context.Context, name string, at ...RevisionOption) (*Dataset, error) {
	if name == "" {
		return nil, invalid("dataset name is empty: give its exact name")
	}
	ds, err := c.newDataset("", at) // the id follows
	if err != nil {
		return nil, err
	}
	for d, err := range c.Datasets(ctx, name) {
		if err := cmp.Or(err, checkReceivedID("dataset id", d.ID)); err != nil {
			return nil, err
		}
		ds.id = d.ID
		_, err = ds.Info(ctx)
		return ds, err
	}
	return nil, fmt.Errorf("%w: no dataset is named %q: check the name, and that the access key may read it", ErrNotFound, name)
}

// DatasetItem is one entry of [Client.Datasets].
type DatasetItem struct {
	ID, Name string
	// Fusion reports whether it is a fusion dataset. It is false if the list lacks the type.
	Fusion bool
}

// Datasets lists the datasets that the access key may read. If name is not empty, the list
// holds only the dataset with exactly that name.
func (c *Client) Datasets(ctx context.Context, name string) iter.Seq2[DatasetItem, error] {
	return only(list(ctx, c, "listDatasets",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListDatasetsRequest(c.server, &gen.ListDatasetsParams{Name: optional(name), Offset: offset, Limit: limit})
		},
		func(p *gen.DatasetList) ([]DatasetItem, int, error) {
			return convert(p.Datasets, func(d gen.DatasetListItem) DatasetItem {
				return DatasetItem{d.ID, d.Name, isFusion(value(d.Type))}
			}), p.TotalCount, nil
		},
		func(d DatasetItem) string { return d.ID }), func(d DatasetItem) bool { return name == "" || d.Name == name })
}

// DatasetByID returns the dataset with the given id without a request. If it does not exist,
// the first request that uses it fails with [ErrNotFound].
func (c *Client) DatasetByID(id string, at ...RevisionOption) (*Dataset, error) {
	if err := checkID("dataset id", id); err != nil {
		return nil, err
	}
	return c.newDataset(id, at)
}

func (c *Client) newDataset(id string, at []RevisionOption) (*Dataset, error) {
	ds := &Dataset{client: c, id: id}
	for _, option := range at {
		if err := option(&ds.at); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// ID returns the id of the dataset.
func (ds *Dataset) ID() string { return ds.id }

// String returns "dataset" and the id.
func (ds *Dataset) String() string { return "dataset " + ds.id }

// Info reads the dataset at the first call and returns the stored value afterwards. Use
// [Dataset.Refresh] for the newest commit.
func (ds *Dataset) Info(ctx context.Context) (DatasetInfo, error) {
	if info := ds.info.Load(); info != nil {
		return *info, nil
	}
	return ds.Refresh(ctx)
}

// Refresh reads the dataset again and stores the value for [Dataset.Info].
func (ds *Dataset) Refresh(ctx context.Context) (DatasetInfo, error) {
	body, err := call[gen.Dataset](ctx, ds.client, "getDataset", func() (*http.Request, error) {
		return gen.NewGetDatasetRequest(ds.client.server, ds.id)
	}, nil)
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
	ds.info.Store(&info)
	return info, nil
}

// isFusion reads the type of a dataset, which is a number or a boolean on the wire. Any
// other value means a plain dataset.
func isFusion(kind []byte) bool {
	return wire.Equal(kind, []byte("1")) || wire.Equal(kind, []byte("true"))
}

// branch returns the branch that the dataset is checked out at.
func (ds *Dataset) branch(ctx context.Context) (string, error) {
	switch at := ds.at; {
	case at.draft != 0:
		return "", invalid("no target branch: dataset %s is checked out at draft %d; set Target", ds.id, at.draft)
	case at.commit != "":
		return "", invalid("no target branch: dataset %s is checked out at commit %s; set Target", ds.id, at.commit)
	}
	return ds.namedBranch(ctx, "Target")
}

// namedBranch returns the branch of AtBranch, or the default branch. The error tells the caller
// to set the given field.
func (ds *Dataset) namedBranch(ctx context.Context, field string) (string, error) {
	if ds.at.branch != "" {
		return ds.at.branch, nil
	}
	info, err := ds.Info(ctx)
	if err == nil && info.DefaultBranch == "" {
		err = invalid("dataset %s has no default branch: set %s", ds.id, field)
	}
	return info.DefaultBranch, err
}

// revision returns the branch or commit that the dataset is checked out at.
func (ds *Dataset) revision(ctx context.Context) (string, error) {
	switch at := ds.at; {
	case at.draft != 0:
		return "", invalid("dataset %s is checked out at draft %d, which is no commit: commit it, or set Revision", ds.id, at.draft)
	case at.commit != "":
		return at.commit, nil
	}
	return ds.namedBranch(ctx, "the revision")
}

// Resolve returns the commit of a revision: a branch, a tag or a commit id. An empty
// revision is the one that the dataset is checked out at. The error matches [ErrNotFound] if
// the revision does not exist, and [ErrInvalidArgument] if it is empty and the dataset is
// checked out at a draft.
func (ds *Dataset) Resolve(ctx context.Context, revision string) (Commit, error) {
	if revision == "" {
		var err error
		if revision, err = ds.revision(ctx); err != nil {
			return Commit{}, err
		}
	}
	one := 1
	body, err := call[gen.CommitList](ctx, ds.client, "listCommits", func() (*http.Request, error) {
		return gen.NewListCommitsRequest(ds.client.server, ds.id, &gen.ListCommitsParams{Commit: &revision, Limit: &one})
	}, func(l *gen.CommitList) error {
		if len(l.Commits) > 0 && commitForm.MatchString(revision) && l.Commits[0].CommitID != revision {
			return invalidResponse("it describes commit %s", l.Commits[0].CommitID)
		}
		return nil
	})
	if err != nil {
		return Commit{}, err
	}
	if len(body.Commits) == 0 || checkID("commit id", body.Commits[0].CommitID) != nil {
		return Commit{}, fmt.Errorf("%w: dataset %s has no commit at revision %q: check the branch, tag or commit id", ErrNotFound, ds.id, revision)
	}
	return newCommit(body.Commits[0]), nil
}

// commitID returns the id of the commit of a revision. It sends no request if that is a commit
// id already.
func (ds *Dataset) commitID(ctx context.Context, revision string) (string, error) {
	if revision == "" && ds.at.commit != "" {
		return ds.at.commit, nil
	}
	if commitForm.MatchString(revision) {
		return revision, nil
	}
	commit, err := ds.Resolve(ctx, revision)
	return commit.ID, err
}

// commitForm matches a commit id.
var commitForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Commit is a version of a dataset.
type Commit struct {
	ID string
	// ParentID is the previous commit; 32 zeros for the first commit.
	ParentID    string
	Title       string
	Description string
	Committer   Signature
}

// Signature records the author of a change and its time.
type Signature struct {
	Name string
	// Time is zero if the service does not report it.
	Time time.Time
}

// Branch names the newest commit of a line of development.
type Branch struct {
	Name string
	// Head is the newest commit of the branch.
	Head Commit
}

// Tag is a fixed name of a commit.
type Tag struct {
	Name   string
	Commit Commit
}

// Branches lists the branches of the dataset. If name is not empty, the list holds only the
// branch with exactly that name.
func (ds *Dataset) Branches(ctx context.Context, name string) iter.Seq2[Branch, error] {
	return only(list(ctx, ds.client, "listBranches",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListBranchesRequest(ds.client.server, ds.id, &gen.ListBranchesParams{Name: optional(name), Offset: offset, Limit: limit})
		},
		func(p *gen.BranchList) ([]Branch, int, error) {
			return convert(p.Branches, func(n gen.NamedCommit) Branch { return Branch{n.Name, newNamedCommit(n)} }), p.TotalCount, nil
		},
		func(b Branch) string { return b.Name }), func(b Branch) bool { return name == "" || b.Name == name })
}

// Tags lists the tags of the dataset. If name is not empty, the list holds only the tag with
// exactly that name.
func (ds *Dataset) Tags(ctx context.Context, name string) iter.Seq2[Tag, error] {
	return only(list(ctx, ds.client, "listTags",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListTagsRequest(ds.client.server, ds.id, &gen.ListTagsParams{Name: optional(name), Offset: offset, Limit: limit})
		},
		func(p *gen.TagList) ([]Tag, int, error) {
			return convert(p.Tags, func(n gen.NamedCommit) Tag { return Tag{n.Name, newNamedCommit(n)} }), p.TotalCount, nil
		},
		func(t Tag) string { return t.Name }), func(t Tag) bool { return name == "" || t.Name == name })
}

// Commits lists the commit of a revision and its ancestors, newest first. The revision is a
// branch, a tag or a commit id. An empty one is the one that the dataset is checked out at.
// On a draft, the error then matches [ErrInvalidArgument].
func (ds *Dataset) Commits(ctx context.Context, revision string) iter.Seq2[Commit, error] {
	return list(ctx, ds.client, "listCommits",
		func(offset, limit *int) (*http.Request, error) {
			if revision == "" && ds.at.draft != 0 {
				_, err := ds.revision(ctx)
				return nil, err
			}
			commit := cmp.Or(revision, ds.at.commit, ds.at.branch) // the default of the service is the default branch
			return gen.NewListCommitsRequest(ds.client.server, ds.id, &gen.ListCommitsParams{Commit: optional(commit), Offset: offset, Limit: limit})
		},
		func(p *gen.CommitList) ([]Commit, int, error) {
			return convert(p.Commits, newCommit), p.TotalCount, nil
		},
		func(c Commit) string { return c.ID })
}

func newCommit(c gen.Commit) Commit {
	return Commit{c.CommitID, value(c.ParentCommitID), value(c.Title), value(c.Description), newSignature(c.Committer)}
}

func newNamedCommit(n gen.NamedCommit) Commit {
	return Commit{n.CommitID, value(n.ParentCommitID), value(n.Title), value(n.Description), newSignature(n.Committer)}
}

func newSignature(s *gen.Signature) Signature {
	if s == nil {
		return Signature{}
	}
	return Signature{value(s.Name), fromSeconds(value(s.Date))}
}
