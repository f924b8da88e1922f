package jobstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/upload"
)

// The hosts of a server without sockets. The top-level domain "test" is
// reserved, so no other transport reaches a host by these names.
const (
	inProcessAPIHost  = "tensorbay.test"
	inProcessDataHost = "data.tensorbay.test"
)

// A Server is an embedded TensorBay. It is safe for concurrent use. It starts
// no goroutine and no timer unless it listens on sockets.
type Server struct {
	config   *config
	emulator *emulator.Emulator
	log      requestLog
	faults   faults
	closed   atomic.Bool

	url     string
	client  *http.Client
	sockets *emulator.Sockets // nil without WithListener
}

// NewServer starts a server for a program. It returns an error if an option or
// the seed is invalid, or if it cannot listen. Call [Server.Close] to stop it.
func NewServer(options ...Option) (*Server, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	return newServer(config)
}

// New starts a server for a test and closes it at the end of the test. If
// [NewServer] fails, New calls t.Fatal.
//
// New checks each request and each response against openapi.yaml and calls
// t.Errorf for a violation. [WithoutContractCheck] and [WithBadRequests] reduce
// the check. An access key that is sent to a data URL always fails the test.
//
// In a bubble of testing/synctest, t must be the T of the bubble.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	config, err := newConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	config.report = func(format string, args ...any) { t.Errorf("jobstest: "+format, args...) }
	s, err := newServer(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newServer(config *config) (*Server, error) {
	state, err := newState(config.seed)
	if err != nil {
		return nil, fmt.Errorf("jobstest: the seed: %w", err)
	}
	s := &Server{config: config, url: "https://" + inProcessAPIHost + "/"}
	s.client = &http.Client{Transport: &inProcess{server: s}}
	dataURL := "https://" + inProcessDataHost + "/"
	if config.address != "" {
		if s.sockets, err = emulator.Listen(config.address, config.dataAddress, config.publicHost, config.tls); err != nil {
			return nil, fmt.Errorf("jobstest: %w", err)
		}
		s.url, dataURL, s.client = s.sockets.APIURL, s.sockets.DataURL, s.sockets.Client
	}
	s.emulator, err = emulator.New(state, emulator.Config{
		AccessKey:        config.accessKey,
		DataURL:          dataURL,
		URLTTL:           config.urlTTL,
		Run:              config.run,
		Report:           config.report,
		SkipContract:     config.skipContract,
		AllowBadRequests: config.allowBadRequests,
		Newer:            config.newer,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("jobstest: %w", err), s.Close())
	}
	if s.sockets != nil {
		s.sockets.Serve(
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/healthz" { // for supervisors of containers; no request of a client
					fmt.Fprintln(w, "ok")
					return
				}
				s.serve(w, r, s.emulator.RouteAPI)
			},
			func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.emulator.RouteData) },
		)
	}
	return s, nil
}

// URL returns the base URL of the server, with a slash at its end. Without
// sockets it is "https://tensorbay.test/", which only [Server.Client] reaches.
func (s *Server) URL() string { return s.url }

// AccessKey returns the access key that the server accepts.
func (s *Server) AccessKey() string { return s.config.accessKey }

// Client returns the client that reaches the server and its data URLs. It is
// always the same client. Without sockets it serves each request on the
// goroutine that sends it, so it works in a bubble of testing/synctest, and it
// reaches no other host. With sockets it trusts the certificate of the server.
func (s *Server) Client() *http.Client { return s.client }

// CertificatePEM returns the certificate of a server with [WithTLS], for clients
// in other processes. It returns nil for all other servers.
func (s *Server) CertificatePEM() []byte {
	if s.sockets == nil {
		return nil
	}
	return s.sockets.CertificatePEM
}

// ServeHTTP serves the API, so that a program can mount the server in its own
// listener. It does not serve data URLs, which are on another host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, s.emulator.RouteAPI)
}

// Requests returns the requests so far in the order of their arrival. It keeps
// at least the latest 100,000.
func (s *Server) Requests() []Request { return s.log.all() }

// Close stops the server. It cuts off requests in progress over sockets, and
// later requests through [Server.Client] fail. A second Close does nothing.
func (s *Server) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.faults.close()
	var err error
	if s.sockets != nil {
		err = s.sockets.Close()
	}
	if s.emulator != nil {
		s.emulator.Close()
	}
	if err != nil {
		return fmt.Errorf("jobstest: close the server: %w", err)
	}
	return nil
}

// CommitDraft commits an open draft, as a user of the website does. Its branch
// moves to the new commit. The dataset is given by name or id.
func (s *Server) CommitDraft(dataset string, number int64) error {
	return withPrefix(s.emulator.CommitDraft(dataset, number))
}

// CloseDraft closes an open draft. The dataset is given by name or id.
func (s *Server) CloseDraft(dataset string, number int64) error {
	return withPrefix(s.emulator.CloseDraft(dataset, number))
}

// DeleteDraft deletes a draft of any status. Its number is not used again. The
// dataset is given by name or id.
func (s *Server) DeleteDraft(dataset string, number int64) error {
	return withPrefix(s.emulator.DeleteDraft(dataset, number))
}

// Upload creates a dataset through the operations of the API, as a client that writes does,
// and returns its id. The requests are in [Server.Requests].
//
// The API determines ids, times and the paths of masks, and numbers the drafts of commits too.
// Upload returns an error if the API cannot write a part of dataset: the description of a
// segment, a second commit without a parent, or a draft that is committed or has a Parent.
func (s *Server) Upload(ctx context.Context, dataset SeedDataset) (id string, err error) {
	var ds seed.Dataset
	convert(reflect.ValueOf(&ds).Elem(), reflect.ValueOf(dataset))
	id, err = upload.Dataset(ctx, s.client, s.url, s.config.accessKey, ds)
	return id, withPrefix(err)
}

// Reset returns to the seed: it discards all changes, jobs and search results. Requests and
// faults remain.
func (s *Server) Reset() { s.emulator.Reset() }

// Dump returns the present state as a seed in YAML, which [ParseSeed] decodes. A server with
// that seed gives the same responses to reads. Jobs and search results are not part of a seed.
// It returns an error if ParseSeed would refuse the seed: above 64 MiB, or without an owner.
func (s *Server) Dump() ([]byte, error) {
	dumped, err := seed.Format(s.emulator.Dump())
	if err != nil {
		return nil, fmt.Errorf("jobstest: %w", err)
	}
	return dumped, nil
}

func withPrefix(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("jobstest: %w", err)
}
