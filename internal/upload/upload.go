// Package upload writes a dataset of a seed through the API of TensorBay.
package upload

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// Dataset creates a dataset through the operations of the API and returns its id. The API
// determines ids, times and the paths of masks, and numbers the drafts of commits too. Dataset
// returns an error for a part of ds that the API cannot write.
func Dataset(ctx context.Context, client *http.Client, baseURL, accessKey string, ds seed.Dataset) (id string, err error) {
	u := &upload{ctx: ctx, client: client, baseURL: baseURL, accessKey: accessKey, dataset: ds, commits: make(map[string]uploadedCommit)}
	if err := u.run(); err != nil {
		return "", fmt.Errorf("upload the dataset %q: %w", ds.Name, err)
	}
	return u.id, nil
}

// An upload is the state of Dataset.
type upload struct {
	ctx                context.Context // of Dataset
	client             *http.Client
	baseURL, accessKey string

	dataset seed.Dataset
	id      string
	commits map[string]uploadedCommit // by name
	policy  policy                    // of the present draft
}

// A policy permits uploads.
type policy struct {
	Result map[string]any
	Extra  struct{ Host, ObjectPrefix string }
}

// An uploadedCommit is a commit of the new dataset.
type uploadedCommit struct {
	id       string
	segments map[string]bool
}

type body = map[string]any

func (u *upload) run() error {
	kind := 0
	if u.dataset.Fusion {
		kind = 1
	}
	var created struct{ ID string }
	err := u.do(http.MethodPost, "datasets", body{
		"name": u.dataset.Name, "type": kind, "alias": u.dataset.Alias, "isPublic": u.dataset.Public,
	}, &created)
	if err != nil {
		return err
	}
	u.id = created.ID
	for _, step := range []func() error{u.createCommits, u.createRefs, u.createDrafts} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const mainBranch = "main"

// createCommits creates the commits. Those that lead to the head of main are committed on it,
// all others on branches that are deleted again.
func (u *upload) createCommits() error {
	onMain := make(map[string]bool)
	main := slices.IndexFunc(u.dataset.Branches, func(r seed.Ref) bool { return r.Name == mainBranch })
	if main >= 0 {
		for name := u.dataset.Branches[main].Commit; name != "" && !onMain[name]; {
			onMain[name] = true
			at := slices.IndexFunc(u.dataset.Commits, func(c seed.Commit) bool { return c.Name == name })
			if at < 0 {
				return fmt.Errorf("there is no commit %q", name)
			}
			name = u.dataset.Commits[at].Parent
		}
	}
	for i, c := range u.dataset.Commits {
		branch := mainBranch
		parent, ok := u.commits[c.Parent]
		switch {
		case !ok && (i > 0 || c.Parent != ""):
			return fmt.Errorf("the commit %q has no parent", c.Name)
		case i > 0 && !onMain[c.Name]:
			branch = "upload"
			if err := u.write(http.MethodPost, "branches", body{"name": branch, "commit": parent.id}); err != nil {
				return err
			}
		case i == 0 && c.Catalog == nil:
			c.Catalog = u.dataset.Catalog
		}
		if err := u.createCommit(branch, parent, c); err != nil {
			return fmt.Errorf("commit %q: %w", c.Name, err)
		}
		if branch != mainBranch {
			if err := u.write(http.MethodDelete, "branches", body{"name": branch}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *upload) createCommit(branch string, parent uploadedCommit, c seed.Commit) error {
	d := draftWriter{upload: u, segments: maps.Clone(parent.segments)}
	if err := d.create(branch, c.Title, ""); err != nil {
		return err
	}
	if err := d.change(c.RemoveSegments, c.Segments, c.Catalog, c.Notes); err != nil {
		return err
	}
	var committed struct{ CommitID string }
	request := body{"title": c.Title, "draftNumber": d.number, "description": c.Description}
	if err := u.do(http.MethodPost, "datasets/"+u.id+"/commits", request, &committed); err != nil {
		return err
	}
	u.commits[c.Name] = uploadedCommit{committed.CommitID, d.segments}
	return nil
}

// createRefs creates the branches and tags, and sets the default branch.
func (u *upload) createRefs() error {
	hasMain := len(u.dataset.Branches) == 0
	for _, r := range u.dataset.Branches {
		if r.Name == mainBranch {
			hasMain = true
			continue
		}
		if err := u.write(http.MethodPost, "branches", body{"name": r.Name, "commit": u.commits[r.Commit].id}); err != nil {
			return err
		}
	}
	if u.dataset.DefaultBranch != "" {
		if err := u.do(http.MethodPatch, "datasets/"+u.id, body{"defaultBranch": u.dataset.DefaultBranch}, nil); err != nil {
			return err
		}
	}
	if !hasMain {
		if err := u.write(http.MethodDelete, "branches", body{"name": mainBranch}); err != nil {
			return err
		}
	}
	for _, r := range u.dataset.Tags {
		if err := u.write(http.MethodPost, "tags", body{"name": r.Name, "commit": u.commits[r.Commit].id}); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) createDrafts() error {
	for _, sd := range u.dataset.Drafts {
		if sd.Status == "COMMITTED" || sd.Parent != "" {
			return fmt.Errorf("draft %q: it is committed, or its parent is set", sd.Title)
		}
		head := uploadedCommit{}
		if at := slices.IndexFunc(u.dataset.Branches, func(r seed.Ref) bool { return r.Name == sd.Branch }); at >= 0 {
			head = u.commits[u.dataset.Branches[at].Commit]
		}
		d := draftWriter{upload: u, segments: maps.Clone(head.segments)}
		err := d.create(sd.Branch, sd.Title, sd.Description)
		if err == nil {
			err = d.change(sd.RemoveSegments, sd.Segments, sd.Catalog, sd.Notes)
		}
		if err == nil && sd.Status == "CLOSED" {
			err = u.write(http.MethodPatch, fmt.Sprint("drafts/", d.number), body{"status": "CLOSED"})
		}
		if err != nil {
			return fmt.Errorf("draft %q: %w", sd.Title, err)
		}
	}
	return nil
}
