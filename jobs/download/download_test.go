package download_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/download"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("DOWNLOAD_TEST_URL"); url != "" {
		child(url, os.Getenv("DOWNLOAD_TEST_DIR"))
		return
	}
	goleak.VerifyTestMain(m)
}

func fullSize(small, full int) int {
	if os.Getenv("TENSORBAY_TEST_FULL") == "1" {
		return full
	}
	return small
}

// newClient returns a client without idle connections at the end of the test.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// run downloads to the end and returns the results by path, and the errors.
func run(t *testing.T, dir string, data iter.Seq2[*jobs.Data, error], options download.Options) (map[string]download.File, map[string]error) {
	t.Helper()
	files, errs := map[string]download.File{}, map[string]error{}
	for f, err := range download.Files(t.Context(), dir, data, options) {
		if err != nil {
			errs[f.Path] = err
			continue
		}
		files[f.Path] = f
	}
	return files, errs
}

// checkFiles checks that the directory has exactly the files of the service.
func (s *service) checkFiles(t *testing.T, dir string) {
	t.Helper()
	for i, path := range s.paths {
		got, err := os.ReadFile(filepath.Join(dir, "train", filepath.FromSlash(path)))
		require.NoError(t, err)
		require.True(t, bytes.Equal(s.content(i), got), path)
	}
	assert.Len(t, filesIn(t, dir), len(s.paths))
}

// filesIn returns the paths of the files below a directory.
func filesIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(dir, path)
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	}))
	return paths
}

// first returns the first n data.
func first(n int, data iter.Seq2[*jobs.Data, error]) iter.Seq2[*jobs.Data, error] {
	return func(yield func(*jobs.Data, error) bool) {
		i := 0
		for d, err := range data {
			if i++; i > n || !yield(d, err) {
				return
			}
		}
	}
}

func TestFiles_SavesDataFramesAndMasks(t *testing.T) {
	server := jobstest.New(t, jobstest.WithoutContractCheck())
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	for _, name := range []string{"street-scenes", "drive-log"} {
		ds, err := client.Dataset(t.Context(), name)
		require.NoError(t, err)
		info, err := ds.Info(t.Context())
		require.NoError(t, err)
		contents, err := ds.Contents(t.Context(), "")
		require.NoError(t, err)
		all := contents.AllData(t.Context())
		if info.Fusion {
			all = download.OfFrames(contents.AllFrames(t.Context()))
		}
		all = first(120, all)
		dir := t.TempDir()
		files, errs := run(t, dir, all, download.Options{Masks: true, Sync: true})
		require.Empty(t, errs)
		masks := 0
		for d, err := range all {
			require.NoError(t, err)
			path := d.Segment + "/" + d.RemotePath
			if info.Fusion {
				path = d.Segment + "/" + d.Sensor + "/" + d.RemotePath
			}
			check := func(path string, open func(context.Context) (io.ReadCloser, error)) {
				body, err := open(t.Context())
				require.NoError(t, err)
				defer body.Close()
				want, err := io.ReadAll(body)
				require.NoError(t, err)
				got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
				require.NoError(t, err)
				assert.True(t, bytes.Equal(want, got), path)
				require.Contains(t, files, path)
				assert.EqualValues(t, len(want), files[path].Size)
				assert.False(t, files[path].Skipped)
				assert.Equal(t, d.RemotePath, files[path].Data.RemotePath)
			}
			check(path, d.Open)
			if m := d.Label.SemanticMask; m != nil {
				check("SEMANTIC_MASK/"+d.Segment+"/"+m.RemotePath, m.Open)
				masks++
			}
			if m := d.Label.InstanceMask; m != nil {
				check("INSTANCE_MASK/"+d.Segment+"/"+m.RemotePath, m.Open)
				masks++
			}
			if m := d.Label.PanopticMask; m != nil {
				check("PANOPTIC_MASK/"+d.Segment+"/"+m.RemotePath, m.Open)
				masks++
			}
		}
		if !info.Fusion {
			assert.Greater(t, masks, 5)
		}
		assert.Len(t, filesIn(t, dir), len(files))
	}
}

