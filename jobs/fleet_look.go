package jobs

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

type (
	batch = polling.Batch[*Job]
	seen  = polling.Seen[*Job, *Snapshot]
	reply = polling.Answer[*Job, *Snapshot]
)

// A place is a block of the list of all jobs: as many as a page holds, counted
// from the oldest job, since new ones move those from the newest on.
type place struct{ block int }

// inProgress is the place of jobs that are followed in the list of the jobs in
// progress. Following them block by block would take so many requests.
type inProgress struct{ pages int }

// observe looks at the jobs of a batch in the way that takes the fewest
// requests.
func (f *fleet) observe(ctx context.Context, b batch, tell func(seen)) error {
	err := f.lookFor(ctx, b, tell)
	if refusesList(err) {
		f.mu.Lock()
		f.noList = true
		f.mu.Unlock()
		err = f.lookFor(ctx, b, tell)
	}
	return err
}

func (f *fleet) lookFor(ctx context.Context, b batch, tell func(seen)) error {
	if b.Last {
		if requests := f.lastRequests(b); requests != nil {
			return atOnce(ctx, requests, tell)
		}
	}
	switch at := b.Place.(type) {
	case inProgress:
		if !f.mayList() || b.Again > 0 || len(b.Keys) == 1 {
			return f.single(ctx, b.Keys, b.Place, tell)
		}
		if pages := min(at.pages, b.Waiting, f.blockCount()); f.progressCosts(b, pages) <= 1.5*float64(pages)+1 {
			return f.progress(ctx, b, at.pages, tell)
		}
		return f.search(ctx, b.Keys, tell) // too many have come since
	case place:
		if !f.mayList() || b.Again > 1 || len(b.Keys) == 1 {
			return f.single(ctx, b.Keys, b.Place, tell)
		}
		if pages := min(b.Looks, b.Waiting, f.blockCount()); b.Again == 0 && f.progressPays(b, pages) && f.follow() {
			return f.progress(ctx, b, pages, tell)
		}
		return f.page(ctx, at.block, tell)
	default:
		if !f.mayList() || b.Again > 1 || b.Waiting == 1 {
			return f.single(ctx, b.Keys, b.Place, tell)
		}
		return f.search(ctx, b.Keys, tell)
	}
}

func (f *fleet) mayList() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.noList
}

// length is how long the list was the last time, and whether it may have grown since:
// it lately did, or nobody has looked for long.
func (f *fleet) length() (total int, grows bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.total, time.Since(f.grew) < stillGrows || time.Since(f.counted) > stillGrows
}

// stillGrows is how long after it was seen to grow the list is believed to.
const stillGrows = 10 * time.Second

// blockCount is how many blocks the list has.
func (f *fleet) blockCount() int {
	total, _ := f.length()
	return (total + pageSize - 1) / pageSize
}

// begins is where a block begins in a list of this length.
func begins(block, total int) (offset int) { return max(0, total-(block+1)*pageSize) }

// hasTotal notes how long the list is.
func (f *fleet) hasTotal(total int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.total > 0 && total > f.total {
		f.grew = time.Now()
	}
	f.total, f.counted = total, time.Now()
}

// follow reports whether to begin to follow the list of the jobs in progress.
// One look does: it takes over what goes on, of all batches. What the others
// still hold has ended, and is seen on their pages.
func (f *fleet) follow() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	// A last look that is planned has places for the pages it knows of.
	if now.Sub(f.followed) < followAgain || f.lastLook.After(now) {
		return false
	}
	f.followed = now
	return true
}

// followAgain is how long after it began following may begin once more, with
// jobs that have come since.
const followAgain = time.Minute

// refusesList reports whether an error is about listing rather than about the
// jobs: then they are read one by one.
func refusesList(err error) bool {
	return errors.Is(err, ErrForbidden) || errors.Is(err, ErrInvalidArgument) || errors.Is(err, ErrNotFound)
}

