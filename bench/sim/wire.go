package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The paths of each wire form.
const (
	BaseURL    = "https://sim.invalid/"
	tbayPath   = "/gatewayv2/tensorbay-open-api/v1/datasets/"
	hcloudPath = "/hcloud/v1/actions"
	azurePath  = "/azure/operations/"
	awsPath    = "/aws/signing-jobs/"
	googlePath = "/google/v1/operations/"
	openaiPath = "/openai/vector_stores/vs/file_batches/"

	// PageSize is the largest page of a list.
	PageSize = 128
)

// statuses holds the status of a job by its state.
var statuses = [...]string{"QUEUING", "PROCESSING", "SUCCESS"}

// JobURL returns the URL of a job.
func JobURL(j *Job) string { return jobsURL(j.Dataset) + "/" + j.ID + "?jobType=" + JobType }

// PageURL returns the URL of a page of the jobs of a dataset.
func PageURL(dataset, offset int) string {
	return jobsURL(dataset) + "?jobType=" + JobType + "&limit=" + strconv.Itoa(PageSize) + "&offset=" + strconv.Itoa(offset)
}

func jobsURL(dataset int) string {
	return strings.TrimSuffix(BaseURL, "/") + tbayPath + DatasetID(dataset) + "/jobs"
}

// errHang stands for a response that never comes.
var errHang = errors.New("no response")

