package jobs

import (
	"context"
	"io"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/content"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// Data describes one file of a segment: its path, labels and content. It is safe for
// concurrent use if its fields are not changed.
type Data struct {
	// RemotePath is the path of the file in its segment.
	RemotePath string
	// Segment is the name of the segment.
	Segment string
	// FrameID and Sensor are the frame and the sensor in a fusion dataset; empty in a
	// plain one.
	FrameID, Sensor string
	// Timestamp is the time of the recording; nil if it is unknown. The uploader chooses the
	// unit.
	Timestamp *float64
	// Label holds the labels. It is zero if there are none.
	Label Label

	content *content.File
}

// Open opens the content of the file. The caller must close it. If the URL expires soon or has
// expired, Open requests new ones for all files of its page of the list, once. It sends no
// access key to the host of the content.
//
// The attempt timeout applies until the response headers arrive; reading the body is limited
// only by ctx. A body that is shorter than the store announced ends with
// [io.ErrUnexpectedEOF]. [Data.Save] resumes such a body.
func (d *Data) Open(ctx context.Context) (io.ReadCloser, error) { return d.content.Open(ctx) }

// Save copies the content of the file to w and returns the number of bytes written. It opens
// the content as Open does. If the body breaks off, Save requests the rest, or, if the store
// does not support that, the whole content again, of which it skips the beginning. The error
// matches [ErrInvalidResponse] if the content remains incomplete, has changed meanwhile, or
// differs from the checksum of the store.
func (d *Data) Save(ctx context.Context, w io.Writer) (int64, error) { return d.content.Save(ctx, w) }

// ContentInfo describes the content of a file.
type ContentInfo struct {
	// Size is the number of bytes; -1 if the store does not report it.
	Size int64
	// Checksum is "crc64ecma:" or "md5:" and the sum in hexadecimal. It is empty if the store
	// reports none.
	Checksum string
}

// Stat reads the size and the checksum of the content. It opens the content as Open does, but
// requests only the first byte.
func (d *Data) Stat(ctx context.Context) (ContentInfo, error) {
	info, err := d.content.Stat(ctx)
	return ContentInfo(info), err
}

// URL returns the signed URL of the content. It gives access to the content until it
// expires, so keep it out of logs. URL does not renew it.
func (d *Data) URL() string { return d.content.URL() }

// A dataPage is one page of the data or frames of a segment. Its files share the renewal of
// their URLs.
type dataPage struct {
	contents      *Contents
	segment       string
	offset, limit int
	files         *content.Page
	masks         map[LabelType]*content.Page
}

// newPage returns a page of so many items. urls decodes an item of a list of URLs.
func (c *Contents) newPage(segment string, offset, items int, urls func(raw []byte, add func(content.Key, string)) error) *dataPage {
	p := &dataPage{contents: c, segment: segment, offset: offset, limit: items, masks: map[LabelType]*content.Page{}}
	p.files = content.NewPage(c.client.transport, newError, segment, func(ctx context.Context, only *content.File) (map[content.Key]string, error) {
		path, offset, limit := p.position(only)
		return renew(ctx, c.client, "listDataUrls", only,
			func() (*http.Request, error) {
				return gen.NewListDataUrlsRequest(c.client.server, c.id, &gen.ListDataUrlsParams{
					SegmentName: segment, RemotePath: path, Offset: offset, Limit: limit,
					Commit: optional(c.commit), DraftNumber: optional(c.draft),
				})
			},
			func(list *gen.DataURLList, add func(content.Key, string)) error {
				for _, raw := range list.Urls {
					if err := urls(raw, add); err != nil {
						return err
					}
				}
				return nil
			})
	})
	return p
}

// maskPage returns the part of the page that renews the URLs of masks of a type.
func (p *dataPage) maskPage(labelType LabelType) *content.Page {
	if page := p.masks[labelType]; page != nil {
		return page
	}
	c := p.contents
	p.masks[labelType] = content.NewPage(c.client.transport, newError, p.segment, func(ctx context.Context, only *content.File) (map[content.Key]string, error) {
		path, offset, limit := p.position(only)
		return renew(ctx, c.client, "listMaskUrls", only,
			func() (*http.Request, error) {
				return gen.NewListMaskUrlsRequest(c.client.server, c.id, &gen.ListMaskUrlsParams{
					SegmentName: p.segment, MaskType: string(labelType), RemotePath: path, Offset: offset, Limit: limit,
					Commit: optional(c.commit), DraftNumber: optional(c.draft),
				})
			},
			func(list *gen.MaskURLList, add func(content.Key, string)) error {
				for _, u := range list.Urls {
					if u != nil {
						add(content.Key{Path: u.RemotePath}, u.URL)
					}
				}
				return nil
			})
	})
	return p.masks[labelType]
}

// position returns the query parameters that select the page, or only the datum of a file.
func (p *dataPage) position(only *content.File) (path *string, offset, limit *int) {
	if only != nil {
		return &only.Datum, nil, nil
	}
	return nil, &p.offset, &p.limit
}

// renew requests a list of URLs. L is its generated type.
func renew[L any](ctx context.Context, c *Client, op transport.Operation, only *content.File,
	build transport.Build, read func(list *L, add func(content.Key, string)) error,
) (map[content.Key]string, error) {
	fresh := map[content.Key]string{}
	_, err := call(ctx, c, op, build, func(list *L) error {
		err := read(list, func(key content.Key, url string) { fresh[key] = url })
		if err == nil && only != nil && fresh[only.Key] == "" {
			err = invalidResponse("it holds no url of %s", redact.Sanitize(only.Key.Path, redact.MaxPath))
		}
		return err
	})
	return fresh, err
}

// plainURL decodes an item of a list of URLs of a plain dataset.
func plainURL(raw []byte, add func(content.Key, string)) error {
	var u gen.RemotePathURL
	if err := decode(raw, &u); err != nil {
		return err
	}
	add(content.Key{Path: u.RemotePath}, u.URL)
	return nil
}

// frameURLs decodes an item of a list of URLs of a fusion dataset.
func frameURLs(raw []byte, add func(content.Key, string)) error {
	var f gen.FrameUrls
	if err := decode(raw, &f); err != nil {
		return err
	}
	for _, u := range f.Urls {
		add(content.Key{Frame: f.FrameID, Sensor: u.SensorName, Path: u.RemotePath}, u.URL)
	}
	return nil
}

// newData adapts a file of a frame, or, without frame and sensor, of a plain dataset.
func (p *dataPage) newData(frame string, d gen.FrameData, label *wireLabel) *Data {
	data := &Data{RemotePath: d.RemotePath, Segment: p.segment, FrameID: frame, Sensor: d.SensorName, Timestamp: d.Timestamp}
	data.content = p.files.File(content.Key{Frame: frame, Sensor: d.SensorName, Path: d.RemotePath}, d.RemotePath, d.URL)
	if label != nil {
		data.Label = label.Label
		data.Label.SemanticMask = newMask(p, data, LabelSemanticMask, label.SemanticMask)
		data.Label.InstanceMask = newMask(p, data, LabelInstanceMask, label.InstanceMask)
		data.Label.PanopticMask = newMask(p, data, LabelPanopticMask, label.PanopticMask)
	}
	return data
}
