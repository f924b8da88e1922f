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
	Listen     string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address of the API; port 0 is a free one (default ${default})."`
	DataListen string        `placeholder:"HOST:PORT" help:"Address that data URLs lead to; the default is a second, free port of the same host."`
	TLS        bool          `name:"tls" help:"Serve https with a certificate made at start; caFile names it."`
	Seed       string        `placeholder:"FILE" help:"What the server holds, in YAML; the default is testdata/seed.yaml as it was when this program was built."`
	ReadyFile  string        `placeholder:"FILE" help:"Where to write {\"url\",\"accessKey\",\"caFile\"} once requests are accepted; removed at the end. The default is one line on stdout."`
	AccessKey  string        `placeholder:"KEY" help:"The one access key that is accepted; the default is a random one."`
	Queuing    time.Duration `default:"200ms" placeholder:"TIME" help:"How long a job is QUEUING (default ${default})."`
	Processing time.Duration `default:"500ms" placeholder:"TIME" help:"How long a job is PROCESSING (default ${default})."`
	Fault      []faultFlag   `sep:"none" placeholder:"FAULT[,CONDITION=VALUE...]" help:"What goes wrong: refuse, reset, hang, truncate, status=CODE, html=CODE or delay=TIME, as in status=503,operation=getJob,probability=0.2. Conditions: operation (an operationId of openapi.yaml, or content), probability, from and times (of requests), after and for (of time); retry-after adds that header. May be repeated; the first that fits happens."`
	URLTTL     time.Duration `name:"url-ttl" default:"10m" placeholder:"TIME" help:"How long a data URL is good (default ${default}). Below zero it has expired when it is handed out."`
}

// Help is shown by serve --help.
func (*serveCommand) Help() string {
	return "The server holds its state in memory and ends with SIGINT or SIGTERM. " +
		"The ready file appears in one step, so that a script may wait for it and read it at once. " +
		"Its caFile is absent without --tls."
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, to console) (err error) {
	if c.ReadyFile != "" {
		if c.ReadyFile, err = filepath.Abs(c.ReadyFile); err != nil {
			return err
		}
		// One that a killed server left behind would tell lies.
		if err := removeIfThere(c.ReadyFile); err != nil {
			return fmt.Errorf("old ready file: %w", err)
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

	ready := ready{URL: server.URL(), AccessKey: server.AccessKey()}
	if c.TLS {
		var remove func() error
		if ready.CAFile, remove, err = c.writeCertificate(server.CertificatePEM()); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		defer func() { err = errors.Join(err, remove()) }()
	}
	if c.ReadyFile != "" {
		defer func() { err = errors.Join(err, removeIfThere(c.ReadyFile)) }()
	}
	printServing(to.err, ready, c.ReadyFile, c.Fault)
	if err := ready.announce(c.ReadyFile, to.out); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// start makes the server; where the seed is at fault the error names the line
// and the reason.
func (c *serveCommand) start() (*jobstest.Server, error) {
	key := c.AccessKey
	if key == "" {
		key = randomAccessKey()
	}
	// What no client would send is not worth serving.
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
	if c.Seed == "" {
		return jobstest.NewServer(options...) // with the seed that it embeds
	}
	text, err := os.ReadFile(c.Seed)
	if err != nil {
		return nil, fmt.Errorf("--seed: %w", err)
	}
	seed, err := jobstest.ParseSeed(text)
	if err != nil {
		return nil, fmt.Errorf("--seed: %s is refused:\n%w", c.Seed, err)
	}
	return jobstest.NewServer(append(options, jobstest.WithSeed(seed))...)
}

// writeCertificate writes the certificate beside the ready file, or, where
// there is none, into a directory of its own. It returns the path and how to
// remove what was written.
func (c *serveCommand) writeCertificate(pem []byte) (path string, remove func() error, err error) {
	if c.ReadyFile != "" {
		path = c.ReadyFile + ".ca.pem"
		return path, func() error { return removeIfThere(path) }, writeInOneStep(path, pem)
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
