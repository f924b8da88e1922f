package emulator

import (
	"context"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A view is a version with the values that its responses need. It never changes,
// so no lock is needed.
type view struct {
	*version
	fusion  bool
	now     time.Time
	signer  *signer
	dataURL string
}

// segmentView returns the view of a segment, which must exist.
func (a *api) segmentView(id string, revision *string, draftNumber *int64, name string) (*view, *segment, error) {
	v, err := a.view(id, revision, draftNumber)
	if err != nil {
		return nil, nil, err
	}
	s, err := v.existing(name)
	return v, s, err
}

// view returns the view of a revision or a draft of a dataset, or of a search
// result.
func (a *api) view(id string, revision *string, draftNumber *int64) (*view, error) {
	now := a.lock()
	defer a.unlock()
	ds, v, err := a.store.read(id, revision, draftNumber)
	if err != nil {
		return nil, err
	}
	return &view{v, ds.fusion, now, a.signer, a.config.DataURL}, nil
}

func (st *store) read(id string, revision *string, draftNumber *int64) (*dataset, *version, error) {
	if revision != nil && draftNumber != nil {
		return nil, nil, invalid("A commit and a draftNumber exclude each other.")
	}
	if result := st.results[id]; result != nil {
		if draftNumber != nil || revision != nil && *revision != result.commitID {
			return nil, nil, notExist("The search result %s has the commit %s only.", id, result.commitID)
		}
		return result.dataset, result.version, nil
	}
	ds := st.byID[id]
	if ds == nil {
		return nil, nil, notExist("There is no dataset and no search result %s.", id)
	}
	if draftNumber != nil {
		d, err := ds.draft(*draftNumber)
		if err != nil {
			return nil, nil, err
		}
		return ds, d.version, nil
	}
	name := ""
	if revision != nil {
		name = *revision
	}
	c, err := ds.revision(name)
	if err != nil {
		return nil, nil, err
	}
	return ds, versionOf(c), nil
}

// existing returns the segment with a name, or an error if there is none.
func (v *version) existing(name string) (*segment, error) {
	if name == "" {
		return nil, missing("The segmentName is missing.")
	}
	if s := v.segment(name); s != nil {
		return s, nil
	}
	return nil, notExist("There is no segment %q.", name)
}

// narrow returns the data of the segment, or those with a remote path.
func (s *segment) narrow(remotePath *string) []*datum {
	if remotePath == nil {
		return s.data
	}
	if d := s.datum(*remotePath); d != nil {
		return []*datum{d}
	}
	return nil
}

// items returns the items of a list: each datum alone, or the data of each frame.
func (v *view) items(data []*datum) [][]*datum {
	if v.fusion {
		return (&segment{data: data}).frames()
	}
	items := make([][]*datum, len(data))
	for i := range data {
		items[i] = data[i : i+1]
	}
	return items
}

func (v *view) url(b *blob, remotePath string) string {
	return v.signer.sign(v.dataURL, b.urlPath(remotePath), v.now)
}

func (a *api) ListSegments(_ context.Context, request server.ListSegmentsRequestObject) (server.ListSegmentsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	segments := v.segments
	p, err := newPage(len(segments), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListSegments200JSONResponse{
		Segments: pageOf(segments, p, (*segment).wire),
		Offset:   p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

func (s *segment) wire() server.Segment {
	return server.Segment{Name: s.name, Description: &s.description}
}

func (a *api) ListSensors(_ context.Context, request server.ListSensorsRequestObject) (server.ListSensorsResponseObject, error) {
	_, s, err := a.segmentView(request.DatasetID, request.Params.Commit, request.Params.DraftNumber, request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	sensors := make([]server.Sensor, len(s.sensors)) // [] and not null
	for i, sensor := range s.sensors {
		sensors[i] = sensor.raw
	}
	return server.ListSensors200JSONResponse{Sensors: sensors}, nil
}

func (a *api) GetLabelStatistics(_ context.Context, request server.GetLabelStatisticsRequestObject) (server.GetLabelStatisticsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	return server.GetLabelStatistics200JSONResponse{LabelStatistics: statistics(v.version)}, nil
}

func (a *api) ListDataDetails(_ context.Context, request server.ListDataDetailsRequestObject) (server.ListDataDetailsResponseObject, error) {
	v, s, err := a.segmentView(request.DatasetID, request.Params.Commit, request.Params.DraftNumber, request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	items := v.items(s.narrow(request.Params.RemotePath))
	p, err := newPage(len(items), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListDataDetails200JSONResponse{
		DataDetails: pageOf(items, p, v.detail),
		Offset:      p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// detail returns the wire form of a datum, or of a frame in a fusion dataset.
func (v *view) detail(data []*datum) (detail server.DataDetail) {
	if !v.fusion {
		d := data[0]
		must(detail.FromData(server.Data{RemotePath: d.remotePath, Timestamp: d.timestamp, URL: v.url(d.blob, d.remotePath), Label: v.label(d)}))
		return detail
	}
	frame := server.Frame{FrameID: data[0].frame, Frame: make([]server.FrameData, len(data))}
	for i, d := range data {
		frame.Frame[i] = server.FrameData{
			SensorName: d.sensor, RemotePath: d.remotePath, Timestamp: d.timestamp, URL: v.url(d.blob, d.remotePath), Label: v.label(d),
		}
	}
	must(detail.FromFrame(frame))
	return detail
}

func (v *view) label(d *datum) server.Label {
	return d.label.wire(func(m *mask) map[string]string {
		return map[string]string{"url": v.url(m.blob, m.remotePath)}
	})
}

func (a *api) ListDataUrls(_ context.Context, request server.ListDataUrlsRequestObject) (server.ListDataUrlsResponseObject, error) {
	v, s, err := a.segmentView(request.DatasetID, request.Params.Commit, request.Params.DraftNumber, request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	items := v.items(s.narrow(request.Params.RemotePath))
	p, err := newPage(len(items), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListDataUrls200JSONResponse{
		Urls:   pageOf(items, p, v.urlItem),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}

// urlItem returns the URL of a datum, or those of a frame in a fusion dataset.
func (v *view) urlItem(data []*datum) (item server.DataURLItem) {
	if !v.fusion {
		d := data[0]
		must(item.FromRemotePathURL(server.RemotePathURL{RemotePath: d.remotePath, URL: v.url(d.blob, d.remotePath)}))
		return item
	}
	frame := server.FrameUrls{FrameID: data[0].frame, Urls: make([]server.SensorURL, len(data))}
	for i, d := range data {
		frame.Urls[i] = server.SensorURL{SensorName: d.sensor, RemotePath: d.remotePath, URL: v.url(d.blob, d.remotePath)}
	}
	must(item.FromFrameUrls(frame))
	return item
}

// ListMaskUrls lists the masks of a fusion dataset datum by datum, because the
// contract has no frames here.
func (a *api) ListMaskUrls(_ context.Context, request server.ListMaskUrlsRequestObject) (server.ListMaskUrlsResponseObject, error) {
	v, err := a.view(request.DatasetID, request.Params.Commit, request.Params.DraftNumber)
	if err != nil {
		return nil, err
	}
	maskType := request.Params.MaskType
	if !IsMask(maskType) {
		return nil, invalid("There is no mask type %q.", maskType)
	}
	s, err := v.existing(request.Params.SegmentName)
	if err != nil {
		return nil, err
	}
	data := s.narrow(request.Params.RemotePath)
	p, err := newPage(len(data), request.Params.Offset, request.Params.Limit)
	if err != nil {
		return nil, err
	}
	return server.ListMaskUrls200JSONResponse{
		Urls: pageOf(data, p, func(d *datum) *server.MaskURLItem {
			if d.label == nil || d.label.masks[maskType] == nil {
				return nil
			}
			m := d.label.masks[maskType]
			return &server.MaskURLItem{RemotePath: m.remotePath, URL: v.url(m.blob, m.remotePath)}
		}),
		Offset: p.offset(), RecordSize: p.size(), TotalCount: p.total,
	}, nil
}
