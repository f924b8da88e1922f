// Package tcp tests the client over real TCP through toxiproxy, a proxy that
// makes faults. It holds tests only.
package tcp
