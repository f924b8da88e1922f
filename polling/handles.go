package polling

// handles are numbers for pointers, which take half the place in a map.
type handles[T any] struct {
	at   []*T
	free []uint32
}

func (h *handles[T]) put(p *T) uint32 {
	if n := len(h.free); n > 0 {
		handle := h.free[n-1]
		h.free = h.free[:n-1]
		h.at[handle] = p
		return handle
	}
	h.at = append(h.at, p)
	return uint32(len(h.at) - 1)
}

func (h *handles[T]) drop(handle uint32) {
	h.at[handle] = nil
	h.free = append(h.free, handle)
}

func (h *handles[T]) len() int { return len(h.at) - len(h.free) }
