package polling_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// A build that is done at the third look.
type build struct{ looks int }

func (b *build) look(context.Context) (polling.Sight[string], error) {
	b.looks++
	if b.looks < 3 {
		return polling.Sight[string]{Value: "running"}, nil
	}
	return polling.Sight[string]{Value: "passed", Done: true}, nil
}

// often keeps the examples quick.
var often = polling.Schedule{Min: time.Millisecond}

func ExampleUntil() {
	b := &build{}
	state, err := polling.Until(context.Background(), b.look, polling.Options{Schedule: often})
	fmt.Println(state, err)
	// Output: passed <nil>
}

func ExampleWatch() {
	b := &build{}
	for event, err := range polling.Watch(context.Background(), b.look, polling.Options{Schedule: often}) {
		fmt.Println(event.Look, event.Value, event.Done, err)
	}
	// Output:
	// 1 running false <nil>
	// 2 running false <nil>
	// 3 passed true <nil>
}

func ExamplePermanent() {
	errGone := errors.New("there is no such build")
	_, err := polling.Until(context.Background(), func(context.Context) (polling.Sight[string], error) {
		return polling.Sight[string]{}, polling.Permanent(errGone)
	}, polling.Options{})
	fmt.Println(errors.Is(err, errGone))
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
	for failed := 1; failed <= 4; failed++ {
		fmt.Println(failed, b.Delay(failed))
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
	_, err := polling.Until(ctx, (&build{}).look, polling.Options{})
	var ended *polling.Error
	if errors.As(err, &ended) {
		fmt.Println(ended.Reason, ended.Looks)
	}
	// Output: context canceled 0
}

// Wait for many things with few looks: here one look shows them all.
func ExampleGroup() {
	looks := 0
	group := polling.NewGroup(func(_ context.Context, _ polling.Batch[string], tell func(polling.Seen[string, string])) error {
		looks++
		var seen polling.Seen[string, string]
		for _, name := range []string{"ant", "bee", "cat"} {
			seen.Answers = append(seen.Answers, polling.Answer[string, string]{
				Key: name, Sight: polling.Sight[string]{Value: name + " is here", Done: looks > 1},
			})
		}
		tell(seen)
		return nil
	}, polling.GroupOptions{Schedule: often})

	names := func(yield func(string, polling.JoinOptions) bool) {
		_ = yield("ant", polling.JoinOptions{}) && yield("bee", polling.JoinOptions{}) && yield("cat", polling.JoinOptions{})
	}
	for _, outcome := range group.WatchAll(context.Background(), names) {
		fmt.Println(outcome.Value, outcome.Err)
	}
	fmt.Println(looks, "looks")
	// Output:
	// ant is here <nil>
	// bee is here <nil>
	// cat is here <nil>
	// 2 looks
}

// Wait for whichever of two things comes first.
func ExampleGroup_Begin() {
	group := polling.NewGroup(func(_ context.Context, batch polling.Batch[string], tell func(polling.Seen[string, string])) error {
		var seen polling.Seen[string, string]
		for _, name := range batch.Keys {
			seen.Answers = append(seen.Answers, polling.Answer[string, string]{
				Key: name, Sight: polling.Sight[string]{Value: name + " is here", Done: name == "hare"},
			})
		}
		tell(seen)
		return nil
	}, polling.GroupOptions{Schedule: often})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	hare := group.Begin(ctx, "hare", polling.JoinOptions{})
	tortoise := group.Begin(ctx, "tortoise", polling.JoinOptions{})
	select {
	case <-hare.Ended():
	case <-tortoise.Ended():
	}
	fmt.Println(hare.End(ctx))
	cancel()
	_, err := tortoise.End(ctx)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// hare is here <nil>
	// true
}