// single reads jobs one by one. Their place in the list stays what it was.
func (f *fleet) single(ctx context.Context, jobs []*Job, place any, tell func(seen)) error {
	for _, j := range jobs {
		if err := f.read(ctx, j, place, tell); err != nil {
			return err
		}
	}
	return nil
}

// read reads one job. An error that is about this job alone is told; one that
// may be about the service is returned.
func (f *fleet) read(ctx context.Context, j *Job, place any, tell func(seen)) error {
	var shows *Snapshot
	asked := time.Now()
	s, err := f.ask(ctx, opGetJob, j.get, j.parse(&shows))
	s.Place = place
	switch {
	case err == nil:
		var few [2]*Job
		waiting := f.named([]byte(shows.ID), few[:0])
		if !slices.Contains(waiting, j) {
			waiting = append(waiting, j) // it is waited for alone
		}
		s.Answers = answers(nil, waiting, shows, asked)
	case j.definitive(err):
		s.Answers = []reply{{Key: j, Err: polling.Permanent(err)}}
	case errors.Is(err, ErrNotFound):
		s.Answers = []reply{{Key: j, Err: err}}
	default:
		tellAfter(s, tell)
		return err
	}
	tell(s)
	return nil
}

// ask sends a request once, as a wait does. What it returns is yet without answers.
func (f *fleet) ask(ctx context.Context, op operation, build builder, parse func([]byte) error) (seen, error) {
	a, err := f.client.once(ctx, op, build, parse)
	s := seen{Took: a.RTT, After: a.RetryAfter}
	if s.After == 0 && errors.Is(err, ErrRateLimited) {
		s.After = time.Second // the next look is not to come at once
	}
	return s, err
}

// tellAfter tells of a request that failed how long to leave the service alone.
func tellAfter(s seen, tell func(seen)) {
	if s.After > 0 {
		tell(seen{After: s.After})
	}
}

// answers adds what a snapshot that was asked for then says to those who wait for the
// job.
func answers(to []reply, waiting []*Job, s *Snapshot, asked time.Time) []reply {
	for _, j := range waiting {
		believed, ended := j.apply(s, asked)
		to = append(to, reply{Key: j, Sight: polling.Result[*Snapshot]{Value: believed, Done: ended}})
	}
	return to
}

// page reads a block of the list.
func (f *fleet) page(ctx context.Context, block int, tell func(seen)) error {
	total, _ := f.length()
	offset := begins(block, total)
	limit := min(max(total-block*pageSize-offset, 1), pageSize)
	_, err := f.blocks(ctx, offset, limit, tell)
	return err
}

// blocks reads a page of the list of all jobs and tells of each block on it by
// itself, so that the jobs of a block are looked at together.
func (f *fleet) blocks(ctx context.Context, offset, limit int, tell func(seen)) (page jobPage, err error) {
	s, page, err := f.list(ctx, offset, limit, "")
	if err != nil {
		tellAfter(s, tell)
		return page, err
	}
	f.hasTotal(page.total)
	for i, item := range page.items {
		at := place{max(page.total-1-offset-i, 0) / pageSize}
		if s.Place != nil && s.Place != at {
			tell(s)
			s = seen{Took: s.Took}
		}
		s.Place = at
		s.Answers = f.shown(s.Answers, item, page.asked)
	}
	tell(s)
	return page, nil
}

// search goes through the list from its newest job on, until it has seen the
// jobs or that it would be cheaper to read them one by one.
func (f *fleet) search(ctx context.Context, jobs []*Job, tell func(seen)) error {
	began := time.Now()
	oldest := int64(math.MaxInt64)
	for _, j := range jobs {
		oldest = min(oldest, j.newest().CreatedAt.Unix())
	}
	left := jobs
	for read, offset := 0, 0; len(left) > 0 && read < 2+len(jobs)/4; read++ {
		page, err := f.blocks(ctx, offset, pageSize, tell)
		if err != nil {
			return err
		}
		for len(left) > 0 && left[0].seenSince(began) {
			left = left[1:]
		}
		offset += len(page.items)
		if len(page.items) == 0 || offset >= page.total || page.oldest < oldest {
			break
		}
	}
	return f.single(ctx, unseen(left, began), nil, tell)
}

