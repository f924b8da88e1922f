package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/cmd/tensorbay-jobs/internal/progress"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// waitFlags are the flags of commands that wait.
type waitFlags struct {
	timeout time.Duration
	noWait  bool
	listed  bool // the command prints the jobs after the wait
}

func (f *waitFlags) add(c *cobra.Command, canSkip bool) {
	c.Flags().DurationVar(&f.timeout, "timeout", 0, "stop waiting after this `TIME`, such as 30m; the job goes on")
	f.listed = !canSkip
	if canSkip {
		c.Flags().BoolVar(&f.noWait, "no-wait", false, "return when the job is created")
	}
}

// An ended is a job and the error of its wait.
type ended struct {
	job jobs.Waiter
	err error
}

// wait waits for jobs and shows their progress. dataset is the argument with which the jobs
// were found; it may be empty. The error is the most important one of all waits.
func (a *app) wait(ctx context.Context, flags waitFlags, dataset string, all ...jobs.Waiter) ([]ended, error) {
	if flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, flags.timeout)
		defer cancel()
	}
	var shown jobs.Progress
	stop := progress.Waits(a.err, a.live(), &shown, len(all))
	var results []ended
	for job, err := range jobs.WaitAll(ctx, all, jobs.WithProgress(&shown)) {
		results = append(results, ended{job, err})
	}
	stop(!flags.listed || !progress.Live(a.out.Writer))
	var worst error
	var remaining []jobs.Waiter
	failed := 0
	for i, r := range results {
		if w := (*jobs.WaitError)(nil); errors.As(r.err, &w) && w.Last == nil && errors.Is(w.Reason, context.DeadlineExceeded) {
			r.err = timeoutError{w, flags.timeout}
			results[i] = r
		}
		if r.err != nil {
			failed++
			if worst == nil || rank(r.err) < rank(worst) {
				worst = r.err
			}
		}
		if errors.As(r.err, new(*jobs.WaitError)) {
			remaining = append(remaining, r.job)
		}
	}
	if failed > 1 {
		worst = fmt.Errorf("%d of %d jobs did not succeed, for example: %w", failed, len(all), worst)
	}
	if len(remaining) > 0 {
		a.printResume(dataset, remaining)
	}
	return results, worst
}

// A timeoutError is the error of a wait that --timeout ended.
type timeoutError struct {
	wait    *jobs.WaitError
	timeout time.Duration
}

func (e timeoutError) Error() string {
	return fmt.Sprintf("job %s is %s after --timeout %s", e.wait.Job.ID, e.wait.Job.Status, e.timeout)
}

func (e timeoutError) Unwrap() error { return e.wait }

// rank orders errors by importance.
func rank(err error) int {
	switch exitCode(err) {
	case exitNoAccess:
		return 0
	case exitJobFailed:
		return 1
	case exitJobAborted:
		return 2
	}
	return 3
}

// maxIDs is the largest number of job ids in a command that is printed.
const maxIDs = 3

// printResume prints the command that waits for jobs again. Many jobs are saved in a file, and
// those that one command with ids cannot find.
func (a *app) printResume(dataset string, remaining []jobs.Waiter) {
	goOn := "The job goes on."
	if len(remaining) > 1 {
		goOn = fmt.Sprintf("The %d jobs go on.", len(remaining))
	}
	args := []string{"jobs", "wait"}
	unlike := func(j jobs.Waiter) bool {
		return j.Dataset().ID() != remaining[0].Dataset().ID() || typeName(j.Snapshot().Type) == string(j.Snapshot().Type)
	}
	if len(remaining) <= maxIDs && !slices.ContainsFunc(remaining, unlike) {
		args = append(args, dataset)
		for _, job := range remaining {
			args = append(args, job.ID())
		}
	} else {
		file, err := saveJobs(remaining)
		if err != nil {
			fmt.Fprintf(a.err, "%s They could not be saved: %v\n", goOn, err)
			return
		}
		args = append(args, "--resume", file)
	}
	fmt.Fprintf(a.err, "%s Wait again with:\n  %s\n", goOn, a.command(args...))
}

