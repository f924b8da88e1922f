package jobs_test

// Names of helpers that tests not yet renamed still use. Delete this file with
// its last user.

var (
	merge      = createMerge
	count      = countRequests
	reply      = newResponse
	stubbed    = stubClient
	always     = respondWith
	byID       = datasetByID
	load       = resumeMerge
	processing = processingJob
)
