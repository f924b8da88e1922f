package jobstest

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// apiRoot is where the Open API lies under the base URL.
const apiRoot = "/gatewayv2/tensorbay-open-api/v1"

// The hosts of a server without sockets. The top-level domain "test" is
// reserved, so a client that escapes the in-process transport reaches nobody.
const (
	inProcessAPIHost  = "tensorbay.test"
	inProcessDataHost = "data.tensorbay.test"
)

// A Server is an embedded TensorBay. It is safe for concurrent use. It starts
// no goroutine and no timer unless it listens on real sockets.
type Server struct {
	config   *config
	contract *contract
	checker  *checker // nil: nothing is checked
	routes   *http.ServeMux
	signer   *signer
	log      requestLog
	faults   faults

	url     string
	dataURL string
	client  *http.Client
	sockets *sockets // nil without WithListener

	contents map[string]*datum // by content id; never changes

	mu     sync.Mutex // guards what follows
	store  *store
	closed bool
}

// NewServer makes a server for a program. It fails where an option or the seed
// is wrong, and where it cannot listen. Close it when it is not used any more.
func NewServer(options ...Option) (*Server, error) {
	config, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	return newServer(config)
}

// New makes a server for a test and closes it when the test ends. It is fatal
// to the test where [NewServer] fails. Each request and each answer is checked
// against openapi.yaml and a breach fails the test, unless
// [WithoutContractCheck] or [WithBadRequests] say otherwise; so does an access
// key that is sent to a data URL.
//
// In a testing/synctest bubble call it with the T of the bubble.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	config, err := newConfig(options)
	if err != nil {
		t.Fatal(err)
	}
	config.reportBreach = t.Errorf
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
	world, err := loadWorld(config.seed)
	if err != nil {
		return nil, err
	}
	contract, err := loadContract()
	if err != nil {
		return nil, err
	}
	s := &Server{
		config:   config,
		contract: contract,
		signer:   newSigner(config.urlTTL),
		url:      "https://" + inProcessAPIHost + "/",
		dataURL:  "https://" + inProcessDataHost + "/",
		contents: world.contents,
		store:    newStore(world),
	}
	s.client = &http.Client{Transport: &inProcess{server: s}}
	if config.reportBreach != nil {
		s.checker = &checker{report: config.reportBreach, unchecked: config.unchecked, badRequests: config.badRequests}
	}
	s.routes = newRoutes(&api{s})
	if config.address != "" {
		if s.sockets, err = listen(s, config); err != nil {
			return nil, err
		}
		s.url, s.dataURL, s.client = s.sockets.apiURL, s.sockets.dataURL, s.sockets.client
		s.sockets.serve()
	}
	return s, nil
}

// newRoutes puts the generated strict handler in front of the operations, with
// every refusal in the JSON form of the service.
func newRoutes(operations server.StrictServerInterface) *http.ServeMux {
	unreadable := func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, badRequest(err)) }
	refused := func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, asAPIError(err)) }
	mux := http.NewServeMux()
	server.HandlerWithOptions(
		server.NewStrictHandlerWithOptions(operations, nil, server.StrictHTTPServerOptions{
			RequestErrorHandlerFunc:  unreadable,
			ResponseErrorHandlerFunc: refused,
		}),
		server.StdHTTPServerOptions{BaseURL: apiRoot, BaseRouter: mux, ErrorHandlerFunc: unreadable},
	)
	return mux
}

// URL returns the base URL of the server, with a slash at its end: what a
// client takes in place of the address of TensorBay. Without sockets it is
// "https://tensorbay.test/", which only [Server.Client] reaches.
func (s *Server) URL() string { return s.url }

// AccessKey returns the one access key that the server accepts.
func (s *Server) AccessKey() string { return s.config.accessKey }

// Client returns a client that reaches the server and the hosts of its data
// URLs, always the same one. Without sockets it serves a request on the
// goroutine that sends it, so it works in a testing/synctest bubble, and it
// reaches no other host. With sockets it trusts the certificate of the server.
func (s *Server) Client() *http.Client { return s.client }

// CertificatePEM returns the certificate of a server with [WithTLS], for
// clients in other processes, and nil for every other server.
func (s *Server) CertificatePEM() []byte {
	if s.sockets == nil {
		return nil
	}
	return s.sockets.certificatePEM
}

// ServeHTTP serves the API, so that a server can be mounted in the listener of
// a program. Data URLs lie on another host and are not served here.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := s.exchange(w, r, s.apiHost); p != nil {
		p.send(w)
	}
}

// Requests returns everything that was asked so far, in the order in which it
// arrived. A server that was asked very often forgets the oldest requests; it
// keeps at least the latest 100,000.
func (s *Server) Requests() []Request { return s.log.all() }

// Close stops the server. Requests through [Server.Client] fail from then on,
// and requests that are under way on real sockets are cut off. Closing a
// closed server does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.faults.close()
	var err error
	if s.sockets != nil {
		err = s.sockets.close()
	}
	if s.checker != nil {
		s.checker.close()
	}
	if err != nil {
		return errors.Join(errors.New("jobstest: cannot close the server"), err)
	}
	return nil
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// lock takes the lock of the store and brings every job to its state of this
// moment, which it returns. Whatever looks at the store takes it this way: the
// server keeps no timer that would do it.
func (s *Server) lock() time.Time {
	s.mu.Lock()
	now := time.Now()
	s.store.advance(now)
	return now
}

func (s *Server) unlock() { s.mu.Unlock() }
