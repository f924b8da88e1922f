package jobs

import (
	"hash/maphash"
	"math/bits"
)

// A jobTable finds jobs by their ids. It holds nothing but pointers, a quarter of
// what a map takes that holds the ids as well: there may be many thousands.
type jobTable struct {
	slots []*Job // open addressing, linear probing
	used  int
	seed  maphash.Seed
}

// slot is where a job with this id is, or where it would go.
func (t *jobTable) slot(id string) int {
	i := t.home(maphash.String(t.seed, id))
	for t.slots[i] != nil && t.slots[i].id != id {
		i = t.after(i)
	}
	return i
}

// home is where a job with this hash goes when the place is free.
func (t *jobTable) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(t.slots)))
	return int(hi)
}

func (t *jobTable) after(i int) int {
	if i++; i < len(t.slots) {
		return i
	}
	return 0
}

func (t *jobTable) find(id string) *Job {
	if t.used == 0 {
		return nil
	}
	return t.slots[t.slot(id)]
}

// findBytes is find without a string made of the bytes.
func (t *jobTable) findBytes(id []byte) *Job {
	if t.used == 0 {
		return nil
	}
	i := t.home(maphash.Bytes(t.seed, id))
	for t.slots[i] != nil && t.slots[i].id != string(id) {
		i = t.after(i)
	}
	return t.slots[i]
}

// add puts in a job whose id is not there yet.
func (t *jobTable) add(j *Job) {
	if t.used >= len(t.slots)*7/8 {
		t.resize(max(8, len(t.slots)*3/2))
	}
	t.slots[t.slot(j.id)] = j
	t.used++
}

func (t *jobTable) resize(n int) {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.slots
	t.slots = make([]*Job, n)
	for _, j := range old {
		if j != nil {
			t.slots[t.slot(j.id)] = j
		}
	}
}

// remove takes out a job that is there, and moves up those that stand behind it
// because their place was taken.
func (t *jobTable) remove(j *Job) {
	i := t.slot(j.id)
	t.slots[i] = nil
	for k := t.after(i); t.slots[k] != nil; k = t.after(k) {
		moved := t.slots[k]
		t.slots[k] = nil
		t.slots[t.slot(moved.id)] = moved
	}
	if t.used--; t.used == 0 {
		*t = jobTable{}
	}
}
