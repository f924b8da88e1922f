package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/cmd/tensorbay-jobs/internal/progress"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
)

// A resultReader reads the result of a job: a draft, or the files of a search.
type resultReader interface {
	Segments(ctx context.Context) iter.Seq2[jobs.Segment, error]
	LabelStatistics(ctx context.Context) (jobs.LabelStatistics, error)
}

// A result is the result of a finished job.
type result struct {
	job      jobs.Waiter
	draft    *jobs.Draft // of a merge
	contents resultReader
	data     func(ctx context.Context, segment string) iter.Seq2[*jobs.Data, error]
}

// openResult opens the result of a job that has succeeded.
func openResult(ctx context.Context, job jobs.Waiter) (*result, error) {
	info, err := job.Dataset().Info(ctx)
	if err != nil {
		return nil, err
	}
	r := &result{job: job}
	switch job := job.(type) {
	case *jobs.SquashAndMergeJob:
		draft, err := job.Result(ctx)
		if err != nil {
			return nil, err
		}
		c := draft.Contents()
		r.draft, r.contents, r.data = draft, c, c.Data
		if info.Fusion {
			r.data = func(ctx context.Context, segment string) iter.Seq2[*jobs.Data, error] {
				return download.OfFrames(c.Frames(ctx, segment))
			}
		}
	case *jobs.BasicSearchJob:
		if info.Fusion {
			found, err := job.FusionResult(ctx)
			if err != nil {
				return nil, err
			}
			r.contents = found
			r.data = func(ctx context.Context, segment string) iter.Seq2[*jobs.Data, error] {
				return download.OfFrames(found.Frames(ctx, segment))
			}
			break
		}
		found, err := job.Result(ctx)
		if err != nil {
			return nil, err
		}
		r.contents, r.data = found, found.Data
	default:
		return nil, fmt.Errorf("job %s has the type %s, whose results this version cannot read", job.ID(), job.Snapshot().Type)
	}
	return r, nil
}

// segmentNames returns the names of all segments.
func (r *result) segmentNames(ctx context.Context) ([]string, error) {
	names := []string{}
	for s, err := range r.contents.Segments(ctx) {
		if err != nil {
			return nil, err
		}
		names = append(names, s.Name)
	}
	return names, nil
}

