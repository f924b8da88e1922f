package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func TestTable_AlignsColumnsAndClipsTheLastOne(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := table{w: &out, indent: " "}
	table.add("a", "猫", "x\ty\x1b")
	table.add("bbb", "cccccc", "z")
	table.add("d", "")
	require.NoError(t, table.flush())
	require.Equal(t, " a    猫      x y\n bbb  cccccc  z\n d\n", out.String())

	out.Reset()
	table.width = 30
	table.add("e", "f", "a title of 27 columns in all")
	require.NoError(t, table.flush())
	require.Equal(t, " e    f       a title of 27 c…\n", out.String(), "the widths of earlier rows remain")

	out.Reset()
	table.width = 10
	table.add("e", "f", "a title of 27 columns in all")
	require.NoError(t, table.flush())
	require.Equal(t, " e    f       a title of …\n", out.String(), "a narrow terminal wraps the row")
}

func TestList_PrintsTheFirstRowsOfALongTableEarly(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := (&app{out: &checkedWriter{Writer: &out}, output: "table"}).list("N")
	for range maxBuffered - 2 {
		require.NoError(t, l.add(nil, "row"))
	}
	require.Empty(t, out.String())
	require.NoError(t, l.add(nil, "row"))
	require.NoError(t, l.add(nil, "row"))
	require.Equal(t, maxBuffered, strings.Count(out.String(), "\n"), "with the head")
	require.NoError(t, l.close())
	require.Equal(t, maxBuffered+1, strings.Count(out.String(), "\n"))
}

func TestJobCells_LeaveOutAnUnknownAge(t *testing.T) {
	t.Parallel()
	client, err := jobs.NewClient("Accesskey-1")
	require.NoError(t, err)
	job, err := client.Resume([]byte(`{"datasetId":"1","jobType":"basicSearch","job":{"jobId":"2","status":"QUEUING","title":"a"}}`))
	require.NoError(t, err)
	require.Equal(t, []string{"2", "search", "QUEUING", "", "", "a"}, jobCells(job))
}
