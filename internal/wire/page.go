package wire

import (
	"encoding/json"
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
}

// ScanJobPage locates the jobs in a body. It returns an [*Error] if the page differs from
// the contract; faults inside a job appear when that job is decoded.
func ScanJobPage(body []byte) (page JobPage, err error) {
	if !json.Valid(body) {
		return page, Decode(body, &struct{}{}) // it reports the syntax error
	}
	w := walker{data: body}
	if !w.opens('{') {
		return page, Errorf("the value is not an object")
	}
	for page.Total = -1; !w.closes('}'); {
		switch key := string(w.key()); {
		case key == "totalCount":
			if page.Total, err = strconv.Atoi(string(wholeNumber(w.any()))); err != nil {
				return page, Errorf("totalCount is not a number")
			}
		case key == "jobs" && page.Jobs != nil:
			return page, Errorf("jobs appears twice")
		case key == "jobs" && w.opens('['):
			for page.Jobs = []JobItem{}; !w.closes(']'); {
				if len(page.Jobs) == MaxPageItems {
					return page, Errorf("jobs[%d] is one too many: %d were requested", MaxPageItems, PageSize)
				}
				page.Jobs = append(page.Jobs, scanJob(w.any()))
			}
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
	job := JobItem{Raw: raw}
	for key, value := range Fields(raw) {
		switch {
		case key == "jobId" && value[0] == '"':
			job.ID = unquote(value)
		case key == "status" && value[0] == '"':
			job.Status = unquote(value)
		}
	}
	return job
}
