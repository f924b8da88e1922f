package emulator

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"time"
)

// shownItems limits the drafts, and the jobs, of a dataset on the page.
const shownItems = 50

//go:embed status.html
var statusText string

var statusTemplate = template.Must(template.New("status").Parse(statusText))

// A status holds the values of the page.
type status struct {
	Now      string
	Datasets []datasetStatus
}

type datasetStatus struct {
	Name, ID, Updated string
	Fusion            bool
	Commits           int
	Branches          []branchStatus
	Drafts            []draftStatus
	Jobs              []jobStatus
}

type branchStatus struct {
	Name, Commit, Title string
	Data                int
}

type draftStatus struct {
	Number                         int64
	Title, Branch, Status, Updated string
	Data                           int
}

type jobStatus struct {
	ID, Type, Title, Status, Error, Created, Finished string
	order                                             uint64
}

// serveStatus serves a page for people who watch a test. It needs no access key and runs no
// script.
func (e *Emulator) serveStatus(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer
	must(statusTemplate.Execute(&page, e.status()))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	writePage(w, "text/html; charset=utf-8", page.Bytes())
}

func (e *Emulator) status() status {
	now := e.lock()
	defer e.unlock()
	s := status{Now: clock(now)}
	for _, ds := range e.store.datasets {
		s.Datasets = append(s.Datasets, ds.status())
	}
	return s
}

func (ds *dataset) status() datasetStatus {
	s := datasetStatus{Name: ds.name, ID: ds.id, Fusion: ds.fusion, Updated: clock(ds.updated), Commits: len(ds.commits)}
	for _, b := range ds.branches {
		branch := branchStatus{Name: b.name, Commit: idOrZero(b.commit)[:7], Data: b.version().data()}
		if b.commit != nil {
			branch.Title = b.commit.title
		}
		s.Branches = append(s.Branches, branch)
	}
	for _, d := range slices.Backward(ds.drafts) {
		s.Drafts = append(s.Drafts, draftStatus{d.number, d.title, d.branch, d.status, clock(d.updated), d.version.data()})
		if len(s.Drafts) == shownItems {
			break
		}
	}
	for _, jobs := range ds.jobs {
		for _, j := range jobs[max(0, len(jobs)-shownItems):] {
			s.Jobs = append(s.Jobs, jobStatus{j.id[:7], j.jobType, j.title, j.status, j.errorMessage, clock(j.created), clock(j.finished), j.order})
		}
	}
	slices.SortFunc(s.Jobs, func(a, b jobStatus) int { return int(int64(b.order) - int64(a.order)) })
	return s
}

// data returns the number of data of a version.
func (v *version) data() int {
	n := 0
	for _, s := range v.segments {
		n += len(s.data)
	}
	return n
}

// clock returns the text of a time, empty for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