// serve responds to a request with the state of this moment. It applies the limit and
// the faults first, the same for all wire forms.
func (s *Service) serve(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	since := now.Sub(s.began)
	form := formOf(req.URL.Path)
	s.arrived++
	if s.arrived == s.faults.Hang || s.faults.HangEvery > 0 && s.arrived%s.faults.HangEvery == 0 {
		return nil, errHang
	}
	if since >= s.faults.OutageFrom && since < s.faults.OutageTo {
		return s.respond(req, http.StatusServiceUnavailable, "text/html", []byte("<html>503 Service Unavailable</html>")), nil
	}
	if s.faults.Limit > 0 {
		for len(s.served) > 0 && since-s.served[0] >= time.Second {
			s.served = s.served[1:]
		}
		if len(s.served) >= s.faults.Limit {
			resp := s.respond(req, http.StatusTooManyRequests, "application/json", form.problem("rate_limit_exceeded", http.StatusTooManyRequests))
			resp.Header.Set("Retry-After", "1")
			return resp, nil
		}
		s.served = append(s.served, since)
	}
	if s.faults.Rate > 0 && s.random.Float64() < s.faults.Rate {
		s.failures++
		switch s.failures % 4 {
		case 0:
			return nil, syscall.ECONNRESET
		case 1:
			return s.respond(req, http.StatusInternalServerError, "application/json", form.problem("InternalServerError", http.StatusInternalServerError)), nil
		case 2:
			return s.respond(req, http.StatusBadGateway, "text/html", []byte("<html>502 Bad Gateway</html>")), nil
		default:
			resp := s.respond(req, http.StatusOK, "application/json", nil)
			resp.ContentLength = 1000
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"jobId": "`), brokenReader{}))
			return resp, nil
		}
	}
	s.reset = false
	status, body := s.route(form, req, now)
	if s.reset {
		return nil, syscall.ECONNRESET
	}
	return s.respond(req, status, "application/json", body), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (s *Service) respond(req *http.Request, status int, contentType string, body []byte) *http.Response {
	s.statuses[status]++
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {contentType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}
}

// form is the wire form of a service.
type form int

const (
	tensorbay form = iota
	hcloud
	azure
	aws
	google
	openai
)

func formOf(path string) form {
	switch {
	case strings.HasPrefix(path, hcloudPath):
		return hcloud
	case strings.HasPrefix(path, azurePath):
		return azure
	case strings.HasPrefix(path, awsPath):
		return aws
	case strings.HasPrefix(path, googlePath):
		return google
	case strings.HasPrefix(path, openaiPath):
		return openai
	}
	return tensorbay
}

// problem returns the body of an error.
func (f form) problem(code string, status int) []byte {
	switch f {
	case tensorbay, aws:
		return marshal(object{"code": code, "message": "simulated"})
	case google:
		return marshal(object{"error": object{"code": status, "message": "simulated", "status": code}})
	default:
		return marshal(object{"error": object{"code": code, "message": "simulated"}})
	}
}

// route returns the status and body for a request.
func (s *Service) route(f form, req *http.Request, now time.Time) (int, []byte) {
	notFound := func() (int, []byte) { return http.StatusNotFound, f.problem("ResourceNotExist", http.StatusNotFound) }
	query, path := req.URL.Query(), req.URL.Path
	if f == hcloud {
		return s.actions(query, now)
	}
	dataset := -1
	if f == tensorbay {
		id, rest, _ := strings.Cut(strings.TrimPrefix(path, tbayPath), "/")
		n, err := strconv.ParseUint(id, 16, 31)
		if err != nil || !strings.HasPrefix(rest, "jobs") {
			return notFound()
		}
		dataset = int(n) - 1
		switch {
		case rest == "jobs" && req.Method == http.MethodPost:
			return s.create(dataset, req, now)
		case rest == "jobs" && s.faults.NoList:
			return http.StatusForbidden, f.problem("Forbidden", http.StatusForbidden)
		case rest == "jobs":
			return s.list(dataset, query, now)
		}
	}
	job := s.find(path[strings.LastIndexByte(path, '/')+1:], now)
	switch {
	case job == nil || dataset >= 0 && dataset != job.Dataset:
		return notFound()
	case s.isBroken(job):
		return http.StatusInternalServerError, f.problem("InternalServerError", http.StatusInternalServerError)
	}
	s.show(job, now)
	if f == tensorbay {
		return http.StatusOK, job.encode(now)
	}
	return http.StatusOK, job.operation(f, now)
}

// show counts a job state in a response.
func (s *Service) show(j *Job, now time.Time) {
	s.shown++
	if s.faults.ResetEnd && j.Own && !j.reset && j.state(now) == finished {
		j.reset = true
		if now.Sub(s.resetAt) >= time.Second {
			s.reset, s.resetAt = true, now
		}
	}
}

// find returns the job with an id, or nil. The second half of an id is the index.
func (s *Service) find(id string, now time.Time) *Job {
	if len(id) != 32 {
		return nil
	}
	i, err := strconv.ParseUint(id[16:], 16, 63)
	if err != nil || i >= uint64(len(s.Jobs)) {
		return nil
	}
	if j := s.Jobs[i]; j.ID == id && !j.Created.After(now) && !j.deleted(now) {
		return j
	}
	return nil
}

// create responds with the own job that has the source branch of the request. The
// times of all jobs are fixed before, so it creates nothing.
func (s *Service) create(dataset int, req *http.Request, now time.Time) (int, []byte) {
	var body struct {
		Arguments struct {
			Source string `json:"sourceBranchName"`
		} `json:"arguments"`
	}
	if err := json.NewDecoder(req.Body).Decode(&body); err == nil {
		for _, j := range s.visible(s.datasets[dataset], now) {
			if j.Own && j.Source() == body.Arguments.Source {
				return http.StatusCreated, marshal(object{"jobId": j.ID, "createdAt": j.Created.Unix()})
			}
		}
	}
	return http.StatusBadRequest, tensorbay.problem("InvalidParamsValue", http.StatusBadRequest)
}

// list responds with a page in the form of TensorBay, newest first.
func (s *Service) list(dataset int, query url.Values, now time.Time) (int, []byte) {
	offset := number(query.Get("offset"), 0)
	limit := min(number(query.Get("limit"), PageSize), PageSize)
	status := query.Get("status")
	body := make([]byte, 0, 64<<10)
	body = append(body, `{"jobs":[`...)
	total, size := 0, 0
	visible := s.visible(s.datasets[dataset], now)
	add := func(j *Job) {
		if size++; size > 1 {
			body = append(body, ',')
		}
		s.show(j, now)
		body = append(body, j.encode(now)...)
	}
	if status == "" && s.faults.Broken == 0 {
		total = len(visible)
		for i := offset; i < total && size < limit; i++ {
			add(visible[total-1-i])
		}
	} else {
		for _, j := range slices.Backward(visible) {
			if (status == "" || statuses[j.state(now)] == status) && !s.isBroken(j) {
				if total >= offset && size < limit {
					add(j)
				}
				total++
			}
		}
	}
	if s.faults.Count > 0 {
		total = int(float64(total) * s.faults.Count)
	}
	return http.StatusOK, fmt.Appendf(body, `],"offset":%d,"recordSize":%d,"totalCount":%d}`, offset, size, total)
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

// encode returns the job in the form of TensorBay. It encodes each state once.
func (j *Job) encode(now time.Time) []byte {
	state := j.state(now)
	if j.encoded[state] != nil {
		return j.encoded[state]
	}
	body := fmt.Appendf(nil, `{"title":"dev-%d->main(abort)","jobId":%q,"jobType":%q,"arguments":{"title":"merge dev-%d",`+
		`"sourceBranchName":%q,"targetBranchName":"main","strategy":"abort"},"createdAt":%d,"status":%q,"description":""`,
		j.index, j.ID, JobType, j.index, j.Source(), j.Created.Unix(), statuses[state])
	if state >= processing {
		body = fmt.Appendf(body, `,"startedAt":%d`, j.Started.Unix())
	}
	if state == finished {
		body = fmt.Appendf(body, `,"finishedAt":%d,"errorMessage":"","result":{"draftNumber":%d}`, j.Finished.Unix(), j.index+1)
	}
	j.encoded[state] = append(body, '}')
	return j.encoded[state]
}

// Encode encodes all states of all jobs, so that this memory is not attributed to a
// client.
func (s *Service) Encode() {
	for _, j := range s.Jobs {
		for _, at := range []time.Time{j.Created, j.Started, j.Finished} {
			j.encode(at)
		}
	}
}

// Saved returns the job as JSON while it runs, as a program may have saved it.
func (j *Job) Saved() []byte { return j.encode(j.Started) }

// SavedFinished returns the job as JSON after its end.
func (j *Job) SavedFinished() []byte { return j.encode(j.Finished) }

// actions responds with the actions that have the given ids, in the form of hcloud.
func (s *Service) actions(query url.Values, now time.Time) (int, []byte) {
	type action struct {
		ID        int64      `json:"id"`
		Status    string     `json:"status"`
		Command   string     `json:"command"`
		Progress  int        `json:"progress"`
		Started   time.Time  `json:"started"`
		Finished  *time.Time `json:"finished"`
		Error     *struct{}  `json:"error"`
		Resources []object   `json:"resources"`
	}
	var page []action
	for _, text := range query["id"] {
		id := number(text, 0)
		if id < 1 || id > len(s.Jobs) || s.Jobs[id-1].Created.After(now) {
			continue
		}
		j := s.Jobs[id-1]
		if s.isBroken(j) {
			return http.StatusInternalServerError, hcloud.problem("service_error", http.StatusInternalServerError)
		}
		s.show(j, now)
		a := action{ID: int64(id), Status: "running", Command: "squash_and_merge", Started: j.Created.UTC(), Resources: []object{}}
		if j.state(now) == finished {
			end := j.Finished.UTC()
			a.Status, a.Progress, a.Finished = "success", 100, &end
		}
		page = append(page, a)
	}
	return http.StatusOK, marshal(object{"actions": page, "meta": object{"pagination": object{
		"page": 1, "per_page": 25, "last_page": 1, "total_entries": len(page),
	}}})
}

type object map[string]any

func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // v holds only strings, numbers and times
	}
	return body
}

// operation returns the job in the wire form of another service.
func (j *Job) operation(f form, now time.Time) []byte {
	ended := j.state(now) == finished
	pick := func(running, done string) string {
		if ended {
			return done
		}
		return running
	}
	switch f {
	case azure:
		return marshal(object{"id": j.ID, "status": pick("InProgress", "Succeeded")})
	case aws:
		return marshal(object{"jobId": j.ID, "createdAt": j.Created.Unix(), "status": pick("InProgress", "Succeeded")})
	case google:
		body := object{"name": "operations/" + j.ID, "done": ended}
		if ended {
			body["response"] = object{"@type": "type.googleapis.com/google.protobuf.Empty"}
		}
		return marshal(body)
	default:
		return marshal(object{
			"id": j.ID, "object": "vector_store.file_batch", "created_at": j.Created.Unix(), "vector_store_id": "vs",
			"status": pick("in_progress", "completed"), "file_counts": object{"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
		})
	}
}

// Source returns the source branch of the job.
func (j *Job) Source() string { return "dev-" + strconv.Itoa(j.index) }

// ActionID returns the id of the job in the form of hcloud.
func (j *Job) ActionID() int64 { return int64(j.index) + 1 }
