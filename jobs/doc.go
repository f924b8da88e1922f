// Package jobs is a client of the asynchronous jobs of TensorBay: squash and merge, which
// merges one branch of a dataset into another as a draft, and basic search, which finds files
// in a commit.
//
// # From a client to a job
//
// A [Client] holds an access key. It returns a [Dataset] by name, or by id without a request:
//
//	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"))
//	ds, err := client.Dataset(ctx, "street-scenes")
//
// [Dataset.SquashAndMerge] and [Dataset.BasicSearch] return the jobs of one type. Both have
// the methods of [Jobs]: Create, Run, Get, List, Delete and Resume. [Dataset.Jobs] returns the
// jobs of any type, with untyped arguments and results.
//
//	job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{
//		DraftTitle: "merge dev", Source: "dev", Strategy: jobs.StrategySkip,
//	})
//
// # Waiting
//
// [Job.Wait] waits for the end of a job, and [Job.Watch] yields an event for each poll.
// [WaitAll] waits for many jobs, and [WaitSeq] for jobs that are still being created.
// [WithProgress] shows them all. Only the context limits their time. Transient errors do not
// end them, unless all polls fail for an hour, see [WithMaxOutage]. A wait has four endings:
//
//	nil          the job succeeded
//	*JobError    the job failed or was aborted
//	*WaitError   the wait ended before the job: the context ended, the service refused
//	             the poll for good, or all polls failed for the max outage
//	other        an option of the wait is invalid
//
// A job can be saved as JSON and restored by [Client.Resume] in another process.
//
// # Results
//
// [SquashAndMergeJob.Result] returns the [Draft] of a merge. [BasicSearchJob.Result] and
// [BasicSearchJob.FusionResult] read the matches of a search: segments, files or frames,
// labels, sensors and statistics. [SearchResult.All] lists all of them. [Data.Open] opens the
// content of a file, and [Data.Save] copies it. Package download saves many files.
//
// # Lists
//
// A method that lists returns an iterator, and sends its requests while the loop runs. An
// error is the last pair and ends the list. Its first value is nil or zero. The loops over
// waits ([WaitAll], [WaitSeq]) continue after the error of one job.
//
// # Errors
//
// A failed request is an [*Error]. Use errors.Is with the sentinels of this package, such as
// [ErrNotFound]. Invalid arguments return [ErrInvalidArgument], usually before a request is
// sent. Failed requests are repeated if that is safe, see [RetryPolicy]. Creating a job is
// not idempotent: if its effect is unknown, the error is [ErrAmbiguous]. With
// [WithCreateRecovery] the client then searches for the job. docs/errors.md lists all errors
// and remedies.
//
// The service may add job types, statuses and fields. A [Snapshot] keeps them, and they cause
// no error.
//
// # Tests
//
// Package jobstest runs a TensorBay in the process of a test. It executes jobs, and it works
// in the virtual time of testing/synctest. The examples of this package use it.
package jobs
