package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func (a *app) mergeCommand() *cobra.Command {
	var flags waitFlags
	var args jobs.SquashAndMergeArgs
	var strategy, tag string
	var commit bool
	c := a.withDatasets(&cobra.Command{
		Use:   "merge DATASET SOURCE [TARGET]",
		Short: "Squash a branch and merge it into another, as a draft",
		Long: `Squash the commits of branch SOURCE, merge them into branch TARGET as a new
draft, wait, and show the draft. The default of TARGET is the default branch.

A conflict is a file that differs on both branches. The strategies are:
  abort     merge nothing if there is a conflict
  override  take the file of SOURCE
  skip      keep the file of TARGET`,
		Example: `  tensorbay-jobs merge street-scenes night main --strategy skip`,
		Args:    arguments(2, 3),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			if flags.noWait && commit {
				return usage("--commit needs the draft: leave out --no-wait")
			}
			if tag != "" && !commit {
				return usage("--tag is for a commit: add --commit")
			}
			if len(names) > 2 && names[2] == "" {
				return usage("TARGET is empty: leave it out for the default branch")
			}
			ds, err := a.dataset(ctx, names[0])
			if err != nil {
				return err
			}
			args.Source, args.Strategy = names[1], jobs.Strategy(strategy)
			if len(names) > 2 {
				args.Target = names[2]
			}
			args.DraftTitle = cmp.Or(args.DraftTitle, "Merge "+args.Source)
			job, err := ds.SquashAndMerge().Create(ctx, args)
			if err != nil {
				return err
			}
			if flags.noWait {
				return a.object(job, jobFields(job)...)
			}
			if _, err := a.wait(ctx, flags, names[0], job); err != nil {
				return err
			}
			draft, err := job.Result(ctx)
			if err != nil {
				return err
			}
			var commitID string
			if commit {
				if commitID, err = draft.Commit(ctx, jobs.CommitSpec{Tag: tag}); err != nil {
					return fmt.Errorf("commit draft %d: %w", draft.Number, err)
				}
				draft.Status = jobs.DraftCommitted
			}
			return a.printDraft(job, draft, commitID)
		},
	})
	flags.add(c, true)
	c.Flags().StringVar(&strategy, "strategy", string(jobs.StrategyAbort), "treatment of conflicts (`STRATEGY`): abort, override or skip")
	c.Flags().StringVar(&args.DraftTitle, "title", "", "`TITLE` of the draft (default \"Merge SOURCE\")")
	c.Flags().StringVar(&args.DraftDescription, "description", "", "`DESCRIPTION` of the draft")
	c.Flags().StringVar(&args.Title, "job-title", "", "`TITLE` of the job (default \"SOURCE->TARGET(STRATEGY)\")")
	c.Flags().BoolVar(&commit, "commit", false, "commit the draft")
	c.Flags().StringVar(&tag, "tag", "", "`TAG` of the commit")
	complete(c, "strategy", "abort", "override", "skip")
	return c
}

// printDraft prints a merge and its draft. commitID is empty if the draft was not committed.
func (a *app) printDraft(job *jobs.SquashAndMergeJob, draft *jobs.Draft, commitID string) error {
	type draftJSON struct {
		Number int64            `json:"number"`
		Title  string           `json:"title"`
		Branch string           `json:"branch"`
		Status jobs.DraftStatus `json:"status"`
	}
	v := struct {
		Job   *jobs.SquashAndMergeJob `json:"job"`
		Draft draftJSON               `json:"draft"`
		// CommitID is empty if the draft was not committed.
		CommitID string `json:"commitId,omitempty"`
	}{job, draftJSON{draft.Number, draft.Title, draft.Branch, draft.Status}, commitID}
	return a.object(v, append(draftFields(job, draft), field{"commit", commitID})...)
}

func draftFields(job jobs.Waiter, d *jobs.Draft) []field {
	return []field{
		{"job", job.ID()}, {"status", job.Status().String()},
		{"draft", fmt.Sprintf("%d on %s, %s", d.Number, d.Branch, d.Status)}, {"title", d.Title},
	}
}
