package jobs

// Internals that the tests of package jobs_test use.

const MaxStalePages = maxStalePages
