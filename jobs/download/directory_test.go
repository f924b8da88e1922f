package download

import (
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

func TestNewDirectory_FailsIfPartsCannotBeCreated(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, PartsDir), nil, 0o600))
	_, err := newDirectory(dir)
	require.Error(t, err)
}
