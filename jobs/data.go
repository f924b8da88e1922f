package jobs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
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

	content *content
}

// Open opens the content of the file. The caller must close it. If the URL has expired, Open
// requests a new one, once. It sends no access key to the host of the content.
//
// The attempt timeout applies until the response headers arrive; reading the body is limited
// only by ctx.
func (d *Data) Open(ctx context.Context) (io.ReadCloser, error) { return d.content.open(ctx) }

// URL returns the signed URL of the content. It gives access to the content until it
// expires, so keep it out of logs. URL does not renew it.
func (d *Data) URL() string { return d.content.signed() }

// newData adapts a file of a frame, or, without frame and sensor, of a plain dataset.
func (c *Contents) newData(segment, frame string, d gen.FrameData) (*Data, error) {
	data := &Data{RemotePath: d.RemotePath, Segment: segment, FrameID: frame, Sensor: d.SensorName, Timestamp: d.Timestamp}
	data.content = c.newContent(segment, d.RemotePath, d.URL, func(ctx context.Context) (string, error) { return c.renewData(ctx, data) })
	err := c.readLabel(data, d.Label)
	return data, err
}

func (c *Contents) renewData(ctx context.Context, d *Data) (fresh string, err error) {
	_, err = call(ctx, c.client, "listDataUrls",
		func() (*http.Request, error) {
			return gen.NewListDataUrlsRequest(c.client.server, c.id, &gen.ListDataUrlsParams{
				SegmentName: d.Segment, RemotePath: &d.RemotePath, Commit: optional(c.commit), DraftNumber: optional(c.draft),
			})
		},
		func(p *gen.DataURLList) error {
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
			return errNoURL(d.RemotePath)
		})
	return fresh, err
}

// urlsOf decodes one item of a list of URLs: of a frame, or, if frame is empty, of a file of
// a plain dataset.
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

func errNoURL(path string) error {
	return invalidResponse("it holds no url of %s", redact.Sanitize(path, redact.MaxPath))
}

// content is a file behind a signed URL, which expires.
type content struct {
	transport *transport.Transport
	path      string // replaces the URL in errors
	renew     func(ctx context.Context) (string, error)

	mu  sync.Mutex
	url redact.Secret
}

func (c *Contents) newContent(segment, path, url string, renew func(context.Context) (string, error)) *content {
	return &content{
		transport: c.client.transport, path: redact.Sanitize(segment+"/"+path, redact.MaxPath),
		url: redact.New(url), renew: renew,
	}
}

func (c *content) signed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url.Reveal()
}

// open opens the content. It renews the URL once if the store refuses it: an expired URL has
// status 403, and at some stores 400, 401 or 410.
func (c *content) open(ctx context.Context) (io.ReadCloser, error) {
	body, o := c.transport.Open(ctx, c.path, c.signed())
	switch o.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusGone:
	default:
		return body, newError(o)
	}
	fresh, err := c.renew(ctx)
	if err != nil {
		return nil, fmt.Errorf("renew the url of %s: %w", c.path, err)
	}
	c.mu.Lock()
	c.url = redact.New(fresh)
	c.mu.Unlock()
	body, o = c.transport.Open(ctx, c.path, fresh)
	return body, newError(o)
}