// all lists the files of the given segments, or of all segments.
func (r *result) all(ctx context.Context, segments []string) iter.Seq2[*jobs.Data, error] {
	return func(yield func(*jobs.Data, error) bool) {
		names, err := r.segmentNames(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, name := range segments {
			if !slices.Contains(names, name) {
				yield(nil, usage("the result has no segment %q", name))
				return
			}
		}
		for _, name := range names {
			if len(segments) > 0 && !slices.Contains(segments, name) {
				continue
			}
			for d, err := range r.data(ctx, name) {
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

func (a *app) resultCommand() *cobra.Command {
	var find findFlags
	var segments []string
	var data, statistics, masks bool
	var directory, boxes string
	c := a.withDatasets(&cobra.Command{
		Use:   "result DATASET JOB",
		Short: "Show or download the result of a finished job",
		Long: `Show the segments and the label statistics of the result of a job: the files
that a search has found, or the draft of a merge. The word latest in place of a
job id is the newest job of the dataset.`,
		Example: `  tensorbay-jobs result street-scenes latest --download photos
  tensorbay-jobs result street-scenes latest --csv boxes.csv`,
		Args: arguments(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			chosen := 0
			for _, is := range []bool{data, statistics, boxes != "", directory != ""} {
				if is {
					chosen++
				}
			}
			switch {
			case chosen > 1:
				return usage("use only one of --data, --statistics, --csv and --download")
			case len(segments) > 0 && (chosen == 0 || statistics):
				return usage("--segment needs --data, --csv or --download")
			}
			ds, err := a.dataset(ctx, args[0])
			if err != nil {
				return err
			}
			job, err := find.get(ctx, ds, args[1])
			if err != nil {
				return err
			}
			r, err := openResult(ctx, job)
			switch {
			case err != nil:
				return err
			case data:
				return a.printData(r.all(ctx, segments))
			case statistics:
				return a.printCounts(ctx, r)
			case boxes != "":
				return a.writeBoxes(boxes, r.all(ctx, segments))
			case directory != "":
				return a.download(ctx, directory, r.all(ctx, segments), masks)
			}
			_, err = a.printResult(ctx, r)
			return err
		},
	})
	find.add(c)
	flags := c.Flags()
	flags.BoolVar(&data, "data", false, "list the files")
	flags.BoolVar(&statistics, "statistics", false, "show only the label statistics")
	flags.StringVar(&directory, "download", "", "save the files in this `DIRECTORY`; files that are complete there are kept")
	flags.StringVar(&boxes, "csv", "", "write the BOX2D labels to this `FILE` as CSV; - is standard output")
	flags.StringArrayVar(&segments, "segment", nil, "only this `SEGMENT` (may be repeated)")
	flags.BoolVar(&masks, "masks", false, "with --download, save the masks, too")
	return c
}

// printResult prints the segments and statistics of a result. It returns the number of
// segments.
func (a *app) printResult(ctx context.Context, r *result) (segments int, err error) {
	names, err := r.segmentNames(ctx)
	if err != nil {
		return 0, err
	}
	counts, err := r.contents.LabelStatistics(ctx)
	if err != nil {
		return 0, err
	}
	if a.output != "table" {
		v := struct {
			Job        jobs.Waiter          `json:"job"`
			Segments   []string             `json:"segments"`
			Statistics jobs.LabelStatistics `json:"statistics"`
		}{r.job, names, counts}
		return len(names), a.json(v)
	}
	fields := []field{{"job", r.job.ID()}, {"status", r.job.Status().String()}}
	if d := r.draft; d != nil {
		fields = draftFields(r.job, d)
	}
	fields = append(fields, field{"segments", strconv.Itoa(len(names))})
	if len(names) > 0 {
		fields[len(fields)-1].value += ": " + fit(names, 55)
	}
	if err := a.object(nil, fields...); err != nil {
		return 0, err
	}
	if len(counts) > 0 {
		fmt.Fprintln(a.out)
		printStatistics(a.out, progress.Width(a.out.Writer), counts)
	}
	return len(names), nil
}

func (a *app) printCounts(ctx context.Context, r *result) error {
	counts, err := r.contents.LabelStatistics(ctx)
	if err != nil {
		return err
	}
	if a.output != "table" {
		return a.json(counts)
	}
	printStatistics(a.out, progress.Width(a.out.Writer), counts)
	return nil
}

// printData lists files as they arrive.
func (a *app) printData(all iter.Seq2[*jobs.Data, error]) error {
	l, first := a.list(), true
	for d, err := range all {
		if err != nil {
			return err
		}
		if first {
			l.head, first = dataCells(d, "SEGMENT", "FRAME", "SENSOR", "PATH", "LABELS"), false
		}
		v := struct {
			Segment   string     `json:"segment"`
			Frame     string     `json:"frame,omitempty"`
			Sensor    string     `json:"sensor,omitempty"`
			Path      string     `json:"path"`
			Timestamp *float64   `json:"timestamp,omitempty"`
			Label     jobs.Label `json:"label"`
		}{d.Segment, d.FrameID, d.Sensor, d.RemotePath, d.Timestamp, d.Label}
		if err := l.add(v, dataCells(d, d.Segment, d.FrameID, d.Sensor, d.RemotePath, labelTypes(d.Label))...); err != nil {
			return err
		}
	}
	return l.close()
}

// dataCells leaves out the frame and the sensor of a file of a plain dataset.
func dataCells(d *jobs.Data, segment, frame, sensor, path, labels string) []string {
	if d.FrameID == "" {
		return []string{segment, path, labels}
	}
	return []string{segment, frame, sensor, path, labels}
}

func labelTypes(l jobs.Label) string {
	types := l.Types()
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// writeBoxes writes the BOX2D labels of files as CSV. It replaces a file only if the list of the
// files begins without an error.
func (a *app) writeBoxes(path string, all iter.Seq2[*jobs.Data, error]) (err error) {
	next, stop := iter.Pull2(all)
	defer stop()
	d, listErr, more := next()
	if listErr != nil {
		return listErr
	}
	var to io.Writer = a.out
	if path != "-" {
		f, createErr := os.Create(path)
		if createErr != nil {
			return createErr
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = f
	}
	w := csv.NewWriter(to)
	head := []string{"segment", "frame", "sensor", "path", "category", "instance", "xmin", "ymin", "xmax", "ymax", "attributes"}
	if err := w.Write(head); err != nil {
		return err
	}
	n := 0
	for ; more; d, listErr, more = next() {
		if listErr != nil {
			return listErr
		}
		for _, b := range d.Label.Box2D {
			attributes := ""
			if len(b.Attributes) > 0 {
				text, err := json.Marshal(b.Attributes)
				if err != nil {
					return err
				}
				attributes = string(text)
			}
			number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
			row := []string{
				d.Segment, d.FrameID, d.Sensor, d.RemotePath, b.Category, b.Instance,
				number(b.Box2D.Xmin), number(b.Box2D.Ymin), number(b.Box2D.Xmax), number(b.Box2D.Ymax), attributes,
			}
			if err := w.Write(row); err != nil {
				return err
			}
			n++
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	if path != "-" {
		fmt.Fprintf(a.err, "%s written to %s.\n", count(n, "box"), path)
	}
	return nil
}

// download saves files in a directory. It continues after a file that fails.
func (a *app) download(ctx context.Context, directory string, all iter.Seq2[*jobs.Data, error], masks bool) error {
	live := a.live()
	shown := progress.Download(a.err, live)
	stop := sync.OnceFunc(shown.Stop)
	defer stop()
	if live { // the time left needs the number of files
		var listed []*jobs.Data
		for d, err := range all {
			if err != nil {
				return err
			}
			listed = append(listed, d)
			shown.Found(fileCount(d.Label, masks))
		}
		all = func(yield func(*jobs.Data, error) bool) {
			for _, d := range listed {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
	shown.Begin()
	var failure, ended error // of the first file that failed, and of the download
	failed, saved, skipped, size := 0, 0, 0, int64(0)
	l := a.list("FAILED", "REASON")
	for f, err := range download.Files(ctx, directory, all, download.Options{Masks: masks}) {
		if err != nil && (f.Data == nil || ctx.Err() != nil) {
			ended = err
			break
		}
		v := fileJSON{Path: f.Path, Size: f.Size, Skipped: f.Skipped}
		switch {
		case err != nil:
			failed++
			failure = cmp.Or(failure, err)
			v.Error = err.Error()
		case f.Skipped:
			skipped++
		default:
			saved++
			size += f.Size
		}
		shown.Add(v.Size)
		if err == nil && a.output == "table" {
			continue
		}
		if err := l.add(v, f.Path, v.Error); err != nil {
			return err
		}
	}
	stop()
	if err := l.close(); err != nil {
		return err
	}
	if a.output == "table" && (ended == nil || saved > 0) {
		there := ""
		if skipped > 0 {
			there = fmt.Sprintf("; %d already there", skipped)
		}
		fmt.Fprintf(a.out, "%s saved in %s, %s%s.\n", count(saved, "file"), directory, progress.Size(size), there)
	}
	if ended == nil && failed > 0 {
		return fmt.Errorf("%s failed, for example: %w", count(failed, "file"), failure)
	}
	return ended
}

// fileCount returns the number of files of a datum with the given label.
func fileCount(l jobs.Label, masks bool) int {
	n := 1
	for _, mask := range []bool{l.SemanticMask != nil, l.InstanceMask != nil, l.PanopticMask != nil} {
		if masks && mask {
			n++
		}
	}
	return n
}

// fileJSON is a file of a download.
type fileJSON struct {
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	Skipped bool   `json:"skipped,omitempty"`
	Error   string `json:"error,omitempty"`
}
