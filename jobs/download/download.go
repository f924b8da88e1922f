// Package download saves the files of a dataset or of a search result in a directory.
//
//	result, err := job.Result(ctx)
//	...
//	for file, err := range download.Files(ctx, "street-scenes", result.All(ctx), download.Options{}) {
//		if err != nil {
//			log.Print(err) // of one file
//		} else {
//			fmt.Println(file.Path, file.Size)
//		}
//	}
//
// # Layout
//
//	<segment>/<remote path>                      a file of a plain dataset
//	<segment>/<sensor>/<remote path>             a file of a fusion dataset
//	<mask type>/<segment>/[<sensor>/]<mask path> a mask, with [Options].Masks
//
// The mask types are SEMANTIC_MASK, INSTANCE_MASK and PANOPTIC_MASK. All paths stay inside the
// directory, also if they contain "..", are absolute, or meet a symbolic link. A path that the
// operating system does not accept is an error of its file, and so are a path of more than
// 1,024 bytes and the second file with the same path. If the file system ignores case, a path
// that differs from another one only in case is the same path. No file can have a path below
// [PartsDir].
//
// # Interrupted downloads
//
// A file appears under its path when it is complete. Until then it is in [PartsDir]. Call
// [Files] again to continue after an error, a cancellation or a crash: files that are there
// with the size of the content, and with its checksum if the store sends one, are not fetched
// again. Several downloads may use one directory at the same time.
package download

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// Options configures a download. The zero value is valid.
type Options struct {
	// Workers is the number of files that are fetched at the same time. The default is 8. A
	// negative value, or more than 10,000, is an error that matches [jobs.ErrInvalidArgument].
	Workers int
	// Masks saves the masks of the labels, too.
	Masks bool
	// StopOnError ends the download at the first file that fails. By default the others
	// continue.
	StopOnError bool
	// Sync flushes each file to the disk before it appears under its path, so that it is
	// complete also after a power failure. That is slow.
	Sync bool
}

// File is a file that was saved or failed.
type File struct {
	// Data is the datum that the file belongs to. It is nil if an error concerns no file.
	Data *jobs.Data
	// Path is the path below the directory, with slashes. It is set also if the file failed.
	Path string
	// Size is the number of bytes.
	Size int64
	// Skipped reports whether the file was complete before.
	Skipped bool
}

// PartsDir contains the files that are not complete yet. Files removes it at its end if it is
// empty. It removes the parts of a crashed download when they are [MaxPartAge] old.
const PartsDir = ".tensorbay-download"

// MaxPartAge is the time without a write after which a part is treated as abandoned.
const MaxPartAge = time.Hour

// Files saves the files of data below a directory, which it creates if it does not exist. The
// package comment describes the layout. The order of the results is that in which they end.
//
// The second value is nil, or the error of one file; the loop continues after it. If data
// yields an error, an option is invalid or the directory cannot be used, that is the last pair,
// with a zero File. The error of a file matches those of [jobs.Data.Save] or of package os,
// [jobs.ErrInvalidArgument] if its path is invalid, or [jobs.ErrConflict] if another file has
// the same path. If ctx ends, the files in progress fail with its error.
//
// Leaving the loop stops the download. No goroutine and no part of a file is left then. Files
// is safe for concurrent use, also with the same directory.
func Files(ctx context.Context, dir string, data iter.Seq2[*jobs.Data, error], options Options) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		if err := files(ctx, dir, data, options, yield); err != nil {
			yield(File{}, err)
		}
	}
}

// OfFrames returns the data of frames, for Files.
func OfFrames(frames iter.Seq2[*jobs.Frame, error]) iter.Seq2[*jobs.Data, error] {
	return func(yield func(*jobs.Data, error) bool) {
		for frame, err := range frames {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, d := range frame.Data {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// maxWorkers limits the memory that is allocated because of an option.
const maxWorkers = 10_000

// files downloads until yield returns false. It returns an error that concerns no file.
func files(ctx context.Context, dir string, data iter.Seq2[*jobs.Data, error], options Options, yield func(File, error) bool) (err error) {
	if options.Workers < 0 || options.Workers > maxWorkers {
		return fmt.Errorf("%w: %d workers: set a number up to %d, or 0 for the default", jobs.ErrInvalidArgument, options.Workers, maxWorkers)
	}
	if options.Workers == 0 {
		options.Workers = 8
	}
	d, err := newDirectory(dir)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	defer d.close()
	ctx, cancel := context.WithCancel(ctx)
	running, results := 0, make(chan result, options.Workers)
	defer func() { // also if the loop of the caller panics
		for cancel(); running > 0; running-- {
			<-results
		}
	}()
	deliver := func() (more bool) {
		r := <-results
		running--
		return yield(r.file, r.err) && (r.err == nil || !options.StopOnError)
	}
	for datum, listErr := range data {
		if err = cmp.Or(listErr, ctx.Err()); err != nil {
			break
		}
		for _, t := range tasks(datum, options.Masks) {
			for running == options.Workers || len(results) > 0 {
				if !deliver() {
					return nil
				}
			}
			running++
			go func() {
				r := result{file: t.file, err: errors.New("the download ended its goroutine")}
				defer func() { // code of the caller, such as an http.RoundTripper, may panic or exit
					if v := recover(); v != nil {
						r.err = fmt.Errorf("panic: %T", v) // the value may hold a secret
					}
					if r.err != nil {
						r.err = &fileError{t.file.Path, r.err}
					}
					results <- r
				}()
				r.err = d.save(ctx, t.source, &r.file, options.Sync)
			}()
		}
	}
	for running > 0 {
		if !deliver() {
			return nil
		}
	}
	return err
}

type result struct {
	file File
	err  error
}

// A fileError is the error of a file. Its text is one line, although the service chooses the
// path.
type fileError struct {
	path string
	err  error
}

func (e *fileError) Error() string {
	return redact.Sanitize(fmt.Sprintf("download %s: %v", redact.Sanitize(e.path, redact.MaxPath), e.err), 4*redact.MaxMessage)
}

func (e *fileError) Unwrap() error { return e.err }

// A task is a file to save.
type task struct {
	file   File
	source source
}

// tasks returns the files of a datum.
func tasks(d *jobs.Data, masks bool) []task {
	folder := d.Segment
	if d.Sensor != "" {
		folder += "/" + d.Sensor
	}
	all := []task{{File{Data: d, Path: folder + "/" + d.RemotePath}, d}}
	if !masks {
		return all
	}
	add := func(labelType jobs.LabelType, remotePath string, mask source) {
		all = append(all, task{File{Data: d, Path: string(labelType) + "/" + folder + "/" + remotePath}, mask})
	}
	if m := d.Label.SemanticMask; m != nil {
		add(jobs.LabelSemanticMask, m.RemotePath, m)
	}
	if m := d.Label.InstanceMask; m != nil {
		add(jobs.LabelInstanceMask, m.RemotePath, m)
	}
	if m := d.Label.PanopticMask; m != nil {
		add(jobs.LabelPanopticMask, m.RemotePath, m)
	}
	return all
}
