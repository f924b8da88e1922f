package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
)

// DraftStatus is the status of a draft. The service may add further values.
type DraftStatus string

// The statuses of a draft.
const (
	DraftOpen      DraftStatus = "OPEN"
	DraftClosed    DraftStatus = "CLOSED"
	DraftCommitted DraftStatus = "COMMITTED"
	// DraftAll selects all drafts in [DraftOptions].
	DraftAll DraftStatus = "ALL"
)

// Draft describes a draft at the time when it was read. A draft is a version of a branch that
// can be changed until it is committed or closed. Get one from [Dataset.Drafts] or
// [SquashAndMergeJob.Result], because its methods need the dataset.
type Draft struct {
	Number      int64
	Title       string
	Description string
	Branch      string
	Status      DraftStatus
	// ParentID is the commit that the draft starts from; 32 zeros before the first commit.
	ParentID string
	Author   Signature
	// UpdatedAt is zero if the service does not report it.
	UpdatedAt time.Time

	dataset *Dataset
}

// DraftOptions filters a list of drafts. The zero value selects the open drafts of all
// branches.
type DraftOptions struct {
	// Status selects drafts by status. The default is DraftOpen.
	Status DraftStatus
	// Branch selects the drafts of one branch if it is not empty.
	Branch string
}

// Drafts lists the drafts of the dataset.
func (ds *Dataset) Drafts(ctx context.Context, options DraftOptions) iter.Seq2[*Draft, error] {
	return only(list(ctx, ds.client, "listDrafts",
		func(offset, limit *int) (*http.Request, error) {
			return gen.NewListDraftsRequest(ds.client.server, ds.id, &gen.ListDraftsParams{
				Status: optional(string(options.Status)), BranchName: optional(options.Branch), Offset: offset, Limit: limit,
			})
		},
		func(p *gen.DraftList) ([]*Draft, int, error) {
			return convert(p.Drafts, ds.newDraft), p.TotalCount, nil
		},
		func(d *Draft) string { return strconv.FormatInt(d.Number, 10) }), func(d *Draft) bool {
		return (options.Branch == "" || d.Branch == options.Branch) &&
			(options.Status == DraftAll || d.Status == cmp.Or(options.Status, DraftOpen))
	})
}

func (ds *Dataset) newDraft(d gen.Draft) *Draft {
	return &Draft{
		Number:      d.Number,
		Title:       d.Title,
		Description: value(d.Description),
		Branch:      d.BranchName,
		Status:      DraftStatus(d.Status),
		ParentID:    value(d.ParentCommitID),
		Author:      newSignature(d.Author),
		UpdatedAt:   fromSeconds(value(d.UpdatedAt)),
		dataset:     ds,
	}
}

// Contents returns a reader of the data in the draft.
func (d *Draft) Contents() *Contents {
	return &Contents{client: d.dataset.client, id: d.dataset.id, draft: d.Number}
}

func (d *Draft) check() error {
	if d.dataset == nil {
		return invalid("draft %d belongs to no dataset: use one that Drafts has returned", d.Number)
	}
	return nil
}

// Close closes the draft and discards its changes.
func (d *Draft) Close(ctx context.Context) error {
	if err := d.check(); err != nil {
		return err
	}
	c := d.dataset.client
	err := c.send(ctx, "updateDraft", func() (*http.Request, error) {
		return gen.NewUpdateDraftRequest(c.server, d.dataset.id, d.Number, gen.UpdateDraftRequest{Status: optional(string(DraftClosed))})
	}, nil)
	if refusedOnRetry(err) {
		if now, readErr := d.dataset.draft(ctx, d.Branch, d.Number); readErr == nil && now.Status == DraftClosed {
			return nil
		}
	}
	return err
}

// CommitSpec describes a new commit.
type CommitSpec struct {
	// Title is the title of the commit. The default is the title of the draft. If both are
	// empty, the error matches ErrInvalidArgument.
	Title       string
	Description string
	// Tag is the name of a new tag at the commit. The default is no tag.
	Tag string
}

// Commit commits the draft and returns the id of the new commit. The branch of the draft moves
// to it. The error matches [ErrConflict] if the tag exists; nothing was committed then.
//
// The error matches [ErrAmbiguous] if the draft may have been committed without a valid
// response. The status of the draft in [Dataset.Drafts] with [DraftAll] then shows whether it
// was committed.
func (d *Draft) Commit(ctx context.Context, commit CommitSpec) (commitID string, err error) {
	commit.Title = cmp.Or(commit.Title, d.Title)
	if commit.Title == "" {
		return "", invalid("the title of the commit is empty: set Title")
	}
	if err := d.check(); err != nil {
		return "", err
	}
	c := d.dataset.client
	body, err := call(ctx, c, "createCommit", func() (*http.Request, error) {
		return gen.NewCreateCommitRequest(c.server, d.dataset.id, gen.NewCommit{
			Title: commit.Title, Description: optional(commit.Description), Tag: optional(commit.Tag), DraftNumber: d.Number,
		})
	}, func(body *gen.CreatedCommit) error { return checkReceivedID("commit id", body.CommitID) })
	return body.CommitID, err
}

// draft finds a draft of a branch in any status. The API cannot read one draft by its
// number, so draft reads the list.
func (ds *Dataset) draft(ctx context.Context, branch string, number int64) (*Draft, error) {
	for draft, err := range ds.Drafts(ctx, DraftOptions{Status: DraftAll, Branch: branch}) {
		if err != nil || draft.Number == number {
			return draft, err
		}
	}
	return nil, fmt.Errorf("%w: draft %d on branch %q of dataset %s: it may have been deleted", ErrNotFound, number, redact.Sanitize(branch, redact.MaxPath), ds.id)
}
