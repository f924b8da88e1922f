package polling_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/graviti-ai/tensorbay-jobs-go/polling"
)

// Wait for many things with few looks: here one look shows them all.
func ExampleGroup() {
	looks := 0
	group := polling.NewGroup(func(_ context.Context, _ polling.Batch[string], tell func(polling.Seen[string, string])) error {
		looks++
		var seen polling.Seen[string, string]
		for _, name := range []string{"ant", "bee", "cat"} {
			seen.Answers = append(seen.Answers, polling.Answer[string, string]{
				Key: name, Sight: polling.Result[string]{Value: name + " is here", Done: looks > 1},
			})
		}
		tell(seen)
		return nil
	}, polling.GroupOptions{Schedule: fast.Schedule})

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
				Key: name, Sight: polling.Result[string]{Value: name + " is here", Done: name == "hare"},
			})
		}
		tell(seen)
		return nil
	}, polling.GroupOptions{Schedule: fast.Schedule})

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
