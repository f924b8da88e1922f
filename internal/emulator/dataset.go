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

// keptResults is the number of search results of a dataset that can be read.
const keptResults = 5

const (
	draftOpen      = "OPEN"
	draftClosed    = "CLOSED"
	draftCommitted = "COMMITTED"
)

// A dataset holds its history and its jobs. The first group of fields never
// changes.
type dataset struct {
	id, name, alias string
	fusion, public  bool
	defaultBranch   string
	catalogs        map[string]*catalog

	commits   map[string]*commit
	branches  []*ref
	tags      []*ref
	drafts    []*draft // in ascending order of their numbers
	lastDraft int64
	jobs      map[string][]*job // by job type, oldest first
	results   []*searchResult   // the latest, oldest first
}

// A commit never changes.
type commit struct {
	id          string
	parent      *commit // nil if there is none
	title       string
	description string
	committer   string
	date        time.Time
	content     *content
}

func (c *commit) parentID() string { return idOrZero(c.parent) }

func idOrZero(c *commit) string {
	if c == nil {
		return zeroCommit
	}
	return c.id
}

// A ref is a branch or a tag.
type ref struct {
	name   string
	commit *commit
}

// A draft holds the complete content of a change that is not committed.
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
	content     *content
}

// A searchResult is the result of a basic search. It never changes.
type searchResult struct {
	id, commitID string
	dataset      *dataset
	content      *content
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
	copied.results = nil
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

func find(refs []*ref, name string) *ref {
	for _, r := range refs {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (ds *dataset) branch(name string) *ref { return find(ds.branches, name) }

// head returns the commit of a branch, nil if there is none.
func (ds *dataset) head(branch string) *commit {
	if b := ds.branch(branch); b != nil {
		return b.commit
	}
	return nil
}

// revision returns the commit with an id, or that of a branch or tag. The empty
// revision means the default branch.
func (ds *dataset) revision(revision string) (*commit, error) {
	if revision == "" {
		revision = ds.defaultBranch
	}
	if c := ds.commits[revision]; c != nil {
		return c, nil
	}
	if c := ds.head(revision); c != nil {
		return c, nil
	}
	if tag := find(ds.tags, revision); tag != nil {
		return tag.commit, nil
	}
	return nil, notExist("The dataset %s has no commit, branch or tag %s.", ds.name, revision)
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
func (ds *dataset) addDraft(branch, title, description, author string, now time.Time, result *content) *draft {
	ds.lastDraft++
	d := &draft{
		number:      ds.lastDraft,
		title:       title,
		description: description,
		branch:      branch,
		status:      draftOpen,
		parent:      ds.head(branch),
		author:      author,
		created:     now,
		updated:     now,
		content:     result,
	}
	ds.drafts = append(ds.drafts, d)
	return d
}

func (d *draft) close(now time.Time) error {
	if d.status != draftOpen {
		return invalid("The draft %d is %s, not %s.", d.number, d.status, draftOpen)
	}
	d.status, d.updated = draftClosed, now
	return nil
}

// commitDraft commits an open draft and moves its branch to the new commit.
func (ds *dataset) commitDraft(d *draft, now time.Time) error {
	if d.status != draftOpen {
		return invalid("The draft %d is %s, not %s.", d.number, d.status, draftOpen)
	}
	c := &commit{
		id:          newID(),
		parent:      ds.head(d.branch),
		title:       d.title,
		description: d.description,
		committer:   d.author,
		date:        now,
		content:     d.content,
	}
	ds.commits[c.id] = c
	if branch := ds.branch(d.branch); branch != nil {
		branch.commit = c
	} else {
		ds.branches = append(ds.branches, &ref{d.branch, c})
	}
	d.status, d.updated = draftCommitted, now
	return nil
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
