// Package polling waits for things that take a while on the other side of a network.
package polling
