package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// A JobPage is one page of the list of jobs as it arrived. Waits read such pages again and
// again to learn that little has changed, so the jobs on it are located but not decoded.
type JobPage struct {
	Jobs  []JobItem
	Total int
}

// A JobItem is one job of a page. Its slices point into the body.
type JobItem struct {
	Raw, ID, Status []byte
	CreatedAt       int64 // seconds since the epoch; math.MaxInt64 if it is unreadable
}

// ScanJobPage locates the jobs in a body. It returns an [*Error] if the page differs from
// the contract; faults inside a job appear when that job is decoded.
func ScanJobPage(body []byte) (page JobPage, err error) {
	w := walker{data: body}
	if !json.Valid(body) {
		return page, Decode(body, &struct{}{}) // the error tells the position
	}
	if w.space(); w.data[w.pos] != '{' {
		return page, Errorf("the value is not an object")
	}
	page.Total = -1
	for w.pos++; !w.closes('}'); {
		switch string(w.key()) {
		case "jobs":
			if page.Jobs != nil {
				return page, Errorf("jobs appears twice")
			}
			if w.space(); w.data[w.pos] != '[' {
				return page, Errorf("jobs is missing")
			}
			page.Jobs = []JobItem{}
			for w.pos++; !w.closes(']'); {
				if len(page.Jobs) == MaxPageItems {
					return page, Errorf("jobs[%d] is one too many, where %d were requested", MaxPageItems, PageSize)
				}
				page.Jobs = append(page.Jobs, scanJob(w.any()))
			}
		case "totalCount":
			total, err := strconv.Atoi(string(w.any()))
			if err != nil {
				return page, Errorf("totalCount is not a number")
			}
			page.Total = total
		default:
			w.skip()
		}
	}
	switch {
	case page.Jobs == nil:
		return page, Errorf("jobs is missing")
	case page.Total < 0:
		return page, Errorf("totalCount is missing")
	}
	return page, nil
}

func scanJob(raw []byte) JobItem {
	job := JobItem{Raw: raw, CreatedAt: math.MaxInt64}
	if raw[0] != '{' {
		return job
	}
	w := walker{data: raw}
	for w.pos++; !w.closes('}'); {
		switch string(w.key()) {
		case "jobId":
			job.ID = bytes.Trim(w.any(), `"`)
		case "status":
			job.Status = bytes.Trim(w.any(), `"`)
		case "createdAt":
			if createdAt, err := strconv.ParseInt(string(w.any()), 10, 64); err == nil {
				job.CreatedAt = createdAt
			}
		default:
			w.skip()
		}
	}
	return job
}

// any skips a value and returns it.
func (w *walker) any() []byte {
	w.space()
	start := w.pos
	w.skip()
	return w.data[start:w.pos]
}
