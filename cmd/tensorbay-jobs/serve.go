package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	listen, dataListen, publicHost   string
	tls, newer                       bool
	seed, readyFile, accessKey, fail string
	queuing, processing, urlTTL      time.Duration
	faults                           faultFlags
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve an embedded TensorBay, for clients in any language",
		Long: `Serve an embedded TensorBay until SIGINT or SIGTERM. It keeps its state in
memory.

When the server accepts requests, it writes one line of JSON with the fields
url, apiUrl, accessKey and, with --tls, caFile. It writes them to standard
output, or to the file of --ready-file, which it removes at exit. Clients that
are generated from openapi.yaml use apiUrl as base URL. A browser shows the
reference of the API at /docs, and the document at /openapi.yaml. GET /healthz
needs no access key.

A --fault has the form FAULT[,CONDITION=VALUE...]. The faults are refuse,
reset, hang, truncate, status=CODE, html=CODE and delay=TIME. The conditions
are:
  operation=ID      an operationId of openapi.yaml, or content
  probability=P     above 0, at most 1; seed=N makes it reproducible
  from=N, times=N   the first request affected, and the number of requests
  after=TIME        since the start; for=TIME limits the duration
  retry-after=TIME  adds that header
The first fault that matches a request applies.`,
		Example: `  tensorbay-jobs serve --listen 127.0.0.1:8080 --access-key Accesskey-demo
  tensorbay-jobs serve --fault status=503,operation=getJob,probability=0.2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), a) },
	}
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "`HOST:PORT` of the API; port 0 picks a free port")
	flags.StringVar(&f.dataListen, "data-listen", "", "`HOST:PORT` of data URLs (default: a free port on the same host)")
	flags.StringVar(&f.publicHost, "public-host", "", "`HOST` name or IP address in all URLs and in the certificate, for clients in other containers")
	flags.BoolVar(&f.tls, "tls", false, "serve HTTPS with a certificate created at startup")
	flags.StringVar(&f.seed, "seed", "", "YAML `FILE` with the datasets to serve (default: the built-in datasets)")
	flags.StringVar(&f.readyFile, "ready-file", "", "`FILE` for the address and the access key")
	flags.StringVar(&f.accessKey, "access-key", "", "access `KEY` that clients must send (default: a random key)")
	flags.DurationVar(&f.queuing, "queuing", 200*time.Millisecond, "`TIME` a job stays QUEUING")
	flags.DurationVar(&f.processing, "processing", 500*time.Millisecond, "`TIME` a job stays PROCESSING")
	flags.DurationVar(&f.urlTTL, "url-ttl", 10*time.Minute, "`TIME` until a data URL expires; if negative, URLs have expired before they are returned")
	flags.StringVar(&f.fail, "fail-jobs", "", "the first run of jobs whose title contains this `TEXT` fails; a retry succeeds")
	flags.BoolVar(&f.newer, "newer", false, "serve a later version of the service, with fields, a job type, a status, a label type and an error code that openapi.yaml does not list")
	flags.Var(&f.faults, "fault", "`FAULT` to inject (may be repeated)")
	return c
}

// run serves until ctx ends.
func (f *serveFlags) run(ctx context.Context, a *app) (err error) {
	if f.readyFile != "" {
		if f.readyFile, err = filepath.Abs(f.readyFile); err != nil {
			return err
		}
		if err := removeOldReadyFile(f.readyFile); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
	}
	server, err := f.start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	for _, fault := range f.faults {
		if err := fault.inject(server); err != nil {
			return usageError{err}
		}
	}

	ready := ready{URL: server.URL(), APIURL: server.URL() + "gatewayv2/tensorbay-open-api/v1", AccessKey: server.AccessKey()}
	if f.tls {
		var remove func() error
		if ready.CAFile, remove, err = f.writeCertificate(server.CertificatePEM()); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	remove, err := ready.announce(f.readyFile, a.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	printServing(a.err, ready, f.readyFile, f.faults)
	<-ctx.Done()
	return nil
}

// start starts the server. If the seed is invalid, the error names the line and the
// reason.
func (f *serveFlags) start() (*jobstest.Server, error) {
	key := f.accessKey
	if key == "" {
		key = randomAccessKey()
	}
	// Reject a key that the client would reject.
	if _, err := jobs.NewClient(key); err != nil {
		return nil, fmt.Errorf("--access-key: %w", err)
	}
	options := []jobstest.Option{
		jobstest.WithListener(f.listen),
		jobstest.WithAccessKey(key),
		jobstest.WithQueuing(f.queuing),
		jobstest.WithProcessing(f.processing),
		jobstest.WithURLTTL(f.urlTTL),
	}
	if f.fail != "" {
		options = append(options, jobstest.WithRuns(func(r jobstest.RunRequest) jobstest.Run {
			run := r.Standard
			if r.Attempt == 1 && strings.Contains(r.JobTitle, f.fail) {
				run.Fail = "The first run fails because of --fail-jobs."
			}
			return run
		}))
	}
	if f.publicHost != "" {
		options = append(options, jobstest.WithPublicHost(f.publicHost))
	}
	if f.dataListen != "" {
		options = append(options, jobstest.WithDataListener(f.dataListen))
	}
	if f.tls {
		options = append(options, jobstest.WithTLS())
	}
	if f.newer {
		options = append(options, jobstest.WithNewerService())
	}
	if f.seed == "" {
		return jobstest.NewServer(options...) // with the built-in seed
	}
	text, err := os.ReadFile(f.seed)
	if err != nil {
		return nil, usage("--seed: %w", err)
	}
	seed, err := jobstest.ParseSeed(text)
	if err != nil {
		return nil, usage("--seed: invalid file %s:\n%w", f.seed, err)
	}
	return jobstest.NewServer(append(options, jobstest.WithSeed(seed))...)
}

// writeCertificate writes the certificate beside the ready file, or into a new
// directory if there is no ready file. It returns the path and a function that
// removes the file or directory.
func (f *serveFlags) writeCertificate(pem []byte) (path string, remove func() error, err error) {
	if f.readyFile != "" {
		path = f.readyFile + ".ca.pem"
		remove, err = writeAtomically(path, pem)
		return path, remove, err
	}
	dir, err := os.MkdirTemp("", "tensorbay-jobs-")
	if err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	path = filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(path, pem, 0o644); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return path, remove, nil
}

func randomAccessKey() string {
	var id [16]byte
	rand.Read(id[:])
	return "Accesskey-" + hex.EncodeToString(id[:])
}
