package jobstest

// maxLimit is the most items of a page, and how many there are by default.
const maxLimit = 128

// A page is the part of a list that a request asks for.
type page struct{ from, to, total int }

// newPage cuts a page out of a list. An offset behind the end is an empty page.
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

// pageOf answers with one page of items, each in its wire form. It is never
// nil: an empty page is [], not null.
func pageOf[T, W any](items []T, p page, wire func(T) W) []W {
	answer := make([]W, 0, p.to-p.from)
	for _, item := range items[p.from:p.to] {
		answer = append(answer, wire(item))
	}
	return answer
}
