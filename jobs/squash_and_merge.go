package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// A Strategy says what a merge does where source and target hold the same
// segment and remote path with different content or label.
type Strategy string

// The strategies of a merge.
const (
	// Abort leaves the whole target as it is.
	StrategyAbort Strategy = "abort"
	// Override takes the datum of the source.
	StrategyOverride Strategy = "override"
	// Skip keeps the datum of the target.
	StrategySkip Strategy = "skip"
)

// SquashAndMerge is what [Jobs.Create] needs to squash the commits of one
// branch and merge them onto another, as a new draft.
type SquashAndMergeArgs struct {
	// DraftTitle is the title of the draft. Required.
	DraftTitle string
	// DraftDescription is the description of the draft.
	DraftDescription string
	// Source is the branch whose commits are squashed. Required.
	Source string
	// Target is the branch the draft is made on. The default is the branch the
	// dataset stands on, which is its default branch unless another was chosen
	// with [AtBranch].
	Target string
	// Strategy is for conflicts. The default is Abort.
	Strategy Strategy
	// Title is the title of the job. The default is <source>-><target>(<strategy>).
	Title string
	// Description is the description of the job.
	Description string
}

func (a SquashAndMergeArgs) request(ctx context.Context, ds *Dataset) (gen.CreateJobRequest, error) {
	var none gen.CreateJobRequest
	a.Strategy = orDefault(a.Strategy, StrategyAbort)
	switch {
	case a.DraftTitle == "":
		return none, invalid("the draft title is empty: set DraftTitle")
	case a.Source == "":
		return none, invalid("the source branch is empty: set Source")
	case a.Strategy != StrategyAbort && a.Strategy != StrategyOverride && a.Strategy != StrategySkip:
		return none, invalid("unknown strategy %q: want %s, %s or %s", a.Strategy, StrategyAbort, StrategyOverride, StrategySkip)
	}
	if a.Target == "" {
		var err error
		if a.Target, err = ds.branch(ctx); err != nil {
			return none, err
		}
	}
	if a.Source == a.Target {
		return none, invalid("source and target are the same branch %q: name two", a.Source)
	}
	arguments, err := json.Marshal(gen.SquashAndMergeArguments{
		Title:            a.DraftTitle,
		Description:      optional(a.DraftDescription),
		SourceBranchName: a.Source,
		TargetBranchName: a.Target,
		Strategy:         string(a.Strategy),
	})
	if err != nil {
		return none, err
	}
	return gen.CreateJobRequest{
		JobType:     string(TypeSquashAndMerge),
		Title:       orDefault(a.Title, fmt.Sprintf("%s->%s(%s)", a.Source, a.Target, a.Strategy)),
		Description: optional(a.Description),
		Arguments:   arguments,
	}, nil
}

// A SquashAndMergeJob merges one branch into another. It is safe for concurrent
// use.
type SquashAndMergeJob struct{ *Job }

// Arguments returns what the job was created with.
func (j *SquashAndMergeJob) Arguments() (SquashAndMergeArgs, error) {
	s := j.Snapshot()
	var a gen.SquashAndMergeArguments
	if err := decode(s.Arguments, &a); err != nil {
		return SquashAndMergeArgs{}, unreadable("arguments", s.ID, err)
	}
	return SquashAndMergeArgs{
		DraftTitle:       a.Title,
		DraftDescription: value(a.Description),
		Source:           a.SourceBranchName,
		Target:           a.TargetBranchName,
		Strategy:         Strategy(a.Strategy),
		Title:            s.Title,
		Description:      s.Description,
	}, nil
}

// Retry runs a failed or aborted job again; it keeps its id. The service may
// refuse a retry that comes straight after an abort, with [ErrInvalidArgument]
// or [ErrForbidden].
//
// A Wait after it does not take the end of the run before for the end of this
// one. The request is repeated only when it surely did not arrive. When it may
// have taken effect the error is [ErrAmbiguous]: Wait then tells, which ends
// with the new run, or, when no new run shows within half a minute, as the run
// before did; so does Update, after which a status that is not finished is that
// of the new run.
func (j *SquashAndMergeJob) Retry(ctx context.Context) error {
	c := j.dataset.client
	before := j.Snapshot()
	err := c.call(ctx, opRetryJob,
		func() (*http.Request, error) {
			return gen.NewRetryJobRequest(c.server, j.dataset.id, j.id, &gen.RetryJobParams{JobType: string(j.jobType)})
		}, nil)
	if err != nil && !errors.Is(err, ErrAmbiguous) {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retry = &retriedRun{previous: &before, at: time.Now()}
	j.seenAt = j.retry.at
	return err
}

// Result returns the draft that the job made, in whatever status the draft is
// now. The error is [ErrNotFinished] while the job has not ended, a [*JobError]
// when it failed or was aborted, and [ErrNotFound] when the draft is gone.
//
// It takes as many requests as the target branch has pages of drafts.
func (j *SquashAndMergeJob) Result(ctx context.Context) (*Draft, error) {
	s, err := j.result(ctx)
	if err != nil {
		return nil, err
	}
	var r gen.SquashAndMergeResult
	if err := decode(s.Result, &r); err != nil {
		return nil, unreadable("result", s.ID, err)
	}
	args, err := j.Arguments()
	if err != nil {
		return nil, err
	}
	draft, err := j.dataset.draft(ctx, args.Target, r.DraftNumber)
	if err != nil {
		return nil, fmt.Errorf("result of job %s: %w", s.ID, err)
	}
	return draft, nil
}
