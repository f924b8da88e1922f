package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

// A newer service has what openapi.yaml does not list: a job type, a status, a label type, an
// error code, and a field in each object. Clients of today must work with it.
const (
	newerJobType   = "countFiles"
	newerStatus    = "PREPARING"
	newerLabelType = "CUBOID4D"
	newerField     = "addedLater"
	newerCode      = "ResourceNotVisible" // in place of ResourceNotExist
)

// becomeNewer adds the job type and the status.
func (e *Emulator) becomeNewer() error {
	e.jobTypes = maps.Clone(jobTypes)
	e.jobTypes[newerJobType] = &jobType{newTask: newCount}
	e.store.stages = []string{newerStatus, statusProcessing}

	document, err := contract.Parse()
	if err != nil {
		return err
	}
	create := openapi3.NewObjectSchema().WithRequired([]string{"title", "jobType", "arguments"}).
		WithProperty("jobType", openapi3.NewStringSchema().WithEnum(newerJobType))
	union := document.Components.Schemas["CreateJobRequest"].Value
	union.OneOf = append(union.OneOf, create.NewRef())
	union.Discriminator = nil // its mapping has only references
	e.operations = operationsOf(document)
	return nil
}

// A count is the task of the job type that was added.
type count struct {
	version *version
	segment string // all if it is empty
}

func newCount(ds *dataset, raw json.RawMessage) (task, error) {
	var arguments struct{ Commit, SegmentName string }
	if err := decodeArguments(raw, &arguments, "commit"); err != nil {
		return nil, err
	}
	c := ds.commits[arguments.Commit]
	if c == nil {
		return nil, notExist("The dataset %s has no commit %q.", ds.name, arguments.Commit)
	}
	return &count{c.version, arguments.SegmentName}, nil
}

func (c *count) perform(*store, *dataset, time.Time) (json.RawMessage, error) {
	n := 0
	for _, s := range c.version.segments {
		if c.segment == "" || c.segment == s.name {
			n += len(s.data)
		}
	}
	return mustMarshal(map[string]int{"count": n}), nil
}

// addLater adds the field, the label type and the error code to a response.
func (rec *Recorder) addLater() {
	decoder := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	decoder.UseNumber()
	var body any
	if decoder.Decode(&body) != nil {
		return
	}
	if problem, ok := body.(map[string]any); ok && problem["code"] == codeResourceNotExist {
		problem["code"] = newerCode
	}
	extend(body)
	rec.Body.Reset()
	rec.Body.Write(mustMarshal(body))
}

// extend adds a field to each object of a response. The keys of some objects are data.
func extend(value any) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			extend(item)
		}
	case map[string]any:
		for name, member := range v {
			switch name {
			case "label":
				if label, ok := member.(map[string]any); ok {
					for _, labels := range label {
						extend(labels)
					}
					label[newerLabelType] = []any{map[string]any{"category": "car", "cuboid4d": []any{1, 2, 3, 4}}}
				}
			case "attributes", "catalog", "distortionCoefficients", "labelStatistics":
			case "result": // of a job, or the fields of an upload
				if v["expireAt"] == nil {
					extend(member)
				}
			default:
				extend(member)
			}
		}
		v[newerField] = map[string]any{"since": "tomorrow"}
	}
}
