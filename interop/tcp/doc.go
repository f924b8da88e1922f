// Package tcp tests the client over TCP through toxiproxy, a proxy that injects
// faults. It contains only tests.
package tcp
