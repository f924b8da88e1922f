package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run merges and searches on an embedded TensorBay",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context()) },
	}
}

// demo starts an embedded TensorBay on real sockets and runs merges and searches on it with
// package jobs. All data that it prints come from the server.
func (a *app) demo(ctx context.Context) (err error) {
	server, err := jobstest.NewServer(
		jobstest.WithListener("127.0.0.1:0"),
		jobstest.WithTLS(),
		jobstest.WithQueuing(100*time.Millisecond),
		jobstest.WithProcessing(200*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	client, err := jobs.NewClient(server.AccessKey(),
		jobs.WithBaseURL(server.URL()),
		jobs.WithHTTPClient(server.Client()),
		jobs.WithRateLimit(-1), // the server has no other client
	)
	if err != nil {
		return err
	}
	start := time.Now()
	fmt.Fprintf(a.out, "An embedded TensorBay listens on %s\nand executes the jobs below.\n", server.URL())
	d := demo{client: client, out: a.out}
	for _, step := range []func(context.Context) error{d.merge, d.search, d.searchFusion} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.out, "\nDone: %d jobs and %d requests in %.1f s.\n", d.jobs, len(server.Requests()), time.Since(start).Seconds())
	return nil
}

type demo struct {
	client *jobs.Client
	out    io.Writer
	jobs   int
}

// wait waits for a job and prints each change of its status.
func (d *demo) wait(ctx context.Context, job *jobs.Job) error {
	d.jobs++
	start, last := time.Now(), job.Snapshot()
	printStatus(d.out, 0, last.Status, last.Title)
	// Poll every 40 ms, because these jobs finish within a third of a second.
	schedule := jobs.WithSchedule(polling.Schedule{Min: 40 * time.Millisecond})
	for event, err := range job.Watch(ctx, schedule) {
		if now := event.Job; now.Status != last.Status {
			printStatus(d.out, time.Since(start), now.Status, "")
			last = now
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// strategies describes how each strategy treats a conflict: a file with different
// content or labels on the two branches.
var strategies = []struct {
	strategy    jobs.Strategy
	description string
}{
	{jobs.StrategyAbort, "merge nothing if there is a conflict"},
	{jobs.StrategyOverride, "take the file of dev for each conflict"},
	{jobs.StrategySkip, "keep the file of main for each conflict"},
}

// merge squashes branch dev and merges it into main, once with each strategy.
func (d *demo) merge(ctx context.Context) error {
	ds, err := d.client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		return err
	}
	printHeading(d.out, "SQUASH AND MERGE", "dataset squash-and-merge, branch dev into main, once with each strategy")
	versions := comparison{}
	for _, branch := range []string{"main", "dev"} {
		contents, err := ds.Contents(ctx, branch)
		if err != nil {
			return err
		}
		if err := versions.add(ctx, branch, contents); err != nil {
			return err
		}
	}
	for _, s := range strategies {
		fmt.Fprintf(d.out, "\n  %s: %s\n", s.strategy, s.description)
		job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
			DraftTitle: fmt.Sprintf("dev into main, %s", s.strategy),
			Source:     "dev",
			Target:     "main",
			Strategy:   s.strategy,
		})
		if err != nil {
			return err
		}
		if err := d.wait(ctx, job.Job); err != nil {
			return err
		}
		draft, err := job.Result(ctx)
		if err != nil {
			return err
		}
		if err := versions.add(ctx, string(s.strategy), draft.Contents()); err != nil {
			return err
		}
		files := versions[len(versions)-1].categories()
		fmt.Fprintf(d.out, "    Draft %d on %s, %s, %q\n    %s: %s\n",
			draft.Number, draft.Branch, draft.Status, draft.Title, count(len(files), "file"), runs(files))
	}
	fmt.Fprintln(d.out, "\n  Category of each file on the branches and in the drafts:")
	versions.print(d.out)
	return nil
}

// A comparison holds versions of a plain dataset, one for each column of a table.
type comparison []version

type version struct {
	name string
	data []*jobs.Data
}

func (v version) categories() []string {
	categories := make([]string, len(v.data))
	for i, d := range v.data {
		categories[i] = category(d.Label)
	}
	return categories
}

func (c *comparison) add(ctx context.Context, name string, contents *jobs.Contents) error {
	found, err := readAll(ctx, contents)
	if err != nil {
		return err
	}
	v := version{name: name}
	for _, s := range found {
		v.data = append(v.data, s.data...)
	}
	*c = append(*c, v)
	return nil
}

func (c *comparison) print(w io.Writer) {
	head := []string{"file"}
	var paths []string
	for _, v := range *c {
		head = append(head, v.name)
		for _, d := range v.data {
			paths = append(paths, d.RemotePath)
		}
	}
	slices.Sort(paths)
	rows := [][]string{head}
	for _, path := range slices.Compact(paths) {
		row := []string{path}
		for _, v := range *c {
			cell := "-"
			if i := slices.IndexFunc(v.data, func(d *jobs.Data) bool { return d.RemotePath == path }); i >= 0 {
				cell = category(v.data[i].Label)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	printTable(w, "    ", rows)
}

// search finds data in a plain dataset and makes a dataset from them.
func (d *demo) search(ctx context.Context) error {
	const name, newName = "street-scenes", "cars-at-night"
	ds, err := d.client.Dataset(ctx, name)
	if err != nil {
		return err
	}
	args := jobs.BasicSearchArgs{
		Revision:    "main",
		Conjunction: jobs.And,
		Filters: []jobs.Filter{
			jobs.SegmentIn("train-night", "val-night"),
			jobs.CategoryIn(jobs.LabelBox2D, "car", "bus"),
			jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"occluded": {false}}),
			jobs.SizeGreaterThan(300),
		},
	}
	printHeading(d.out, "BASIC SEARCH", "dataset "+name+", branch main")
	job, err := d.find(ctx, ds, args)
	if err != nil {
		return err
	}
	result, err := job.Result(ctx)
	if err != nil {
		return err
	}
	found, err := readAll(ctx, result)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n  Found %s:\n", found.total())
	found.print(d.out)
	counts, err := result.LabelStatistics(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	printStatistics(d.out, 80, counts)

	if err := job.CreateDataset(ctx, jobs.DatasetSpec{Name: newName}); err != nil {
		return err
	}
	return d.printNewDataset(ctx, newName)
}

// printNewDataset finds a dataset by name and prints the size of its content.
func (d *demo) printNewDataset(ctx context.Context, name string) error {
	ds, err := d.client.Dataset(ctx, name)
	if err != nil {
		return err
	}
	info, err := ds.Info(ctx)
	if err != nil {
		return err
	}
	contents, err := ds.Contents(ctx, info.DefaultBranch)
	if err != nil {
		return err
	}
	found, err := readAll(ctx, contents)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n  Made dataset %s from the result: %s.\n", info.Name, found.total())
	return nil
}

// searchFusion finds data in a fusion dataset and reads the content of one.
func (d *demo) searchFusion(ctx context.Context) error {
	const name, right = "basic-search", "CAM_BACK_RIGHT"
	ds, err := d.client.Dataset(ctx, name)
	if err != nil {
		return err
	}
	args := jobs.BasicSearchArgs{
		Revision:    "main",
		Conjunction: jobs.And,
		Filters: []jobs.Filter{
			jobs.CategoryIn(jobs.LabelBox2D, "01", "02"),
			jobs.SizeGreaterThan(0),
			jobs.HasLabel(true),
			jobs.AttributeIn(jobs.LabelBox2D, map[string][]any{"attribute_1": {true, false}, "attribute_2": {3}}),
			jobs.SegmentIn("test"),
			jobs.SensorIn(right),
		},
	}
	printHeading(d.out, "BASIC SEARCH, FUSION", "dataset "+name+", branch main: each frame has data of several sensors")
	job, err := d.find(ctx, ds, args)
	if err != nil {
		return err
	}
	result, err := job.FusionResult(ctx)
	if err != nil {
		return err
	}
	var first *jobs.Data
	for segment, err := range result.Segments(ctx) {
		if err != nil {
			return err
		}
		data, err := d.printFrames(ctx, result, segment.Name)
		if err != nil {
			return err
		}
		if first == nil && len(data) > 0 {
			first = data[0]
		}
	}
	counts, err := result.LabelStatistics(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	printStatistics(d.out, 80, counts)
	if first == nil {
		return nil
	}
	return d.printContent(ctx, first)
}

// find creates a search job and waits for it.
func (d *demo) find(ctx context.Context, ds *jobs.Dataset, args jobs.BasicSearchArgs) (*jobs.BasicSearchJob, error) {
	printFilters(d.out, args.Conjunction, args.Filters)
	fmt.Fprintln(d.out)
	job, err := ds.BasicSearch().Create(ctx, args)
	if err != nil {
		return nil, err
	}
	return job, d.wait(ctx, job.Job)
}

// printFrames prints the frames found in a segment and the segment's sensors. It
// returns the data of all frames.
func (d *demo) printFrames(ctx context.Context, result *jobs.FusionSearchResult, segment string) ([]*jobs.Data, error) {
	frames, err := collect(result.Frames(ctx, segment))
	if err != nil {
		return nil, err
	}
	sensors, err := result.Sensors(ctx, segment)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(d.out, "\n  Found %s in segment %s:\n", count(len(frames), "frame"), segment)
	var data []*jobs.Data
	for i, frame := range frames {
		data = append(data, frame.Data...)
		if i > 2 {
			continue
		}
		fmt.Fprintf(d.out, "    %s\n", frame.ID)
		var rows [][]string
		for _, datum := range frame.Data {
			rows = append(rows, []string{datum.Sensor, datum.RemotePath, category(datum.Label)})
		}
		printTable(d.out, "      ", rows)
	}
	if more := len(frames) - 3; more > 0 {
		fmt.Fprintf(d.out, "    … and %d more\n", more)
	}
	names := make([]string, len(sensors))
	for i, s := range sensors {
		names[i] = fmt.Sprintf("%s (%s)", s.Name, s.Type)
	}
	fmt.Fprintf(d.out, "  Sensors of the segment:\n    %s\n", fit(names, 70))
	return data, nil
}

// printContent reads a datum through its signed URL.
func (d *demo) printContent(ctx context.Context, datum *jobs.Data) error {
	r, err := datum.Open(ctx)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n  Content of %s, through its signed URL:\n    %q, %s\n", datum.RemotePath, content, count(len(content), "byte"))
	return nil
}

// contents holds the data of a plain dataset by segment.
type contents []segment

type segment struct {
	name string
	data []*jobs.Data
}

// readAll reads all segments of a dataset, a draft or a search result.
func readAll(ctx context.Context, source interface {
	Segments(context.Context) iter.Seq2[jobs.Segment, error]
	Data(context.Context, string) iter.Seq2[*jobs.Data, error]
},
) (contents, error) {
	var all contents
	for s, err := range source.Segments(ctx) {
		if err != nil {
			return nil, err
		}
		data, err := collect(source.Data(ctx, s.Name))
		if err != nil {
			return nil, err
		}
		all = append(all, segment{s.Name, data})
	}
	return all, nil
}

// total returns the number of files and segments as text.
func (c contents) total() string {
	n := 0
	for _, s := range c {
		n += len(s.data)
	}
	return fmt.Sprintf("%s in %s", count(n, "file"), count(len(c), "segment"))
}

func (c contents) print(w io.Writer) {
	rows := [][]string{{"segment", "files", "first"}}
	for _, s := range c {
		paths := make([]string, len(s.data))
		for i, d := range s.data {
			paths[i] = d.RemotePath
		}
		rows = append(rows, []string{s.name, fmt.Sprintf("%5d", len(paths)), fit(paths, 50)})
	}
	printTable(w, "    ", rows)
}

func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
