package content

import (
	"context"
	"net/http"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/redact"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

// A Source is a version of a dataset. All fields are required, but Commit or Draft.
type Source struct {
	Transport *transport.Transport
	Fail      func(transport.Outcome) error // converts an outcome into an error
	ID        string                        // of the dataset or the search result
	Commit    *string
	Draft     *int64
}

// Page returns a page of a list of data or frames that was received just now.
func (s *Source) Page(segment string, offset, items int) *Page {
	p := NewPage(s.Transport, s.Fail, segment, func(ctx context.Context, only *File) (map[Key]string, error) {
		p := &gen.ListDataUrlsParams{SegmentName: segment, Commit: s.Commit, DraftNumber: s.Draft}
		p.RemotePath, p.Offset, p.Limit = position(only, &offset, &items)
		return s.urls(ctx, "listDataUrls", only, func() (*http.Request, error) {
			return gen.NewListDataUrlsRequest(s.Transport.Server, s.ID, p)
		})
	})
	p.newMasks = func(labelType string) *Page {
		return NewPage(s.Transport, s.Fail, segment, func(ctx context.Context, only *File) (map[Key]string, error) {
			p := &gen.ListMaskUrlsParams{SegmentName: segment, MaskType: labelType, Commit: s.Commit, DraftNumber: s.Draft}
			p.RemotePath, p.Offset, p.Limit = position(only, &offset, &items)
			return s.urls(ctx, "listMaskUrls", only, func() (*http.Request, error) {
				return gen.NewListMaskUrlsRequest(s.Transport.Server, s.ID, p)
			})
		})
	}
	return p
}

// Masks returns the page of the masks of a type that belong to the data of the page.
func (p *Page) Masks(labelType string) *Page {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.masks[labelType] == nil {
		if p.masks == nil {
			p.masks = map[string]*Page{}
		}
		p.masks[labelType] = p.newMasks(labelType)
	}
	return p.masks[labelType]
}

// position returns the query parameters that select a page, or only the datum of a file.
func position(only *File, offset, items *int) (path *string, from, limit *int) {
	if only != nil {
		return &only.Datum, nil, nil
	}
	return nil, offset, items
}

// urlList is a list of the URLs of data, of frames or of masks. A datum without a mask is null.
type urlList struct {
	Urls []*struct {
		RemotePath string          `json:"remotePath,omitempty"`
		URL        string          `json:"url,omitempty"`
		FrameID    string          `json:"frameId,omitempty"`
		Urls       []gen.SensorURL `json:"urls,omitempty"`
	} `json:"urls"`
	TotalCount int `json:"totalCount"`
}

func (s *Source) urls(ctx context.Context, op transport.Operation, only *File, build transport.Build) (map[Key]string, error) {
	fresh := map[Key]string{}
	o := s.Transport.Do(ctx, op, build, func(body []byte) error {
		var list urlList
		if err := wire.Decode(body, &list); err != nil {
			return err
		}
		clear(fresh)
		several := map[Key]bool{} // masks of two data with the same name, such as a.jpg and a.bmp
		add := func(key Key, signed string) {
			if signed == "" {
				return
			}
			if old, ok := fresh[key]; ok && old != signed {
				several[key] = true
			}
			fresh[key] = signed
		}
		for _, item := range list.Urls {
			if item == nil {
				continue
			}
			add(Key{Path: item.RemotePath}, item.URL)
			for _, u := range item.Urls {
				add(Key{Frame: item.FrameID, Sensor: u.SensorName, Path: u.RemotePath}, u.URL)
			}
		}
		for key := range several {
			delete(fresh, key)
		}
		switch {
		case only == nil:
		case several[only.Key]:
			return wire.Errorf("it holds several urls of %s", redact.Sanitize(only.Key.Path, redact.MaxPath))
		case fresh[only.Key] == "":
			return wire.Errorf("it holds no url of %s", redact.Sanitize(only.Key.Path, redact.MaxPath))
		}
		return nil
	})
	return fresh, s.Fail(o)
}
