package jobs_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// operations calls every operation of openapi.yaml through the client. The keys
// are operation ids. A call may need other operations first.
var operations = map[string]func(ctx context.Context, t *testing.T, client *jobs.Client){
	"listDatasets": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		names := map[string]bool{}
		for _, d := range collect(t, client.Datasets(ctx, "")) {
			names[d.Name] = true
		}
		assert.Subset(t, names, map[string]bool{"squash-and-merge": true, "basic-search": true, "street-scenes": true})
	},
	"getDataset": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		info, err := dataset(t, client, "basic-search").Info(ctx)
		require.NoError(t, err)
		assert.Equal(t, "basic-search", info.Name)
		assert.True(t, info.Fusion)
		assert.Equal(t, "main", info.DefaultBranch)
		assert.Len(t, info.CommitID, 32)
	},
	"createJob": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		assert.Equal(t, jobs.TypeSquashAndMerge, job.Snapshot().Type)
		assert.NotEmpty(t, job.ID())
	},
	"listJobs": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		first, second := createMerge(ctx, t, client), createMerge(ctx, t, client)
		listed := collect(t, first.Dataset().SquashAndMerge().List(ctx, jobs.ListOptions{}))
		require.Len(t, listed, 2)
		assert.Equal(t, []string{second.ID(), first.ID()}, []string{listed[0].ID(), listed[1].ID()}, "newest first")
		require.NoError(t, first.Wait(ctx))
		require.NoError(t, second.Wait(ctx))
		assert.Empty(t, collect(t, first.Dataset().SquashAndMerge().List(ctx, jobs.ListOptions{Status: jobs.StatusProcessing})))
		assert.Len(t, collect(t, first.Dataset().SquashAndMerge().List(ctx, jobs.ListOptions{Status: jobs.StatusSuccess})), 2)
		assert.Empty(t, collect(t, first.Dataset().BasicSearch().List(ctx, jobs.ListOptions{})))
	},
	"getJob": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		require.NoError(t, job.Wait(ctx))
		again, err := job.Dataset().SquashAndMerge().Get(ctx, job.ID())
		require.NoError(t, err)
		assert.Equal(t, job.Snapshot(), again.Snapshot())
		args, err := again.Arguments()
		require.NoError(t, err)
		assert.Equal(t, jobs.SquashAndMergeArgs{
			DraftTitle: "merge dev", Source: "dev", Target: "main", Strategy: jobs.StrategySkip, Title: "dev->main(skip)",
		}, args)
	},
	"deleteJob": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		js := job.Dataset().SquashAndMerge()
		require.ErrorIs(t, js.Delete(ctx, job.ID()), jobs.ErrInvalidArgument, "the job is not finished")
		require.NoError(t, job.Wait(ctx))
		require.NoError(t, js.Delete(ctx, job.ID()))
		_, err := js.Get(ctx, job.ID())
		require.ErrorIs(t, err, jobs.ErrNotFound)
	},
	"abortJob": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		require.NoError(t, job.Abort(ctx))
		err := job.Wait(ctx)
		require.ErrorIs(t, err, jobs.ErrJobAborted)
		require.NotErrorIs(t, err, jobs.ErrJobFailed)
		assert.EqualError(t, err, "job "+job.ID()+" was aborted")
		_, err = job.Result(ctx)
		require.ErrorIs(t, err, jobs.ErrJobAborted)
	},
	"retryJob": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		require.NoError(t, job.Abort(ctx))
		require.ErrorIs(t, job.Wait(ctx), jobs.ErrJobAborted)
		require.NoError(t, job.Retry(ctx))
		_, err := job.Result(ctx)
		require.ErrorIs(t, err, jobs.ErrNotFinished, "the new run has no result yet")
		require.NoError(t, job.Wait(ctx))
		_, err = job.Result(ctx)
		require.NoError(t, err)
	},
	"createDatasetFromSearch": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := runSearch(ctx, t, client, jobs.CategoryIn(jobs.LabelBox2D, "car"), jobs.SegmentIn("train-day"))
		require.NoError(t, job.CreateDataset(ctx, jobs.DatasetSpec{Name: "cars", Alias: "Cars", Public: true}))
		require.ErrorIs(t, job.CreateDataset(ctx, jobs.DatasetSpec{Name: "cars"}), jobs.ErrConflict)
		cars := dataset(t, client, "cars")
		info, err := cars.Info(ctx)
		require.NoError(t, err)
		assert.Equal(t, "Cars", info.Alias)
		assert.True(t, info.Public)
		result, err := job.Result(ctx)
		require.NoError(t, err)
		contents, err := cars.Contents(ctx, "")
		require.NoError(t, err)
		want := collect(t, result.Data(ctx, "train-day"))
		got := collect(t, contents.Data(ctx, "train-day"))
		require.NotEmpty(t, want)
		require.Len(t, got, len(want))
		for i := range want {
			assert.Equal(t, want[i].RemotePath, got[i].RemotePath)
		}
	},
	"listBranches": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		ds := dataset(t, client, "squash-and-merge")
		branches := collect(t, ds.Branches(ctx, ""))
		require.Len(t, branches, 2)
		dev := collect(t, ds.Branches(ctx, "dev"))
		require.Len(t, dev, 1)
		assert.Equal(t, "Add six files", dev[0].Head.Title)
	},
	"listTags": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		ds := dataset(t, client, "street-scenes")
		tags := collect(t, ds.Tags(ctx, ""))
		require.NotEmpty(t, tags)
		one := collect(t, ds.Tags(ctx, tags[0].Name))
		assert.Equal(t, tags[:1], one)
		commit, err := ds.Resolve(ctx, tags[0].Name)
		require.NoError(t, err)
		assert.Equal(t, tags[0].Commit.ID, commit.ID)
	},
	"listCommits": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		ds := dataset(t, client, "squash-and-merge")
		commits := collect(t, ds.Commits(ctx, "dev"))
		require.Len(t, commits, 3)
		assert.Equal(t, "Add six files", commits[0].Title)
		assert.Equal(t, commits[1].ID, commits[0].ParentID)
		assert.Equal(t, "00000000000000000000000000000000", commits[2].ParentID)
		assert.False(t, commits[0].Committer.Time.IsZero())
		_, err := ds.Resolve(ctx, "no-such-branch")
		require.ErrorIs(t, err, jobs.ErrNotFound)

		main := collect(t, ds.Commits(ctx, ""))
		require.NotEqual(t, commits, main)
		for at, want := range map[string]struct {
			option jobs.RevisionOption
			list   []jobs.Commit
		}{"branch": {jobs.AtBranch("dev"), commits}, "commit": {jobs.AtCommit(commits[1].ID), commits[1:]}} {
			ds, err := client.DatasetByID(ds.ID(), want.option)
			require.NoError(t, err)
			assert.Equal(t, want.list, collect(t, ds.Commits(ctx, "")), at)
		}
		atDraft, err := client.DatasetByID(ds.ID(), jobs.AtDraft(1))
		require.NoError(t, err)
		var failed error
		for _, err := range atDraft.Commits(ctx, "") {
			failed = err
		}
		require.ErrorIs(t, failed, jobs.ErrInvalidArgument)
	},
	"listDrafts": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		ds := dataset(t, client, "street-scenes")
		for status, want := range map[jobs.DraftStatus]int{
			"": 1, jobs.DraftOpen: 1, jobs.DraftClosed: 1, jobs.DraftCommitted: 1, jobs.DraftAll: 3,
		} {
			assert.Len(t, collect(t, ds.Drafts(ctx, jobs.DraftOptions{Status: status})), want, "status %q", status)
		}
	},
	"updateDraft": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		require.NoError(t, job.Wait(ctx))
		draft, err := job.Result(ctx)
		require.NoError(t, err)
		require.NoError(t, draft.Close(ctx))
		draft, err = job.Result(ctx)
		require.NoError(t, err, "a closed draft is found too")
		assert.Equal(t, jobs.DraftClosed, draft.Status)
	},
	"createCommit": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		job := createMerge(ctx, t, client)
		require.NoError(t, job.Wait(ctx))
		draft, err := job.Result(ctx)
		require.NoError(t, err)
		_, err = draft.Commit(ctx, jobs.CommitSpec{Tag: "main"})
		require.ErrorIs(t, err, jobs.ErrConflict, "the name of a branch")
		id, err := draft.Commit(ctx, jobs.CommitSpec{Description: "merged", Tag: "v9"})
		require.NoError(t, err)
		commit, err := job.Dataset().Resolve(ctx, "v9")
		require.NoError(t, err)
		assert.Equal(t, id, commit.ID)
		assert.Equal(t, draft.Title, commit.Title)
		assert.Equal(t, "merged", commit.Description)
		_, err = draft.Commit(ctx, jobs.CommitSpec{})
		require.ErrorIs(t, err, jobs.ErrInvalidArgument, "it is committed")
	},
	"listSegments": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		contents, err := dataset(t, client, "street-scenes").Contents(ctx, "main")
		require.NoError(t, err)
		assert.Len(t, collect(t, contents.Segments(ctx)), 6)
	},
	"listSensors": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		contents, err := dataset(t, client, "basic-search").Contents(ctx, "")
		require.NoError(t, err)
		sensors, err := contents.Sensors(ctx, "train")
		require.NoError(t, err)
		assert.Len(t, sensors, 2)
	},
	"listDataDetails": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		contents, err := dataset(t, client, "basic-search").Contents(ctx, "")
		require.NoError(t, err)
		frames := collect(t, contents.Frames(ctx, "test"))
		require.Len(t, frames, 1)
		assert.Len(t, frames[0].Data, 2)
		for _, err := range contents.Data(ctx, "test") {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse, "a fusion dataset has frames instead")
		}
	},
	"listDataUrls": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		data := collect(t, contentsOf(ctx, t, client, "squash-and-merge").Data(ctx, "Segment1"))
		<-time.After(time.Hour) // the signed URLs expire
		content, err := download(ctx, data[0])
		require.NoError(t, err)
		assert.Equal(t, "hello 0\n", content)
		frames := collect(t, contentsOf(ctx, t, client, "basic-search").Frames(ctx, "test"))
		<-time.After(time.Hour)
		content, err = download(ctx, frames[0].Data[1])
		require.NoError(t, err)
		assert.NotEmpty(t, content)
	},
	"listMaskUrls": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		masks := 0
		contents := contentsOf(ctx, t, client, "street-scenes")
		for _, segment := range collect(t, contents.Segments(ctx)) {
			for d, err := range contents.Data(ctx, segment.Name) {
				require.NoError(t, err)
				var opener opener
				switch l := d.Label; {
				case l.SemanticMask != nil:
					opener = l.SemanticMask
				case l.InstanceMask != nil:
					opener = l.InstanceMask
				case l.PanopticMask != nil:
					opener = l.PanopticMask
				default:
					continue
				}
				<-time.After(time.Hour)
				content, err := download(ctx, opener)
				require.NoError(t, err)
				assert.NotEmpty(t, content)
				if masks++; masks == 20 {
					return
				}
			}
		}
		t.Errorf("only %d masks", masks)
	},
	"getLabelStatistics": func(ctx context.Context, t *testing.T, client *jobs.Client) {
		statistics, err := contentsOf(ctx, t, client, "squash-and-merge").LabelStatistics(ctx)
		require.NoError(t, err)
		assert.Equal(t, int64(4), statistics[jobs.LabelClassification].Quantity)
	},
}

