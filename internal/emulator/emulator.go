// Package emulator implements an embedded TensorBay: its datasets and their
// history, its jobs, its data URLs, and the operations of openapi.yaml. Package
// jobstest adds the API for tests, the transports and the faults.
//
// There is no goroutine and no timer for jobs. Each request first advances them
// to the current time, so virtual time works.
package emulator

import (
	"cmp"
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// APIRoot is the path of the Open API under the base URL.
const APIRoot = "/gatewayv2/tensorbay-open-api/v1"

// A Config configures an emulator.
type Config struct {
	// AccessKey is the accepted access key.
	AccessKey string
	// DataURL is the base of data URLs, with a slash at its end.
	DataURL string
	// URLTTL is the lifetime of a data URL.
	URLTTL time.Duration
	// Run returns the course of a run. It may send requests.
	Run func(RunRequest) Run
	// Report receives violations. If it is nil, nothing is checked.
	Report func(format string, args ...any)
	// SkipContract limits the check to access keys at the data host.
	SkipContract bool
	// AllowBadRequests turns off the check of requests.
	AllowBadRequests bool
	// MaxStored limits the bodies of writes and the uploaded contents, in bytes. The default
	// is 1 GiB.
	MaxStored int64
	// MaxUpload limits an uploaded file, in bytes. The default is 64 MiB.
	MaxUpload int64
	// Newer makes the emulator a later version of the service: see newer.go.
	Newer bool
}

// A Run is the course of one run of a job. A negative duration counts as 0. A retried job
// does not queue.
type Run struct {
	Queuing, Processing time.Duration
	// Fail is the error message of a run that fails.
	Fail string
}

// A RunRequest describes a run that is about to start.
type RunRequest struct {
	DatasetID, DatasetName   string
	JobID, JobType, JobTitle string
	// Attempt is 1 for the first run of a job.
	Attempt int
}

// An Emulator is one embedded TensorBay. It is safe for concurrent use.
type Emulator struct {
	config     Config
	operations map[string]*operation // by pattern
	jobTypes   map[string]*jobType
	checker    *checker // nil if nothing is checked
	routes     *http.ServeMux
	signer     *signer
	state      *State // at the start

	mu    sync.Mutex // guards store
	store *store
}

// New returns an emulator with an initial state.
func New(state *State, config Config) (*Emulator, error) {
	operations, err := loadOperations()
	if err != nil {
		return nil, err
	}
	config.MaxStored, config.MaxUpload = cmp.Or(config.MaxStored, 1<<30), cmp.Or(config.MaxUpload, maxUpload)
	e := &Emulator{
		config:     config,
		operations: operations,
		jobTypes:   jobTypes,
		signer:     newSigner(config.URLTTL),
		state:      state,
		store:      newStore(state),
	}
	if config.Report != nil {
		e.checker = &checker{report: config.Report, skipContract: config.SkipContract, allowBadRequests: config.AllowBadRequests}
	}
	if config.Newer {
		if err := e.becomeNewer(); err != nil {
			return nil, err
		}
	}
	e.routes = newRoutes(&api{e})
	return e, nil
}

// Close stops the reports of violations, because a test must not fail after its
// end.
func (e *Emulator) Close() {
	if e.checker != nil {
		e.checker.close()
	}
}

// newRoutes returns a router for the operations. All errors are in the JSON
// form of the service.
func newRoutes(operations server.StrictServerInterface) *http.ServeMux {
	unreadable := func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, asRequestError(err)) }
	refused := func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, asAPIError(err)) }
	mux := http.NewServeMux()
	server.HandlerWithOptions(
		server.NewStrictHandlerWithOptions(operations, nil, server.StrictHTTPServerOptions{
			RequestErrorHandlerFunc:  unreadable,
			ResponseErrorHandlerFunc: refused,
		}),
		server.StdHTTPServerOptions{BaseURL: APIRoot, BaseRouter: mux, ErrorHandlerFunc: unreadable},
	)
	return mux
}

// lock locks the store, advances the jobs to the current time and returns that
// time. Every access to the store starts here, because there is no timer.
func (e *Emulator) lock() time.Time {
	e.mu.Lock()
	now := time.Now()
	e.store.advance(now)
	return now
}

func (e *Emulator) unlock() { e.mu.Unlock() }

// An api implements the operations of the contract, in the files operations_*.
type api struct{ *Emulator }

var _ server.StrictServerInterface = (*api)(nil)

// A Staleness makes a request see jobs as a lagging replica does.
type Staleness struct {
	// Lag is the age of the state in which a read shows a job.
	Lag time.Duration
	// RetryAfterAbort is the time after an abort in which a retry is refused
	// with RetryStatus.
	RetryAfterAbort time.Duration
	RetryStatus     int
}

type stalenessKey struct{}

// WithStaleness returns a context that gives a request a staleness.
func WithStaleness(ctx context.Context, s Staleness) context.Context {
	return context.WithValue(ctx, stalenessKey{}, s)
}

func stalenessOf(ctx context.Context) Staleness {
	s, _ := ctx.Value(stalenessKey{}).(Staleness)
	return s
}

// checkRetry returns an error if a retry comes too soon after an abort.
func (s Staleness) checkRetry(j *job, now time.Time) error {
	if j.status != statusAborted || now.Sub(j.finished) >= s.RetryAfterAbort {
		return nil
	}
	return newError(s.RetryStatus, ErrorCode(s.RetryStatus), "The job %s was aborted just now.", j.id)
}
