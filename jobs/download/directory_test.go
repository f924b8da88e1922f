package download

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestClaim_IgnoresCaseIfTheFileSystemDoes(t *testing.T) {
	d, err := newDirectory(t.TempDir())
	require.NoError(t, err)
	defer d.close()
	d.ignoreCase = true
	_, err = d.claim("train/A.bin")
	require.NoError(t, err)
	_, err = d.claim("Train/a.BIN")
	require.ErrorIs(t, err, jobs.ErrConflict)
	assert.ErrorContains(t, err, "another file has the same path")
	_, err = d.claim("train/b.bin")
	require.NoError(t, err)
}

// canceling ends a context when its size is requested.
type canceling struct {
	cancel func()
	size   int64
}

func (c canceling) Stat(context.Context) (jobs.ContentInfo, error) {
	c.cancel()
	return jobs.ContentInfo{Size: c.size, Checksum: "crc64ecma:1"}, nil
}

func (canceling) Save(context.Context, io.Writer) (int64, error) { panic("not expected") }

func TestComplete_EndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	const size = 1 << 40
	file := filepath.Join(dir, "a")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	if err := os.Truncate(file, size); err != nil {
		t.Skip("the file system has no sparse files: ", err)
	}
	d, err := newDirectory(dir)
	require.NoError(t, err)
	defer d.close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = d.complete(ctx, canceling{cancel, size}, "a", size)
	require.ErrorIs(t, err, context.Canceled)
}

// Another download removes the directory when it ends.
func TestNewPart_CreatesItsDirectory(t *testing.T) {
	dir := t.TempDir()
	d, err := newDirectory(dir)
	require.NoError(t, err)
	defer d.close()
	require.NoError(t, os.Remove(filepath.Join(dir, PartsDir)))
	part, err := d.newPart()
	require.NoError(t, err)
	d.remove(part)
	assert.NoFileExists(t, part.Name())
}

func TestNewPart_ReturnsTheLastErrorOfItsFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("missing", filepath.Join(dir, PartsDir)); err != nil {
		t.Skip(err)
	}
	_, err := newDirectory(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestNewDirectory_FailsIfPartsCannotBeCreated(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, PartsDir), nil, 0o600))
	_, err := newDirectory(dir)
	require.Error(t, err)
}
