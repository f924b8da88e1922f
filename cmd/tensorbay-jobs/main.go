// Command tensorbay-jobs merges and searches datasets of TensorBay, and serves an embedded
// TensorBay to programs in any language. The flag --help of a command prints its arguments.
//
// The exit code is:
//
//	0    done
//	1    any other failure
//	2    invalid arguments
//	3    a job failed
//	4    a job was aborted
//	5    a wait ended before its job, for example after --timeout
//	6    no access: no access key, or it was rejected or lacks a permission
//	7    a create, retry, create-dataset or commit may have taken effect: check before repeating it
//	130  interrupted; jobs go on
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

const (
	exitFailed      = 1
	exitUsage       = 2
	exitJobFailed   = 3
	exitJobAborted  = 4
	exitWaitEnded   = 5
	exitNoAccess    = 6
	exitAmbiguous   = 7
	exitInterrupted = 130
)

const exitCodes = `Exit codes: 0 done, 1 any other failure, 2 invalid arguments, 3 a job failed,
4 a job was aborted, 5 a wait ended before its job, 6 no access,
7 a change may have taken effect, 130 interrupted (jobs go on).`

// errNoAccessKey reports that no access key is configured.
var errNoAccessKey = errors.New("no access key: set TENSORBAY_ACCESS_KEY, or use --access-key-file or --profile")

// An app runs one command line.
type app struct {
	stdin io.Reader
	out   *checkedWriter // for results
	err   io.Writer      // for messages and progress

	output, profile, keyFile string // flags
	debug                    bool
}

// A checkedWriter remembers the first error, so that commands need not check each line, and
// stops the command.
type checkedWriter struct {
	io.Writer
	err  error
	stop context.CancelFunc
}

func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if w.err == nil && err != nil {
		w.err = err
		w.stop()
	}
	return n, err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes the command line args and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	running, stop := context.WithCancel(ctx)
	defer stop()
	a := &app{stdin: stdin, out: &checkedWriter{Writer: stdout, stop: stop}, err: stderr}
	root := a.rootCommand()
	root.SetArgs(args)
	started := false
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(outputs, a.output) {
			return fmt.Errorf("unknown --output %q: use %s", a.output, strings.Join(outputs, ", "))
		}
		started = true
		return nil
	}
	command, err := root.ExecuteContextC(running)
	switch {
	case a.out.err != nil && ctx.Err() == nil:
		err = fmt.Errorf("write the output: %w", a.out.err)
	case err == nil:
		return 0
	case !started:
		err = usageError{fmt.Errorf("%w\nRun %s --help for the arguments", err, command.CommandPath())}
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.Is(err, jobs.ErrAmbiguous):
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "tensorbay-jobs: %v\n", err)
	if dial := new(net.OpError); errors.As(err, &dial) && dial.Op == "dial" {
		fmt.Fprintln(stderr, "The address of the service is set by TENSORBAY_URL or by the profile.")
	}
	if code := exitCode(err); ctx.Err() == nil || code == exitAmbiguous {
		return code
	}
	return exitInterrupted
}

// A usageError reports invalid arguments of a command.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

func (e usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case is(jobs.ErrAmbiguous):
		return exitAmbiguous
	case is(jobs.ErrJobFailed):
		return exitJobFailed
	case is(jobs.ErrJobAborted):
		return exitJobAborted
	case is(errNoAccessKey), is(jobs.ErrUnauthorized), is(jobs.ErrForbidden):
		return exitNoAccess
	case errors.As(err, new(*jobs.WaitError)):
		return exitWaitEnded
	case errors.As(err, new(usageError)), is(jobs.ErrInvalidArgument):
		return exitUsage
	}
	return exitFailed
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tensorbay-jobs",
		Short: "Jobs on TensorBay: squash and merge, and basic search",
		Long: `Jobs on TensorBay: squash and merge, and basic search.

The access key comes from the variable TENSORBAY_ACCESS_KEY, from a file
(--access-key-file), or from a profile (--profile) in the file
tensorbay-jobs/config.yaml of your configuration directory, such as ~/.config:

  profiles:
    work: {accessKeyFile: /run/secrets/tensorbay}
    local: {accessKey: Accesskey-..., url: "http://127.0.0.1:8080/"}

The variable TENSORBAY_URL sets the address of the service, for example of
tensorbay-jobs serve. Without it, the prefix of the access key selects the
service.

` + exitCodes,
		Version:       jobs.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetVersionTemplate("tensorbay-jobs {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", "table", "`FORMAT` of results: "+strings.Join(outputs, ", "))
	flags.StringVar(&a.profile, "profile", os.Getenv("TENSORBAY_PROFILE"), "`NAME` of a profile with access key and address")
	flags.StringVar(&a.keyFile, "access-key-file", "", "`FILE` that contains the access key")
	flags.BoolVar(&a.debug, "debug", false, "log each request to standard error")
	complete(root, "output", outputs...)
	root.AddGroup(&cobra.Group{ID: "jobs", Title: "Jobs:"}, &cobra.Group{ID: "embedded", Title: "Embedded TensorBay:"})
	for _, group := range []struct {
		id       string
		commands []*cobra.Command
	}{
		{"jobs", []*cobra.Command{
			a.datasetsCommand(), a.mergeCommand(), a.searchCommand(), a.jobsCommand(), a.resultCommand(), a.createDatasetCommand(),
		}},
		{"embedded", []*cobra.Command{a.demoCommand(), a.serveCommand()}},
		{"", []*cobra.Command{a.versionCommand()}},
	} {
		for _, c := range group.commands {
			c.GroupID = group.id
			root.AddCommand(c)
		}
	}
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // cobra accepts any shell
			c.Args, c.RunE = cobra.NoArgs, root.RunE
		}
	}
	// Wrap the flags, too.
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
	return root
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			revision := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = s.Value
					}
				}
			}
			v := struct {
				Version  string `json:"version"`
				Go       string `json:"go"`
				Revision string `json:"revision,omitempty"`
			}{jobs.Version, runtime.Version(), revision}
			return a.object(v, field{"tensorbay-jobs", v.Version}, field{"go", v.Go}, field{"revision", revision})
		},
	}
}

// arguments returns a check of the number of arguments whose error names them.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		name, want, _ := strings.Cut(c.Use, " ")
		return fmt.Errorf("%s takes the arguments %s, got %d", name, want, len(args))
	}
}

// complete sets the values that the shell proposes for a flag.
func complete(c *cobra.Command, flag string, values ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}
