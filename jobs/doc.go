// Package jobs is a client of the asynchronous jobs of TensorBay: squash and
// merge, which merges one branch of a dataset into another as a draft, and
// basic search, which finds data in a commit.
//
// # From a client to a job
//
// A [Client] holds an access key. It finds a [Dataset] by name, or takes one by
// id without a request:
//
//	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"))
//	ds, err := client.Dataset(ctx, "street-scenes")
//
// [Dataset.SquashAndMerge] and [Dataset.BasicSearch] are the jobs of a dataset
// by type. Both have the same methods, see [Jobs]: Create, Get, List, Delete and
// Load.
//
//	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
//		DraftTitle: "merge dev", Source: "dev", Strategy: jobs.StrategySkip,
//	})
//
// # Waiting
//
// [Job.Wait] waits until the job has ended, and [Job.Watch] does it with an
// event for every look. Neither has a time limit but that of the context;
// neither gives up on an error that may pass. A wait ends in one of four ways,
// and its error says which:
//
//	nil          the job succeeded
//	*JobError    it failed or was aborted: the job has ended
//	*WaitError   the wait ended, the job goes on: the context ended, the service
//	             refused in a way that no further look can mend, or nothing but
//	             errors was seen for the whole of the patience
//	other        an option of the wait makes no sense
//
// A job can be saved as JSON and taken up by another process with [Jobs.Resume].
//
// # Results
//
// [SquashAndMergeJob.Result] is the [Draft] that was made.
// [BasicSearchJob.Result] and [BasicSearchJob.FusionResult] read what was
// found: segments, data or frames, labels, sensors and statistics, and
// [Data.Open] the content itself.
//
// # Errors
//
// A request that did not succeed is an [*Error]; errors.Is tells its kind by
// the sentinels of this package, such as [ErrNotFound]. What makes no sense is
// [ErrInvalidArgument] before anything is sent. Requests that fail are sent
// again where that is safe, see [RetryPolicy]. Creating a job is not idempotent:
// where nobody can tell whether it took effect, the error is [ErrAmbiguous], and
// [WithCreateRecovery] has the client look. docs/errors.md has a table of all of
// them, and of what to do about each.
//
// A value that the service adds tomorrow, a status, a job type or a field, is
// kept and shown, and breaks nothing.
//
// # Tests
//
// Package jobstest is a TensorBay in the process of your test. It executes jobs
// for real, and it works in the virtual time of testing/synctest. The examples
// here run on it.
package jobs
