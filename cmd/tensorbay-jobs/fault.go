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
	"delay": func(f *faultFlag, value string) error {
		d, err := time.ParseDuration(value)
		f.fault = jobstest.Delay(d)
		return err
	},
}

// conditions are the fields of a rule.
var conditions = map[string]func(*faultFlag, string) error{
	"operation": func(f *faultFlag, value string) error { f.rule.Operation = value; return nil },
	"after": func(f *faultFlag, value string) (err error) {
		f.rule.After, err = time.ParseDuration(value)
		return err
	},
	"for":   func(f *faultFlag, value string) (err error) { f.rule.For, err = time.ParseDuration(value); return err },
	"from":  func(f *faultFlag, value string) (err error) { f.rule.From, err = strconv.Atoi(value); return err },
	"times": func(f *faultFlag, value string) (err error) { f.rule.Times, err = strconv.Atoi(value); return err },
	"probability": func(f *faultFlag, value string) (err error) {
		f.rule.Probability, err = strconv.ParseFloat(value, 64)
		return err
	},
	"retry-after": func(f *faultFlag, value string) error {
		d, err := time.ParseDuration(value)
		f.fault = f.fault.RetryAfter(d)
		return err
	},
}

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
