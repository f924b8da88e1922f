package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"demo"}, nil, &stdout, &stderr), stderr.String())
	require.Empty(t, stderr.String())
	out := stdout.String()
	for _, text := range []string{
		"4 files: 4 × 01\n",
		"10 files: 10 × 02\n",
		"10 files: 4 × 01, then 6 × 02\n",
		"hello3.txt  01    02   01     02        01\n",
		"hello9.txt  -     02   -      02        02\n",
		"Found 1 frame in segment test:\n",
		"CAM_BACK_RIGHT  CAM_BACK_RIGHT/test0.txt  01\n",
		"CAM_BACK_RIGHT (CAMERA), CAM_BACK_LEFT (CAMERA)\n",
		"BOX2D       1  category     1 × 01\n",
		"attribute_1  1 × true\n",
		`"back right, test\n", 17 bytes`,
		"Done: 5 jobs and ",
	} {
		require.Contains(t, out, text)
	}
	found := regexp.MustCompile(`Found (\d+ files in \d+ segments):\n`).FindStringSubmatch(out)
	made := regexp.MustCompile(`Made dataset cars-at-night from the result: (\d+ files in \d+ segments)\.\n`).FindStringSubmatch(out)
	require.NotNil(t, found)
	require.NotNil(t, made)
	require.Equal(t, found[1], made[1])
	for _, status := range []string{"QUEUING", "SUCCESS"} {
		require.Equal(t, 5, strings.Count(out, "s  "+status), status)
	}
	require.Contains(t, out, "s  PROCESSING") // a slow machine may miss some
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
		require.Equal(t, strings.TrimRight(line, " "), line)
	}
}

func TestDemo_StopsWhenInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr bytes.Buffer
	stdout := writerFunc(func(p []byte) {
		if bytes.Contains(p, []byte("QUEUING")) {
			cancel()
		}
	})
	require.Equal(t, exitInterrupted, run(ctx, []string{"demo"}, nil, stdout, &stderr))
	require.Equal(t, "tensorbay-jobs: interrupted\n", stderr.String())
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestFit(t *testing.T) {
	t.Parallel()
	texts := []string{"first", "second", "third"}
	require.Equal(t, "first, second, third", fit(texts, 20))
	require.Equal(t, "first, … and 2 more", fit(texts, 19))
	require.Equal(t, "first, … and 2 more", fit(texts, 3))
	require.Equal(t, "first", fit(texts[:1], 3))
	require.Empty(t, fit(nil, 3))
}

func TestRuns(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2 × a, then 1 × b, then 1 × a", runs([]string{"a", "a", "b", "a"}))
	require.Empty(t, runs(nil))
}
