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
	Raw, ID   []byte
	CreatedAt int64 // seconds since the epoch; math.MaxInt64 if it is unreadable
}

// ScanJobPage locates the jobs in a body. It returns an [*Error] if the page differs from
// the contract; faults inside a job appear when that job is decoded.
func ScanJobPage(body []byte) (page JobPage, err error) {
	if !json.Valid(body) {
		return page, Decode(body, &struct{}{}) // it reports the syntax error
	}
	if body = bytes.TrimSpace(body); body[0] != '{' {
		return page, Errorf("the value is not an object")
	}
	page.Total = -1
	for key, value := range Fields(body) {
		switch {
		case key == "totalCount":
			if page.Total, err = strconv.Atoi(string(value)); err != nil {
				return page, Errorf("totalCount is not a number")
			}
		case key == "jobs" && page.Jobs != nil:
			return page, Errorf("jobs appears twice")
		case key == "jobs" && value[0] == '[':
			page.Jobs = []JobItem{}
			for w := (walker{data: value, pos: 1}); !w.closes(']'); {
				if len(page.Jobs) == MaxPageItems {
					return page, Errorf("jobs[%d] is one too many: %d were requested", MaxPageItems, PageSize)
				}
				page.Jobs = append(page.Jobs, scanJob(w.any()))
			}
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
			if id := w.any(); id[0] == '"' {
				job.ID = unquote(id)
			}
		case "createdAt":
			// A notation such as 1764000000.0 is valid JSON for an integer.
			if f, err := strconv.ParseFloat(string(w.any()), 64); err == nil && math.Abs(f) < 1<<53 {
				job.CreatedAt = int64(f)
			}
		default:
			w.skip()
		}
	}
	return job
}
