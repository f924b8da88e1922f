package jobs

// Internals that the tests of package jobs_test use.

// WaitedFor returns the number of waits that share polls with those for j.
func WaitedFor(j *Job) int {
	f := j.fleet()
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.jobs.used
	for _, twins := range f.twins {
		n += len(twins)
	}
	return n
}

const MaxStalePages = maxStalePages