// command returns a command line for a shell, with the present access.
func (a *app) command(args ...string) string {
	if a.profile != "" {
		args = append(args, "--profile", a.profile)
	}
	if a.keyFile != "" {
		args = append(args, "--access-key-file", a.keyFile)
	}
	for i, arg := range args {
		if strings.ContainsFunc(arg, func(r rune) bool {
			return !unicode.In(r, unicode.Letter, unicode.Digit) && !strings.ContainsRune("-_./:@%+,=", r)
		}) {
			args[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return "tensorbay-jobs " + strings.Join(args, " ")
}

// saveJobs writes jobs to a new file, one a line.
func saveJobs(all []jobs.Waiter) (path string, err error) {
	f, err := os.CreateTemp("", "tensorbay-jobs-*.jsonl")
	if err != nil {
		return "", err
	}
	e := json.NewEncoder(f)
	for _, job := range all {
		err = errors.Join(err, e.Encode(job))
	}
	return f.Name(), errors.Join(err, f.Close())
}

func (a *app) waitCommand() *cobra.Command {
	var flags waitFlags
	var resume string
	var find findFlags
	c := a.withDatasets(&cobra.Command{
		Use:   "wait DATASET [JOB...] | --resume FILE",
		Short: "Wait for jobs",
		Long: `Wait for the given jobs, or for all unfinished jobs of the dataset.

--resume reads jobs from a file with one job a line, as --output jsonl of
jobs list, merge --no-wait and search --no-wait prints them. The file - is
standard input. To continue a wait that was killed, use the same file again.`,
		Example: `  tensorbay-jobs jobs list street-scenes --unfinished -o jsonl > jobs.jsonl
  tensorbay-jobs jobs wait --resume jobs.jsonl --timeout 2h`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var all []jobs.Waiter
			dataset := ""
			switch {
			case resume != "" && len(args) > 0:
				return usage("--resume excludes a dataset and jobs as arguments")
			case resume != "":
				all, err = a.readJobs(resume)
			case len(args) == 0:
				return usage("the dataset is missing: tensorbay-jobs jobs wait DATASET [JOB...]")
			default:
				dataset = args[0]
				all, err = a.findJobs(cmd.Context(), find, args)
			}
			if err != nil {
				return err
			}
			switch {
			case len(all) == 0:
				fmt.Fprintln(a.err, "There are no jobs to wait for.")
			case dataset == "":
				dataset = all[0].Dataset().ID()
			}
			results, err := a.wait(cmd.Context(), flags, dataset, all...)
			return errors.Join(a.printEnded(results), err)
		},
	})
	flags.add(c, false)
	find.add(c)
	c.Flags().StringVar(&resume, "resume", "", "`FILE` with the jobs, one a line")
	return c
}

// findJobs returns the jobs of the arguments DATASET JOB..., or all unfinished jobs.
func (a *app) findJobs(ctx context.Context, flags findFlags, args []string) (all []jobs.Waiter, err error) {
	ds, err := a.dataset(ctx, args[0])
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return flags.list(ctx, ds, func(s jobs.Status) bool { return !s.Finished() })
	}
	for _, id := range args[1:] {
		job, err := flags.get(ctx, ds, id)
		if err != nil {
			return nil, err
		}
		all = append(all, job)
	}
	return all, nil
}

// readJobs reads saved jobs from a file.
func (a *app) readJobs(path string) (all []jobs.Waiter, err error) {
	client, err := a.client()
	if err != nil {
		return nil, err
	}
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage("--resume: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	for d := json.NewDecoder(in); ; {
		var saved json.RawMessage
		if err := d.Decode(&saved); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, usage("--resume %s: job %d: %w", path, len(all)+1, err)
		}
		if line := strings.TrimSpace(string(saved)); strings.HasPrefix(line, "[") {
			return nil, usage("--resume %s: it is a JSON array: use --output jsonl", path)
		}
		job, err := client.Resume(saved)
		if err != nil {
			return nil, usage("--resume %s: job %d: %w", path, len(all)+1, err)
		}
		all = append(all, job)
	}
}

// maxRows is the largest number of jobs with a row each in a table.
const maxRows = 20

// printEnded prints the jobs of waits. If there are many, a table shows only those that failed
// or were aborted, and the number of jobs with each status.
func (a *app) printEnded(results []ended) error {
	many := a.output == "table" && len(results) > maxRows
	statuses := map[jobs.Status]int{}
	l := a.jobList()
	for _, r := range results {
		statuses[r.job.Status()]++
		if many && !errors.As(r.err, new(*jobs.JobError)) {
			continue
		}
		if err := l.add(r.job, jobCells(r.job)...); err != nil {
			return err
		}
	}
	if err := l.close(); err != nil || !many {
		return err
	}
	var counts []string
	for _, s := range slices.Sorted(maps.Keys(statuses)) {
		counts = append(counts, fmt.Sprintf("%d %s", statuses[s], s))
	}
	fmt.Fprintf(a.out, "%d jobs: %s\n", len(results), strings.Join(counts, ", "))
	return nil
}
