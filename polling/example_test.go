package polling_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// build passes at the third poll.
type build struct{ polls int }

func (b *build) poll(context.Context) (polling.Result[string], error) {
	b.polls++
	if b.polls < 3 {
		return polling.Result[string]{Value: "running"}, nil
	}
	return polling.Result[string]{Value: "passed", Done: true}, nil
}

// fast keeps the examples short.
var fast = polling.Options{Schedule: polling.Schedule{Min: time.Millisecond}}

func ExampleWait() {
	b := &build{}
	state, err := polling.Wait(context.Background(), b.poll, fast)
	fmt.Println(state, err)
	// Output: passed <nil>
}

func ExampleWatch() {
	b := &build{}
	for event, err := range polling.Watch(context.Background(), b.poll, fast) {
		fmt.Println(event.Poll, event.Value, event.Done, err)
	}
	// Output:
	// 1 running false <nil>
	// 2 running false <nil>
	// 3 passed true <nil>
}

func ExamplePermanent() {
	errNotFound := errors.New("build not found")
	_, err := polling.Wait(context.Background(), func(context.Context) (polling.Result[string], error) {
		return polling.Result[string]{}, polling.Permanent(errNotFound)
	}, polling.Options{})
	fmt.Println(errors.Is(err, errNotFound))
	// Output: true
}

func ExampleSchedule() {
	s := polling.Schedule{Jitter: -1}
	for _, elapsed := range []time.Duration{0, 20 * time.Second, 10 * time.Minute, 5 * time.Hour} {
		fmt.Println(elapsed, s.Delay(elapsed))
	}
	// Output:
	// 0s 200ms
	// 20s 1.4s
	// 10m0s 42s
	// 5h0m0s 2m0s
}

func ExampleBackoff() {
	b := polling.Backoff{Jitter: -1}
	for errors := 1; errors <= 4; errors++ {
		fmt.Println(errors, b.Delay(errors))
	}
	// Output:
	// 1 0s
	// 2 500ms
	// 3 1s
	// 4 2s
}

func ExampleError() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := polling.Wait(ctx, (&build{}).poll, polling.Options{})
	var ended *polling.Error
	if errors.As(err, &ended) {
		fmt.Println(ended.Reason, ended.Polls)
	}
	// Output: context canceled 0
}
