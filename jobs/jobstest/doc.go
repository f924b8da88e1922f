// Package jobstest provides an embedded TensorBay for tests and experiments. It
// executes squash-and-merge and basic-search jobs.
//
// [New] starts a server for a test and [NewServer] one for a program. A server
// implements all operations of openapi.yaml. A client needs three values to
// reach it:
//
//	s := jobstest.New(t)
//	s.URL()       // the base URL
//	s.AccessKey() // the access key
//	s.Client()    // the *http.Client that finds it
//
// # Content
//
// A [Seed] describes the datasets with their commits, branches, tags and drafts.
// The default is the example seed of the module, see [WithSeed]. The files have
// content, with data URLs that are signed and expire. Data URLs are on another
// host than the API. An access key that is sent to that host is an error.
//
// # Writing
//
// A client can write datasets as it does on the service: create datasets, drafts,
// branches and tags, upload files, set labels, commit, copy, move and delete. Jobs
// work on what was written. [Server.Upload] sends a [SeedDataset] through these
// operations, and [Server.Dump] returns the present state as a seed.
// [Server.Reset] returns to the seed at the start.
//
// A commit never changes. A draft starts with the content, the catalog and the
// notes of the head of its branch. Contents are kept once by their SHA-1. A file
// has at most 64 MiB, and the server stores at most 1 GiB.
//
// # Jobs and time
//
// A job passes through QUEUING and PROCESSING. [WithQueuing] and
// [WithProcessing] set the durations for all jobs. [WithRuns] sets them for
// each run and can make a run fail. There is no goroutine and no timer: with
// each request the server computes the state of the jobs from [time.Now]. In a
// bubble of testing/synctest time is virtual, so a job of an hour takes no time.
//
// The work of a job is done at the end of its run. A merge creates a draft from
// the content of its branches at that time. A search creates a result. The
// latest five results of a dataset can be read. [Server.CommitDraft],
// [Server.CloseDraft] and [Server.DeleteDraft] change a draft as another user
// might. A retried job does not queue: it is PROCESSING at once.
//
// # Checks
//
// [New] checks each request and each response against openapi.yaml. A violation
// fails the test. [Server.Requests] returns all requests.
//
// # Faults
//
// [Server.Inject] makes requests fail, to test how a program handles errors. A
// [Fault] is the failure. A [Rule] selects the requests: the third and fourth
// read of a job, one percent of all requests, or all requests for a minute.
//
//	s.Inject(jobstest.Rule{Operation: "getJob", From: 3, Times: 2}, jobstest.Status(503).RetryAfter(time.Minute))
//	s.Inject(jobstest.Rule{Probability: 0.01, Seed: 1}, jobstest.Reset())
//	s.Inject(jobstest.Rule{After: time.Minute, For: time.Minute}, jobstest.Refuse())
//
// [Fault.Executed] executes a request whose response is lost. A program that
// repeats such a request may create a job twice. [Server.Faulted] returns the
// affected requests, and [Server.Clear] removes all faults.
//
// Faults work with and without sockets. A fault that hangs or is slow ends when
// the client gives up, so set a timeout. Over sockets, net/http repeats a GET
// whose reused connection breaks. The server then sees one more request.
//
// # Sockets
//
// By default the server does not listen. [Server.Client] serves a request on
// the goroutine that sends it. [WithListener] opens sockets for other
// processes, and [WithTLS] makes them use https.
//
// A browser shows the datasets, drafts and jobs at the path / while a test runs.
//
// # Differences from the service
//
// The server sends all fields that clients in other languages need, such as
// jobType in each job. If the behavior of the service is unknown, the server
// accepts more rather than less, with two exceptions. It checks the arguments of
// a job when the job is created. It refuses a write whose body violates
// openapi.yaml.
package jobstest