func TestFiles_TheSecondRunFetchesOnlyWhatIsMissing(t *testing.T) {
	s := newService(t, numbered(300))
	dir, client := t.TempDir(), newClient(t)
	_, errs := run(t, dir, data(t.Context(), t, s.URL, client), download.Options{})
	require.Empty(t, errs)
	s.checkFiles(t, dir)
	first := s.bytesFetched()

	file := func(i int) string { return filepath.Join(dir, "train", filepath.FromSlash(s.paths[i])) }
	require.NoError(t, os.Remove(file(100)))
	require.NoError(t, os.Truncate(file(200), int64(s.size(200)-1)))
	files, errs := run(t, dir, data(t.Context(), t, s.URL, client), download.Options{})
	require.Empty(t, errs)
	s.checkFiles(t, dir)
	for i, path := range s.paths {
		assert.Equal(t, i != 100 && i != 200, files["train/"+path].Skipped, path)
		assert.EqualValues(t, s.size(i), files["train/"+path].Size, path)
	}
	assert.EqualValues(t, s.size(100)+s.size(200), s.bytesFetched()-first)
}

func TestFiles_ComparesTheChecksumOfTheStore(t *testing.T) {
	s := newService(t, []string{"a", "b"}, func(s *service) { s.size = func(int) int { return 3 } })
	client := newClient(t)
	next := client.Transport
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err == nil && strings.HasPrefix(r.URL.Path, "/data/") {
			resp.Header.Set("X-Oss-Hash-Crc64ecma", map[string]string{"/data/0": crcOf(s.content(0)), "/data/1": crcOf(s.content(1))}[r.URL.Path])
		}
		return resp, err
	})
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "train"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train", "a"), s.content(0), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train", "b"), []byte("abc"), 0o600)) // of the same size
	files, errs := run(t, dir, data(t.Context(), t, s.URL, client), download.Options{})
	require.Empty(t, errs)
	s.checkFiles(t, dir)
	assert.True(t, files["train/a"].Skipped)
	assert.False(t, files["train/b"].Skipped)
}

func crcOf(content []byte) string {
	return strconv.FormatUint(crc64.Checksum(content, crc64.MakeTable(crc64.ECMA)), 10)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// child downloads in a process of its own, which the test kills.
func child(url, dir string) {
	for f, err := range download.Files(context.Background(), dir, data(context.Background(), panicking{}, url, &http.Client{}), download.Options{}) {
		if err != nil {
			panic(fmt.Sprint(f.Path, err))
		}
	}
}

// panicking is the testing.TB of a child.
type panicking struct{ testing.TB }

func (panicking) Helper()                   {}
func (panicking) FailNow()                  { panic("failed") }
func (panicking) Errorf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// A tenth of the URLs has expired, 1 % of the connections are reset, 1 % of the bodies are
// cut, and the first process is killed.
func TestFiles_ContinuesAfterAKilledProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a second")
	}
	n := fullSize(500, 2000)
	var responses atomic.Int64
	half := make(chan struct{})
	s := newService(t, numbered(n), func(s *service) {
		s.expired = func(i int) bool { return i%10 == 0 }
		s.fault = func(w http.ResponseWriter, i, request int) bool {
			switch request % 100 {
			case 50:
				reset()
			case 99:
				s.cut(w, i)
			}
			return false
		}
		s.sent = func(int) {
			if responses.Add(1) == int64(n/2) {
				close(half)
			}
		}
	})
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "DOWNLOAD_TEST_URL="+s.URL, "DOWNLOAD_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	<-half
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	complete := map[string]bool{}
	parts := 0
	for _, path := range filesIn(t, dir) {
		if strings.HasPrefix(path, download.PartsDir) {
			parts++
		} else {
			complete[path] = true
		}
	}
	t.Logf("%d of %d files were complete and %d in progress", len(complete), n, parts)
	require.Greater(t, len(complete), n/3)
	require.Less(t, len(complete), n)
	before := map[int]int64{}
	s.mu.Lock()
	maps.Copy(before, s.fetched)
	s.mu.Unlock()

	// The parts of the killed process are removed when they are old.
	for _, path := range filesIn(t, dir) {
		if strings.HasPrefix(path, download.PartsDir) {
			old := time.Now().Add(-2 * download.MaxPartAge)
			require.NoError(t, os.Chtimes(filepath.Join(dir, path), old, old))
		}
	}
	files, errs := run(t, dir, data(t.Context(), t, s.URL, newClient(t)), download.Options{})
	require.Empty(t, errs)
	s.checkFiles(t, dir)
	for i, path := range s.paths {
		path = "train/" + path
		assert.Equal(t, complete[path], files[path].Skipped, path)
		if complete[path] {
			assert.Equal(t, before[i], s.fetched[i], "%s was fetched again", path)
		} else {
			// The buffered part of a cut body may be lost.
			assert.LessOrEqual(t, s.fetched[i]-before[i], int64(2*s.size(i)), path)
		}
	}
}

