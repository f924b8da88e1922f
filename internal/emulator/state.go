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

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// A State is the initial state of an emulator. It never changes, so emulators
// share it.
type State struct {
	owner    string
	datasets []*dataset
	contents blobs
	labels   map[string]*label // by their form in the seed; nil when the state is built
}

// NewState builds the state that s describes. It resolves every reference of s
// and returns an error if an object is missing or a name is used twice.
func NewState(s *seed.Seed) (*State, error) {
	st := &State{owner: s.Owner, contents: make(blobs), labels: make(map[string]*label)}
	for _, sd := range s.Datasets {
		ds, err := st.newDataset(sd)
		if err != nil {
			return nil, fmt.Errorf("dataset %q: %w", sd.Name, err)
		}
		st.datasets = append(st.datasets, ds)
	}
	st.labels = nil
	return st, nil
}

func (st *State) newDataset(sd seed.Dataset) (*dataset, error) {
	ds := newDataset(cmp.Or(sd.ID, idOf("dataset", sd.Name)), sd.Name, sd.Fusion, date(sd.Updated))
	ds.alias, ds.public, ds.defaultBranch = sd.Alias, sd.Public, cmp.Or(sd.DefaultBranch, defaultBranch)
	if ds.name == "" {
		return nil, errors.New("the name is missing")
	}
	for _, other := range st.datasets {
		if other.name == ds.name || other.id == ds.id {
			return nil, errors.New("its name or id is used twice")
		}
	}
	first := emptyVersion
	if sd.Catalog != nil {
		c, err := parseCatalog(json.RawMessage(sd.Catalog))
		if err != nil {
			return nil, err
		}
		first = first.withCatalog(c)
	}
	byName := make(map[string]*commit, len(sd.Commits))
	for _, sc := range sd.Commits {
		if err := st.addCommit(ds, byName, sc, first); err != nil {
			return nil, fmt.Errorf("commit %q: %w", sc.Name, err)
		}
		if sd.Updated == 0 && date(sc.Date).After(ds.updated) {
			ds.updated = date(sc.Date)
		}
	}
	names := make(uniqueNames)
	var err error
	if ds.branches, err = newRefs(sd.Branches, names, byName); err != nil {
		return nil, fmt.Errorf("branch %w", err)
	}
	if len(sd.Branches) == 0 && len(sd.Commits) == 0 {
		ds.branches = []*ref{{name: ds.defaultBranch}}
	}
	if ds.tags, err = newRefs(sd.Tags, names, byName); err != nil {
		return nil, fmt.Errorf("tag %w", err)
	}
	if ds.branch(ds.defaultBranch) == nil {
		return nil, fmt.Errorf("there is no branch %q, its default branch", ds.defaultBranch)
	}
	for _, sd := range sd.Drafts {
		if err := st.addDraft(ds, byName, sd); err != nil {
			return nil, fmt.Errorf("draft %q: %w", sd.Title, err)
		}
	}
	return ds, nil
}

func date(d seed.Date) time.Time { return time.Unix(int64(d), 0) }

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

// addCommit adds a commit. A commit without a parent changes the version first.
func (st *State) addCommit(ds *dataset, byName map[string]*commit, sc seed.Commit, first *version) error {
	c := &commit{
		id:          cmp.Or(sc.ID, idOf("commit", ds.name, sc.Name)),
		title:       sc.Title,
		description: sc.Description,
		committer:   st.owner,
		date:        date(sc.Date),
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
	if sc.Parent != "" {
		if c.parent = byName[sc.Parent]; c.parent == nil {
			return fmt.Errorf("there is no parent %q before it", sc.Parent)
		}
		first = c.parent.version
	}
	var err error
	if c.version, err = st.apply(ds, first, changes{sc.RemoveSegments, sc.Segments, sc.Catalog, sc.Notes}, true); err != nil {
		return err
	}
	byName[sc.Name], ds.commits[c.id] = c, c
	return nil
}

// newRefs resolves branches or tags. A branch and a tag never share a name. Only a branch may
// have no commit.
func newRefs(refs []seed.Ref, names uniqueNames, byName map[string]*commit) ([]*ref, error) {
	var resolved []*ref
	for _, r := range refs {
		c := byName[r.Commit]
		if c == nil && (r.Commit != "" || len(byName) > 0) {
			return nil, fmt.Errorf("%q: there is no commit %q", r.Name, r.Commit)
		}
		if err := names.add("branch or tag", r.Name); err != nil {
			return nil, fmt.Errorf("%q: %w", r.Name, err)
		}
		resolved = insert(resolved, &ref{r.Name, c})
	}
	return resolved, nil
}

func (st *State) addDraft(ds *dataset, byName map[string]*commit, sd seed.Draft) error {
	branch := ds.branch(sd.Branch)
	if sd.Parent != "" { // the branch may have moved
		branch = &ref{sd.Branch, byName[sd.Parent]}
		if branch.commit == nil && sd.Parent != zeroCommit {
			return fmt.Errorf("there is no parent %q", sd.Parent)
		}
	}
	if branch == nil {
		return fmt.Errorf("there is no branch %q", sd.Branch)
	}
	status := cmp.Or(sd.Status, draftOpen)
	if !slices.Contains([]string{draftOpen, draftClosed, draftCommitted}, status) {
		return fmt.Errorf("there is no status %q", sd.Status)
	}
	// The branch of a finished draft may have moved: its base is unknown.
	result, err := st.apply(ds, branch.version(), changes{sd.RemoveSegments, sd.Segments, sd.Catalog, sd.Notes}, status == draftOpen)
	if err != nil {
		return err
	}
	if sd.Number != 0 {
		if sd.Number <= ds.lastDraft {
			return fmt.Errorf("the number %d is not above %d, that of the draft before it", sd.Number, ds.lastDraft)
		}
		ds.lastDraft = sd.Number - 1
	}
	created := date(sd.Date)
	if sd.Date == 0 && branch.commit != nil {
		created = branch.commit.date
	}
	d := ds.addDraft(branch, sd.Title, sd.Description, st.owner, created, result)
	d.status = status
	if sd.Updated != 0 {
		d.updated = date(sd.Updated)
	}
	return nil
}

// idOf returns a constant id for names.
func idOf(names ...string) string {
	encoded, _ := json.Marshal(names) // strings always encode
	hash := sha256.Sum256(encoded)
	return hex.EncodeToString(hash[:16])
}
