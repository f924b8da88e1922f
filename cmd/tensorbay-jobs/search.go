package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/cmd/tensorbay-jobs/internal/where"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func (a *app) searchCommand() *cobra.Command {
	var flags waitFlags
	var args jobs.BasicSearchArgs
	var conditions []string
	var or bool
	var unit string
	c := a.withDatasets(&cobra.Command{
		Use:   "search DATASET --where CONDITION...",
		Short: "Find the files of a commit that match conditions",
		Long: `Find the files of a commit that match all conditions, wait, and show the
segments and the label statistics. A condition has one of these forms:

  ` + strings.ReplaceAll(where.Grammar, "\n", "\n  ") + `

Words with spaces or other punctuation need double quotes.`,
		Example: `  tensorbay-jobs search street-scenes \
    --where 'category in (car, bus) on BOX2D' --where 'size > 1kB'`,
		Args: arguments(1, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			for _, condition := range conditions {
				f, err := where.Parse(condition)
				if err != nil {
					return usage("--where %w", err)
				}
				args.Filters = append(args.Filters, f)
			}
			if len(args.Filters) == 0 {
				return usage("there is no condition: add --where")
			}
			args.Unit = jobs.Unit(unit)
			if or {
				args.Conjunction = jobs.Or
			}
			ds, err := a.dataset(ctx, names[0])
			if err != nil {
				return err
			}
			job, err := ds.BasicSearch().Create(ctx, args)
			if err != nil {
				return err
			}
			if flags.noWait {
				return a.object(job, jobFields(job)...)
			}
			if _, err := a.wait(ctx, flags, names[0], job); err != nil {
				return err
			}
			found, err := openResult(ctx, job)
			if err != nil {
				return err
			}
			segments, err := a.printResult(ctx, found)
			switch {
			case err != nil:
				return err
			case segments == 0:
				fmt.Fprintln(a.err, "No file matches.")
			default:
				fmt.Fprintf(a.err, "Show the files with:\n  %s\n", a.command("result", names[0], job.ID(), "--data"))
			}
			return nil
		},
	})
	flags.add(c, true)
	c.Flags().StringArrayVar(&conditions, "where", nil, "`CONDITION` that files must match (may be repeated)")
	c.Flags().BoolVar(&or, "any", false, "one matching condition is enough")
	c.Flags().StringVar(&unit, "unit", string(jobs.UnitFile), "`UNIT` of the results: file or frame")
	c.Flags().StringVar(&args.Revision, "revision", "", "branch, tag or commit (`REVISION`) to search (default: the default branch)")
	c.Flags().StringVar(&args.Title, "title", "", "`TITLE` of the job (default: made of the first condition)")
	complete(c, "unit", "file", "frame")
	return c
}

func (a *app) createDatasetCommand() *cobra.Command {
	var spec jobs.DatasetSpec
	c := a.withDatasets(&cobra.Command{
		Use:   "create-dataset DATASET JOB NAME",
		Short: "Create a dataset from the result of a search",
		Args:  arguments(3, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec.Name = args[2]
			return a.createDataset(cmd.Context(), args[0], args[1], spec)
		},
	})
	c.Flags().StringVar(&spec.Alias, "alias", "", "display `NAME`")
	c.Flags().BoolVar(&spec.Public, "public", false, "make the dataset readable for all users")
	return c
}

func (a *app) createDataset(ctx context.Context, dataset, id string, spec jobs.DatasetSpec) error {
	ds, err := a.dataset(ctx, dataset)
	if err != nil {
		return err
	}
	found, err := findFlags{jobType: "search"}.get(ctx, ds, id)
	if err != nil {
		return err
	}
	job := found.(*jobs.BasicSearchJob) // the type of the search flag
	if err := job.CreateDataset(ctx, spec); err != nil {
		return err
	}
	v := struct {
		Name string `json:"name"`
	}{spec.Name}
	return a.object(v, field{"dataset", spec.Name}, field{"from", job.Snapshot().Title})
}
