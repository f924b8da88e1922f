package jobs

import (
	"context"
	"io"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
)

// Data is a datum: a file and its label. It is safe for concurrent use as long
// as nobody changes its fields.
type Data struct {
	// RemotePath is the path of the datum in its segment.
	RemotePath string
	// Segment is the name of the segment.
	Segment string
	// FrameID and Sensor say where in a fusion dataset it belongs; empty in a
	// plain one.
	FrameID, Sensor string
	// Timestamp is when it was recorded, in the uploader's unit; nil when that
	// is not known.
	Timestamp *float64
	// Label is what is known of the content; its zero value for nothing.
	Label Label

	content *remote
}

// Open reads the content of the datum. The caller closes it. The signed URL is
// renewed once when it has expired, and no access key is sent.
//
// An attempt is bounded until the content begins, not while it is read: that is
// up to ctx.
func (d *Data) Open(ctx context.Context) (io.ReadCloser, error) { return d.content.open(ctx) }

// URL is the signed URL of the content. Whoever has it can read the content
// until it expires, so keep it out of logs. Open renews it, URL does not.
func (d *Data) URL() string { return d.content.signed() }

// newData adapts a datum; one of a plain dataset has no sensor.
func (c *Contents) newData(segment string, d gen.FrameData) *Data {
	data := &Data{RemotePath: d.RemotePath, Segment: segment, Sensor: d.SensorName, Timestamp: d.Timestamp}
	data.content = &remote{
		client: c.client,
		path:   sanitize(segment+"/"+d.RemotePath, maxPath),
		url:    newSecret(d.URL),
		renew:  func(ctx context.Context) (string, error) { return c.renewData(ctx, data) },
	}
	if d.Label != nil {
		data.Label = c.newLabel(data, d.Label)
	}
	return data
}

func (c *Contents) renewData(ctx context.Context, d *Data) (fresh string, err error) {
	err = c.client.call(ctx, opListDataUrls,
		func() (*http.Request, error) {
			return gen.NewListDataUrlsRequest(c.client.server, c.id, &gen.ListDataUrlsParams{
				SegmentName: d.Segment, RemotePath: &d.RemotePath, Commit: optional(c.commit), DraftNumber: optional(c.draft),
			})
		},
		func(body []byte) error {
			var p gen.DataURLList
			if err := decode(body, &p); err != nil {
				return err
			}
			for _, raw := range p.Urls {
				urls, err := urlsOf(raw, d.FrameID)
				if err != nil {
					return err
				}
				for _, u := range urls {
					if u.RemotePath == d.RemotePath && u.SensorName == d.Sensor {
						fresh = u.URL
						return nil
					}
				}
			}
			return invalidResponse("it holds no url of %s", sanitize(d.RemotePath, maxPath))
		})
	return fresh, err
}

// urlsOf reads one item of an answer about URLs: of a frame, or of a datum that
// belongs to none.
func urlsOf(raw []byte, frame string) ([]gen.SensorURL, error) {
	if frame == "" {
		var u gen.RemotePathURL
		err := decode(raw, &u)
		return []gen.SensorURL{{RemotePath: u.RemotePath, URL: u.URL}}, err
	}
	var f gen.FrameUrls
	err := decode(raw, &f)
	if f.FrameID != frame {
		return nil, err
	}
	return f.Urls, err
}
