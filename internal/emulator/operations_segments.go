package emulator

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const (
	maxSegments = 10_000  // of a version
	maxSensors  = 1_000   // of a segment
	maxData     = 500_000 // of a segment
)

// edit changes the version of an open draft. An error changes nothing.
func (a *api) edit(datasetID string, draftNumber int64, change func(*dataset, *version) (*version, error)) (empty, error) {
	return a.change(datasetID, func(ds *dataset, now time.Time) error {
		d, err := ds.draft(draftNumber)
		if err == nil {
			err = d.checkOpen()
		}
		if err != nil {
			return err
		}
		changed, err := change(ds, d.version)
		if err != nil {
			return err
		}
		d.version, d.updated = changed, now
		return nil
	})
}

// editSegment changes a segment of an open draft.
func (a *api) editSegment(datasetID string, draftNumber int64, name string, change func(*dataset, *segment) (*segment, error)) (empty, error) {
	return a.edit(datasetID, draftNumber, func(ds *dataset, v *version) (*version, error) {
		s, err := v.existing(name)
		if err != nil {
			return nil, err
		}
		if s, err = change(ds, s); err != nil {
			return nil, err
		}
		if len(s.data) > maxData {
			return nil, forbidden("A segment holds at most %d data.", maxData)
		}
		return v.with(s), nil
	})
}

// checkPath returns an error if a path could leave its directory, or could not be a path at
// all. Clients write data to files of these names.
func checkPath(kind, path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return invalid("The %s %.200q has an empty part, or the part . or ...", kind, path)
		}
	}
	if strings.Contains(path, `\`) || strings.ContainsFunc(path, unicode.IsControl) {
		return invalid("The %s %.200q has a backslash or a control character.", kind, path)
	}
	return nil
}

func (a *api) CreateSegment(_ context.Context, request server.CreateSegmentRequestObject) (server.CreateSegmentResponseObject, error) {
	if request.Params.Copy != nil || request.Params.Move != nil {
		return a.transferSegment(request)
	}
	var body server.NewSegment
	if err := decodeBody(*request.Body, &body); err != nil {
		return nil, err
	}
	if err := checkPath("segment name", body.Name); err != nil {
		return nil, err
	}
	return a.edit(request.DatasetID, body.DraftNumber, func(_ *dataset, v *version) (*version, error) {
		if v.segment(body.Name) != nil {
			return nil, conflict("The draft %d has a segment %q.", body.DraftNumber, body.Name)
		}
		if len(v.segments) >= maxSegments {
			return nil, forbidden("A version holds at most %d segments.", maxSegments)
		}
		return v.with(&segment{name: body.Name}), nil
	})
}

// decodeBody decodes a body that the contract check has accepted.
func decodeBody(raw json.RawMessage, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return invalid("The request body cannot be read: %v", err)
	}
	return nil
}

func (a *api) DeleteSegment(_ context.Context, request server.DeleteSegmentRequestObject) (server.DeleteSegmentResponseObject, error) {
	return a.edit(request.DatasetID, request.Body.DraftNumber, func(_ *dataset, v *version) (*version, error) {
		if _, err := v.existing(request.Body.SegmentName); err != nil {
			return nil, err
		}
		return v.without(request.Body.SegmentName), nil
	})
}

func (a *api) CreateSensor(_ context.Context, request server.CreateSensorRequestObject) (server.CreateSensorResponseObject, error) {
	var target struct {
		SegmentName string `json:"segmentName"`
		DraftNumber int64  `json:"draftNumber"`
	}
	var members rawObject
	if err := decodeBody(*request.Body, &target); err != nil {
		return nil, err
	}
	if err := decodeBody(*request.Body, &members); err != nil {
		return nil, err
	}
	delete(members, "segmentName")
	delete(members, "draftNumber")
	added, err := newSensor(mustMarshal(members))
	if err != nil {
		return nil, invalid("%v", err)
	}
	if err := checkPath("sensor name", added.name); err != nil {
		return nil, err
	}
	return a.editSegment(request.DatasetID, target.DraftNumber, target.SegmentName, func(ds *dataset, s *segment) (*segment, error) {
		if !ds.fusion {
			return nil, invalid("The dataset %s has no sensors: it is not a fusion dataset.", ds.name)
		}
		if len(s.sensors) >= maxSensors {
			return nil, forbidden("A segment holds at most %d sensors.", maxSensors)
		}
		return s.withSensor(added), nil
	})
}

func (a *api) DeleteSensor(_ context.Context, request server.DeleteSensorRequestObject) (server.DeleteSensorResponseObject, error) {
	name := request.Body.SensorName
	return a.editSegment(request.DatasetID, request.Body.DraftNumber, request.Body.SegmentName, func(_ *dataset, s *segment) (*segment, error) {
		if !s.hasSensor(name) {
			return nil, notExist("The segment %q has no sensor %q.", s.name, name)
		}
		return s.withoutSensor(name), nil
	})
}

func (a *api) GetCatalog(_ context.Context, request server.GetCatalogRequestObject) (server.GetCatalogResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	return server.GetCatalog200JSONResponse{Catalog: v.catalog.raw}, nil
}

func (a *api) PutCatalog(_ context.Context, request server.PutCatalogRequestObject) (server.PutCatalogResponseObject, error) {
	c, err := parseCatalog(request.Body.Catalog)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if len(c.types) == 0 {
		return nil, invalid("The catalog is empty.")
	}
	return a.edit(request.DatasetID, request.Body.DraftNumber, func(_ *dataset, v *version) (*version, error) {
		return v.withCatalog(c), nil
	})
}

func (a *api) GetNotes(_ context.Context, request server.GetNotesRequestObject) (server.GetNotesResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	return server.GetNotes200JSONResponse{IsContinuous: v.notes.isContinuous, BinPointCloudFields: v.notes.binPointCloudFields}, nil
}

func (a *api) UpdateNotes(_ context.Context, request server.UpdateNotesRequestObject) (server.UpdateNotesResponseObject, error) {
	change := request.Body
	return a.edit(request.DatasetID, change.DraftNumber, func(_ *dataset, v *version) (*version, error) {
		changed := v.notes
		set(&changed.isContinuous, change.IsContinuous)
		if change.BinPointCloudFields != nil {
			var fields []string
			if err := decodeBody(change.BinPointCloudFields, &fields); err != nil {
				return nil, err
			}
			changed.setFields(fields)
		}
		return v.withNotes(changed), nil
	})
}
