package emulator

import (
	"context"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A view is a content with the values that its responses need. It never changes,
// so no lock is needed.
type view struct {
	content  *content
	fusion   bool
	catalogs map[string]*catalog
	now      time.Time
	signer   *signer
	dataURL  string
}

// view returns the view of a revision or a draft of a dataset, or of a search
// result.
func (a *api) view(id string, revision *string, draftNumber *int64) (*view, error) {
	now := a.lock()
	defer a.unlock()
	ds, content, err := a.store.read(id, revision, draftNumber)
	if err != nil {
		return nil, err
	}
	return &view{content, ds.fusion, ds.catalogs, now, a.signer, a.config.DataURL}, nil
}

func (st *store) read(id string, revision *string, draftNumber *int64) (*dataset, *content, error) {
	if revision != nil && draftNumber != nil {
		return nil, nil, invalid("A commit and a draftNumber exclude each other.")
	}
	if result := st.results[id]; result != nil {
		if draftNumber != nil || revision != nil && *revision != result.commitID {
			return nil, nil, notExist("The search result %s has the commit %s only.", id, result.commitID)
		}
		return result.dataset, result.content, nil
	}
	ds := st.byID[id]
	if ds == nil {
		return nil, nil, notExist("There is no dataset and no search result %s.", id)
	}
	switch {
	case draftNumber != nil:
		d, err := ds.draft(*draftNumber)
		if err != nil {
			return nil, nil, err
		}
		return ds, d.content, nil
	case revision == nil && len(ds.commits) == 0:
		return ds, &content{}, nil
	}
	name := ""
	if revision != nil {
		name = *revision
	}
	c, err := ds.revision(name)
	if err != nil {
		return nil, nil, err
	}
	return ds, c.content, nil
}

// segment returns the segment with a name.
func (v *view) segment(name string) (*segment, error) {
	if name == "" {
		return nil, missing("The segmentName is missing.")
	}
	if s := v.content.segment(name); s != nil {
		return s, nil
	}
	return nil, notExist("There is no segment %s.", name)
}

// narrow returns the segment reduced to the datum with a remote path, or s if
// remotePath is nil.
func (s *segment) narrow(remotePath *string) *segment {
	if remotePath == nil {
		return s
	}
	narrowed := &segment{}
	for _, d := range s.data {
		if d.remotePath == *remotePath {
			narrowed.data = append(narrowed.data, d)
		}
	}
	for _, fr := range s.frames {
		for _, d := range fr.data {
			if d.remotePath == *remotePath {
				narrowed.frames = append(narrowed.frames, &frame{fr.id, []*datum{d}})
			}
		}
	}
	return narrowed
}

// length returns the number of data, or of frames in a fusion dataset.
func (s *segment) length(fusion bool) int {
	if fusion {
		return len(s.frames)
	}
	return len(s.data)
}

func (v *view) url(d *datum) string { return v.signer.sign(v.dataURL, d.urlPath(), v.now) }

func (v *view) maskURL(remotePath string) string {
	return v.signer.sign(v.dataURL, maskPrefix+remotePath, v.now)
}

func (a *api) ListSegments(_ context.Context, request server.ListSegmentsRequestObject) (server.ListSegmentsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	segments := v.content.segments
	p, err := newPage(len(segments), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListSegments200JSONResponse{
		Segments: pageOf(segments, p, (*segment).wire),
		Offset:   p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// wire returns the wire form of a segment. It omits an empty description, as the
// service may.
func (s *segment) wire() server.Segment {
	wire := server.Segment{Name: s.name}
	if s.description != "" {
		wire.Description = &s.description
	}
	return wire
}

func (a *api) ListSensors(_ context.Context, request server.ListSensorsRequestObject) (server.ListSensorsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	s, err := v.segment(request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	// A segment of a plain dataset has no sensors.
	return server.ListSensors200JSONResponse{Sensors: append([]server.Sensor{}, s.sensors...)}, nil
}

func (a *api) GetLabelStatistics(_ context.Context, request server.GetLabelStatisticsRequestObject) (server.GetLabelStatisticsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	return server.GetLabelStatistics200JSONResponse{LabelStatistics: statistics(v.content, v.catalogs)}, nil
}

func (a *api) ListDataDetails(_ context.Context, request server.ListDataDetailsRequestObject) (server.ListDataDetailsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	s, err := v.segment(request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	s = s.narrow(request.Params.RemotePath)
	p, err := newPage(s.length(v.fusion), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	details := make([]server.DataDetail, p.to-p.from)
	for i := range details {
		if v.fusion {
			err = v.frameDetail(&details[i], s.frames[p.from+i])
		} else {
			err = v.dataDetail(&details[i], s.data[p.from+i])
		}
		if err != nil {
			return nil, err
		}
	}
	return server.ListDataDetails200JSONResponse{
		DataDetails: details, Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (v *view) dataDetail(detail *server.DataDetail, d *datum) error {
	label, err := v.label(d)
	if err != nil {
		return err
	}
	return detail.FromData(server.Data{RemotePath: d.remotePath, Timestamp: d.timestamp, URL: v.url(d), Label: label})
}

func (v *view) frameDetail(detail *server.DataDetail, fr *frame) error {
	wire := server.Frame{FrameID: fr.id, Frame: make([]server.FrameData, len(fr.data))}
	for i, d := range fr.data {
		label, err := v.label(d)
		if err != nil {
			return err
		}
		wire.Frame[i] = server.FrameData{
			SensorName: d.sensor, RemotePath: d.remotePath, Timestamp: d.timestamp, URL: v.url(d), Label: label,
		}
	}
	return detail.FromFrame(wire)
}

func (v *view) label(d *datum) (server.Label, error) {
	if d.label == nil {
		return nil, nil
	}
	return d.label.wire(v.maskURL)
}

func (a *api) ListDataUrls(_ context.Context, request server.ListDataUrlsRequestObject) (server.ListDataUrlsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	s, err := v.segment(request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	s = s.narrow(request.Params.RemotePath)
	p, err := newPage(s.length(v.fusion), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	urls := make([]server.DataURLItem, p.to-p.from)
	for i := range urls {
		if v.fusion {
			err = v.frameURLs(&urls[i], s.frames[p.from+i])
		} else {
			d := s.data[p.from+i]
			err = urls[i].FromRemotePathURL(server.RemotePathURL{RemotePath: d.remotePath, URL: v.url(d)})
		}
		if err != nil {
			return nil, err
		}
	}
	return server.ListDataUrls200JSONResponse{
		Urls: urls, Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (v *view) frameURLs(item *server.DataURLItem, fr *frame) error {
	wire := server.FrameUrls{FrameID: fr.id, Urls: make([]server.SensorURL, len(fr.data))}
	for i, d := range fr.data {
		wire.Urls[i] = server.SensorURL{SensorName: d.sensor, RemotePath: d.remotePath, URL: v.url(d)}
	}
	return item.FromFrameUrls(wire)
}

// ListMaskUrls lists the masks of a fusion dataset datum by datum, because the
// contract has no frames here.
func (a *api) ListMaskUrls(_ context.Context, request server.ListMaskUrlsRequestObject) (server.ListMaskUrlsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	maskType := request.Params.MaskType
	if !maskTypes[maskType] {
		return nil, invalid("There is no mask type %q.", maskType)
	}
	s, err := v.segment(request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	data := s.narrow(request.Params.RemotePath).data
	p, err := newPage(len(data), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListMaskUrls200JSONResponse{
		Urls: pageOf(data, p, func(d *datum) *server.MaskURLItem {
			if d.label == nil || d.label.paths[maskType] == "" {
				return nil
			}
			path := d.label.paths[maskType]
			return &server.MaskURLItem{RemotePath: path, URL: v.maskURL(path)}
		}),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}
