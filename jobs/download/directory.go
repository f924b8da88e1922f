package download

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/content"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// A source is the content of a datum or of a mask.
type source interface {
	Stat(ctx context.Context) (jobs.ContentInfo, error)
	Save(ctx context.Context, w io.Writer) (int64, error)
}

// A directory receives files. It is safe for concurrent use.
type directory struct {
	root       *os.Root
	ignoreCase bool // the file system does

	mu    sync.Mutex
	taken map[string]bool // the names of this download
}

func newDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o777); err != nil { //nolint:gosec // the umask decides, as for every new directory
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &directory{root: root, taken: map[string]bool{}}
	d.removeAbandoned()
	if err := d.probe(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *directory) close() {
	_ = d.root.Remove(PartsDir) // it fails if another download uses it
	_ = d.root.Close()
}

// removeAbandoned removes the parts that a crashed download has left.
func (d *directory) removeAbandoned() {
	parts, _ := fs.ReadDir(d.root.FS(), PartsDir) // empty if there are none
	for _, part := range parts {
		if info, err := part.Info(); err == nil && time.Since(info.ModTime()) > MaxPartAge {
			_ = d.root.Remove(filepath.Join(PartsDir, part.Name()))
		}
	}
}

// probe finds out whether the file system ignores case.
func (d *directory) probe() error {
	part, err := d.newPart()
	if err != nil {
		return err
	}
	defer d.remove(part)
	_, err = d.root.Lstat(filepath.Join(PartsDir, strings.ToUpper(filepath.Base(part.Name()))))
	d.ignoreCase = err == nil
	return nil
}

// newPart creates a file for a part. Another download may remove the directory of the parts.
func (d *directory) newPart() (part *os.File, err error) {
	for range 10 {
		name := filepath.Join(PartsDir, strings.ToLower(rand.Text()))
		part, err = d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrNotExist) {
			return part, err
		}
		if err := d.root.Mkdir(PartsDir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return part, err
}

// partName returns the name of a part below the root.
func partName(part *os.File) string { return filepath.Join(PartsDir, filepath.Base(part.Name())) }

func (d *directory) remove(part *os.File) {
	_ = part.Close()
	_ = d.root.Remove(partName(part))
}

// maxPath is the longest path in bytes. The operating system may allow less. It would create
// longer paths, too, because os.Root opens one folder after the other, but few programs could
// open them.
const maxPath = 1024

// claim returns the name of a file for a path with slashes, and rejects a path that the
// download has claimed before.
func (d *directory) claim(path string) (string, error) {
	if len(path) > maxPath {
		return "", fmt.Errorf("%w: its path of %d bytes is longer than %d: rename the segment or the file", jobs.ErrInvalidArgument, len(path), maxPath)
	}
	name, err := filepath.Localize(path)
	first, _, _ := strings.Cut(path, "/")
	if err != nil || strings.EqualFold(first, PartsDir) {
		return "", fmt.Errorf("%w: it is not a path inside the directory: rename the segment or the file", jobs.ErrInvalidArgument)
	}
	key := name
	if d.ignoreCase {
		key = strings.ToLower(key)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.taken[key] {
		return "", fmt.Errorf("%w: another file has the same path: rename one, or download it into another directory", jobs.ErrConflict)
	}
	d.taken[key] = true
	return name, nil
}

// save saves a file under its path, unless it is there.
func (d *directory) save(ctx context.Context, s source, f *File, sync bool) error {
	name, err := d.claim(f.Path)
	if err != nil {
		return err
	}
	switch info, err := d.root.Lstat(name); {
	case err == nil && info.Mode().IsRegular():
		f.Size = info.Size()
		if f.Skipped, err = d.complete(ctx, s, name, info.Size()); err != nil || f.Skipped {
			return err
		}
	case err != nil && !errors.Is(err, fs.ErrNotExist): // such as a name that is too long
		return err
	}
	part, err := d.newPart()
	if err != nil {
		return err
	}
	defer d.remove(part) // if it has not been renamed
	if f.Size, err = s.Save(ctx, part); err != nil {
		return err
	}
	if sync {
		if err := part.Sync(); err != nil {
			return err
		}
	}
	if err := part.Close(); err != nil {
		return err
	}
	if err := d.root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return d.root.Rename(partName(part), name)
}

// complete reports whether a file has the size and the checksum of the content.
func (d *directory) complete(ctx context.Context, s source, name string, size int64) (bool, error) {
	info, err := s.Stat(ctx)
	if err != nil || info.Size != size {
		return false, err
	}
	hash := content.NewHash(info.Checksum)
	if hash == nil {
		return true, nil
	}
	file, err := d.root.Open(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	defer context.AfterFunc(ctx, func() { _ = file.Close() })() // ends the copy
	if _, err := io.Copy(hash, file); err != nil {
		return false, cmp.Or(ctx.Err(), err)
	}
	return content.Matches(info.Checksum, hash), nil
}
