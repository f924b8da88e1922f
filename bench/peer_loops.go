package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v7"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

// These libraries call a function of the user. Here it sends one GET of the job, with
// net/http and encoding/json.

const readsStatus = "The function of the user reads only the status."

// getStatus returns the status of a job.
func getStatus(ctx context.Context, client *http.Client, j *sim.Job) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.JobURL(j), http.NoBody)
	if err != nil {
		return "", err
	}
	var job struct {
		Status string `json:"status"`
	}
	err = readJSON(client, req, &job)
	return job.Status, err
}

func readJSON(client *http.Client, req *http.Request, v any) error {
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return json.Unmarshal(body, v)
}

// noLimit is the time limit for libraries that require one. No job takes longer.
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
		DefaultText: "every 5 s, like the Python SDK",
		Tunings:     []Tuning{{"every %s", every}},
	}
}

// listPeer lists all jobs of the datasets in a loop until all have finished.
func listPeer() Peer {
	type page struct {
		Jobs []struct {
			ID     string `json:"jobId"`
			Status string `json:"status"`
		} `json:"jobs"`
		Total int `json:"totalCount"`
	}
	loop := func(client *http.Client) Wait {
		return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
			untilCreated(s)
			waiting := map[string]int{}
			datasets := map[int]int{} // the number of unfinished jobs
			for i, j := range s.Own {
				waiting[j.ID] = i
				datasets[j.Dataset]++
			}
			poll := func() error {
				for _, dataset := range slices.Sorted(maps.Keys(datasets)) {
					for offset, total := 0, 1; offset < total; offset += sim.PageSize {
						req, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.PageURL(dataset, offset), http.NoBody)
						if err != nil {
							return err
						}
						var p page
						if err := readJSON(client, req, &p); err != nil {
							return err
						}
						total = p.Total
						for _, job := range p.Jobs {
							if i, ok := waiting[job.ID]; ok && job.Status == "SUCCESS" {
								delete(waiting, job.ID)
								ended(i, nil)
								if datasets[dataset]--; datasets[dataset] == 0 {
									delete(datasets, dataset)
								}
							}
						}
					}
				}
				select {
				case <-time.After(time.Second):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			for len(waiting) > 0 {
				if err := poll(); err != nil {
					for _, i := range waiting {
						ended(i, err)
					}
					return
				}
			}
		}
	}
	return Peer{
		Name: "plain list loop", OneCall: true,
		Reads:       "The loop reads only the id and the status.",
		Default:     loop,
		DefaultText: "all pages of 128, then 1 s",
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
	growing := func(client *http.Client, value time.Duration) Wait {
		return poll(client, func(ctx context.Context, condition wait.ConditionWithContextFunc) error {
			b := wait.Backoff{Duration: 500 * time.Millisecond, Factor: 1 + value.Seconds(), Steps: 1 << 30, Cap: time.Hour}
			return b.DelayFunc().Until(ctx, true, false, condition)
		})
	}
	return Peer{
		Name: "k8s wait", Module: "k8s.io/apimachinery",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return every(c, time.Second) },
		DefaultText: "PollUntilContextCancel every 1 s, as in Kubernetes; it has no default",
		Tunings:     []Tuning{{"PollUntilContextCancel every %s", every}, {"Backoff from 0.5 s, growing by a factor of 1 + %.3g", growing}},
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
	growing := func(client *http.Client, value time.Duration) Wait {
		return loop(client, func() []backoff.RetryOption {
			b := backoff.NewExponentialBackOff()
			b.Multiplier = 1 + value.Seconds()
			b.MaxInterval = time.Hour
			return []backoff.RetryOption{backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0)}
		})
	}
	return Peer{
		Name: "cenkalti/backoff", Module: "github.com/cenkalti/backoff/v7",
		Reads:       readsStatus,
		Default:     func(c *http.Client) Wait { return loop(c, func() []backoff.RetryOption { return nil }) },
		DefaultText: "0.5 s growing by 1.5 to 60 s, for at most 15 min",
		Tunings: []Tuning{
			{"ConstantBackOff of %s, no time limit", every},
			{"exponential from 0.5 s, growing by a factor of 1 + %.3g, no time limit", growing},
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
			{"PollInterval %s", func(c *http.Client, value time.Duration) Wait {
				return loop(c, func(conf *retry.StateChangeConf) {
					conf.PollInterval, conf.MinTimeout = value, value // above 180 s only MinTimeout has an effect
				})
			}},
		},
	}
}
