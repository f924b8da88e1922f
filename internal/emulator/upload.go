package emulator

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

const (
	// UploadOperation is the operation of an upload to the data host.
	UploadOperation = "upload"

	uploadPath = "upload"
	// maxUpload is the default of Config.MaxUpload.
	maxUpload = 64 << 20
	// maxField and maxFields limit the other fields of the form.
	maxField  = 4 << 10
	maxFields = 32
	// maxForm limits the body of an upload.
	maxForm = maxUpload + (maxFields+1)*2*maxField
	// maxPolicy limits the lifetime of a policy, in seconds.
	maxPolicy = 24 * 60 * 60
)

// A policy permits uploads to a dataset. Its encoding is a field of the form.
type policy struct {
	DatasetID string `json:"datasetId"`
	Prefix    string `json:"prefix"`
	ExpireAt  int64  `json:"expireAt"`
}

func (a *api) GetPolicy(_ context.Context, request server.GetPolicyRequestObject) (server.GetPolicyResponseObject, error) {
	now := a.lock()
	defer a.unlock()
	ds, err := a.store.dataset(request.DatasetID)
	if err != nil {
		return nil, err
	}
	d, err := ds.draft(request.Params.DraftNumber)
	if err == nil {
		err = d.checkOpen()
	}
	if err != nil {
		return nil, err
	}
	lifetime := 240
	set(&lifetime, request.Params.Expired)
	if lifetime < 1 || lifetime > maxPolicy {
		return nil, invalid("expired is not between 1 and %d seconds.", maxPolicy)
	}
	p := policy{ds.id, ds.id + "/", now.Unix() + int64(lifetime)}
	encoded := base64.StdEncoding.EncodeToString(mustMarshal(p))
	return server.GetPolicy200JSONResponse{
		Result: map[string]any{"multipleUploadLimit": 10, "policy": encoded, "signature": a.signer.signature(uploadPath, encoded)},
		Extra: server.Policy_Extra{
			Host: a.config.DataURL + uploadPath, ObjectPrefix: p.Prefix, BackendType: "oss",
		},
		ExpireAt: p.ExpireAt,
	}, nil
}

// A form is what precedes the file in an upload.
type form map[string]string

// serveUpload stores the file of a form. It checks the policy before it reads the file.
func (e *Emulator) serveUpload(w http.ResponseWriter, r *http.Request) {
	if !e.checkNoKey(r) {
		WriteError(w, http.StatusBadRequest, "An access key was sent to a data host.")
		return
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := e.upload(r, time.Now()); err != nil {
		writeError(w, asAPIError(err))
		return
	}
	must(empty{}.write(w))
}

func (e *Emulator) upload(r *http.Request, now time.Time) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return invalid("The upload is not multipart/form-data.")
	}
	fields := make(form)
	for range maxFields {
		part, err := parts.NextPart()
		if err != nil {
			return missing("The form has no field file.")
		}
		if part.FormName() == "file" {
			return e.uploadFile(fields, part, now)
		}
		value, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil || len(value) > maxField {
			return invalid("The field %.40q cannot be read, or is larger than %d bytes.", part.FormName(), maxField)
		}
		fields[part.FormName()] = string(value)
	}
	return invalid("The form has more than %d fields before the file.", maxFields)
}

func (e *Emulator) uploadFile(fields form, file *multipart.Part, now time.Time) error {
	p, err := e.policyOf(fields, now)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(io.LimitReader(file, e.config.MaxUpload+1))
	switch {
	case err != nil:
		return invalid("The file cannot be read: %v", err)
	case int64(len(content)) > e.config.MaxUpload:
		return invalid("The file is larger than %d bytes.", e.config.MaxUpload)
	}
	b := newBlob(content)
	if fields["key"] != p.Prefix+b.id {
		return invalid("The key is not %s and the SHA-1 of the file, which is %s.", p.Prefix, b.id)
	}
	e.lock()
	defer e.unlock()
	ds, err := e.store.dataset(p.DatasetID)
	if err != nil {
		return err
	}
	if e.store.contents[b.id] == nil {
		if err := e.checkRoom(b.size); err != nil {
			return err
		}
		e.store.stored += b.size
	}
	ds.uploads.add(e.store.contents.add(b))
	return nil
}

// policyOf returns the policy of a form, or an error if it does not permit the upload.
func (e *Emulator) policyOf(fields form, now time.Time) (p policy, err error) {
	if !hmac.Equal([]byte(e.signer.signature(uploadPath, fields["policy"])), []byte(fields["signature"])) {
		return p, forbidden("The policy is missing, or its signature is wrong.")
	}
	decoded, err := base64.StdEncoding.DecodeString(fields["policy"])
	if err == nil {
		err = json.Unmarshal(decoded, &p)
	}
	if err != nil {
		return p, forbidden("The policy cannot be read.")
	}
	if now.Unix() >= p.ExpireAt {
		return p, forbidden("The policy has expired.")
	}
	if len(fields["key"]) != len(p.Prefix)+40 || fields["key"][:len(p.Prefix)] != p.Prefix {
		return p, forbidden("The key %.100q is not %s and a SHA-1.", fields["key"], p.Prefix)
	}
	return p, nil
}

// uploaded returns the content with a checksum if it was uploaded to the dataset.
func (ds *dataset) uploaded(checksum string, size int64) (*blob, error) {
	b := ds.uploads[checksum]
	switch {
	case b == nil:
		return nil, fmt.Errorf("no file with the checksum %s was uploaded to the dataset", checksum)
	case b.size != size:
		return nil, errors.New("the fileSize is not that of the uploaded file")
	}
	return b, nil
}
