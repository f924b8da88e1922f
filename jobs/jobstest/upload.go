package jobstest

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// maxObjects is the maximum number of files in one request.
const maxObjects = 50

// Upload creates a dataset through the operations of the API, as a client that writes does,
// and returns its id. It needs no seed when the server starts. The requests are in
// [Server.Requests].
//
// The API determines ids, times and the paths of masks, and numbers the drafts of commits too.
// It returns an error for what the API cannot write: the description of a segment, a second
// commit without a parent, and a draft that is committed or whose Parent is set.
func (s *Server) Upload(dataset SeedDataset) (id string, err error) {
	u := &upload{server: s, dataset: dataset, commits: make(map[string]uploadedCommit)}
	if err := u.run(); err != nil {
		return "", fmt.Errorf("jobstest: upload the dataset %q: %w", dataset.Name, err)
	}
	return u.id, nil
}

// An upload is the state of Upload.
type upload struct {
	server  *Server
	dataset SeedDataset
	id      string
	commits map[string]uploadedCommit // by name
	policy  uploadPolicy              // of the present draft
}

// An uploadPolicy permits uploads for some minutes.
type uploadPolicy struct {
	Result map[string]any
	Extra  struct{ Host, ObjectPrefix string }
}

// An uploadedCommit is a commit of the new dataset.
type uploadedCommit struct {
	id       string
	segments map[string]bool
}

type body = map[string]any

func (u *upload) run() error {
	kind := 0
	if u.dataset.Fusion {
		kind = 1
	}
	var created struct{ ID string }
	err := u.do(http.MethodPost, "datasets", body{
		"name": u.dataset.Name, "type": kind, "alias": u.dataset.Alias, "isPublic": u.dataset.Public,
	}, &created)
	if err != nil {
		return err
	}
	u.id = created.ID
	for _, step := range []func() error{u.createCommits, u.createRefs, u.createDrafts} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const mainBranch = "main"

// createCommits creates the commits. Those that lead to the head of main are committed on it,
// all others on branches that are deleted again.
func (u *upload) createCommits() error {
	onMain := make(map[string]bool)
	main := slices.IndexFunc(u.dataset.Branches, func(r SeedRef) bool { return r.Name == mainBranch })
	if main >= 0 {
		for name := u.dataset.Branches[main].Commit; name != ""; {
			onMain[name] = true
			at := slices.IndexFunc(u.dataset.Commits, func(c SeedCommit) bool { return c.Name == name })
			if at < 0 {
				return fmt.Errorf("there is no commit %q", name)
			}
			name = u.dataset.Commits[at].Parent
		}
	}
	for i, c := range u.dataset.Commits {
		branch := mainBranch
		parent, ok := u.commits[c.Parent]
		switch {
		case i > 0 && !ok:
			return fmt.Errorf("the commit %q has no parent", c.Name)
		case i > 0 && !onMain[c.Name]:
			branch = "upload"
			if err := u.write(http.MethodPost, "branches", body{"name": branch, "commit": parent.id}); err != nil {
				return err
			}
		case i == 0 && c.Catalog == nil:
			c.Catalog = u.dataset.Catalog
		}
		if err := u.createCommit(branch, parent, c); err != nil {
			return fmt.Errorf("commit %q: %w", c.Name, err)
		}
		if branch != mainBranch {
			if err := u.write(http.MethodDelete, "branches", body{"name": branch}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (u *upload) createCommit(branch string, parent uploadedCommit, c SeedCommit) error {
	d := draftWriter{upload: u, segments: maps.Clone(parent.segments)}
	if err := d.create(branch, c.Title, ""); err != nil {
		return err
	}
	if err := d.change(c.RemoveSegments, c.Segments, c.Catalog, c.Notes); err != nil {
		return err
	}
	var committed struct{ CommitID string }
	request := body{"title": c.Title, "draftNumber": d.number, "description": c.Description}
	if err := u.do(http.MethodPost, "datasets/"+u.id+"/commits", request, &committed); err != nil {
		return err
	}
	u.commits[c.Name] = uploadedCommit{committed.CommitID, d.segments}
	return nil
}

// createRefs creates the branches and tags, and sets the default branch.
func (u *upload) createRefs() error {
	hasMain := len(u.dataset.Branches) == 0
	for _, r := range u.dataset.Branches {
		if r.Name == mainBranch {
			hasMain = true
			continue
		}
		if err := u.write(http.MethodPost, "branches", body{"name": r.Name, "commit": u.commits[r.Commit].id}); err != nil {
			return err
		}
	}
	if u.dataset.DefaultBranch != "" {
		if err := u.do(http.MethodPatch, "datasets/"+u.id, body{"defaultBranch": u.dataset.DefaultBranch}, nil); err != nil {
			return err
		}
	}
	if !hasMain {
		if err := u.write(http.MethodDelete, "branches", body{"name": mainBranch}); err != nil {
			return err
		}
	}
	for _, r := range u.dataset.Tags {
		if err := u.write(http.MethodPost, "tags", body{"name": r.Name, "commit": u.commits[r.Commit].id}); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) createDrafts() error {
	for _, sd := range u.dataset.Drafts {
		if sd.Status == "COMMITTED" || sd.Parent != "" {
			return fmt.Errorf("draft %q: it is committed, or its parent is set", sd.Title)
		}
		head := uploadedCommit{}
		if at := slices.IndexFunc(u.dataset.Branches, func(r SeedRef) bool { return r.Name == sd.Branch }); at >= 0 {
			head = u.commits[u.dataset.Branches[at].Commit]
		}
		d := draftWriter{upload: u, segments: maps.Clone(head.segments)}
		err := d.create(sd.Branch, sd.Title, sd.Description)
		if err == nil {
			err = d.change(sd.RemoveSegments, sd.Segments, sd.Catalog, sd.Notes)
		}
		if err == nil && sd.Status == "CLOSED" {
			err = u.write(http.MethodPatch, fmt.Sprint("drafts/", d.number), body{"status": "CLOSED"})
		}
		if err != nil {
			return fmt.Errorf("draft %q: %w", sd.Title, err)
		}
	}
	return nil
}

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
	r, err := http.NewRequest(method, u.server.URL()+emulator.APIRoot[1:]+"/"+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	r.Header.Set("X-Token", u.server.AccessKey())
	r.Header.Set("Content-Type", "application/json")
	return u.send(r, into)
}

func (u *upload) send(r *http.Request, into any) error {
	response, err := u.server.Client().Do(r)
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
	sum := sha1.Sum(content)
	checksum := hex.EncodeToString(sum[:])
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
	r, err := http.NewRequest(http.MethodPost, u.policy.Extra.Host, &form)
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

func (d *draftWriter) change(removed []string, segments []SeedSegment, catalog, notes json.RawMessage) error {
	for _, name := range removed {
		delete(d.segments, name)
		if err := d.write(http.MethodDelete, "segments", body{"segmentName": name}); err != nil {
			return err
		}
	}
	if catalog != nil {
		if err := d.write(http.MethodPut, "labels/catalogs", body{"catalog": catalog}); err != nil {
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

func (d *draftWriter) changeSegment(s SeedSegment) error {
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
	add := func(frameID string, data []SeedData) error {
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
func (d *draftWriter) object(frameID string, datum SeedData) (body, error) {
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
	var form struct{ RemotePath, ContentBase64 string }
	if err := errors.Join(json.Unmarshal(value, &mask), json.Unmarshal(value, &form)); err != nil {
		return nil, err
	}
	content := emulator.MaskPNG(form.RemotePath)
	if form.ContentBase64 != "" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(form.ContentBase64); err != nil {
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
