package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v7"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// What follows calls a function of the user again and again. That function is
// the same for all: one GET of the job, with net/http and encoding/json.

const readsStatus = "its user's function reads the status and checks nothing else"

// getStatus reads a job once.
func getStatus(ctx context.Context, client *http.Client, j *sim.Job) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.JobURL(j), http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	var job struct {
		Status string `json:"status"`
	}
	err = json.Unmarshal(body, &job)
	return job.Status, err
}

// The most that a library has to be given as a time limit, where it insists on
// one; no job takes longer.
const noLimit = 6 * time.Hour

func loopPeer() Peer {
	every := func(client *http.Client, interval time.Duration) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			for {
				if status, err := getStatus(ctx, client, j); err != nil || status == "SUCCESS" {
					return err
				}
				select {
				case <-time.After(interval):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	return Peer{
		Name:        "plain loop",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return every(c, 5*time.Second) },
		DefaultText: "every 5 s, as the Python SDK does",
		Tunings:     []Tuning{{"every %s", every}},
	}
}

func k8sPeer() Peer {
	poll := func(client *http.Client, loop func(context.Context, wait.ConditionWithContextFunc) error) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			return loop(ctx, func(ctx context.Context) (bool, error) {
				status, err := getStatus(ctx, client, j)
				return status == "SUCCESS", err
			})
		})
	}
	every := func(client *http.Client, interval time.Duration) Wait {
		return poll(client, func(ctx context.Context, condition wait.ConditionWithContextFunc) error {
			return wait.PollUntilContextCancel(ctx, interval, true, condition)
		})
	}
	growing := func(client *http.Client, knob time.Duration) Wait {
		return poll(client, func(ctx context.Context, condition wait.ConditionWithContextFunc) error {
			b := wait.Backoff{Duration: 500 * time.Millisecond, Factor: 1 + knob.Seconds(), Steps: 1 << 30, Cap: time.Hour}
			return b.DelayFunc().Until(ctx, true, false, condition)
		})
	}
	return Peer{
		Name: "k8s wait", Module: "k8s.io/apimachinery",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return every(c, time.Second) },
		DefaultText: "PollUntilContextCancel; no default, 1 s as in its own callers",
		Tunings:     []Tuning{{"PollUntilContextCancel every %s", every}, {"Backoff from 0.5 s, each delay longer by a factor of 1 + %.3g", growing}},
	}
}

func backoffPeer() Peer {
	loop := func(client *http.Client, options func() []backoff.RetryOption) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			_, err := backoff.Retry(ctx, func() (struct{}, error) {
				status, err := getStatus(ctx, client, j)
				if err == nil && status != "SUCCESS" {
					err = errors.New("not finished")
				}
				return struct{}{}, err
			}, options()...)
			return err
		})
	}
	every := func(client *http.Client, interval time.Duration) Wait {
		return loop(client, func() []backoff.RetryOption {
			return []backoff.RetryOption{backoff.WithBackOff(backoff.NewConstantBackOff(interval)), backoff.WithMaxElapsedTime(0)}
		})
	}
	growing := func(client *http.Client, knob time.Duration) Wait {
		return loop(client, func() []backoff.RetryOption {
			b := backoff.NewExponentialBackOff()
			b.Multiplier = 1 + knob.Seconds()
			b.MaxInterval = time.Hour
			return []backoff.RetryOption{backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0)}
		})
	}
	return Peer{
		Name: "cenkalti/backoff", Module: "github.com/cenkalti/backoff/v7",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return loop(c, func() []backoff.RetryOption { return nil }) },
		DefaultText: "0.5 s growing by 1.5 to 60 s, gives up after 15 min",
		Tunings: []Tuning{
			{"ConstantBackOff of %s, no time limit", every},
			{"exponential from 0.5 s by a factor of 1 + %.3g, no time limit", growing},
		},
	}
}

func terraformPeer() Peer {
	loop := func(client *http.Client, set func(*retry.StateChangeConf)) Wait {
		return each(func(ctx context.Context, j *sim.Job) error {
			conf := &retry.StateChangeConf{
				Pending: []string{"QUEUING", "PROCESSING"}, Target: []string{"SUCCESS"}, Timeout: noLimit,
				Refresh: func() (any, string, error) {
					status, err := getStatus(ctx, client, j)
					return j, status, err
				},
			}
			set(conf)
			_, err := conf.WaitForStateContext(ctx)
			return err
		})
	}
	return Peer{
		Name: "terraform StateChangeConf", Module: "github.com/hashicorp/terraform-plugin-sdk/v2",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return loop(c, func(*retry.StateChangeConf) {}) },
		DefaultText: "0.1 s doubling to 10 s",
		Tunings: []Tuning{
			{"PollInterval %s", func(c *http.Client, knob time.Duration) Wait {
				return loop(c, func(conf *retry.StateChangeConf) {
					conf.PollInterval, conf.MinTimeout = knob, knob // above 180 s only MinTimeout counts
				})
			}},
		},
	}
}
