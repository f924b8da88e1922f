// Command tensorbay-jobs shows what TensorBay jobs do, and serves an embedded
// TensorBay to programs in any language.
//
//	tensorbay-jobs demo     run the main job, start to end
//	tensorbay-jobs serve    lend the embedded TensorBay to other programs
//
// Each of them explains itself with --help. The exit status is 0 after success,
// 1 after a failure, 2 when the command line makes no sense, and 130 when the
// work was interrupted.
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
	Demo    demoCommand      `cmd:"" help:"Run the main job, start to end, on an embedded TensorBay."`
	Serve   serveCommand     `cmd:"" help:"Serve an embedded TensorBay, for clients in any language."`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

// A console is where a command writes: results to out, and to err what is for
// people only.
type console struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program the hard way
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exit := -1
	parser, err := kong.New(&commandLine{},
		kong.Name("tensorbay-jobs"),
		kong.Description("Jobs on TensorBay: squash and merge, and basic search."),
		kong.Vars{"version": "tensorbay-jobs " + jobs.Version},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }), // after --help and --version
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(console{out: stdout, err: stderr}),
	)
	if err != nil {
		return fail(stderr, exitFailed, err)
	}
	command, err := parser.Parse(args)
	switch {
	case exit >= 0:
		return exit
	case err != nil:
		return fail(stderr, exitUsage, fmt.Errorf("%w\nRun tensorbay-jobs --help to see what there is", err))
	}
	switch err := command.Run(); {
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
