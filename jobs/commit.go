package jobs

import (
	"context"
	"iter"
	"math"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Commit is a version of a dataset.
type Commit struct {
	ID string
	// ParentID is the commit before it; 32 zeros before the first commit.
	ParentID    string
	Title       string
	Description string
	Committer   Signature
}

// A Signature says who did something and when.
type Signature struct {
	Name string
	// Time is zero where the service does not say.
	Time time.Time
}

// A Branch is a line of commits that goes on.
type Branch struct {
	Name string
	// Head is the newest commit of the branch.
	Head Commit
}

// A Tag is a name for a commit.
type Tag struct {
	Name   string
	Commit Commit
}

func newCommit(c gen.Commit) Commit {
	return Commit{
		ID:          c.CommitID,
		ParentID:    value(c.ParentCommitID),
		Title:       value(c.Title),
		Description: value(c.Description),
		Committer:   newSignature(c.Committer),
	}
}

func newSignature(s *gen.Signature) Signature {
	if s == nil {
		return Signature{}
	}
	return Signature{Name: value(s.Name), Time: fromSeconds(value(s.Date))}
}

// fromSeconds reads a time of the service; none is the zero time.
func fromSeconds(s float64) time.Time {
	if s == 0 || math.IsNaN(s) || math.Abs(s) > 1e15 {
		return time.Time{}
	}
	whole, part := math.Modf(s)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

func named(n gen.NamedCommit) Commit {
	return newCommit(gen.Commit{
		CommitID: n.CommitID, ParentCommitID: n.ParentCommitID, Title: n.Title, Description: n.Description, Committer: n.Committer,
	})
}

// Branches lists the branches of the dataset. A name that is not empty narrows
// the list to the branch of exactly that name.
func (ds *Dataset) Branches(ctx context.Context, name string) iter.Seq2[Branch, error] {
	return list(ctx, ds.client, opListBranches,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListBranchesRequest(ds.client.server, ds.id, &gen.ListBranchesParams{Name: optional(name), Offset: &offset, Limit: &limit})
		},
		func(body []byte) ([]Branch, int, error) {
			var p gen.BranchList
			err := decode(body, &p)
			return each(p.Branches, func(n gen.NamedCommit) Branch { return Branch{n.Name, named(n)} }), p.TotalCount, err
		},
		func(b Branch) string { return b.Name })
}

// Tags lists the tags of the dataset. A name that is not empty narrows the list
// to the tag of exactly that name.
func (ds *Dataset) Tags(ctx context.Context, name string) iter.Seq2[Tag, error] {
	return list(ctx, ds.client, opListTags,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListTagsRequest(ds.client.server, ds.id, &gen.ListTagsParams{Name: optional(name), Offset: &offset, Limit: &limit})
		},
		func(body []byte) ([]Tag, int, error) {
			var p gen.TagList
			err := decode(body, &p)
			return each(p.Tags, func(n gen.NamedCommit) Tag { return Tag{n.Name, named(n)} }), p.TotalCount, err
		},
		func(t Tag) string { return t.Name })
}

// Commits lists the commit that a revision names, and then the commits that
// lead to it, newest first. The revision is a branch, a tag or a commit id; an
// empty one is the default branch.
func (ds *Dataset) Commits(ctx context.Context, revision string) iter.Seq2[Commit, error] {
	return list(ctx, ds.client, opListCommits,
		func(offset, limit int) (*http.Request, error) {
			return gen.NewListCommitsRequest(ds.client.server, ds.id, &gen.ListCommitsParams{Commit: optional(revision), Offset: &offset, Limit: &limit})
		},
		func(body []byte) ([]Commit, int, error) {
			var p gen.CommitList
			err := decode(body, &p)
			return each(p.Commits, newCommit), p.TotalCount, err
		},
		func(c Commit) string { return c.ID })
}

func each[From, To any](items []From, f func(From) To) []To {
	out := make([]To, len(items))
	for i, item := range items {
		out[i] = f(item)
	}
	return out
}
