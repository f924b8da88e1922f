package emulator

// maxLimit is the maximum and the default size of a page.
const maxLimit = 128

// A page is a part of a list.
type page struct{ from, to, total int }

// newPage returns the page that a request asks for. An offset after the end of
// the list gives an empty page.
func newPage(total int, offset, limit *int) (page, error) {
	from, size := 0, maxLimit
	if offset != nil {
		from = *offset
	}
	if limit != nil {
		size = *limit
	}
	if from < 0 {
		return page{}, invalid("The offset %d is negative.", from)
	}
	if size < 1 || size > maxLimit {
		return page{}, invalid("The limit %d is not between 1 and %d.", size, maxLimit)
	}
	from = min(from, total)
	return page{from, min(from+size, total), total}, nil
}

func (p page) offset() *int { return &p.from }

func (p page) size() *int {
	size := p.to - p.from
	return &size
}

// pageOf returns the wire forms of the items of a page. The result is not nil,
// because an empty page is [] and not null.
func pageOf[T, W any](items []T, p page, wire func(T) W) []W {
	wires := make([]W, 0, p.to-p.from)
	for _, item := range items[p.from:p.to] {
		wires = append(wires, wire(item))
	}
	return wires
}
