package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

// A faultFlag is a fault and which requests it meets, as --fault names them.
type faultFlag struct {
	text  string
	fault jobstest.Fault
	rule  jobstest.Rule
}

// faults are those that make sense for a program of which nothing is known.
var faults = map[string]func(*faultFlag, string) error{
	"refuse":   plain(jobstest.Refuse),
	"reset":    plain(jobstest.Reset),
	"hang":     plain(jobstest.Hang),
	"truncate": plain(jobstest.Truncate),
	"status":   answered(jobstest.Status),
	"html":     answered(jobstest.HTML),
	"delay":    reads(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.fault = jobstest.Delay(d) }),
}

// conditions are the fields of a rule, and what goes with a fault.
var conditions = map[string]func(*faultFlag, string) error{
	"operation":   func(f *faultFlag, value string) error { f.rule.Operation = value; return nil },
	"after":       reads(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.rule.After = d }),
	"for":         reads(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.rule.For = d }),
	"from":        reads(strconv.Atoi, func(f *faultFlag, n int) { f.rule.From = n }),
	"times":       reads(strconv.Atoi, func(f *faultFlag, n int) { f.rule.Times = n }),
	"probability": reads(number, func(f *faultFlag, p float64) { f.rule.Probability = p }),
	"retry-after": reads(time.ParseDuration, func(f *faultFlag, d time.Duration) { f.fault = f.fault.RetryAfter(d) }),
}

// reads parses a value and hands it to use.
func reads[T any](parse func(string) (T, error), use func(*faultFlag, T)) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		v, err := parse(value)
		if err == nil {
			use(f, v)
		}
		return err
	}
}

func number(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

func plain(fault func() jobstest.Fault) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		if value != "" {
			return errors.New("it takes no value")
		}
		f.fault = fault()
		return nil
	}
}

func answered(fault func(status int) jobstest.Fault) func(*faultFlag, string) error {
	return func(f *faultFlag, value string) error {
		status, err := strconv.Atoi(value)
		if err != nil || status < 200 || status > 599 {
			return errors.New("it takes the status of an answer, 200 to 599")
		}
		f.fault = fault(status)
		return nil
	}
}

// UnmarshalText reads a fault and its conditions, such as
// "status=503,operation=getJob,probability=0.2".
func (f *faultFlag) UnmarshalText(text []byte) error {
	f.text = string(text)
	for i, part := range strings.Split(f.text, ",") {
		known, kind := conditions, "condition"
		if i == 0 {
			known, kind = faults, "fault"
		}
		name, value, _ := strings.Cut(part, "=")
		set, ok := known[name]
		if !ok {
			return fmt.Errorf("there is no %s %q, only %s", kind, name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := set(f, value); err != nil {
			return fmt.Errorf("%q: %w", part, err)
		}
	}
	return nil
}

// inject lets the fault happen.
func (f *faultFlag) inject(server *jobstest.Server) (err error) {
	// Inject panics where the author of a test is wrong. Here it is the user.
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("--fault: %v", fault)
		}
	}()
	server.Inject(f.rule, f.fault)
	return nil
}
