package jobs

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// A jobPage is a page of the list of jobs as a wait reads it: hundreds of times,
// and mostly to see that nothing has changed. So the jobs on it are not decoded,
// but found in the body where they lie; only what has changed is decoded.
type jobPage struct {
	items  []jobItem
	total  int
	oldest int64 // seconds since the epoch
}

// A jobItem is a job on a page, as bytes of the body.
type jobItem struct{ raw, id []byte }

// read finds the jobs in a body. It refuses what the contract does not allow
// for the page; what is wrong with a job shows when that job is decoded.
func (p *jobPage) read(body []byte) error {
	p.items, p.total, p.oldest = p.items[:0], -1, math.MaxInt64
	w := walker{data: body}
	if !json.Valid(body) {
		return decode(body, &struct{}{}) // says where
	}
	if w.space(); w.data[w.pos] != '{' {
		return badAnswer("the value is not an object")
	}
	listed := false
	for w.pos++; !w.closes('}'); {
		switch key := w.key(); string(key) {
		case "jobs":
			if listed {
				return badAnswer("jobs is there twice")
			}
			if w.space(); w.data[w.pos] != '[' {
				return badAnswer("jobs is missing")
			}
			listed = true
			for w.pos++; !w.closes(']'); {
				if len(p.items) == maxPageItems {
					return badAnswer("jobs[%d] is one too many, where %d were asked for", maxPageItems, pageSize)
				}
				p.add(w.any())
			}
		case "totalCount":
			total, err := strconv.Atoi(string(bytes.TrimSpace(w.any())))
			if err != nil {
				return badAnswer("totalCount is not a number")
			}
			p.total = total
		default:
			w.skip()
		}
	}
	switch {
	case !listed:
		return badAnswer("jobs is missing")
	case p.total < 0:
		return badAnswer("totalCount is missing")
	}
	return nil
}

// any steps over a value and returns it.
func (w *walker) any() []byte {
	w.space()
	start := w.pos
	w.skip()
	return w.data[start:w.pos]
}

// add takes in a job, if it has an id.
func (p *jobPage) add(raw []byte) {
	item := jobItem{raw: raw}
	if raw[0] == '{' {
		w := walker{data: raw}
		for w.pos++; !w.closes('}'); {
			switch string(w.key()) {
			case "jobId":
				item.id = bytes.Trim(w.any(), `"`)
			case "createdAt":
				if created, err := strconv.ParseInt(string(w.any()), 10, 64); err == nil {
					p.oldest = min(p.oldest, created)
				}
			default:
				w.skip()
			}
		}
	}
	p.items = append(p.items, item)
}
