package polling

// handles are numbers for pointers, which take half the place. None is zero.
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
	if len(h.at) == 0 {
		h.at = append(h.at, nil)
	}
	h.at = append(h.at, p)
	return uint32(len(h.at) - 1)
}

func (h *handles[T]) drop(handle uint32) {
	h.at[handle] = nil
	h.free = append(h.free, handle)
}

func (h *handles[T]) len() int { return max(len(h.at)-1, 0) - len(h.free) }
