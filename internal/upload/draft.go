package upload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// maxObjects is the maximum number of files in one request.
const maxObjects = 50

// write sends a request for the dataset whose response has no body.
func (u *upload) write(method, path string, request body) error {
	return u.do(method, "datasets/"+u.id+"/"+path, request, nil)
}

// do sends a request to the API and decodes the response, unless into is nil.
func (u *upload) do(method, path string, request body, into any) error {
	var encoded []byte
	if request != nil {
		var err error
		if encoded, err = json.Marshal(request); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(u.ctx, method, u.baseURL+emulator.APIRoot[1:]+"/"+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	r.Header.Set("X-Token", u.accessKey)
	r.Header.Set("Content-Type", "application/json")
	return u.send(r, into)
}

func (u *upload) send(r *http.Request, into any) error {
	response, err := u.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	payload, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", r.Method, r.URL.Path, response.Status, payload)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(payload, into)
}

// sendFile uploads a content and returns its checksum.
func (u *upload) sendFile(content []byte) (string, error) {
	checksum := emulator.Checksum(content)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range u.policy.Result {
		if text, ok := value.(string); ok {
			_ = w.WriteField(name, text) // a buffer does not fail
		}
	}
	_ = w.WriteField("key", u.policy.Extra.ObjectPrefix+checksum)
	file, _ := w.CreateFormFile("file", checksum)
	_, _ = file.Write(content)
	_ = w.Close()
	r, err := http.NewRequestWithContext(u.ctx, http.MethodPost, u.policy.Extra.Host, &form)
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return checksum, u.send(r, nil)
}

// A draftWriter writes to a draft of the new dataset.
type draftWriter struct {
	*upload
	number   int64
	segments map[string]bool // those of the draft
}

func (d *draftWriter) create(branch, title, description string) error {
	if d.segments == nil {
		d.segments = make(map[string]bool)
	}
	var created struct{ DraftNumber int64 }
	err := d.do(http.MethodPost, "datasets/"+d.id+"/drafts", body{"branchName": branch, "title": title, "description": description}, &created)
	d.number = created.DraftNumber
	return err
}

func (d *draftWriter) change(removed []string, segments []seed.Segment, catalog, notes seed.JSON) error {
	for _, name := range removed {
		delete(d.segments, name)
		if err := d.write(http.MethodDelete, "segments", body{"segmentName": name}); err != nil {
			return err
		}
	}
	if catalog != nil {
		if err := d.write(http.MethodPut, "labels/catalogs", body{"catalog": json.RawMessage(catalog)}); err != nil {
			return err
		}
	}
	if notes != nil {
		var request body
		if err := json.Unmarshal(notes, &request); err != nil {
			return err
		}
		if err := d.write(http.MethodPatch, "notes", request); err != nil {
			return err
		}
	}
	for _, s := range segments {
		if err := d.changeSegment(s); err != nil {
			return fmt.Errorf("segment %q: %w", s.Name, err)
		}
	}
	return nil
}

// write sends a request that changes the draft.
func (d *draftWriter) write(method, path string, request body) error {
	request["draftNumber"] = d.number
	return d.upload.write(method, path, request)
}

func (d *draftWriter) changeSegment(s seed.Segment) error {
	if s.Description != "" {
		return errors.New("the API cannot set its description")
	}
	if !d.segments[s.Name] {
		d.segments[s.Name] = true
		if err := d.write(http.MethodPost, "segments", body{"name": s.Name}); err != nil {
			return err
		}
	}
	for _, sensor := range s.Sensors {
		var request body
		if err := json.Unmarshal(sensor, &request); err != nil {
			return err
		}
		request["segmentName"] = s.Name
		if err := d.write(http.MethodPost, "sensors", request); err != nil {
			return err
		}
	}
	for _, path := range s.Remove {
		if err := d.write(http.MethodDelete, "data", body{"segmentName": s.Name, "remotePath": path}); err != nil {
			return err
		}
	}
	query := url.Values{"segmentName": {s.Name}, "draftNumber": {fmt.Sprint(d.number)}, "expired": {"3600"}}
	if err := d.do(http.MethodGet, "datasets/"+d.id+"/policies?"+query.Encode(), nil, &d.policy); err != nil {
		return err
	}
	var objects []body
	add := func(frameID string, data []seed.Data) error {
		for _, datum := range data {
			object, err := d.object(frameID, datum)
			if err != nil {
				return fmt.Errorf("datum %q: %w", datum.RemotePath, err)
			}
			objects = append(objects, object)
		}
		return nil
	}
	if err := add("", s.Data); err != nil {
		return err
	}
	for _, frame := range s.Frames {
		if err := add(frame.ID, frame.Data); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(objects, maxObjects) {
		if err := d.write(http.MethodPut, "multi/callback", body{"segmentName": s.Name, "objects": chunk}); err != nil {
			return err
		}
	}
	return nil
}

// object uploads a datum and its masks, and returns its description.
func (d *draftWriter) object(frameID string, datum seed.Data) (body, error) {
	content := emulator.Content(datum.RemotePath, datum.Size, datum.Content)
	checksum, err := d.sendFile(content)
	if err != nil {
		return nil, err
	}
	object := body{"checksum": checksum, "fileSize": len(content), "remotePath": datum.RemotePath}
	if datum.Timestamp != nil {
		object["timestamp"] = *datum.Timestamp
	}
	if frameID != "" {
		object["frameId"], object["sensorName"] = frameID, datum.Sensor
	}
	if datum.Label == nil {
		return object, nil
	}
	var label map[string]json.RawMessage
	if err := json.Unmarshal(datum.Label, &label); err != nil {
		return nil, err
	}
	for labelType, value := range label {
		if !emulator.IsMask(labelType) {
			continue
		}
		if label[labelType], err = d.mask(value); err != nil {
			return nil, err
		}
	}
	object["label"] = label
	return object, nil
}

// mask uploads a mask and returns its description.
func (d *draftWriter) mask(value json.RawMessage) (json.RawMessage, error) {
	var mask map[string]json.RawMessage
	var form struct {
		RemotePath    string  `json:"remotePath"`
		ContentBase64 *string `json:"contentBase64"`
	}
	if err := errors.Join(json.Unmarshal(value, &mask), json.Unmarshal(value, &form)); err != nil {
		return nil, err
	}
	content := emulator.MaskPNG(form.RemotePath)
	if form.ContentBase64 != nil {
		var err error
		if content, err = base64.StdEncoding.DecodeString(*form.ContentBase64); err != nil {
			return nil, err
		}
	}
	checksum, err := d.sendFile(content)
	if err != nil {
		return nil, err
	}
	delete(mask, "remotePath")
	delete(mask, "contentBase64")
	mask["checksum"], mask["fileSize"] = fmt.Appendf(nil, "%q", checksum), fmt.Append(nil, len(content))
	return json.Marshal(mask)
}
