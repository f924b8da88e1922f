package emulator

import (
	"context"
	"net/http"
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
			return server.DatasetListItem{ID: ds.id, Name: ds.name, Type: &kind}
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
	response := server.GetDataset200JSONResponse{
		ID:            &ds.id,
		Name:          ds.name,
		Type:          ds.kind(),
		Alias:         &ds.alias,
		IsPublic:      &ds.public,
		DefaultBranch: &ds.defaultBranch,
	}
	if head := ds.head(ds.defaultBranch); head != nil {
		response.CommitID = &head.id
	}
	return response, nil
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

func (r *ref) wire() server.NamedCommit {
	c := r.commit.wire()
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
	for _, d := range slices.Backward(ds.drafts) { // newest first
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

func (a *api) UpdateDraft(_ context.Context, request server.UpdateDraftRequestObject) (server.UpdateDraftResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	d, err := ds.draft(request.DraftNumber)
	if err != nil {
		return nil, err
	}
	switch request.Body.Status {
	case draftClosed:
	case "":
		return nil, missing("The status is missing.")
	default:
		return nil, invalid("A draft can be set to %s only, not to %q.", draftClosed, request.Body.Status)
	}
	if err := d.close(now); err != nil {
		return nil, err
	}
	return empty{}, nil
}

// addDatasetFrom adds a dataset with one commit that holds a search result.
func (st *store) addDatasetFrom(result *searchResult, request server.CreateDatasetRequest, now time.Time) error {
	if st.datasetNamed(request.DatasetName) != nil {
		return newError(http.StatusConflict, codeNameConflict, "The name %s is used by another dataset.", request.DatasetName)
	}
	const branch = "main"
	first := &commit{
		id:        newID(),
		title:     "search result of " + result.dataset.name,
		committer: st.owner,
		date:      now,
		content:   result.content,
	}
	st.addDataset(&dataset{
		id:            newID(),
		name:          request.DatasetName,
		alias:         request.Alias,
		fusion:        result.dataset.fusion,
		public:        request.IsPublic,
		defaultBranch: branch,
		catalogs:      result.dataset.catalogs,
		commits:       map[string]*commit{first.id: first},
		branches:      []*ref{{branch, first}},
		jobs:          make(map[string][]*job),
	})
	return nil
}
