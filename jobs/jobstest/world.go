package jobstest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A world is a seed made ready to serve. It never changes: servers with the
// same seed share one.
type world struct {
	owner    string
	datasets []*dataset
	contents map[string]*datum // by content id
}

var loadDefaultWorld = sync.OnceValues(func() (*world, error) {
	seed, err := defaultSeed()
	if err != nil {
		return nil, fmt.Errorf("jobstest: the default seed: %w", err)
	}
	return newWorld(seed)
})

func loadWorld(seed *Seed) (*world, error) {
	if seed == nil {
		return loadDefaultWorld()
	}
	return newWorld(*seed)
}

func newWorld(seed Seed) (*world, error) {
	w := &world{owner: seed.Owner, contents: make(map[string]*datum)}
	for _, sd := range seed.Datasets {
		ds, err := w.addDataset(sd)
		if err != nil {
			return nil, fmt.Errorf("jobstest: the seed: dataset %q: %w", sd.Name, err)
		}
		w.datasets = append(w.datasets, ds)
	}
	return w, nil
}

func (w *world) addDataset(sd SeedDataset) (*dataset, error) {
	ds := &dataset{
		id:            orElse(sd.ID, idOf("dataset", sd.Name)),
		name:          sd.Name,
		alias:         sd.Alias,
		fusion:        sd.Fusion,
		public:        sd.Public,
		defaultBranch: orElse(sd.DefaultBranch, "main"),
		catalogs:      make(map[string]*catalog, len(sd.Catalog)),
		commits:       make(map[string]*commit, len(sd.Commits)),
	}
	if ds.name == "" {
		return nil, errors.New("it has no name")
	}
	for _, other := range w.datasets {
		if other.name == ds.name || other.id == ds.id {
			return nil, errors.New("its name or id is taken")
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
		if err := w.addCommit(ds, byName, sc); err != nil {
			return nil, fmt.Errorf("commit %q: %w", sc.Name, err)
		}
	}
	var err error
	if ds.branches, err = newRefs(sd.Branches, byName); err != nil {
		return nil, fmt.Errorf("branch %w", err)
	}
	if ds.tags, err = newRefs(sd.Tags, byName); err != nil {
		return nil, fmt.Errorf("tag %w", err)
	}
	if len(ds.commits) > 0 && ds.branch(ds.defaultBranch) == nil {
		return nil, fmt.Errorf("it has commits but no branch %q, its default branch", ds.defaultBranch)
	}
	for _, sd := range sd.Drafts {
		if err := w.addDraft(ds, sd); err != nil {
			return nil, fmt.Errorf("draft %q: %w", sd.Title, err)
		}
	}
	return ds, nil
}

func (w *world) addCommit(ds *dataset, byName map[string]*commit, sc SeedCommit) error {
	c := &commit{
		id:          orElse(sc.ID, idOf("commit", ds.name, sc.Name)),
		title:       sc.Title,
		description: sc.Description,
		committer:   w.owner,
		date:        time.Unix(sc.Date, 0),
	}
	if sc.Name == "" {
		return errors.New("it has no name")
	}
	if byName[sc.Name] != nil || ds.commits[c.id] != nil {
		return errors.New("its name or id is taken")
	}
	base := &content{}
	if sc.Parent != "" {
		if c.parent = byName[sc.Parent]; c.parent == nil {
			return fmt.Errorf("its parent %q does not stand before it", sc.Parent)
		}
		base = c.parent.content
	}
	var err error
	if c.content, err = w.apply(ds, base, sc.Segments); err != nil {
		return err
	}
	byName[sc.Name], ds.commits[c.id] = c, c
	return nil
}

func newRefs(seeds []SeedRef, byName map[string]*commit) ([]*ref, error) {
	var refs []*ref
	for _, sr := range seeds {
		c := byName[sr.Commit]
		if c == nil {
			return nil, fmt.Errorf("%q: there is no commit %q", sr.Name, sr.Commit)
		}
		if sr.Name == "" || find(refs, sr.Name) != nil {
			return nil, fmt.Errorf("%q: the name is empty or taken", sr.Name)
		}
		refs = append(refs, &ref{sr.Name, c})
	}
	return refs, nil
}

func (w *world) addDraft(ds *dataset, sd SeedDraft) error {
	head := ds.head(sd.Branch)
	if head == nil {
		return fmt.Errorf("there is no branch %q", sd.Branch)
	}
	held, err := w.apply(ds, head.content, sd.Segments)
	if err != nil {
		return err
	}
	// A seed has no time for drafts: they are as old as what they start from.
	d := ds.addDraft(sd.Branch, sd.Title, sd.Description, w.owner, head.date, held)
	switch sd.Status {
	case "":
	case draftOpen, draftClosed, draftCommitted:
		d.status = sd.Status
	default:
		return fmt.Errorf("there is no status %q", sd.Status)
	}
	return nil
}

// apply makes the content that is base with changes.
func (w *world) apply(ds *dataset, base *content, changes []SeedSegment) (*content, error) {
	b := newBuilder(base, ds.fusion)
	for _, change := range changes {
		if err := w.applySegment(ds, b.segment(change.Name), change); err != nil {
			return nil, fmt.Errorf("segment %q: %w", change.Name, err)
		}
	}
	return b.build(), nil
}

func (w *world) applySegment(ds *dataset, sb *segmentBuilder, change SeedSegment) error {
	if ds.fusion && len(change.Data) > 0 || !ds.fusion && len(change.Frames)+len(change.Sensors) > 0 {
		return errors.New("a fusion dataset has sensors and frames, a plain one has data")
	}
	sb.description = orElse(change.Description, sb.description)
	for _, raw := range change.Sensors {
		var sensor server.Sensor
		if err := json.Unmarshal(raw, &sensor); err != nil || sensor.Name == "" {
			return fmt.Errorf("the sensor %s has no name or is not in its wire form", raw)
		}
		sb.putSensor(sensor)
	}
	for _, remotePath := range change.Remove {
		if !sb.remove(remotePath) {
			return fmt.Errorf("there is no %q to remove", remotePath)
		}
	}
	var added []string
	put := func(frame string, sd SeedData) error {
		d, err := w.addDatum(ds, sd)
		if err != nil {
			return fmt.Errorf("datum %q: %w", sd.RemotePath, err)
		}
		if ds.fusion && sb.sensorAt(d.sensor) < 0 {
			return fmt.Errorf("datum %q: there is no sensor %q", sd.RemotePath, sd.Sensor)
		}
		added = append(added, d.remotePath)
		sb.put(item{frame, d})
		return nil
	}
	for _, sd := range change.Data {
		if err := put("", sd); err != nil {
			return err
		}
	}
	for _, sf := range change.Frames {
		if sf.ID == "" {
			return errors.New("a frame has no id")
		}
		for _, sd := range sf.Data {
			if err := put(sf.ID, sd); err != nil {
				return err
			}
		}
	}
	slices.Sort(added)
	if unique := len(slices.Compact(added)); unique != len(added) {
		return errors.New("a remote path stands in it twice")
	}
	return nil
}

func (w *world) addDatum(ds *dataset, sd SeedData) (*datum, error) {
	if sd.RemotePath == "" {
		return nil, errors.New("it has no remote path")
	}
	if sd.Size < 0 {
		return nil, errors.New("its size is negative")
	}
	if (sd.Sensor != "") != ds.fusion {
		return nil, errors.New("the data of fusion datasets have a sensor, and only those")
	}
	label, err := parseLabel(sd.Label, ds.catalogs)
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
	w.contents[d.contentID] = d
	return d, nil
}

// idOf makes an id out of names, always the same.
func idOf(names ...string) string {
	encoded, _ := json.Marshal(names) // strings can be marshalled
	hash := sha256.Sum256(encoded)
	return hex.EncodeToString(hash[:16])
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
