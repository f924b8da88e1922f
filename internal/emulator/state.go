package emulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// A State is the initial state of an emulator. It never changes, so emulators
// share it.
type State struct {
	owner    string
	datasets []*dataset
	contents map[string]*datum // by content id
}

// NewState builds the state that s describes. It resolves every reference of s
// and returns an error if an object is missing or a name is used twice.
func NewState(s *seed.Seed) (*State, error) {
	st := &State{owner: s.Owner, contents: make(map[string]*datum)}
	for _, sd := range s.Datasets {
		ds, err := st.newDataset(sd)
		if err != nil {
			return nil, fmt.Errorf("dataset %q: %w", sd.Name, err)
		}
		st.datasets = append(st.datasets, ds)
	}
	return st, nil
}

func (st *State) newDataset(sd seed.Dataset) (*dataset, error) {
	ds := &dataset{
		id:            cmp.Or(sd.ID, idOf("dataset", sd.Name)),
		name:          sd.Name,
		alias:         sd.Alias,
		fusion:        sd.Fusion,
		public:        sd.Public,
		defaultBranch: cmp.Or(sd.DefaultBranch, "main"),
		catalogs:      make(map[string]*catalog, len(sd.Catalog)),
		commits:       make(map[string]*commit, len(sd.Commits)),
	}
	if ds.name == "" {
		return nil, errors.New("the name is missing")
	}
	for _, other := range st.datasets {
		if other.name == ds.name || other.id == ds.id {
			return nil, errors.New("its name or id is used twice")
		}
	}
	for labelType, sc := range sd.Catalog {
		c, err := newCatalog(sc)
		if err != nil {
			return nil, fmt.Errorf("catalog of %s: %w", labelType, err)
		}
		ds.catalogs[labelType] = c
	}
	byName := make(map[string]*commit, len(sd.Commits))
	for _, sc := range sd.Commits {
		if err := st.addCommit(ds, byName, sc); err != nil {
			return nil, fmt.Errorf("commit %q: %w", sc.Name, err)
		}
	}
	names := make(uniqueNames)
	var err error
	if ds.branches, err = newRefs(sd.Branches, names, byName); err != nil {
		return nil, fmt.Errorf("branch %w", err)
	}
	if ds.tags, err = newRefs(sd.Tags, names, byName); err != nil {
		return nil, fmt.Errorf("tag %w", err)
	}
	if len(ds.commits) > 0 && ds.branch(ds.defaultBranch) == nil {
		return nil, fmt.Errorf("there is no branch %q, its default branch", ds.defaultBranch)
	}
	for _, sd := range sd.Drafts {
		if err := st.addDraft(ds, sd); err != nil {
			return nil, fmt.Errorf("draft %q: %w", sd.Title, err)
		}
	}
	return ds, nil
}

// uniqueNames are names that must be used once.
type uniqueNames map[string]bool

// add adds a name. It returns an error if the name is empty or in use.
func (names uniqueNames) add(kind, name string) error {
	if name == "" {
		return fmt.Errorf("the name of a %s is missing", kind)
	}
	if names[name] {
		return fmt.Errorf("the %s %q is used twice", kind, name)
	}
	names[name] = true
	return nil
}

func (st *State) addCommit(ds *dataset, byName map[string]*commit, sc seed.Commit) error {
	c := &commit{
		id:          cmp.Or(sc.ID, idOf("commit", ds.name, sc.Name)),
		title:       sc.Title,
		description: sc.Description,
		committer:   st.owner,
		date:        time.Unix(int64(sc.Date), 0),
	}
	if sc.Name == "" {
		return errors.New("the name is missing")
	}
	if byName[sc.Name] != nil || ds.commits[c.id] != nil {
		return errors.New("its name or id is used twice")
	}
	if c.id == zeroCommit {
		return errors.New("an id of zeros means no commit")
	}
	base := &content{}
	if sc.Parent != "" {
		if c.parent = byName[sc.Parent]; c.parent == nil {
			return fmt.Errorf("there is no parent %q before it", sc.Parent)
		}
		base = c.parent.content
	}
	var err error
	if c.content, err = st.apply(ds, base, sc.Segments, true); err != nil {
		return err
	}
	byName[sc.Name], ds.commits[c.id] = c, c
	return nil
}

// newRefs resolves branches or tags. A branch and a tag never share a name.
func newRefs(refs []seed.Ref, names uniqueNames, byName map[string]*commit) ([]*ref, error) {
	var resolved []*ref
	for _, r := range refs {
		c := byName[r.Commit]
		if c == nil {
			return nil, fmt.Errorf("%q: there is no commit %q", r.Name, r.Commit)
		}
		if err := names.add("branch or tag", r.Name); err != nil {
			return nil, fmt.Errorf("%q: %w", r.Name, err)
		}
		resolved = append(resolved, &ref{r.Name, c})
	}
	return resolved, nil
}

