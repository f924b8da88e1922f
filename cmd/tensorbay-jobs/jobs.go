package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/cmd/tensorbay-jobs/internal/progress"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func (a *app) jobsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "jobs",
		Short: "List, read, wait for, abort, retry and delete jobs",
		Long: `List, read, wait for, abort, retry and delete jobs. The word latest in place of
a job id is the newest job of the dataset.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.listCommand(), a.getCommand(), a.waitCommand(),
		a.actCommand("abort", "Ask the service to stop jobs", "abort requested", func(ctx context.Context, job jobs.Waiter) error { return job.Abort(ctx) }),
		a.actCommand("retry", "Run failed or aborted merges again", "started again", func(ctx context.Context, job jobs.Waiter) error {
			merge, ok := job.(*jobs.SquashAndMergeJob)
			if !ok {
				return usage("job %s is a search: only a merge can run again", job.ID())
			}
			return merge.Retry(ctx)
		}),
		a.actCommand("delete", "Delete finished jobs; their drafts and datasets remain", "deleted", func(ctx context.Context, job jobs.Waiter) error {
			if _, ok := job.(*jobs.SquashAndMergeJob); ok {
				return job.Dataset().SquashAndMerge().Delete(ctx, job.ID())
			}
			return job.Dataset().BasicSearch().Delete(ctx, job.ID())
		}))
	return c
}

// findFlags are the flags of commands that find jobs.
type findFlags struct{ jobType string }

func (f *findFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.jobType, "type", "", "`TYPE` of the jobs: merge or search (default: both)")
	complete(c, "type", "merge", "search")
}

func (f findFlags) check() error {
	if f.jobType != "" && f.jobType != "merge" && f.jobType != "search" {
		return usage("unknown --type %q: use merge or search", f.jobType)
	}
	return nil
}

// latest is the newest job of a dataset in place of a job id.
const latest = "latest"

// get reads a job. Without --type, it asks for a merge first.
func (f findFlags) get(ctx context.Context, ds *jobs.Dataset, id string) (jobs.Waiter, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if id == latest {
		all, err := f.list(ctx, ds, func(jobs.Status) bool { return true })
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("the dataset has no %s", cmp.Or(f.jobType, "job"))
		}
		if err != nil {
			return nil, err
		}
		return all[0], nil
	}
	if f.jobType != "search" {
		job, err := ds.SquashAndMerge().Get(ctx, id)
		if err == nil {
			return job, nil
		}
		if f.jobType != "" || !errors.Is(err, jobs.ErrNotFound) && !errors.Is(err, jobs.ErrInvalidResponse) {
			return nil, err
		}
	}
	job, err := ds.BasicSearch().Get(ctx, id)
	if err != nil {
		if f.jobType == "" && errors.Is(err, jobs.ErrNotFound) {
			err = fmt.Errorf("neither a merge nor a search: %w", err)
		}
		return nil, err
	}
	return job, nil
}

// list reads the jobs with a status that keep accepts, newest first.
func (f findFlags) list(ctx context.Context, ds *jobs.Dataset, keep func(jobs.Status) bool) (all []jobs.Waiter, err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.jobType != "search" {
		for job, err := range ds.SquashAndMerge().List(ctx, jobs.ListOptions{}) {
			if err != nil {
				return nil, err
			}
			all = append(all, job)
		}
	}
	if f.jobType != "merge" {
		for job, err := range ds.BasicSearch().List(ctx, jobs.ListOptions{}) {
			if err != nil {
				return nil, err
			}
			all = append(all, job)
		}
	}
	all = slices.DeleteFunc(all, func(j jobs.Waiter) bool { return !keep(j.Status()) })
	slices.SortStableFunc(all, func(x, y jobs.Waiter) int { return y.Snapshot().CreatedAt.Compare(x.Snapshot().CreatedAt) })
	return all, nil
}

// jobList returns a list of jobs. On a terminal, it clips the titles.
func (a *app) jobList() *list {
	l := a.list("JOB", "TYPE", "STATUS", "AGE", "TOOK", "TITLE")
	if progress.Live(a.out.Writer) {
		l.table.width = progress.Width(a.out.Writer)
	}
	return l
}

func jobCells(job jobs.Waiter) []string {
	s := job.Snapshot()
	age, took := "", ""
	if !s.CreatedAt.IsZero() {
		age = progress.Short(max(0, time.Since(s.CreatedAt)))
	}
	if !s.StartedAt.IsZero() && !s.FinishedAt.IsZero() {
		took = progress.Short(s.FinishedAt.Sub(s.StartedAt))
	}
	return []string{s.ID, typeName(s.Type), s.Status.String(), age, took, s.Title}
}

// typeName returns the value of --type for a type.
func typeName(t jobs.Type) string {
	switch t {
	case jobs.TypeSquashAndMerge:
		return "merge"
	case jobs.TypeBasicSearch:
		return "search"
	}
	return t.String()
}

func (a *app) listCommand() *cobra.Command {
	var find findFlags
	var status string
	var unfinished bool
	var limit int
	c := a.withDatasets(&cobra.Command{
		Use:     "list DATASET",
		Aliases: []string{"ls"},
		Short:   "List jobs, newest first",
		Args:    arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return usage("--limit %d is negative", limit)
			}
			ds, err := a.dataset(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := find.list(cmd.Context(), ds, func(s jobs.Status) bool {
				return (status == "" || strings.EqualFold(string(s), status)) && (!unfinished || !s.Finished())
			})
			if err != nil {
				return err
			}
			l := a.jobList()
			l.empty = "There are no such jobs."
			if len(all) == 0 && status == "" && !unfinished {
				l.empty = "The dataset has no jobs."
			}
			for i, job := range all {
				if limit > 0 && i == limit {
					fmt.Fprintf(a.err, "%s not shown.\n", count(len(all)-limit, "older job"))
					break
				}
				if err := l.add(job, jobCells(job)...); err != nil {
					return err
				}
			}
			return l.close()
		},
	})
	find.add(c)
	c.Flags().StringVar(&status, "status", "", "only jobs with this `STATUS`, such as FAILED")
	c.Flags().BoolVar(&unfinished, "unfinished", false, "only jobs that have not finished")
	c.Flags().IntVar(&limit, "limit", 0, "at most `N` jobs (default: all)")
	complete(c, "status", "QUEUING", "PROCESSING", "SUCCESS", "FAILED", "ABORTED")
	return c
}

func (a *app) getCommand() *cobra.Command {
	var find findFlags
	c := a.withDatasets(&cobra.Command{
		Use:   "get DATASET JOB",
		Short: "Show a job",
		Args:  arguments(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ds, err := a.dataset(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			job, err := find.get(cmd.Context(), ds, args[1])
			if err != nil {
				return err
			}
			return a.object(job, jobFields(job)...)
		},
	})
	find.add(c)
	return c
}

// jobFields returns the fields of a job and of its arguments.
func jobFields(job jobs.Waiter) []field {
	s := job.Snapshot()
	fields := []field{
		{"job", s.ID}, {"type", typeName(s.Type)}, {"title", s.Title}, {"description", s.Description}, {"status", s.Status.String()},
		{"created", timestamp(s.CreatedAt)}, {"started", timestamp(s.StartedAt)}, {"finished", timestamp(s.FinishedAt)},
		{"error", s.ErrorMessage},
	}
	switch job := job.(type) {
	case *jobs.SquashAndMergeJob:
		if args, err := job.Arguments(); err == nil {
			fields = append(fields, field{"merge", args.Source + " into " + args.Target}, field{"strategy", string(args.Strategy)})
		}
	case *jobs.BasicSearchJob:
		if args, err := job.Arguments(); err == nil {
			fields = append(fields, field{"commit", args.Revision}, field{"unit", string(args.Unit)})
			word := "where"
			for _, f := range args.Filters {
				fields = append(fields, field{word, f.String()})
				word = string(args.Conjunction)
			}
		}
	}
	return fields
}

// actCommand returns a command that does something with each of the given jobs. done describes
// the outcome.
func (a *app) actCommand(name, short, done string, act func(context.Context, jobs.Waiter) error) *cobra.Command {
	var find findFlags
	c := a.withDatasets(&cobra.Command{
		Use:   name + " DATASET JOB...",
		Short: short,
		Args:  arguments(2, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := a.findJobs(cmd.Context(), find, args)
			if err != nil {
				return err
			}
			l := a.list("JOB", "RESULT")
			for _, job := range all {
				if err := act(cmd.Context(), job); err != nil {
					return errors.Join(l.close(), err)
				}
				if err := l.add(job, job.ID(), done); err != nil {
					return err
				}
			}
			return l.close()
		},
	})
	find.add(c)
	return c
}
