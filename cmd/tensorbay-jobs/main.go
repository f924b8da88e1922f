// Command tensorbay-jobs demonstrates TensorBay jobs and serves an embedded
// TensorBay to programs in any language.
//
//	tensorbay-jobs demo     run merges and searches on an embedded TensorBay
//	tensorbay-jobs serve    run an embedded TensorBay for other programs
//
// The flag --help prints the flags of a command. The exit status is 0 for success,
// 1 for a failure, 2 for an invalid command line and 130 after an interrupt.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

type commandLine struct {
	Demo    demoCommand      `cmd:"" help:"Run merges and searches on an embedded TensorBay."`
	Serve   serveCommand     `cmd:"" help:"Serve an embedded TensorBay, for clients in any language."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

// A console holds the outputs of a command: out for results, err for messages.
type console struct{ out, err io.Writer }

// A checkedWriter remembers the first error, so that commands need not check each line.
type checkedWriter struct {
	io.Writer
	err error
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes the command line args and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exit := -1
	out := &checkedWriter{Writer: stdout}
	parser, err := kong.New(&commandLine{},
		kong.Name("tensorbay-jobs"),
		kong.Description("Jobs on TensorBay: squash and merge, and basic search."),
		kong.Vars{"version": "tensorbay-jobs " + jobs.Version},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }), // after --help and --version
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(console{out: out, err: stderr}),
	)
	if err != nil {
		return fail(stderr, exitFailed, err)
	}
	command, err := parser.Parse(args)
	switch {
	case exit >= 0:
		return exit
	case err != nil:
		return fail(stderr, exitUsage, fmt.Errorf("%w\nRun tensorbay-jobs --help for the commands and flags", err))
	}
	switch err := command.Run(); {
	case err == nil && out.err != nil:
		return fail(stderr, exitFailed, fmt.Errorf("write the output: %w", out.err))
	case err == nil:
		return 0
	case ctx.Err() != nil:
		return fail(stderr, exitInterrupted, errors.New("interrupted"))
	default:
		return fail(stderr, exitFailed, err)
	}
}

func fail(stderr io.Writer, code int, err error) int {
	fmt.Fprintf(stderr, "tensorbay-jobs: %v\n", err)
	return code
}
