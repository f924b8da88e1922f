package emulator

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// changes are the changes of a commit or a draft of a seed.
type changes struct {
	RemoveSegments []string
	Segments       []seed.Segment
	Catalog, Notes seed.JSON
}

// apply returns a version with changes. It verifies removals if strict.
func (st *State) apply(ds *dataset, v *version, changes changes, strict bool) (*version, error) {
	for _, name := range changes.RemoveSegments {
		if v.segment(name) == nil && strict {
			return nil, fmt.Errorf("there is no segment %q to remove", name)
		}
		v = v.without(name)
	}
	names := make(uniqueNames)
	for _, change := range changes.Segments {
		if err := names.add("segment", change.Name); err != nil {
			return nil, err
		}
		s := v.segment(change.Name)
		if s == nil {
			s = &segment{name: change.Name}
		}
		s, err := st.applySegment(ds, s, change, strict)
		if err != nil {
			return nil, fmt.Errorf("segment %q: %w", change.Name, err)
		}
		v = v.with(s)
	}
	if changes.Catalog != nil {
		c, err := parseCatalog(json.RawMessage(changes.Catalog))
		if err != nil {
			return nil, err
		}
		v = v.withCatalog(c)
	}
	if changes.Notes != nil {
		var wire struct {
			IsContinuous        bool     `json:"isContinuous"`
			BinPointCloudFields []string `json:"binPointCloudFields"`
		}
		if err := json.Unmarshal(changes.Notes, &wire); err != nil {
			return nil, errors.New("the notes are not in their wire form")
		}
		n := notes{isContinuous: wire.IsContinuous}
		n.setFields(wire.BinPointCloudFields)
		v = v.withNotes(n)
	}
	return v, nil
}

func (st *State) applySegment(ds *dataset, s *segment, change seed.Segment, strict bool) (*segment, error) {
	if ds.fusion && change.Data != nil || !ds.fusion && (change.Frames != nil || change.Sensors != nil) {
		return nil, errors.New("a fusion dataset has sensors and frames, a plain one has data")
	}
	if change.Description != "" {
		described := *s
		described.description = change.Description
		s = &described
	}
	names := make(uniqueNames)
	for _, raw := range change.Sensors {
		sensor, err := newSensor(json.RawMessage(raw))
		if err != nil {
			return nil, err
		}
		if err := names.add("sensor", sensor.name); err != nil {
			return nil, err
		}
		s = s.withSensor(sensor)
	}
	for _, remotePath := range change.Remove {
		if s.datum(remotePath) == nil && strict {
			return nil, fmt.Errorf("there is no %q to remove", remotePath)
		}
		s = s.without(func(d *datum) bool { return d.remotePath == remotePath })
	}
	data, err := st.newData(ds, s, change)
	if err != nil {
		return nil, err
	}
	return s.with(data...), nil
}

// newSensor returns a sensor in its wire form.
func newSensor(raw json.RawMessage) (*sensor, error) {
	encoded, err := canonical(raw)
	if err != nil {
		return nil, fmt.Errorf("the sensor %.60s is not in its wire form: %w", raw, err)
	}
	var wire struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(encoded, &wire); err != nil {
		return nil, fmt.Errorf("the sensor %.60s is not in its wire form: %w", raw, err)
	}
	return &sensor{wire.Name, encoded}, nil
}

// newData returns the data that a change adds to a segment.
func (st *State) newData(ds *dataset, s *segment, change seed.Segment) ([]*datum, error) {
	var data []*datum
	paths := make(uniqueNames)
	add := func(frame string, sd seed.Data) error {
		if err := paths.add("remote path", sd.RemotePath); err != nil {
			return err
		}
		d, err := st.newDatum(ds, frame, sd)
		if err == nil && ds.fusion && !s.hasSensor(sd.Sensor) {
			err = fmt.Errorf("there is no sensor %q", sd.Sensor)
		}
		if err != nil {
			return fmt.Errorf("datum %q: %w", sd.RemotePath, err)
		}
		data = append(data, d)
		return nil
	}
	for _, sd := range change.Data {
		if err := add("", sd); err != nil {
			return nil, err
		}
	}
	frames := make(uniqueNames)
	for _, sf := range change.Frames {
		if err := frames.add("frame", sf.ID); err != nil {
			return nil, err
		}
		recorded := make(uniqueNames)
		for _, sd := range sf.Data {
			if err := recorded.add("sensor", sd.Sensor); err != nil {
				return nil, fmt.Errorf("frame %q: %w", sf.ID, err)
			}
			if err := add(sf.ID, sd); err != nil {
				return nil, err
			}
		}
	}
	return data, nil
}

func (st *State) newDatum(ds *dataset, frame string, sd seed.Data) (*datum, error) {
	if sd.Size < 0 {
		return nil, errors.New("the size is negative")
	}
	if sd.Sensor != "" && !ds.fusion {
		return nil, errors.New("only data of a fusion dataset have a sensor")
	}
	label, ok := st.labels[string(sd.Label)]
	if !ok { // many data of a seed have equal labels
		var err error
		if label, err = parseLabel(json.RawMessage(sd.Label), st.newMask); err != nil {
			return nil, err
		}
		st.labels[string(sd.Label)] = label
	}
	b := newNoise(sd.RemotePath, sd.Size)
	if sd.Content != nil {
		b = newBlob(sd.Content)
	}
	return &datum{frame, sd.Sensor, sd.RemotePath, sd.Timestamp, st.contents.add(b), label}, nil
}

// newMask returns the path and the content of a mask of a seed. Without contentBase64 the
// content is generated.
func (st *State) newMask(members rawObject) (string, *blob, error) {
	var wire struct {
		RemotePath    string  `json:"remotePath"`
		ContentBase64 *string `json:"contentBase64"`
	}
	if err := json.Unmarshal(mustMarshal(members), &wire); err != nil || wire.RemotePath == "" {
		return "", nil, errors.New("a mask has no remotePath")
	}
	if wire.ContentBase64 == nil {
		return wire.RemotePath, st.contents.add(newBlob(MaskPNG(wire.RemotePath))), nil
	}
	delete(members, "contentBase64")
	content, err := base64.StdEncoding.DecodeString(*wire.ContentBase64)
	if err != nil {
		return "", nil, fmt.Errorf("contentBase64 of a mask: %w", err)
	}
	return wire.RemotePath, st.contents.add(newBlob(content)), nil
}
