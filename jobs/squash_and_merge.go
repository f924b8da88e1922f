package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Strategy resolves the conflicts of a merge: files with the same segment and remote path
// but different content or label.
type Strategy string

// The strategies of a merge.
const (
	// StrategyAbort merges nothing if there is a conflict. The job succeeds nevertheless, and
	// its draft equals the target.
	StrategyAbort Strategy = "abort"
	// StrategyOverride takes the file of the source.
	StrategyOverride Strategy = "override"
	// StrategySkip keeps the file of the target.
	StrategySkip Strategy = "skip"
)

// SquashAndMergeArgs holds the arguments of a job that squashes the commits of one branch and
// merges them into another, as a new draft.
type SquashAndMergeArgs struct {
	// DraftTitle is the title of the draft. It is required.
	DraftTitle string
	// DraftDescription is the description of the draft.
	DraftDescription string
	// Source is the branch whose commits are squashed. It is required.
	Source string
	// Target is the branch of the draft. The default is the branch that the dataset is
	// checked out at, see [AtBranch].
	Target string
	// Strategy resolves conflicts. The default is StrategyAbort, which merges nothing if there
	// is a conflict.
	Strategy Strategy
	// Title is the title of the job. The default is <source>-><target>(<strategy>).
	Title string
	// Description is the description of the job.
	Description string
}

// SquashAndMerge returns the squash-and-merge jobs of the dataset.
func (ds *Dataset) SquashAndMerge() Jobs[*SquashAndMergeJob, SquashAndMergeArgs] {
	return Jobs[*SquashAndMergeJob, SquashAndMergeArgs]{ds, TypeSquashAndMerge, func(j *Job) *SquashAndMergeJob { return &SquashAndMergeJob{j} }}
}

func (a SquashAndMergeArgs) prepare(ctx context.Context, ds *Dataset) (r gen.CreateJobRequest, err error) {
	a.Strategy = cmp.Or(a.Strategy, StrategyAbort)
	switch {
	case a.DraftTitle == "":
		return r, invalid("the draft title is empty: set DraftTitle")
	case a.Source == "":
		return r, invalid("the source branch is empty: set Source")
	case a.Strategy != StrategyAbort && a.Strategy != StrategyOverride && a.Strategy != StrategySkip:
		return r, invalid("unknown strategy %q: use %s, %s or %s", a.Strategy, StrategyAbort, StrategyOverride, StrategySkip)
	}
	if a.Target == "" {
		if a.Target, err = ds.branch(ctx); err != nil {
			return r, err
		}
	}
	if a.Source == a.Target {
		return r, invalid("source and target are the same branch %q: use two branches", a.Source)
	}
	title := cmp.Or(a.Title, fmt.Sprintf("%s->%s(%s)", a.Source, a.Target, a.Strategy))
	return newRequest(title, a.Description, gen.SquashAndMergeArguments{
		Title:            a.DraftTitle,
		Description:      optional(a.DraftDescription),
		SourceBranchName: a.Source,
		TargetBranchName: a.Target,
		Strategy:         string(a.Strategy),
	})
}

// SquashAndMergeJob is a job that merges one branch into another. It is safe for concurrent
// use. It also has the methods of [Job]:
//
//	Wait(ctx, options...) error                           waits for the end
//	Watch(ctx, options...) iter.Seq2[Event, error]        the same, with an event for each poll
//	Update(ctx) error                                     reads the job once
//	Abort(ctx) error                                      asks the service to stop it
//	Snapshot() Snapshot, Status() Status, ID() string     the newest known state
//	Dataset() *Dataset
//	MarshalJSON() ([]byte, error)                         saves it for Client.Resume
type SquashAndMergeJob struct{ *Job }

// Arguments returns the arguments with which the job was created.
func (j *SquashAndMergeJob) Arguments() (SquashAndMergeArgs, error) {
	a, s, err := argumentsOf[gen.SquashAndMergeArguments](j.Job)
	if err != nil {
		return SquashAndMergeArgs{}, err
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

// Retry asks the service to run a failed or aborted job again. The job keeps its id. Directly
// after an abort the service may refuse it with [ErrInvalidArgument] or [ErrForbidden].
//
//   - [Job.Wait] then waits for the new run.
//   - If the request may have taken effect without a valid response, the error matches
//     [ErrAmbiguous].
//   - If no new run appears within 30 s, Wait ends with the outcome of the previous run.
func (j *SquashAndMergeJob) Retry(ctx context.Context) error {
	c := j.dataset.client
	previous := j.newest()
	err := c.send(ctx, "retryJob", func() (*http.Request, error) {
		return gen.NewRetryJobRequest(c.server, j.dataset.id, j.id, &gen.RetryJobParams{JobType: string(j.jobType)})
	}, nil)
	if err != nil && !errors.Is(err, ErrAmbiguous) {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.retry = &retriedRun{previous: previous, at: time.Now()}
	j.seenAt = j.retry.at
	return err
}

// Result returns the draft that the job made, with its current status. The error is
// [ErrNotFinished] before the end of the job, a [*JobError] if the job failed or was aborted,
// and [ErrNotFound] if the draft was deleted.
//
// Result reads the drafts of the target branch page by page, which may take many requests. It
// may need a ctx of its own, because that of the wait may have ended, or allow hours.
func (j *SquashAndMergeJob) Result(ctx context.Context) (*Draft, error) {
	var r gen.SquashAndMergeResult
	s, err := j.result(ctx, &r)
	if err != nil {
		return nil, err
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
