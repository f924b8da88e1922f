package emulator

import (
	"encoding/json"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const (
	conjunctionAnd = "and"
	conjunctionOr  = "or"
	unitFile       = "file"
	unitFrame      = "frame"
)

// A search is the task of a basic-search job.
type search struct {
	version *version
	filters []filter
	any     bool // one matching filter suffices
	frames  bool // the result holds the whole frames of matching data
}

func newSearch(ds *dataset, raw json.RawMessage) (task, error) {
	var arguments server.BasicSearchArguments
	if err := decodeArguments(raw, &arguments, "commit", "conjunction", "unit", "filters"); err != nil {
		return nil, err
	}
	c := ds.commits[arguments.Commit]
	if c == nil {
		return nil, notExist("The dataset %s has no commit %q.", ds.name, arguments.Commit)
	}
	s := &search{version: c.version}
	switch arguments.Conjunction {
	case conjunctionAnd:
	case conjunctionOr:
		s.any = true
	default:
		return nil, invalid("There is no conjunction %q.", arguments.Conjunction)
	}
	switch arguments.Unit {
	case unitFile:
	case unitFrame:
		s.frames = true
		if !ds.fusion {
			return nil, invalid("The unit %q is for fusion datasets only.", unitFrame)
		}
	default:
		return nil, invalid("There is no unit %q.", arguments.Unit)
	}
	if len(arguments.Filters) == 0 {
		return nil, invalid("There is no filter.")
	}
	for i, wire := range arguments.Filters {
		f, err := newFilter(wire)
		if err != nil {
			e := asAPIError(err)
			return nil, newError(e.status, e.code, "Filter %d: %s", i, e.message)
		}
		s.filters = append(s.filters, f)
	}
	return s, nil
}

func (s *search) perform(st *store, ds *dataset, _ time.Time) (json.RawMessage, error) {
	result := st.addResult(ds, s.find())
	return mustMarshal(server.BasicSearchResult{SearchResultID: result.id, SearchResultCommitID: result.commitID}), nil
}

// find returns the matching data. It omits segments without a match and keeps all sensors of
// the others.
func (s *search) find() *version {
	found := &version{catalog: s.version.catalog, notes: s.version.notes}
	for _, from := range s.version.segments {
		matching := make(map[*datum]bool)
		frames := make(map[string]bool)
		for _, d := range from.data {
			if s.matches(candidate{from.name, d, s.version.catalog}) {
				matching[d], frames[d.frame] = true, true
			}
		}
		to := from.without(func(d *datum) bool { return !matching[d] && (!s.frames || !frames[d.frame]) })
		if len(to.data) > 0 {
			found.segments = append(found.segments, to)
		}
	}
	return found
}

func (s *search) matches(c candidate) bool {
	for _, f := range s.filters {
		if f(c) == s.any {
			return s.any
		}
	}
	return !s.any
}
