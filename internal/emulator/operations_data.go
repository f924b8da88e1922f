package emulator

import (
	"context"
	"encoding/json"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

func (a *api) ListData(_ context.Context, request server.ListDataRequestObject) (server.ListDataResponseObject, error) {
	_, s, err := a.segmentView(request.DatasetID, request.Params.Commit, request.Params.DraftNumber, request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	p, err := newPage(len(s.data), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListData200JSONResponse{
		Data: pageOf(s.data, p, func(d *datum) server.DataPath {
			return server.DataPath{RemotePath: d.remotePath, Timestamp: d.timestamp}
		}),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (a *api) GetTotalSize(_ context.Context, request server.GetTotalSizeRequestObject) (server.GetTotalSizeResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	return server.GetTotalSize200JSONResponse{TotalSize: v.size()}, nil
}

func (a *api) AddData(_ context.Context, request server.AddDataRequestObject) (server.AddDataResponseObject, error) {
	body := request.Body
	return a.editSegment(request.DatasetID, body.DraftNumber, body.SegmentName, func(ds *dataset, s *segment) (*segment, error) {
		data := make([]*datum, len(body.Objects))
		for i, object := range body.Objects {
			var err error
			if data[i], err = ds.newDatum(s, object); err != nil {
				return nil, err
			}
		}
		return s.with(data...), nil
	})
}

// newDatum returns the datum of an uploaded file for a segment.
func (ds *dataset) newDatum(s *segment, object server.NewDatum) (*datum, error) {
	d := &datum{remotePath: object.RemotePath, timestamp: object.Timestamp}
	if err := checkPath("remote path", d.remotePath); err != nil {
		return nil, err
	}
	set(&d.frame, object.FrameID)
	set(&d.sensor, object.SensorName)
	switch {
	case !ds.fusion && (d.frame != "" || d.sensor != ""):
		return nil, invalid("%q: only data of a fusion dataset have a frame and a sensor.", d.remotePath)
	case ds.fusion && (d.frame == "" || d.sensor == ""):
		return nil, missing("%q: data of a fusion dataset need a frameId and a sensorName.", d.remotePath)
	case ds.fusion && !s.hasSensor(d.sensor):
		return nil, invalid("%q: the segment %q has no sensor %q.", d.remotePath, s.name, d.sensor)
	}
	var err error
	if d.blob, err = ds.uploaded(object.Checksum, object.FileSize); err == nil {
		d.label, err = ds.newLabel(object.Label, d.remotePath)
	}
	if err != nil {
		return nil, invalid("%q: %v", d.remotePath, err)
	}
	return d, nil
}

// newLabel returns the label of a datum. Masks must have been uploaded.
func (ds *dataset) newLabel(raw json.RawMessage, remotePath string) (*label, error) {
	return parseLabel(raw, func(members rawObject) (string, *blob, error) {
		var wire struct {
			Checksum string `json:"checksum"`
			FileSize int64  `json:"fileSize"`
		}
		if err := json.Unmarshal(mustMarshal(members), &wire); err != nil {
			return "", nil, err
		}
		delete(members, "checksum")
		delete(members, "fileSize")
		b, err := ds.uploaded(wire.Checksum, wire.FileSize)
		return maskPath(remotePath), b, err
	})
}

func (a *api) PutLabels(_ context.Context, request server.PutLabelsRequestObject) (server.PutLabelsResponseObject, error) {
	body := request.Body
	return a.editSegment(request.DatasetID, body.DraftNumber, body.SegmentName, func(ds *dataset, s *segment) (*segment, error) {
		data := make([]*datum, len(body.Objects))
		for i, object := range body.Objects {
			d := s.datum(object.RemotePath)
			if d == nil {
				return nil, noDatum(s, object.RemotePath)
			}
			l, err := ds.newLabel(object.Label, d.remotePath)
			if err != nil {
				return nil, invalid("%q: %v", d.remotePath, err)
			}
			labeled := *d
			labeled.label = l
			data[i] = &labeled
		}
		return s.with(data...), nil
	})
}

func noDatum(s *segment, remotePath string) error {
	return notExist("The segment %q has no datum %q.", s.name, remotePath)
}

func (a *api) DeleteData(_ context.Context, request server.DeleteDataRequestObject) (server.DeleteDataResponseObject, error) {
	body := request.Body
	return a.editSegment(request.DatasetID, body.DraftNumber, body.SegmentName, func(_ *dataset, s *segment) (*segment, error) {
		if s.datum(body.RemotePath) == nil {
			return nil, noDatum(s, body.RemotePath)
		}
		return s.without(func(d *datum) bool { return d.remotePath == body.RemotePath }), nil
	})
}

func (a *api) DeleteFrame(_ context.Context, request server.DeleteFrameRequestObject) (server.DeleteFrameResponseObject, error) {
	body := request.Body
	return a.editSegment(request.DatasetID, body.DraftNumber, body.SegmentName, func(_ *dataset, s *segment) (*segment, error) {
		changed := s.without(func(d *datum) bool { return d.frame == body.FrameID })
		if len(changed.data) == len(s.data) {
			return nil, notExist("The segment %q has no frame %q.", s.name, body.FrameID)
		}
		return changed, nil
	})
}
