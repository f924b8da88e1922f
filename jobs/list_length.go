package jobs

import (
	"sync"
	"time"
)

// A listLength is how long the list of all jobs is, as far as is known. Since new
// jobs come in front, it tells on which page a job is that was seen before. It is safe
// for concurrent use.
type listLength struct {
	mu     sync.Mutex
	total  int
	seen   time.Time // when it was that
	sought time.Time // when only it was asked for
}

// fresh is how long a length is good enough to find a job by.
const fresh = 10 * time.Second

// is notes how long the list is.
func (l *listLength) is(total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.seen = total, time.Now()
}

// was is how long the list was the last time; zero when nobody knows.
func (l *listLength) was() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// forgotten reports whether the length is to be asked for, because nobody has for long.
// It does so once in a second.
func (l *listLength) forgotten() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.total == 0 || now.Sub(l.seen) < fresh || now.Sub(l.sought) < time.Second {
		return false
	}
	l.sought = now
	return true
}

// blocks is how many blocks the list has.
func (l *listLength) blocks() int { return (l.was() + pageSize - 1) / pageSize }

// begins is where a block begins in a list of this length: how many jobs are before it.
func begins(block, total int) (offset int) { return max(0, total-(block+1)*pageSize) }
