// Package jobstest is an embedded TensorBay: a server for tests and for trying
// things out, which really runs squash-and-merge and basic-search jobs.
//
// [New] starts one for a test, [NewServer] one for a program. Both answer every
// operation of openapi.yaml the way the service does, as far as that is known.
// A client reaches the server with three things that it tells:
//
//	s := jobstest.New(t)
//	s.URL()       // the base URL
//	s.AccessKey() // the access key
//	s.Client()    // the *http.Client that finds it
//
// # What it holds
//
// A [Seed] says which datasets there are, with their commits, branches, tags
// and drafts. Without [WithSeed] the server holds the example seed of the
// module. Content is real: the bytes of a datum, its URL, which is signed and
// expires, the masks of a label. Data URLs lie on another host than the API,
// and an access key that is sent there is an error.
//
// # Jobs and time
//
// A job passes QUEUING and PROCESSING on its way to the end. How long that
// takes say [WithQueuing] and [WithProcessing], and [WithRuns] for each run by
// itself, which can make it fail too. There is no goroutine and no timer behind
// it: with every request the server computes how far the jobs have come by
// [time.Now]. In a bubble of testing/synctest that is virtual time, so a job of
// an hour takes no time at all, to the second.
//
// What a job does happens all at once at the end of its run. A merge makes a
// draft out of what its branches hold then; a search makes a result, of which
// the latest five of a dataset can be read. [Server.CommitDraft],
// [Server.CloseDraft] and [Server.DeleteDraft] do what others would do to a
// draft meanwhile.
//
// # Checks
//
// Under [New] every request and every answer is checked against openapi.yaml,
// and a breach fails the test. [Server.Requests] tells everything that was
// asked.
//
// # Faults
//
// [Server.Inject] makes things go wrong, so that you can test what your own
// code does then. It takes a [Fault], which is what happens, and a [Rule],
// which is when: to the third and fourth read of a job, to one request of a
// hundred, to all of them for a minute.
//
//	s.Inject(jobstest.Rule{Operation: "getJob", From: 3, Times: 2}, jobstest.Status(503).RetryAfter(time.Minute))
//	s.Inject(jobstest.Rule{Probability: 0.01, Seed: 1}, jobstest.Reset())
//	s.Inject(jobstest.Rule{After: time.Minute, For: time.Minute}, jobstest.Refuse())
//
// A fault that keeps the answer back can have the request executed all the
// same, with [Fault.Executed]: that is the case in which a program makes a job
// twice. [Server.Faulted] tells which requests were met, and [Server.Clear]
// ends it.
//
// Faults work without sockets and over them. Those that hang or are slow end
// when the client gives up, so give it a timeout; in a bubble of
// testing/synctest that takes no time. Over sockets mind what net/http does by
// itself: a GET that a reused connection loses it sends once more, which a
// client does not see and the server does.
//
// # Sockets
//
// By default nothing listens: [Server.Client] serves a request on the goroutine
// that sends it. [WithListener] opens real sockets for other processes, and
// [WithTLS] makes them speak https.
//
// # Where it differs
//
// Where the behaviour of the service is not known the server takes the
// tolerant reading. In two things it is the harder case for a client: it leaves
// jobType out of all jobs that it answers, as the service may, and it checks
// the arguments of a job when the job is created.
package jobstest
