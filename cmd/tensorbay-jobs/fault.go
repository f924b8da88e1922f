package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// A faultFlag holds the value of --fault: a fault and the requests it applies to.
type faultFlag struct {
	text  string
	fault jobstest.Fault
	rule  jobstest.Rule
}

// faults maps each name to a parser of its value. It lists only faults that work
// with an arbitrary client.
var faults = map[string]func(*faultFlag, string) error{
	"refuse":   withoutValue(jobstest.Refuse),
	"reset":    withoutValue(jobstest.Reset),
	"hang":     withoutValue(jobstest.Hang),
	"truncate": withoutValue(jobstest.Truncate),
	"status":   withStatus(jobstest.Status),
	"html":     withStatus(jobstest.HTML),
	"delay":    parse(positive(time.ParseDuration), func(f *faultFlag, d time.Duration) { f.fault = jobstest.Delay(d) }),
}

// conditions maps each condition of a fault to a parser of its value.
var conditions = map[string]func(*faultFlag, string) error{
	"operation":   func(f *faultFlag, value string) error { f.rule.Operation = value; return nil },
	"after":       parse(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.rule.After = d }),
	"for":         parse(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.rule.For = d }),
	"from":        parse(strconv.Atoi, func(f *faultFlag, n int) { f.rule.From = n }),
	"times":       parse(positive(strconv.Atoi), func(f *faultFlag, n int) { f.rule.Times = n }),
	"probability": parse(positive(number), func(f *faultFlag, p float64) { f.rule.Probability = p }),
	"seed":        parse(seedNumber, func(f *faultFlag, n uint64) { f.rule.Seed = n }),
	"retry-after": parse(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.fault = f.fault.RetryAfter(d) }),
}

// parse returns a function that parses a value and passes it to set.
func parse[T any](convert func(string) (T, error), set func(*faultFlag, T)) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		v, err := convert(value)
		if err == nil {
			set(f, v)
		}
		return err
	}
}

// positive returns convert with an error for 0, which a Rule takes for no condition.
func positive[T cmp.Ordered](convert func(string) (T, error)) func(string) (T, error) {
	return func(text string) (T, error) {
		v, err := convert(text)
		if zero := *new(T); err == nil && v <= zero {
			err = errors.New("the value must be above 0")
		}
		return v, err
	}
}

func seedNumber(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

func number(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

func withoutValue(fault func() jobstest.Fault) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		if value != "" {
			return errors.New("the fault takes no value")
		}
		f.fault = fault()
		return nil
	}
}

func withStatus(fault func(status int) jobstest.Fault) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		status, err := strconv.Atoi(value)
		if err != nil || status < 200 || status > 599 {
			return errors.New("the value must be an HTTP status from 200 to 599")
		}
		f.fault = fault(status)
		return nil
	}
}

// faultFlags implements pflag.Value.
type faultFlags []faultFlag

// String returns the default, which is empty.
func (*faultFlags) String() string { return "" }

// Type names the value in the help.
func (*faultFlags) Type() string { return "fault" }

// Set adds a fault.
func (f *faultFlags) Set(text string) error {
	var one faultFlag
	err := one.parse(text)
	*f = append(*f, one)
	return err
}

// parse parses a fault and its conditions, such as
// "status=503,operation=getJob,probability=0.2".
func (f *faultFlag) parse(text string) error {
	f.text = text
	for i, part := range strings.Split(f.text, ",") {
		known, kind := conditions, "condition"
		if i == 0 {
			known, kind = faults, "fault"
		}
		name, value, _ := strings.Cut(part, "=")
		set, ok := known[name]
		if !ok {
			return fmt.Errorf("unknown %s %q: use one of %s", kind, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := set(f, value); err != nil {
			return fmt.Errorf("%q: %w", part, err)
		}
	}
	return nil
}

// inject adds the fault to the server.
func (f *faultFlag) inject(server *jobstest.Server) (err error) {
	// Inject panics on a bad rule, which here is an error of the user.
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("--fault: %v", reason)
		}
	}()
	server.Inject(f.rule, f.fault)
	return nil
}
