package jobs

import (
	"cmp"
	"context"
	"io"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/content"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// Data describes one file of a segment: its path, labels and content. It is safe for
// concurrent use if its fields are not changed. Only data of a list, such as [Contents.Data],
// have content: the methods of others return [ErrInvalidArgument].
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

	file
}

// file holds the common methods of Data and Mask.
type file struct{ content *content.File }

// Open opens the content of the file. The caller must close it. If the URL expires soon or has
// expired, Open requests new ones for all files of its page of the list, once. It sends no
// access key to the host of the content.
//
// The attempt timeout applies until the response headers arrive; reading the body is limited
// only by ctx. A body that is shorter than the store announced ends with
// [io.ErrUnexpectedEOF]. Save resumes such a body.
func (f file) Open(ctx context.Context) (io.ReadCloser, error) { return f.get().Open(ctx) }

// Save copies the content of the file to w and returns the number of bytes written. It opens
// the content as Open does. If the body breaks off, Save requests the rest, or, if the store
// does not support that, the whole content again, of which it skips the beginning. The error
// matches [ErrInvalidResponse] if the content remains incomplete, has changed meanwhile, or
// differs from the checksum of the store.
func (f file) Save(ctx context.Context, w io.Writer) (int64, error) { return f.get().Save(ctx, w) }

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
func (f file) Stat(ctx context.Context) (ContentInfo, error) {
	info, err := f.get().Stat(ctx)
	return ContentInfo(info), err
}

// URL returns the signed URL of the content. It gives access to the content until it
// expires, so keep it out of logs. URL does not renew it. It is empty if there is no content.
func (f file) URL() string { return f.get().URL() }

// get returns the content, or for a datum or a mask that the caller has built, one that fails.
func (f file) get() *content.File { return cmp.Or(f.content, unlisted) }

var unlisted = content.NewPage(&transport.Transport{}, func(transport.Outcome) error { return errUnlisted }, "", nil).File(content.Key{}, "", "")

var errUnlisted = invalid("the datum or mask has no content: use one that a list has returned")

// newData adapts a file of a frame, or, without frame and sensor, of a plain dataset.
func newData(p *content.Page, segment, frame string, d gen.FrameData, label *wireLabel) *Data {
	data := &Data{RemotePath: d.RemotePath, Segment: segment, FrameID: frame, Sensor: d.SensorName, Timestamp: d.Timestamp}
	data.content = p.File(content.Key{Frame: frame, Sensor: d.SensorName, Path: d.RemotePath}, d.RemotePath, d.URL)
	if label != nil {
		data.Label = label.Label
		data.Label.SemanticMask = newMask(p, data, LabelSemanticMask, label.SemanticMask)
		data.Label.InstanceMask = newMask(p, data, LabelInstanceMask, label.InstanceMask)
		data.Label.PanopticMask = newMask(p, data, LabelPanopticMask, label.PanopticMask)
	}
	return data
}
