package emulator

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// zeroCommit is the id of the commit before the first commit.
var zeroCommit = strings.Repeat("0", 32)

// defaultBranch is the default branch of a new dataset.
const defaultBranch = "main"

// keptResults is the number of search results of a dataset that can be read.
const keptResults = 5

const (
	draftOpen      = "OPEN"
	draftClosed    = "CLOSED"
	draftCommitted = "COMMITTED"
)

// A dataset holds its history and its jobs.
type dataset struct {
	id            string // it never changes, nor does fusion
	fusion        bool
	name, alias   string
	public        bool
	defaultBranch string
	updated       time.Time

	commits   map[string]*commit
	branches  []*ref   // by name
	tags      []*ref   // by name
	drafts    []*draft // in ascending order of their numbers
	lastDraft int64
	jobs      map[string][]*job // by job type, oldest first
	results   []*searchResult   // the latest, oldest first
	uploads   blobs             // the contents that were uploaded to the dataset
}

// A commit never changes.
type commit struct {
	id          string
	parent      *commit // nil if there is none
	title       string
	description string
	committer   string
	date        time.Time
	version     *version
}

func (c *commit) parentID() string { return idOrZero(c.parent) }

func idOrZero(c *commit) string {
	if c == nil {
		return zeroCommit
	}
	return c.id
}

// A ref is a branch or a tag. Its commit is nil if a branch has no commit yet.
type ref struct {
	name   string
	commit *commit
}

func compareRef(r *ref, name string) int { return strings.Compare(r.name, name) }

// version returns the version of the head of a branch.
func (r *ref) version() *version { return versionOf(r.commit) }

// versionOf returns the version of a commit, which may be nil.
func versionOf(c *commit) *version {
	if c == nil {
		return emptyVersion
	}
	return c.version
}

// A draft holds the complete state of a change that is not committed.
type draft struct {
	number      int64
	title       string
	description string
	branch      string
	status      string
	parent      *commit
	author      string
	created     time.Time
	updated     time.Time
	version     *version
}

// A searchResult is the result of a basic search. It never changes.
type searchResult struct {
	id, commitID string
	dataset      *dataset
	version      *version
}

// newDataset returns a dataset whose default branch has no commit.
func newDataset(id, name string, fusion bool, now time.Time) *dataset {
	return &dataset{
		id:            id,
		name:          name,
		fusion:        fusion,
		defaultBranch: defaultBranch,
		updated:       now,
		commits:       make(map[string]*commit),
		branches:      []*ref{{name: defaultBranch}},
		jobs:          make(map[string][]*job),
		uploads:       make(blobs),
	}
}

// clone returns a copy whose changes do not affect ds.
func (ds *dataset) clone() *dataset {
	copied := *ds
	copied.commits = make(map[string]*commit, len(ds.commits))
	maps.Copy(copied.commits, ds.commits)
	copied.branches = cloneAll(ds.branches)
	copied.tags = cloneAll(ds.tags)
	copied.drafts = cloneAll(ds.drafts)
	copied.jobs = make(map[string][]*job)
	copied.uploads = make(blobs)
	return &copied
}

func cloneAll[T any](pointers []*T) []*T {
	cloned := make([]*T, len(pointers))
	for i, p := range pointers {
		copied := *p
		cloned[i] = &copied
	}
	return cloned
}

// find returns the ref with a name, nil if there is none.
func find(refs []*ref, name string) *ref {
	if at, ok := slices.BinarySearchFunc(refs, name, compareRef); ok {
		return refs[at]
	}
	return nil
}

// insert returns refs with another ref.
func insert(refs []*ref, added *ref) []*ref {
	at, _ := slices.BinarySearchFunc(refs, added.name, compareRef)
	return slices.Insert(refs, at, added)
}

func (ds *dataset) branch(name string) *ref { return find(ds.branches, name) }

func (ds *dataset) noBranch(name string) error {
	return notExist("The dataset %s has no branch %q.", ds.name, name)
}

// head returns the newest commit of the default branch, nil if there is none.
func (ds *dataset) head() *commit {
	if branch := ds.branch(ds.defaultBranch); branch != nil {
		return branch.commit
	}
	return nil
}

// revision returns the commit with an id, or that of a branch or tag. The empty revision
// means the default branch. The commit is nil before the first commit.
func (ds *dataset) revision(revision string) (*commit, error) {
	if revision == "" {
		revision = ds.defaultBranch
	}
	if revision == zeroCommit {
		return nil, nil
	}
	if c := ds.commits[revision]; c != nil {
		return c, nil
	}
	for _, refs := range [][]*ref{ds.branches, ds.tags} {
		if r := find(refs, revision); r != nil {
			return r.commit, nil
		}
	}
	return nil, notExist("The dataset %s has no commit, branch or tag %q.", ds.name, revision)
}

// checkNewRef returns an error if a branch or a tag has a name.
func (ds *dataset) checkNewRef(name string) error {
	if find(ds.branches, name) != nil || find(ds.tags, name) != nil {
		return conflict("The dataset %s has a branch or a tag %q.", ds.name, name)
	}
	return nil
}

func (ds *dataset) draft(number int64) (*draft, error) {
	for _, d := range ds.drafts {
		if d.number == number {
			return d, nil
		}
	}
	return nil, notExist("The dataset %s has no draft %d.", ds.name, number)
}

// addDraft adds an open draft on a branch.
func (ds *dataset) addDraft(branch *ref, title, description, author string, now time.Time, v *version) *draft {
	ds.lastDraft++
	d := &draft{
		number:      ds.lastDraft,
		title:       title,
		description: description,
		branch:      branch.name,
		status:      draftOpen,
		parent:      branch.commit,
		author:      author,
		created:     now,
		updated:     now,
		version:     v,
	}
	ds.drafts = append(ds.drafts, d)
	return d
}

func (d *draft) checkOpen() error {
	if d.status != draftOpen {
		return invalid("The draft %d is %s, not %s.", d.number, d.status, draftOpen)
	}
	return nil
}

func (d *draft) close(now time.Time) error {
	if err := d.checkOpen(); err != nil {
		return err
	}
	d.status, d.updated = draftClosed, now
	return nil
}

// commitDraft commits an open draft and moves its branch to the new commit. If the branch has
// moved since the draft was created, the new commit still holds the state of the draft only,
// because the behavior of the service is unknown.
func (ds *dataset) commitDraft(d *draft, title, description string, now time.Time) (*commit, error) {
	if err := d.checkOpen(); err != nil {
		return nil, err
	}
	branch := ds.branch(d.branch)
	if branch == nil {
		return nil, ds.noBranch(d.branch)
	}
	c := &commit{
		id:          newID(),
		parent:      branch.commit,
		title:       title,
		description: description,
		committer:   d.author,
		date:        now,
		version:     d.version,
	}
	ds.commits[c.id] = c
	branch.commit = c
	d.status, d.updated, ds.updated = draftCommitted, now, now
	return c, nil
}

func (ds *dataset) deleteDraft(d *draft) {
	ds.drafts = slices.DeleteFunc(ds.drafts, func(other *draft) bool { return other == d })
}

// newID returns a random id in the form of the service: 32 hex digits.
func newID() string {
	id := make([]byte, 16)
	rand.Read(id)
	return hex.EncodeToString(id)
}
