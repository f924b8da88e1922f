package emulator

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

func (a *api) ListDatasets(_ context.Context, request server.ListDatasetsRequestObject) (server.ListDatasetsResponseObject, error) {
	a.lock()
	defer a.unlock()
	datasets := a.store.datasets
	if name := request.Params.Name; name != nil {
		datasets = slices.DeleteFunc(slices.Clone(datasets), func(ds *dataset) bool { return ds.name != *name })
	}
	p, err := newPage(len(datasets), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListDatasets200JSONResponse{
		Datasets: pageOf(datasets, p, func(ds *dataset) server.DatasetListItem {
			kind := ds.kind()
			branch, updated := ds.defaultBranch, ds.updated.Unix()
			return server.DatasetListItem{
				ID: ds.id, Name: ds.name, Type: &kind, DefaultBranch: &branch, UpdateTime: &updated, Owner: &a.store.owner,
			}
		}),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// kind returns the type of a dataset in its older wire form, a number.
func (ds *dataset) kind() server.DatasetType {
	if ds.fusion {
		return 1
	}
	return 0
}

func (a *api) GetDataset(_ context.Context, request server.GetDatasetRequestObject) (server.GetDatasetResponseObject, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	// The values of the pointers may change after the lock is released.
	copied, commitID, updated, owner := *ds, idOrZero(ds.head()), ds.updated.Unix(), a.store.owner
	return server.GetDataset200JSONResponse{
		ID:            &copied.id,
		Name:          copied.name,
		Type:          copied.kind(),
		CommitID:      &commitID,
		Alias:         &copied.alias,
		IsPublic:      &copied.public,
		DefaultBranch: &copied.defaultBranch,
		UpdateTime:    &updated,
		Owner:         &owner,
	}, nil
}

func (a *api) ListBranches(_ context.Context, request server.ListBranchesRequestObject) (server.ListBranchesResponseObject, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	branches := withName(ds.branches, request.Params.Name)
	p, err := newPage(len(branches), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListBranches200JSONResponse{
		Branches: pageOf(branches, p, (*ref).wire),
		Offset:   p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (a *api) ListTags(_ context.Context, request server.ListTagsRequestObject) (server.ListTagsResponseObject, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	tags := withName(ds.tags, request.Params.Name)
	p, err := newPage(len(tags), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListTags200JSONResponse{
		Tags:   pageOf(tags, p, (*ref).wire),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// withName returns the ref with a name, or all refs if name is nil.
func withName(refs []*ref, name *string) []*ref {
	if name == nil {
		return refs
	}
	if r := find(refs, *name); r != nil {
		return []*ref{r}
	}
	return nil
}

// noCommit is the commit of a branch that has none.
var noCommit = &commit{id: zeroCommit, date: time.Unix(0, 0)}

func (r *ref) wire() server.NamedCommit {
	c := cmp.Or(r.commit, noCommit).wire()
	return server.NamedCommit{
		Name:           r.name,
		CommitID:       c.CommitID,
		ParentCommitID: c.ParentCommitID,
		Title:          c.Title,
		Description:    c.Description,
		Committer:      c.Committer,
	}
}

func (c *commit) wire() server.Commit {
	parentID := c.parentID()
	return server.Commit{
		CommitID:       c.id,
		ParentCommitID: &parentID,
		Title:          &c.title,
		Description:    &c.description,
		Committer:      signature(c.committer, c.date),
	}
}

func signature(name string, date time.Time) *server.Signature {
	return &server.Signature{Name: &name, Date: seconds(date)}
}

func seconds(t time.Time) *float64 {
	whole := float64(t.Unix())
	return &whole
}

func (a *api) ListCommits(_ context.Context, request server.ListCommitsRequestObject) (server.ListCommitsResponseObject, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	revision := ""
	if request.Params.Commit != nil {
		revision = *request.Params.Commit
	}
	first, err := ds.revision(revision)
	if err != nil {
		return nil, err
	}
	var commits []*commit
	for c := first; c != nil; c = c.parent {
		commits = append(commits, c)
	}
	p, err := newPage(len(commits), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListCommits200JSONResponse{
		Commits: pageOf(commits, p, (*commit).wire),
		Offset:  p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (a *api) ListDrafts(_ context.Context, request server.ListDraftsRequestObject) (server.ListDraftsResponseObject, error) {
	a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	status := draftOpen
	if request.Params.Status != nil {
		status = *request.Params.Status
	}
	if !slices.Contains([]string{draftOpen, draftClosed, draftCommitted, "ALL"}, status) {
		return nil, invalid("There is no draft status %q.", status)
	}
	var drafts []*draft
	for _, d := range ds.drafts {
		if (status == "ALL" || d.status == status) &&
			(request.Params.BranchName == nil || d.branch == *request.Params.BranchName) {
			drafts = append(drafts, d)
		}
	}
	p, err := newPage(len(drafts), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListDrafts200JSONResponse{
		Drafts: pageOf(drafts, p, (*draft).wire),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (d *draft) wire() server.Draft {
	parentID := idOrZero(d.parent)
	description := d.description
	return server.Draft{
		Number:         d.number,
		Title:          d.title,
		BranchName:     d.branch,
		Status:         d.status,
		ParentCommitID: &parentID,
		Author:         signature(d.author, d.created),
		UpdatedAt:      seconds(d.updated),
		Description:    &description,
	}
}