// unseen are the jobs that no response has shown since then.
func unseen(jobs []*Job, since time.Time) (missing []*Job) {
	for _, j := range jobs {
		if !j.seenSince(since) {
			missing = append(missing, j)
		}
	}
	return missing
}

// Most pages of the list of jobs in progress that are worth reading.
const mostProgressPages = 8

// progressPays reports whether it takes fewer requests to follow the list of the
// jobs in progress than to read the pages on which the jobs are.
func (f *fleet) progressPays(b batch, pages int) bool {
	return pages > 1 && b.Waiting <= mostProgressPages*pageSize && f.progressCosts(b, pages) < float64(pages)
}

// progressCosts is how many requests a look takes that reads the list of the jobs
// in progress, and then each job that is missing from it. Missing are those that
// end until the next look; for when that is, see package polling.
func (f *fleet) progressCosts(b batch, pages int) float64 {
	delay := math.Cbrt(float64(pages) / b.Rate)
	if limit := f.client.pace.perSecond(); limit > 0 {
		delay = max(delay, float64(pages)/limit)
	}
	return math.Ceil(float64(b.Waiting)/pageSize) + b.Rate*delay
}

// progress reads the list of the jobs in progress, and then those of the batch
// that are missing from it one by one.
func (f *fleet) progress(ctx context.Context, b batch, pages int, tell func(seen)) error {
	began := time.Now()
	all := seen{Place: inProgress{pages}}
	var more bool
	for offset := 0; ; {
		s, page, err := f.list(ctx, offset, pageSize, StatusProcessing)
		all.After, all.Took = max(all.After, s.After), max(all.Took, s.Took)
		all.Requests++
		if err != nil {
			tellAfter(s, tell)
			return err
		}
		for _, item := range page.items {
			all.Answers = f.shown(all.Answers, item, page.asked)
		}
		offset += len(page.items)
		more = len(page.items) > 0 && offset < page.total
		if !more || all.Requests == mostProgressPages {
			break
		}
	}
	// What is missing is read next. Those requests do not count in what a look
	// costs: however often one looks, every job ends once.
	tell(all)
	missing := unseen(b.Keys, began)
	if more {
		// Too much goes on here for a job to be missed: back to the pages.
		return f.search(ctx, missing, tell)
	}
	return f.single(ctx, missing, all.Place, tell)
}

// list reads a page of the jobs in a status, or of all.
func (f *fleet) list(ctx context.Context, offset, limit int, status Status) (s seen, page jobPage, err error) {
	page.asked = time.Now()
	s, err = f.ask(ctx, opListJobs,
		func() (*http.Request, error) {
			return gen.NewListJobsRequest(f.client.server, f.dataset.id, &gen.ListJobsParams{
				JobType: string(f.of), Status: optional(string(status)), Offset: &offset, Limit: &limit,
			})
		}, page.read)
	return s, page, err
}

// shown adds what a page shows of a job, if anybody waits for it.
func (f *fleet) shown(to []reply, item jobItem, asked time.Time) []reply {
	var few [2]*Job
	waiting := f.named(item.ID, few[:0])
	if len(waiting) == 0 {
		return to
	}
	s := waiting[0].newest()
	if !bytes.Equal(s.Raw, item.Raw) {
		var err error
		// A copy, so that a job does not keep the whole page.
		if s, err = newSnapshot(bytes.Clone(item.Raw), f.of); err != nil {
			return to // read by itself, the job shows what is wrong with it
		}
	}
	return answers(to, waiting, s, asked)
}