func TestFiles_KeepsHostilePathsInsideTheDirectory(t *testing.T) {
	hostile := []string{
		"../../escape", "../escape", "a/../../../escape", "/etc/passwd", "..", ".", "a//b", "a/./b", "a/", "", "\x00",
		strings.Repeat("a", 300), strings.Repeat("b/", 3000) + "b", "link/escape", "blocked/a", "a\x00b",
	}
	s := newService(t, append(hostile, "good"))
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "train"), 0o700))
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "train", "link")); err != nil {
		t.Log(err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train", "blocked"), nil, 0o600))
	files, errs := run(t, dir, data(t.Context(), t, s.URL, newClient(t)), download.Options{})
	assert.Len(t, files, 1)
	assert.Contains(t, files, "train/good")
	for _, path := range hostile {
		assert.Error(t, errs["train/"+path], "%q", path)
	}
	require.ErrorIs(t, errs["train/../escape"], jobs.ErrInvalidArgument)
	assert.EqualError(t, errs["train/../escape"], "download train/../escape: invalid argument: it is not a path inside the directory: rename the segment or the file")
	assert.ElementsMatch(t, []string{"a/b/train/good", "a/b/train/link", "a/b/train/blocked"}, filesIn(t, parent))
	assert.Empty(t, filesIn(t, outside))
}

func TestFiles_ErrorsHaveNoControlCharacters(t *testing.T) {
	s := newService(t, []string{"../a\x1b[2J\n", strings.Repeat("b", 300) + "\x1b[2J"})
	_, errs := run(t, t.TempDir(), data(t.Context(), t, s.URL, newClient(t)), download.Options{})
	require.Len(t, errs, 2)
	for path, err := range errs {
		assert.NotContains(t, err.Error(), "\x1b", path)
		assert.NotContains(t, err.Error(), "\n", path)
	}
	require.ErrorIs(t, errs["train/../a\x1b[2J\n"], jobs.ErrInvalidArgument)
	assert.ErrorAs(t, errs["train/"+s.paths[1]], new(*os.LinkError))
}

func TestFiles_RejectsPathsInTheDirectoryOfParts(t *testing.T) {
	d := &jobs.Data{Segment: strings.ToUpper(download.PartsDir), RemotePath: "a"}
	_, errs := run(t, t.TempDir(), func(yield func(*jobs.Data, error) bool) { yield(d, nil) }, download.Options{})
	require.ErrorIs(t, errs[d.Segment+"/a"], jobs.ErrInvalidArgument)
}

func TestFiles_TellsNamesApartThatDifferInCase(t *testing.T) {
	s := newService(t, []string{"A.bin", "a.bin", "dir/x", "DIR/x"})
	dir := t.TempDir()
	_, errs := run(t, dir, data(t.Context(), t, s.URL, newClient(t)), download.Options{})
	if caseMatters(t) {
		require.Empty(t, errs)
		s.checkFiles(t, dir)
		return
	}
	require.Len(t, errs, 2)
	for _, err := range errs {
		require.ErrorIs(t, err, jobs.ErrConflict)
	}
	assert.Len(t, filesIn(t, dir), 2)
}

func caseMatters(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), nil, 0o600))
	_, err := os.Stat(filepath.Join(dir, "A"))
	return err != nil
}

func TestFiles_RejectsTheSecondFileWithAPath(t *testing.T) {
	s := newService(t, []string{"a"})
	all := data(t.Context(), t, s.URL, newClient(t))
	twice := func(yield func(*jobs.Data, error) bool) {
		for range 2 {
			for d, err := range all {
				yield(d, err)
			}
		}
	}
	files, errs := run(t, t.TempDir(), twice, download.Options{})
	assert.Len(t, files, 1)
	require.ErrorIs(t, errs["train/a"], jobs.ErrConflict)
}

