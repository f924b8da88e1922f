package jobstest

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

// keptResults is how many search results of a dataset can be read.
const keptResults = 5

const (
	draftOpen      = "OPEN"
	draftClosed    = "CLOSED"
	draftCommitted = "COMMITTED"
)

// A dataset and all that belongs to it. Fields above the line never change.
type dataset struct {
	id, name, alias string
	fusion, public  bool
	defaultBranch   string
	catalogs        map[string]*catalog

	commits   map[string]*commit
	branches  []*ref
	tags      []*ref
	drafts    []*draft // with rising numbers
	lastDraft int64
	jobs      map[string][]*job // by job type, oldest first
	results   []*searchResult   // the latest ones, oldest first
}

// A commit never changes.
type commit struct {
	id          string
	parent      *commit // nil: none
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

// A draft holds the whole content of a change that is not committed.
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

// A searchResult is what a basic search found. It never changes.
type searchResult struct {
	id, commitID string
	dataset      *dataset
	content      *content
}

// clone copies what changes, so that servers with the same seed do not see
// each other.
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
		value := *p
		cloned[i] = &value
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

// head returns the commit of a branch, nil where there is none.
func (ds *dataset) head(branch string) *commit {
	if b := ds.branch(branch); b != nil {
		return b.commit
	}
	return nil
}

// revision finds a commit by its id or by the name of a branch or tag. The
// empty revision is the head of the default branch.
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

// addDraft makes an open draft on a branch.
func (ds *dataset) addDraft(branch, title, description, author string, now time.Time, held *content) *draft {
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
		content:     held,
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

// commitDraft makes a commit of an open draft and moves its branch there.
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

// newID makes an id as the service has them: 32 hexadecimal digits.
func newID() string {
	id := make([]byte, 16)
	rand.Read(id)
	return hex.EncodeToString(id)
}
