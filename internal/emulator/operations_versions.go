package emulator

import (
	"context"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const maxDatasets = 10_000

// checkRoom returns an error if a write would exceed Config.MaxStored. stored never decreases,
// because versions share what was written.
func (e *Emulator) checkRoom(bytes int64) error {
	if e.store.stored+bytes > e.config.MaxStored {
		return forbidden("The server stores at most %d bytes. Reset it or start another one.", e.config.MaxStored)
	}
	return nil
}

func (a *api) CreateDataset(_ context.Context, request server.CreateDatasetRequestObject) (server.CreateDatasetResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	ds := newDataset(newID(), request.Body.Name, request.Body.Type == 1, now)
	set(&ds.alias, request.Body.Alias)
	set(&ds.public, request.Body.IsPublic)
	if err := a.store.addNewDataset(ds); err != nil {
		return nil, err
	}
	return server.CreateDataset200JSONResponse{ID: ds.id}, nil
}

// addNewDataset adds a dataset whose name must be unused.
func (st *store) addNewDataset(ds *dataset) error {
	if len(st.datasets) >= maxDatasets {
		return forbidden("The server stores at most %d datasets.", maxDatasets)
	}
	if err := st.checkNewName(ds.name); err != nil {
		return err
	}
	st.addDataset(ds)
	return nil
}

// addDatasetFrom adds a dataset with one commit that holds a search result.
func (st *store) addDatasetFrom(result *searchResult, request server.CreateDatasetRequest, now time.Time) error {
	ds := newDataset(newID(), request.DatasetName, result.dataset.fusion, now)
	ds.alias, ds.public = request.Alias, request.IsPublic
	first := &commit{
		id:        newID(),
		title:     "search result of " + result.dataset.name,
		committer: st.owner,
		date:      now,
		version:   result.version,
	}
	ds.commits[first.id] = first
	ds.branches[0].commit = first
	return st.addNewDataset(ds)
}

func (a *api) UpdateDataset(_ context.Context, request server.UpdateDatasetRequestObject) (server.UpdateDatasetResponseObject, error) {
	change := request.Body
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		if change.Name != nil && *change.Name != ds.name {
			if err := a.store.checkNewName(*change.Name); err != nil {
				return err
			}
		}
		if change.DefaultBranch != nil && ds.branch(*change.DefaultBranch) == nil {
			return ds.noBranch(*change.DefaultBranch)
		}
		set(&ds.name, change.Name)
		set(&ds.alias, change.Alias)
		set(&ds.public, change.IsPublic)
		set(&ds.defaultBranch, change.DefaultBranch)
		return nil
	})
}

// set sets a variable unless the value is nil.
func set[T any](variable, value *T) {
	if value != nil {
		*variable = *value
	}
}

// change changes a dataset. An error changes nothing.
func (a *api) change(datasetID string, change func(ds *dataset, now time.Time) error) (empty, error) {
	now := a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(datasetID)
	if err != nil {
		return empty{}, err
	}
	if err := change(ds, now); err != nil {
		return empty{}, err
	}
	ds.updated = now
	return empty{}, nil
}

func (a *api) DeleteDataset(_ context.Context, request server.DeleteDatasetRequestObject) (server.DeleteDatasetResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		a.store.deleteDataset(ds)
		return nil
	})
}

func (a *api) CreateBranch(_ context.Context, request server.CreateBranchRequestObject) (server.CreateBranchResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		return ds.addRef(&ds.branches, request.Body.Name, request.Body.Commit)
	})
}

func (a *api) CreateTag(_ context.Context, request server.CreateTagRequestObject) (server.CreateTagResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		return ds.addRef(&ds.tags, request.Body.Name, request.Body.Commit)
	})
}

// addRef adds a branch or a tag.
func (ds *dataset) addRef(refs *[]*ref, name, revision string) error {
	c, err := ds.revision(revision)
	if err != nil {
		return err
	}
	if c == nil {
		return forbidden("The revision %s has no commit yet.", revision)
	}
	if err := ds.checkNewRef(name); err != nil {
		return err
	}
	*refs = insert(*refs, &ref{name, c})
	return nil
}

func (a *api) DeleteBranch(_ context.Context, request server.DeleteBranchRequestObject) (server.DeleteBranchResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		if request.Body.Name == ds.defaultBranch {
			return forbidden("The branch %q is the default branch.", ds.defaultBranch)
		}
		return ds.removeRef(&ds.branches, request.Body.Name)
	})
}

func (a *api) DeleteTag(_ context.Context, request server.DeleteTagRequestObject) (server.DeleteTagResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, _ time.Time) error {
		return ds.removeRef(&ds.tags, request.Body.Name)
	})
}

// removeRef removes a branch or a tag.
func (ds *dataset) removeRef(refs *[]*ref, name string) error {
	if find(*refs, name) == nil {
		return notExist("The dataset %s has no branch or tag %q of this kind.", ds.name, name)
	}
	*refs = remove(*refs, func(r *ref) bool { return r.name == name })
	return nil
}

func (a *api) CreateDraft(_ context.Context, request server.CreateDraftRequestObject) (server.CreateDraftResponseObject, error) {
	number := int64(0)
	_, err := a.change(request.DatasetID, func(ds *dataset, now time.Time) error {
		branch := ds.branch(request.Body.BranchName)
		if branch == nil {
			return ds.noBranch(request.Body.BranchName)
		}
		d := ds.addDraft(branch, request.Body.Title, "", a.store.owner, now, branch.version())
		set(&d.description, request.Body.Description)
		number = d.number
		return nil
	})
	return server.CreateDraft200JSONResponse{DraftNumber: number}, err
}

func (a *api) UpdateDraft(_ context.Context, request server.UpdateDraftRequestObject) (server.UpdateDraftResponseObject, error) {
	return a.change(request.DatasetID, func(ds *dataset, now time.Time) error {
		d, err := ds.draft(request.DraftNumber)
		if err == nil {
			err = d.checkOpen()
		}
		if err != nil {
			return err
		}
		set(&d.title, request.Body.Title)
		set(&d.description, request.Body.Description)
		d.updated = now
		if request.Body.Status != nil {
			return d.close(now)
		}
		return nil
	})
}

func (a *api) CreateCommit(_ context.Context, request server.CreateCommitRequestObject) (server.CreateCommitResponseObject, error) {
	commitID := ""
	_, err := a.change(request.DatasetID, func(ds *dataset, now time.Time) error {
		d, err := ds.draft(request.Body.DraftNumber)
		if err != nil {
			return err
		}
		tag := request.Body.Tag
		if tag != nil {
			if err := ds.checkNewRef(*tag); err != nil {
				return err
			}
		}
		description := ""
		set(&description, request.Body.Description)
		c, err := ds.commitDraft(d, request.Body.Title, description, now)
		if err != nil {
			return err
		}
		if tag != nil {
			ds.tags = insert(ds.tags, &ref{*tag, c})
		}
		commitID = c.id
		return nil
	})
	return server.CreateCommit200JSONResponse{CommitID: commitID}, err
}

// GetUser returns the owner of all datasets.
func (a *api) GetUser(context.Context, server.GetUserRequestObject) (server.GetUserResponseObject, error) {
	none := ""
	return server.GetUser200JSONResponse{
		Nickname: a.state.owner, Email: &none, Mobile: &none, Description: &none,
		Team: &server.User_Team{Name: a.state.owner, Email: &none, Description: &none},
	}, nil
}