// calledOperations returns the method and path of each operation of openapi.yaml, but of
// those that are for writing only.
func calledOperations(t *testing.T) map[string]string {
	t.Helper()
	spec, err := contract.Load()
	require.NoError(t, err)
	called := map[string]string{}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			if !slices.Equal(op.Tags, []string{"writing"}) {
				called[op.OperationID] = method + " " + path
			}
		}
	}
	return called
}

// TestClient_CallsEveryOperation fails if openapi.yaml has an operation that is
// not in operations, and if the observer of attempts sees another route than its path.
func TestClient_CallsEveryOperation(t *testing.T) {
	known := calledOperations(t)
	for id := range operations {
		assert.Contains(t, known, id, "unknown operation")
	}
	for id, route := range known {
		t.Run(id, func(t *testing.T) {
			call := operations[id]
			require.NotNil(t, call, "operations has no call")
			synctest.Test(t, func(t *testing.T) {
				var seen attempts
				server := jobstest.New(t)
				call(t.Context(), t, clientOf(t, server, jobs.WithObserver(seen.observe)))
				assert.Positive(t, countRequests(server, id), "requests")
				for _, a := range seen.all {
					assert.Equal(t, a.Operation == "openContent", a.Route == "" && a.RequestID == "")
					if a.Operation == id {
						assert.Equal(t, route, a.Method+" "+a.Route)
					}
				}
			})
		})
	}
}

func TestDraft_OfNoDatasetIsAnInvalidArgument(t *testing.T) {
	draft := &jobs.Draft{Number: 3, Title: "decoded from JSON"}
	require.ErrorIs(t, draft.Close(t.Context()), jobs.ErrInvalidArgument)
	_, err := draft.Commit(t.Context(), jobs.CommitSpec{})
	require.ErrorIs(t, err, jobs.ErrInvalidArgument)
	assert.EqualError(t, err, "invalid argument: draft 3 belongs to no dataset: use one that Drafts has returned")
}
