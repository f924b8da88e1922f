package transport

import (
	"net/http"
	"sync"
	"time"
)

// A clock bounds how far the clock of the service is ahead of the local one.
type clock struct {
	mu        sync.Mutex
	low, high time.Duration
}

// ClockOffset estimates how far the clock of the service is ahead of the local one. It
// returns 0 if no response had a Date header, or if the clocks may agree.
func (t *Transport) ClockOffset() time.Duration {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.clock.low <= 0 && t.clock.high >= 0 {
		return 0
	}
	return (t.clock.low + t.clock.high) / 2
}

// observe reads the Date header of a response. The service wrote it, in whole seconds,
// between start and end.
func (c *clock) observe(h http.Header, start, end time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	low, high := date.Sub(end), date.Add(time.Second).Sub(start)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.low < c.high && low <= c.high && high >= c.low {
		low, high = max(low, c.low), min(high, c.high)
	}
	c.low, c.high = low, high
}
