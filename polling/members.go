package polling

// A Slot is what a [Group] knows of a key; see [Group.KeepIn]. Its zero value is
// that of a key that is in no group.
type Slot struct{ cohort, sink uint32 } // handles

// members are the keys that are waited for, each with its slot.
type members[K comparable] struct {
	slot func(K) *Slot // in the key; nil where they are in the map
	kept map[K]Slot
	n    int
	// told is told of a key that comes or goes; nil for nobody.
	told func(key K, waitedFor bool)
}

func (m *members[K]) get(key K) (Slot, bool) {
	if m.slot != nil {
		s := *m.slot(key)
		return s, s.cohort != 0
	}
	s, ok := m.kept[key]
	return s, ok
}

func (m *members[K]) put(key K, s Slot) {
	if _, ok := m.get(key); !ok {
		m.n++
		m.tell(key, true)
	}
	if m.slot != nil {
		*m.slot(key) = s
		return
	}
	if m.kept == nil {
		m.kept = map[K]Slot{}
	}
	m.kept[key] = s
}

func (m *members[K]) remove(key K) {
	if _, ok := m.get(key); !ok {
		return
	}
	m.n--
	m.tell(key, false)
	if m.slot != nil {
		*m.slot(key) = Slot{}
		return
	}
	delete(m.kept, key)
}

func (m *members[K]) tell(key K, waitedFor bool) {
	if m.told != nil {
		m.told(key, waitedFor)
	}
}
