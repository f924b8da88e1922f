package jobs

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A DraftStatus says what has become of a draft.
type DraftStatus string

// The statuses of drafts.
const (
	DraftOpen      DraftStatus = "OPEN"
	DraftClosed    DraftStatus = "CLOSED"
	DraftCommitted DraftStatus = "COMMITTED"
	// DraftAll is for listing only.
	DraftAll DraftStatus = "ALL"
)

// A Draft is a version of a dataset that is not committed yet, as it was when it
// was read.
type Draft struct {
	Number      int64
	Title       string
	Description string
	Branch      string
	Status      DraftStatus
	// ParentID is the commit the draft starts from; 32 zeros before the first
	// commit.
	ParentID  string
	Author    Signature
	UpdatedAt time.Time

	dataset *Dataset
}

// DraftOptions narrow a list of drafts. The zero value lists the open drafts of
// all branches.
type DraftOptions struct {
	// Status of the drafts; DraftOpen by default.
	Status DraftStatus
	// Branch, when not empty, is that of every draft listed.
	Branch string
}

// Drafts lists the drafts of the dataset.
func (ds *Dataset) Drafts(ctx context.Context, options DraftOptions) iter.Seq2[*Draft, error] {
	return list(ctx, ds.client, opListDrafts,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListDraftsRequest(ds.client.server, ds.id, &gen.ListDraftsParams{
				Status: optional(string(options.Status)), BranchName: optional(options.Branch), Offset: &offset, Limit: &limit,
			})
		},
		func(body []byte) ([]*Draft, int, error) {
			var p gen.DraftList
			err := decode(body, &p)
			return each(p.Drafts, ds.newDraft), p.TotalCount, err
		},
		func(d *Draft) string { return strconv.FormatInt(d.Number, 10) })
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

// Contents reads what the draft holds.
func (d *Draft) Contents() *Contents {
	return &Contents{client: d.dataset.client, id: d.dataset.id, draft: d.Number}
}

// Close closes the draft: what it holds is given up.
func (d *Draft) Close(ctx context.Context) error {
	c := d.dataset.client
	err := c.call(ctx, opUpdateDraft,
		func() (*http.Request, error) {
			return gen.NewUpdateDraftRequest(c.server, d.dataset.id, d.Number, gen.UpdateDraftRequest{Status: string(DraftClosed)})
		}, nil)
	if rejectedOnRetry(err) {
		now, lookErr := d.dataset.draft(ctx, d.Branch, d.Number)
		if lookErr == nil && now.Status == DraftClosed {
			return nil
		}
	}
	return err
}

// draft finds a draft of a branch in whatever status it is. There is no read of
// one draft by its number, so this pages through them.
func (ds *Dataset) draft(ctx context.Context, branch string, number int64) (*Draft, error) {
	for draft, err := range ds.Drafts(ctx, DraftOptions{Status: DraftAll, Branch: branch}) {
		if err != nil || draft.Number == number {
			return draft, err
		}
	}
	return nil, fmt.Errorf("%w: draft %d on branch %q of dataset %s: it may have been deleted", ErrNotFound, number, sanitize(branch, maxPath), ds.id)
}
