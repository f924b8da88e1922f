package jobstest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What a [Server] does where no [Option] says otherwise.
const (
	DefaultAccessKey  = "Accesskey-5f1c7d0e9b3a48628c4e7a10d2f6b953"
	DefaultQueuing    = 50 * time.Millisecond
	DefaultProcessing = 100 * time.Millisecond
	DefaultURLTTL     = 10 * time.Minute
)

// An Option changes how a [Server] is made. Of two options that set the same
// thing the later one holds.
type Option func(*config) error

type config struct {
	seed         *Seed
	accessKey    string
	standard     Run
	runs         func(RunRequest) Run
	urlTTL       time.Duration
	latency      time.Duration
	address      string
	dataAddress  string
	tls          bool
	unchecked    bool
	badRequests  bool
	reportBreach func(format string, args ...any)
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
	if c.dataAddress != "" && c.address == "" {
		return nil, errors.New("jobstest: WithDataListener needs WithListener")
	}
	return c, nil
}

// WithSeed sets what the server holds when it starts. The default is the
// example seed of the module, testdata/seed.yaml. The server reads the seed
// while it is made and shares its contents afterwards: do not change them.
func WithSeed(seed Seed) Option {
	return func(c *config) error {
		c.seed = &seed
		return nil
	}
}

// WithAccessKey sets the one key that the server accepts, in place of
// [DefaultAccessKey]. A key must start with "Accesskey-" or "ACCESSKEY-", as
// those of the service do.
func WithAccessKey(key string) Option {
	return func(c *config) error {
		if !strings.HasPrefix(key, "Accesskey-") && !strings.HasPrefix(key, "ACCESSKEY-") {
			return errors.New(`an access key starts with "Accesskey-" or "ACCESSKEY-"`)
		}
		c.accessKey = key
		return nil
	}
}

// WithQueuing sets how long a job waits before it starts, in place of
// [DefaultQueuing]. It must not be negative; with 0 nobody sees a job QUEUING.
func WithQueuing(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the queuing time %v is negative", d)
		}
		c.standard.Queuing = d
		return nil
	}
}

// WithProcessing sets how long a job runs after it started, in place of
// [DefaultProcessing]. It must not be negative; with 0 nobody sees a job
// PROCESSING.
func WithProcessing(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the processing time %v is negative", d)
		}
		c.standard.Processing = d
		return nil
	}
}

// WithRuns asks script how each run of each job goes: how long it waits and
// works, and whether it fails. It is called once for every job created and
// every retry, from the goroutine that serves the request, and so must be safe
// for concurrent use. It may call methods of the server.
func WithRuns(script func(RunRequest) Run) Option {
	return func(c *config) error {
		if script == nil {
			return errors.New("the script of WithRuns is nil")
		}
		c.runs = script
		return nil
	}
}

// WithURLTTL sets how long a data URL is good after it was handed out, in
// place of [DefaultURLTTL]. URLs expire at whole seconds, the next one after
// the TTL. With a TTL of -time.Second or less every URL has expired when it is
// handed out.
func WithURLTTL(d time.Duration) Option {
	return func(c *config) error {
		c.urlTTL = d
		return nil
	}
}

// WithLatency sets the round trip time of a request through [Server.Client]:
// half of it passes before the server sees the request and half before the
// client sees the answer. The default is 0. It has no effect on real sockets.
func WithLatency(d time.Duration) Option {
	return func(c *config) error {
		if d < 0 {
			return fmt.Errorf("the latency %v is negative", d)
		}
		c.latency = d
		return nil
	}
}

// WithListener makes the server listen on a real TCP address such as
// "127.0.0.1:0", and on a second, free port of the same host for data URLs.
func WithListener(address string) Option {
	return func(c *config) error {
		if address == "" {
			return errors.New("the address of WithListener is empty")
		}
		c.address = address
		return nil
	}
}

// WithDataListener sets the address that data URLs lead to, which must be another
// than that of [WithListener]: for where a free port cannot be reached, as in a
// container.
func WithDataListener(address string) Option {
	return func(c *config) error {
		if address == "" {
			return errors.New("the address of WithDataListener is empty")
		}
		c.dataAddress = address
		return nil
	}
}

// WithTLS makes the server speak https with a certificate that it signs
// itself, good for the host of [WithListener] and for localhost. Without
// sockets there is nothing to encrypt: it needs WithListener.
func WithTLS() Option {
	return func(c *config) error {
		c.tls = true
		return nil
	}
}

// WithoutContractCheck makes [New] check no request and no answer against
// openapi.yaml: for benchmarks, and for tests that send very much.
func WithoutContractCheck() Option {
	return func(c *config) error {
		c.unchecked = true
		return nil
	}
}

// WithBadRequests makes [New] report no request that breaches openapi.yaml,
// because the test sends such requests on purpose. Answers are still checked,
// and so is that no access key reaches a data URL.
func WithBadRequests() Option {
	return func(c *config) error {
		c.badRequests = true
		return nil
	}
}

// A Run is how one run of a job goes. A negative duration counts as 0.
type Run struct {
	// Queuing is the time between the creation or retry of a job and its
	// start, Processing the time between its start and its end.
	Queuing, Processing time.Duration
	// Fail makes the run end FAILED with this errorMessage where it is not
	// empty. Such a run leaves no draft and no search result.
	Fail string
}

// A RunRequest describes the run whose course the script of [WithRuns] is
// asked for.
type RunRequest struct {
	// DatasetID and DatasetName tell the dataset the job belongs to.
	DatasetID, DatasetName string
	// JobID, JobType and JobTitle tell the job.
	JobID, JobType, JobTitle string
	// Attempt is 1 for the first run of the job and counts up with retries.
	Attempt int
	// Standard is how the run goes without a script: with the durations of
	// [WithQueuing] and [WithProcessing], to a good end.
	Standard Run
}