func (st *State) addDraft(ds *dataset, sd seed.Draft) error {
	head := ds.head(sd.Branch)
	if head == nil {
		return fmt.Errorf("there is no branch %q", sd.Branch)
	}
	status := cmp.Or(sd.Status, draftOpen)
	if !slices.Contains([]string{draftOpen, draftClosed, draftCommitted}, status) {
		return fmt.Errorf("there is no status %q", sd.Status)
	}
	// The branch of a finished draft may have moved: its base is unknown.
	result, err := st.apply(ds, head.content, sd.Segments, status == draftOpen)
	if err != nil {
		return err
	}
	// A seed has no dates of drafts: a draft is as old as its base.
	ds.addDraft(sd.Branch, sd.Title, sd.Description, st.owner, head.date, result).status = status
	return nil
}

// apply returns base with changes. It verifies removals if strict.
func (st *State) apply(ds *dataset, base *content, changes []seed.Segment, strict bool) (*content, error) {
	b := newBuilder(base, ds.fusion)
	segments := make(uniqueNames)
	for _, change := range changes {
		if err := segments.add("segment", change.Name); err != nil {
			return nil, err
		}
		if err := st.applySegment(ds, b.segment(change.Name), change, strict); err != nil {
			return nil, fmt.Errorf("segment %q: %w", change.Name, err)
		}
	}
	return b.build(), nil
}

func (st *State) applySegment(ds *dataset, sb *segmentBuilder, change seed.Segment, strict bool) error {
	if ds.fusion && change.Data != nil || !ds.fusion && (change.Frames != nil || change.Sensors != nil) {
		return errors.New("a fusion dataset has sensors and frames, a plain one has data")
	}
	sb.description = cmp.Or(change.Description, sb.description)
	sensors := make(uniqueNames)
	for _, raw := range change.Sensors {
		var sensor server.Sensor
		if err := json.Unmarshal(raw, &sensor); err != nil {
			return fmt.Errorf("the sensor %s is not in its wire form: %w", raw, err)
		}
		if err := sensors.add("sensor", sensor.Name); err != nil {
			return err
		}
		sb.putSensor(sensor)
	}
	for _, remotePath := range change.Remove {
		if !sb.remove(remotePath) && strict {
			return fmt.Errorf("there is no %q to remove", remotePath)
		}
	}
	paths := make(uniqueNames)
	for _, sd := range change.Data {
		if err := st.put(ds, sb, paths, "", sd); err != nil {
			return err
		}
	}
	frames := make(uniqueNames)
	for _, sf := range change.Frames {
		if err := frames.add("frame", sf.ID); err != nil {
			return err
		}
		recorded := make(uniqueNames)
		for _, sd := range sf.Data {
			if err := recorded.add("sensor", sd.Sensor); err != nil {
				return fmt.Errorf("frame %q: %w", sf.ID, err)
			}
			if err := st.put(ds, sb, paths, sf.ID, sd); err != nil {
				return err
			}
		}
	}
	return nil
}

// put adds a datum to a segment.
func (st *State) put(ds *dataset, sb *segmentBuilder, paths uniqueNames, frame string, sd seed.Data) error {
	if err := paths.add("remote path", sd.RemotePath); err != nil {
		return err
	}
	d, err := st.newDatum(ds, sd)
	if err != nil {
		return fmt.Errorf("datum %q: %w", sd.RemotePath, err)
	}
	if ds.fusion && sb.sensorAt(d.sensor) < 0 {
		return fmt.Errorf("datum %q: there is no sensor %q", sd.RemotePath, sd.Sensor)
	}
	sb.put(item{frame, d})
	return nil
}

func (st *State) newDatum(ds *dataset, sd seed.Data) (*datum, error) {
	if sd.Size < 0 {
		return nil, errors.New("the size is negative")
	}
	if sd.Sensor != "" && !ds.fusion {
		return nil, errors.New("only data of a fusion dataset have a sensor")
	}
	label, err := parseLabel(json.RawMessage(sd.Label), ds.catalogs)
	if err != nil {
		return nil, err
	}
	d := &datum{
		sensor:     sd.Sensor,
		remotePath: sd.RemotePath,
		timestamp:  sd.Timestamp,
		content:    sd.Content,
		size:       sd.Size,
		contentID:  contentID(sd.RemotePath, sd.Size, sd.Content),
		label:      label,
	}
	if sd.Content != nil {
		d.size = int64(len(sd.Content))
	}
	st.contents[d.contentID] = d
	return d, nil
}

// idOf returns a constant id for names.
func idOf(names ...string) string {
	encoded, _ := json.Marshal(names) // strings always encode
	hash := sha256.Sum256(encoded)
	return hex.EncodeToString(hash[:16])
}
