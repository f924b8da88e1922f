package sim

import (
	"bytes"
	"encoding/json"
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

// The paths under which the service answers in each wire form.
const (
	BaseURL    = "https://sim.invalid/"
	jobsPath   = "/gatewayv2/tensorbay-open-api/v1/datasets/" + DatasetID + "/jobs"
	hcloudPath = "/hcloud/v1/actions"
	azurePath  = "/azure/operations/"
	awsPath    = "/aws/signing-jobs/"
	googlePath = "/google/v1/operations/"
	openaiPath = "/openai/vector_stores/vs/file_batches/"

	maxPage = 128
)

// statuses are the status of a job by its state.
var statuses = [...]string{"QUEUING", "PROCESSING", "SUCCESS"}

// JobURL is where one job is read.
func JobURL(j *Job) string {
	return strings.TrimSuffix(BaseURL, "/") + jobsPath + "/" + j.ID + "?jobType=" + JobType
}

// serve answers a request at this moment: limit and faults first, the same for
// every wire form. No response and no error is an answer that never comes.
func (s *Service) serve(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	since := now.Sub(s.began)
	form := formOf(req.URL.Path)
	s.arrived++
	if s.faults.Hang > 0 && s.arrived == s.faults.Hang+1 {
		return nil, nil
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
	status, body := s.answer(form, req, now)
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

// A form is the wire form of one service.
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

// problem is the body of an error.
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

func (s *Service) answer(f form, req *http.Request, now time.Time) (int, []byte) {
	query := req.URL.Query()
	switch path := req.URL.Path; {
	case req.Method != http.MethodGet:
	case path == jobsPath && s.faults.NoList:
		return http.StatusForbidden, f.problem("Forbidden", http.StatusForbidden)
	case path == jobsPath:
		return s.list(query, now)
	case path == hcloudPath:
		return s.actions(query, now)
	default:
		id := path[strings.LastIndexByte(path, '/')+1:]
		job := s.find(id, now)
		if job == nil {
			break
		}
		if s.isBroken(job) {
			return http.StatusInternalServerError, f.problem("InternalServerError", http.StatusInternalServerError)
		}
		s.shown++
		if f == tensorbay {
			return http.StatusOK, job.encode(now)
		}
		return http.StatusOK, job.operation(f, now)
	}
	return http.StatusNotFound, f.problem("ResourceNotExist", http.StatusNotFound)
}

// find returns the visible job of this id: an id holds its place.
func (s *Service) find(id string, now time.Time) *Job {
	if len(id) != 32 {
		return nil
	}
	i, err := strconv.ParseUint(id[16:], 16, 63)
	visible := s.visible(now)
	if err != nil || i >= uint64(len(visible)) || visible[i].ID != id {
		return nil
	}
	return visible[i]
}

// list answers a list in the form of TensorBay, newest first.
func (s *Service) list(query url.Values, now time.Time) (int, []byte) {
	offset := number(query.Get("offset"), 0)
	limit := min(number(query.Get("limit"), maxPage), maxPage)
	status := query.Get("status")
	body := make([]byte, 0, 64<<10)
	body = append(body, `{"jobs":[`...)
	total, size := 0, 0
	visible := s.visible(now)
	add := func(j *Job) {
		if size++; size > 1 {
			body = append(body, ',')
		}
		body = append(body, j.encode(now)...)
	}
	if status == "" && s.faults.Broken == 0 { // no need to look at every job
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
	s.shown += size
	return http.StatusOK, fmt.Appendf(body, `],"offset":%d,"recordSize":%d,"totalCount":%d}`, offset, size, total)
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

// encode is the job in the form of TensorBay; each of its states is made once.
func (j *Job) encode(now time.Time) []byte {
	state := j.state(now)
	if j.encoded[state] != nil {
		return j.encoded[state]
	}
	body := fmt.Appendf(nil, `{"title":"dev-%d->main(abort)","jobId":%q,"jobType":%q,"arguments":{"title":"merge dev-%d",`+
		`"sourceBranchName":"dev-%d","targetBranchName":"main","strategy":"abort"},"createdAt":%d,"status":%q,"description":""`,
		j.index, j.ID, JobType, j.index, j.index, j.Created.Unix(), statuses[state])
	if state > 0 {
		body = fmt.Appendf(body, `,"startedAt":%d`, j.Started.Unix())
	}
	if state > 1 {
		body = fmt.Appendf(body, `,"finishedAt":%d,"errorMessage":"","result":{"draftNumber":%d}`, j.Finished.Unix(), j.index+1)
	}
	j.encoded[state] = append(body, '}')
	return j.encoded[state]
}

// Encode makes every state of every job, which takes memory that is then there.
func (s *Service) Encode() {
	for _, j := range s.Jobs {
		for _, at := range []time.Time{j.Created, j.Started, j.Finished} {
			j.encode(at)
		}
	}
}

// Saved is the job as a program saves it that has seen it begin to run. Its next
// state is its end, so what a wait holds until then is what waiting takes, and
// not what a newer state of the job does.
func (j *Job) Saved() []byte { return j.encode(j.Started) }

// Ended is the job as it is shown after its end.
func (j *Job) Ended() []byte { return j.encode(j.Finished) }

// actions answers the list of actions by their ids in the form of hcloud. An
// action's id is the place of its job, from one.
func (s *Service) actions(query url.Values, now time.Time) (int, []byte) {
	visible := s.visible(now)
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
		if id < 1 || id > len(visible) {
			continue
		}
		j := visible[id-1]
		if s.isBroken(j) {
			return http.StatusInternalServerError, hcloud.problem("service_error", http.StatusInternalServerError)
		}
		a := action{ID: int64(id), Status: "running", Command: "squash_and_merge", Started: j.Created.UTC(), Resources: []object{}}
		if j.state(now) == 2 {
			finished := j.Finished.UTC()
			a.Status, a.Progress, a.Finished = "success", 100, &finished
		}
		page = append(page, a)
	}
	s.shown += len(page)
	return http.StatusOK, marshal(object{"actions": page, "meta": object{"pagination": object{
		"page": 1, "per_page": 25, "last_page": 1, "total_entries": len(page),
	}}})
}

type object map[string]any

func marshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // made of strings, numbers and times
	}
	return body
}

// operation is the job in the wire form of another service.
func (j *Job) operation(f form, now time.Time) []byte {
	ended := j.state(now) == 2
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

// ActionID is the id of the job where the service speaks hcloud.
func (j *Job) ActionID() int64 { return int64(j.index) + 1 }
