// Package watcher waits for many jobs with few polls.
//
// A [Set] has one watcher for each [Source] with active waits. A watcher polls in one
// goroutine while there are waits, and is gone after the last. It knows ids, pages
// and statuses as strings; a [Job] of the caller applies the bodies.
package watcher