func TestFiles_TwoDownloadsIntoOneDirectory(t *testing.T) {
	s := newService(t, numbered(300), func(s *service) {
		s.fault = func(w http.ResponseWriter, i, request int) bool {
			if request%50 == 49 {
				s.cut(w, i)
			}
			return false
		}
	})
	dir := t.TempDir()
	var group sync.WaitGroup
	for range 2 {
		client := newClient(t)
		group.Go(func() {
			for f, err := range download.Files(t.Context(), dir, data(t.Context(), t, s.URL, client), download.Options{}) {
				assert.NoError(t, err, f.Path)
			}
		})
	}
	group.Wait()
	s.checkFiles(t, dir)
	assert.NoDirExists(t, filepath.Join(dir, download.PartsDir))
}

func TestFiles_OneFailureDoesNotStopTheOthers(t *testing.T) {
	s := newService(t, numbered(100), func(s *service) {
		s.fault = func(w http.ResponseWriter, i, _ int) bool {
			if i == 10 {
				w.WriteHeader(http.StatusNotFound)
			}
			return i == 10
		}
	})
	files, errs := run(t, t.TempDir(), data(t.Context(), t, s.URL, newClient(t)), download.Options{})
	assert.Len(t, files, 99)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs["train/"+s.paths[10]], jobs.ErrNotFound)

	n, failed := 0, 0
	for _, err := range download.Files(t.Context(), t.TempDir(), data(t.Context(), t, s.URL, newClient(t)), download.Options{StopOnError: true, Workers: 2}) {
		if n++; err != nil {
			failed++
		}
	}
	assert.Equal(t, 1, failed)
	assert.Less(t, n, 30)
}

// A download leaves neither goroutines, which TestMain checks, nor parts.
func TestFiles_StopsWithTheCaller(t *testing.T) {
	for name, stop := range map[string]func(cancel func()) (more bool){
		"break":  func(func()) bool { return false },
		"panic":  func(func()) bool { panic("enough") },
		"cancel": func(cancel func()) bool { cancel(); return true },
		"goexit": func(func()) bool { runtime.Goexit(); return false },
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, numbered(1000))
			dir, client := t.TempDir(), newClient(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var last error
			n := 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { _ = recover() }()
				for _, err := range download.Files(ctx, dir, data(ctx, t, s.URL, client), download.Options{}) {
					last = err
					if n++; n == 20 && !stop(cancel) {
						break
					}
				}
			}()
			<-done
			assert.Less(t, n, 100)
			if name == "cancel" {
				require.ErrorIs(t, last, context.Canceled)
			}
			assert.NoDirExists(t, filepath.Join(dir, download.PartsDir))
		})
	}
}

func TestFiles_CodeOfTheCallerMayPanicOrExit(t *testing.T) {
	s := newService(t, []string{"panic", "goexit", "good"})
	client := newClient(t)
	next := client.Transport
	client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Path {
		case "/data/0":
			panic("broken")
		case "/data/1":
			runtime.Goexit()
		}
		return next.RoundTrip(r)
	})
	files, errs := run(t, t.TempDir(), data(t.Context(), t, s.URL, client), download.Options{})
	assert.Contains(t, files, "train/good")
	require.EqualError(t, errs["train/panic"], "download train/panic: panic: string")
	require.EqualError(t, errs["train/goexit"], "download train/goexit: the download ended its goroutine")
}

func TestFiles_EndsWithTheErrorOfTheList(t *testing.T) {
	broken := errors.New("broken")
	for name, tc := range map[string]struct {
		dir     string
		options download.Options
		want    error
	}{
		"list":      {t.TempDir(), download.Options{}, broken},
		"directory": {os.Args[0], download.Options{}, nil},
		"workers":   {t.TempDir(), download.Options{Workers: -1}, jobs.ErrInvalidArgument},
		"too many":  {t.TempDir(), download.Options{Workers: math.MaxInt}, jobs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			for f, err := range download.Files(t.Context(), tc.dir, func(yield func(*jobs.Data, error) bool) { yield(nil, broken) }, tc.options) {
				n++
				assert.Zero(t, f)
				if tc.want != nil {
					require.ErrorIs(t, err, tc.want)
				} else {
					require.Error(t, err)
				}
			}
			assert.Equal(t, 1, n)
		})
	}
	for _, err := range download.OfFrames(func(yield func(*jobs.Frame, error) bool) { yield(nil, broken) }) {
		require.ErrorIs(t, err, broken)
	}
}
