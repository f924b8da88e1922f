package jobstest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
)

// The defaults of a [Server].
const (
	DefaultAccessKey  = "Accesskey-5f1c7d0e9b3a48628c4e7a10d2f6b953"
	DefaultQueuing    = 50 * time.Millisecond
	DefaultProcessing = 100 * time.Millisecond
	DefaultURLTTL     = 10 * time.Minute
)

// An Option configures a [Server]. Later options override earlier ones.
type Option func(*config) error

type config struct {
	seed             *Seed
	accessKey        string
	standard         Run
	runs             func(RunRequest) Run
	urlTTL           time.Duration
	latency          time.Duration
	address          string
	dataAddress      string
	publicHost       string
	tls              bool
	skipContract     bool
	allowBadRequests bool
	newer            bool
	report           func(format string, args ...any)
}

func newConfig(options []Option) (*config, error) {
	c := &config{
		accessKey: DefaultAccessKey,
		standard:  Run{Queuing: DefaultQueuing, Processing: DefaultProcessing},
		urlTTL:    DefaultURLTTL,
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("jobstest: %w", err)
		}
	}
	if c.tls && c.address == "" {
		return nil, errors.New("jobstest: WithTLS needs WithListener")
	}
	if c.publicHost != "" && c.address == "" {
		return nil, errors.New("jobstest: WithPublicHost needs WithListener")
	}
	if c.dataAddress != "" && c.address == "" {
		return nil, errors.New("jobstest: WithDataListener needs WithListener")
	}
	return c, nil
}

// WithSeed sets the initial content of the server. The default is the example
// seed of the module, testdata/seed.yaml. The server keeps references to the
// content of the seed, so do not change it.
func WithSeed(seed Seed) Option {
	return func(c *config) error {
		c.seed = &seed
		return nil
	}
}

// WithAccessKey sets the access key that the server accepts. The default is
// [DefaultAccessKey]. A key must start with "Accesskey-" or "ACCESSKEY-".
func WithAccessKey(key string) Option {
	return func(c *config) error {
		if !strings.HasPrefix(key, "Accesskey-") && !strings.HasPrefix(key, "ACCESSKEY-") {
			return errors.New(`an access key starts with "Accesskey-" or "ACCESSKEY-"`)
		}
		c.accessKey = key
		return nil
	}
}

// WithQueuing sets the time from the creation of a job to its start. The
// default is [DefaultQueuing]. Zero means that a job is never seen QUEUING. A
// negative time is an error.
func WithQueuing(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the queuing time %v is negative", d)
		}
		c.standard.Queuing = d
		return nil
	}
}

// WithProcessing sets the time from the start of a job to its end. The default
// is [DefaultProcessing]. Zero means that a job is never seen PROCESSING. A
// negative time is an error.
func WithProcessing(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the processing time %v is negative", d)
		}
		c.standard.Processing = d
		return nil
	}
}

// WithRuns sets the function that returns the durations of each run and whether
// it fails. The server calls it once for each created job and each retry, on
// the goroutine that serves the request. It must be safe for concurrent use, and
// it may call methods of the server.
func WithRuns(run func(RunRequest) Run) Option {
	return func(c *config) error {
		if run == nil {
			return errors.New("the function of WithRuns is nil")
		}
		c.runs = run
		return nil
	}
}

// WithURLTTL sets the lifetime of data URLs. The default is [DefaultURLTTL]. A
// URL expires at the first whole second after its lifetime. If d is -time.Second
// or less, URLs have already expired when they are returned.
func WithURLTTL(d time.Duration) Option {
	return func(c *config) error {
		c.urlTTL = d
		return nil
	}
}

// WithLatency sets the round-trip time of requests through [Server.Client]. One
// half passes before the server receives the request, the other half before the
// client receives the response. The default is 0. It does not affect sockets.
func WithLatency(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the latency %v is negative", d)
		}
		c.latency = d
		return nil
	}
}

// WithListener makes the server listen on a TCP address such as "127.0.0.1:0".
// Data URLs use a second, free port of the same host.
func WithListener(address string) Option {
	return func(c *config) error {
		if address == "" {
			return errors.New("the address of WithListener is empty")
		}
		c.address = address
		return nil
	}
}

// WithDataListener sets the address for data URLs. It must differ from the
// address of [WithListener]. Use it if clients cannot reach an arbitrary port,
// for example in a container.
func WithDataListener(address string) Option {
	return func(c *config) error {
		if address == "" {
			return errors.New("the address of WithDataListener is empty")
		}
		c.dataAddress = address
		return nil
	}
}

// WithPublicHost sets the host name or IP address, without a port, in all URLs
// and in the certificate. The default is the address of [WithListener]. Use it
// if clients are on other machines or in other containers. [Server.Client]
// uses it too.
func WithPublicHost(host string) Option {
	return func(c *config) error {
		if host == "" || strings.ContainsAny(host, "/ []") || strings.Count(host, ":") == 1 {
			return fmt.Errorf("the public host %q is not a host name or an IP address", host)
		}
		c.publicHost = host
		return nil
	}
}

// WithTLS makes the sockets use https. The certificate is self-signed and valid
// for the host of [WithListener] and for localhost. It needs WithListener.
func WithTLS() Option {
	return func(c *config) error {
		c.tls = true
		return nil
	}
}

// WithoutContractCheck turns off the check of requests and responses against
// openapi.yaml in [New]. Use it for benchmarks and tests with many requests.
func WithoutContractCheck() Option {
	return func(c *config) error {
		c.skipContract = true
		return nil
	}
}

// WithBadRequests makes [New] accept requests that violate openapi.yaml, for
// tests that send them on purpose. It still checks the responses and the
// requests to data URLs.
func WithBadRequests() Option {
	return func(c *config) error {
		c.allowBadRequests = true
		return nil
	}
}

// WithNewerService makes the server a later version of the service, which has what
// openapi.yaml does not list: a field in each object, the status PREPARING before
// PROCESSING, the label type CUBOID4D, the error code ResourceNotVisible in place of
// ResourceNotExist, and the job type countFiles, with the arguments
// {"commit", "segmentName"} and the result {"count"}. A client must tolerate them.
func WithNewerService() Option {
	return func(c *config) error {
		c.newer = true
		return nil
	}
}

// A Run describes one run of a job. A negative duration counts as 0.
type Run struct {
	// Queuing is the time from the creation of a job to its start. A retried job
	// starts at once. Processing is the time from its start to its end.
	Queuing, Processing time.Duration
	// Fail makes the run end as FAILED with this error message, unless it is
	// empty. A failed run creates no draft and no search result.
	Fail string
}

// A RunRequest describes a run that is about to start. See [WithRuns].
type RunRequest struct {
	// DatasetID and DatasetName identify the dataset.
	DatasetID, DatasetName string
	// JobID, JobType and JobTitle identify the job.
	JobID, JobType, JobTitle string
	// Attempt is 1 for the first run of the job and increases with each retry.
	Attempt int
	// Standard is the run without WithRuns. It has the durations of
	// [WithQueuing] and [WithProcessing] and succeeds.
	Standard Run
}

// run returns the course of a run.
func (c *config) run(r emulator.RunRequest) emulator.Run {
	if c.runs == nil {
		return emulator.Run(c.standard)
	}
	return emulator.Run(c.runs(RunRequest{
		DatasetID:   r.DatasetID,
		DatasetName: r.DatasetName,
		JobID:       r.JobID,
		JobType:     r.JobType,
		JobTitle:    r.JobTitle,
		Attempt:     r.Attempt,
		Standard:    c.standard,
	}))
}
