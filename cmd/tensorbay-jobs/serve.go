package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

type serveCommand struct {
	Listen     string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address of the API. Port 0 picks a free port (default ${default})."`
	DataListen string        `placeholder:"HOST:PORT" help:"Address that serves data URLs. The default is a free port on the same host."`
	TLS        bool          `name:"tls" help:"Serve HTTPS with a certificate created at startup."`
	Seed       string        `placeholder:"FILE" help:"YAML file with the datasets to serve. The default is the built-in testdata/seed.yaml."`
	ReadyFile  string        `placeholder:"FILE" help:"File for {\"url\",\"apiUrl\",\"accessKey\",\"caFile\"}, written when the server accepts requests and removed at exit. The default is one line on stdout."`
	AccessKey  string        `placeholder:"KEY" help:"Access key that clients must send. The default is a random key."`
	Queuing    time.Duration `default:"200ms" placeholder:"TIME" help:"Time a job stays QUEUING (default ${default})."`
	Processing time.Duration `default:"500ms" placeholder:"TIME" help:"Time a job stays PROCESSING (default ${default})."`
	Fault      []faultFlag   `sep:"none" placeholder:"FAULT[,CONDITION=VALUE...]" help:"Fault to inject: refuse, reset, hang, truncate, status=CODE, html=CODE or delay=TIME. Example: status=503,operation=getJob,probability=0.2. Conditions: operation=ID (an operationId of openapi.yaml, or content), probability=P, seed=N (of the probability), from=N (the first request affected), times=N (requests affected), after=TIME (since startup) and for=TIME. retry-after=TIME adds that header. The flag may be repeated; the first fault that matches a request applies."`
	Newer      bool          `help:"Serve a later version of the service, with fields, a job type, a status, a label type and an error code that openapi.yaml does not list."`
	URLTTL     time.Duration `name:"url-ttl" default:"10m" placeholder:"TIME" help:"Time until a data URL expires (default ${default}). If it is negative, URLs have expired before they are returned."`
}

// Help returns the text that serve --help prints above the flags.
func (*serveCommand) Help() string {
	return "The server keeps its state in memory and stops on SIGINT or SIGTERM. " +
		"The ready file is written atomically: a script can wait for it and read it. " +
		"Its field caFile, the CA certificate, is absent without --tls. " +
		"Clients that are generated from openapi.yaml use apiUrl as base URL. " +
		"A browser shows the reference of the API at /docs, and the document at /openapi.yaml."
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, to console) (err error) {
	if c.ReadyFile != "" {
		if c.ReadyFile, err = filepath.Abs(c.ReadyFile); err != nil {
			return err
		}
		if err := removeOldReadyFile(c.ReadyFile); err != nil {
			return fmt.Errorf("--ready-file: %w", err)
		}
	}
	server, err := c.start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	for _, f := range c.Fault {
		if err := f.inject(server); err != nil {
			return err
		}
	}

	ready := ready{URL: server.URL(), APIURL: server.URL() + "gatewayv2/tensorbay-open-api/v1", AccessKey: server.AccessKey()}
	if c.TLS {
		var remove func() error
		if ready.CAFile, remove, err = c.writeCertificate(server.CertificatePEM()); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	remove, err := ready.announce(c.ReadyFile, to.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	printServing(to.err, ready, c.ReadyFile, c.Fault)
	<-ctx.Done()
	return nil
}

// start starts the server. If the seed is invalid, the error names the line and the
// reason.
func (c *serveCommand) start() (*jobstest.Server, error) {
	key := c.AccessKey
	if key == "" {
		key = randomAccessKey()
	}
	// Reject a key that the client would reject.
	if _, err := jobs.NewClient(key); err != nil {
		return nil, fmt.Errorf("--access-key: %w", err)
	}
	options := []jobstest.Option{
		jobstest.WithListener(c.Listen),
		jobstest.WithAccessKey(key),
		jobstest.WithQueuing(c.Queuing),
		jobstest.WithProcessing(c.Processing),
		jobstest.WithURLTTL(c.URLTTL),
	}
	if c.DataListen != "" {
		options = append(options, jobstest.WithDataListener(c.DataListen))
	}
	if c.TLS {
		options = append(options, jobstest.WithTLS())
	}
	if c.Newer {
		options = append(options, jobstest.WithNewerService())
	}
	if c.Seed == "" {
		return jobstest.NewServer(options...) // with the built-in seed
	}
	text, err := os.ReadFile(c.Seed)
	if err != nil {
		return nil, fmt.Errorf("--seed: %w", err)
	}
	seed, err := jobstest.ParseSeed(text)
	if err != nil {
		return nil, fmt.Errorf("--seed: invalid file %s:\n%w", c.Seed, err)
	}
	return jobstest.NewServer(append(options, jobstest.WithSeed(seed))...)
}

// writeCertificate writes the certificate beside the ready file, or into a new
// directory if there is no ready file. It returns the path and a function that
// removes the file or directory.
func (c *serveCommand) writeCertificate(pem []byte) (path string, remove func() error, err error) {
	if c.ReadyFile != "" {
		path = c.ReadyFile + ".ca.pem"
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
