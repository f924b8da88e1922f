// Package watcher waits for many jobs with few polls.
//
// A [Set] has one watcher for each [Source] with active waits. A watcher polls in one
// goroutine while there are waits, and is dropped after the last. It knows ids, pages
// and statuses as strings; the caller's [Target] applies the bodies.
//
// Start reading at watcher.loop: it sleeps until a poll is due, takes a slot of the
// rate limiter, chooses the request that is needed most, and sends it. The choice is in
// choose.go, the delays are in schedule.go, responses are applied in poll.go.
package watcher
