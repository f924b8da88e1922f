package emulator

import (
	"context"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A source is where a copy or a move takes data from.
type source struct {
	datasetID   *string // default: the dataset of the draft
	commit      *string
	draftNumber *int64 // default: the draft that changes
	segment     string
}

// find returns the segment of the source, and whether it is a segment of the draft that
// changes.
func (a *api) find(from source, ds *dataset, v *version, draftNumber int64) (s *segment, own bool, err error) {
	of := ds
	if from.datasetID != nil {
		if of, err = a.store.dataset(*from.datasetID); err != nil {
			return nil, false, err
		}
	}
	if of.fusion != ds.fusion {
		return nil, false, invalid("The dataset %s and the dataset %s are of different types.", of.name, ds.name)
	}
	own = of == ds && from.commit == nil && (from.draftNumber == nil || *from.draftNumber == draftNumber)
	if !own {
		if _, v, err = a.store.read(of.id, from.commit, from.draftNumber); err != nil {
			return nil, false, err
		}
	}
	s, err = v.existing(from.segment)
	return s, own, err
}

// exists returns the error of the strategy abort if a target exists.
func exists(kind, name string) error {
	return newError(http.StatusInternalServerError, codeInternalServerError, "The %s %q exists, and the strategy is %s.", kind, name, strategyAbort)
}

func errForeignMove(draftNumber int64) error {
	return invalid("Only data of the draft %d can be moved.", draftNumber)
}

// transferSegment copies or moves a segment. If a move skips its target, the source remains,
// because the behavior of the service is unknown.
func (a *api) transferSegment(request server.CreateSegmentRequestObject) (empty, error) {
	var body server.SegmentTransfer
	if err := decodeBody(*request.Body, &body); err != nil {
		return empty{}, err
	}
	if err := checkPath("segment name", body.SegmentName); err != nil {
		return empty{}, err
	}
	from := source{body.Source.ID, body.Source.Commit, body.Source.DraftNumber, body.Source.SegmentName}
	return a.edit(request.DatasetID, body.DraftNumber, func(ds *dataset, v *version) (*version, error) {
		s, own, err := a.find(from, ds, v, body.DraftNumber)
		if err != nil {
			return nil, err
		}
		target := v.segment(body.SegmentName)
		switch {
		case request.Params.Move != nil && !own:
			return nil, errForeignMove(body.DraftNumber)
		case target != nil && body.Strategy == strategyAbort:
			return nil, exists("segment", body.SegmentName)
		case target != nil && body.Strategy == strategySkip:
			return v, nil
		case target == nil && len(v.segments) >= maxSegments:
			return nil, forbidden("A version holds at most %d segments.", maxSegments)
		}
		if request.Params.Move != nil {
			v = v.without(s.name)
		}
		renamed := *s
		renamed.name = body.SegmentName
		return v.with(&renamed), nil
	})
}

// TransferData copies or moves data. Data that a move skips remain in the source.
func (a *api) TransferData(_ context.Context, request server.TransferDataRequestObject) (server.TransferDataResponseObject, error) {
	body, move := request.Body, request.Params.MultipleMove != nil
	if move == (request.Params.MultipleCopy != nil) {
		return nil, missing("One of the parameters multipleCopy and multipleMove is needed.")
	}
	targets := body.RemotePaths
	if len(targets) == 0 {
		targets = body.Source.RemotePaths
	}
	if len(targets) != len(body.Source.RemotePaths) {
		return nil, invalid("There are %d sources and %d targets.", len(body.Source.RemotePaths), len(targets))
	}
	for _, path := range targets {
		if err := checkPath("remote path", path); err != nil {
			return nil, err
		}
	}
	from := source{body.Source.ID, body.Source.Commit, body.Source.DraftNumber, body.Source.SegmentName}
	return a.edit(request.DatasetID, body.DraftNumber, func(ds *dataset, v *version) (*version, error) {
		if ds.fusion {
			return nil, invalid("Data of a fusion dataset cannot be copied or moved alone.")
		}
		s, own, err := a.find(from, ds, v, body.DraftNumber)
		if err != nil {
			return nil, err
		}
		if move && !own {
			return nil, errForeignMove(body.DraftNumber)
		}
		into, err := v.existing(body.SegmentName)
		if err != nil {
			return nil, err
		}
		data, moved, err := s.transfer(into, body.Source.RemotePaths, targets, body.Strategy)
		if err != nil {
			return nil, err
		}
		if move {
			s = s.without(func(d *datum) bool { return moved[d.remotePath] })
			v = v.with(s)
			into = v.segment(into.name) // it may be the source
		}
		into = into.with(data...)
		if len(into.data) > maxData {
			return nil, forbidden("A segment holds at most %d data.", maxData)
		}
		return v.with(into), nil
	})
}

// transfer returns the data for the targets, and the remote paths of their sources.
func (s *segment) transfer(into *segment, sources, targets []string, strategy string) (data []*datum, moved map[string]bool, err error) {
	moved = make(map[string]bool)
	for i, path := range sources {
		d := s.datum(path)
		if d == nil {
			return nil, nil, noDatum(s, path)
		}
		if into.datum(targets[i]) != nil {
			if strategy == strategyAbort {
				return nil, nil, exists("datum", targets[i])
			}
			if strategy == strategySkip {
				continue
			}
		}
		renamed := *d
		renamed.remotePath, renamed.label = targets[i], d.label.at(targets[i])
		data = append(data, &renamed)
		moved[path] = true
	}
	return data, moved, nil
}
