package watcher

import (
	"container/heap"
	"time"
)

// An alarm is a time at which a job must be polled.
type alarm struct {
	at    time.Time
	job   *job
	wait  *Wait // whose deadline it is; nil for an alarm of the job itself
	index int   // in its heap, from one; zero means that it is not set
}

// alarms is a heap: the first one is the earliest.
type alarms []*alarm

func (a *alarms) set(x *alarm, at time.Time) {
	x.at = at
	if x.index > 0 {
		heap.Fix(a, x.index-1)
		return
	}
	heap.Push(a, x)
}

func (a *alarms) unset(x *alarm) {
	if x.index > 0 {
		heap.Remove(a, x.index-1)
	}
}

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i+1, j+1
}

// Push implements heap.Interface.
func (a *alarms) Push(x any) {
	*a = append(*a, x.(*alarm))
	x.(*alarm).index = len(*a)
}

// Pop implements heap.Interface.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	x.index = 0
	(*a)[last] = nil
	*a = (*a)[:last]
	return x
}

// until calls f for the alarms up to a time, in no order.
func (a alarms) until(at time.Time, f func(*alarm)) {
	var visit func(i int)
	visit = func(i int) {
		if i < len(a) && !a[i].at.After(at) {
			f(a[i])
			visit(2*i + 1)
			visit(2*i + 2)
		}
	}
	visit(0)
}
