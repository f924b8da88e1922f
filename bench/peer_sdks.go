package bench

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cloud.google.com/go/longrunning"
	lroauto "cloud.google.com/go/longrunning/autogen"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	azruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signer"
	"github.com/hetznercloud/hcloud-go/v2/hcloud"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"google.golang.org/api/option"

	"github.com/graviti-ai/tensorbay-jobs-go/bench/sim"
)

func hcloudClient(client *http.Client, options ...hcloud.ClientOption) *hcloud.Client {
	return hcloud.NewClient(append([]hcloud.ClientOption{
		hcloud.WithHTTPClient(client), hcloud.WithEndpoint(sim.BaseURL + "hcloud/v1"), hcloud.WithToken("token"),
	}, options...)...)
}

func pollEvery(d time.Duration) hcloud.ClientOption {
	return hcloud.WithPollOpts(hcloud.PollOpts{BackoffFunc: hcloud.ConstantBackoff(d)})
}

func action(j *sim.Job) *hcloud.Action {
	return &hcloud.Action{ID: j.ActionID(), Status: hcloud.ActionStatusRunning}
}

// hcloudPeer waits for all jobs in one call, when they all exist.
func hcloudPeer() Peer {
	all := func(c *hcloud.Client) Wait {
		return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
			untilCreated(s)
			var actions []*hcloud.Action
			index := map[int64]int{}
			for i, j := range s.Own {
				actions = append(actions, action(j))
				index[j.ActionID()] = i
			}
			err := c.Action.WaitForFunc(ctx, func(update *hcloud.Action) error {
				i, waiting := index[update.ID]
				if waiting && update.Status != hcloud.ActionStatusRunning {
					delete(index, update.ID)
					ended(i, nil)
				}
				return nil
			}, actions...)
			for _, i := range index {
				ended(i, err)
			}
		}
	}
	return Peer{
		Name: "hcloud-go, one call", Module: "github.com/hetznercloud/hcloud-go/v2", OneCall: true,
		Reads:       "An action is half as long as a job, and missing fields are not checked.",
		Default:     func(c *http.Client) Wait { return all(hcloudClient(c)) },
		DefaultText: "WaitForFunc of all, every 0.5 s, 25 for each request",
		Tunings: []Tuning{{"WaitForFunc of all, every %s", func(c *http.Client, value time.Duration) Wait {
			return all(hcloudClient(c, pollEvery(value)))
		}}},
	}
}

func hcloudEachPeer() Peer {
	one := func(c *hcloud.Client) Wait {
		return each(func(ctx context.Context, j *sim.Job) error { return c.Action.WaitFor(ctx, action(j)) })
	}
	return Peer{
		Name: "hcloud-go, a goroutine each", Module: "github.com/hetznercloud/hcloud-go/v2",
		Reads:       "An action is half as long as a job, and missing fields are not checked.",
		Default:     func(c *http.Client) Wait { return one(hcloudClient(c)) },
		DefaultText: "WaitFor of one, every 0.5 s",
		Tunings: []Tuning{{"WaitFor of one, every %s", func(c *http.Client, value time.Duration) Wait {
			return one(hcloudClient(c, pollEvery(value)))
		}}},
	}
}

func azcorePeer() Peer {
	poll := func(client *http.Client, options *azruntime.PollUntilDoneOptions) Wait {
		pipeline := azruntime.NewPipeline("bench", "v1.0.0", azruntime.PipelineOptions{}, &policy.ClientOptions{Transport: client})
		return each(func(ctx context.Context, j *sim.Job) error {
			// The response that starts an operation.
			url := sim.BaseURL + "azure/operations/" + j.ID
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
			if err != nil {
				return err
			}
			begun := &http.Response{
				StatusCode: http.StatusAccepted, Request: req, Body: http.NoBody,
				Header: http.Header{"Azure-Asyncoperation": {url}},
			}
			poller, err := azruntime.NewPoller(begun, pipeline, &azruntime.NewPollerOptions[struct{}]{
				FinalStateVia: azruntime.FinalStateViaAzureAsyncOp,
			})
			if err != nil {
				return err
			}
			_, err = poller.PollUntilDone(ctx, options)
			return err
		})
	}
	return Peer{
		Name: "azcore Poller", Module: "github.com/Azure/azure-sdk-for-go/sdk/azcore",
		Reads:       "The response is an id and a status.",
		Default:     func(c *http.Client) Wait { return poll(c, nil) },
		DefaultText: "PollUntilDone, every 30 s",
		Tunings: []Tuning{{"PollUntilDone, Frequency %s", func(c *http.Client, value time.Duration) Wait {
			return poll(c, &azruntime.PollUntilDoneOptions{Frequency: value})
		}}},
	}
}

func awsPeer() Peer {
	wait := func(client *http.Client, set func(*signer.SuccessfulSigningJobWaiterOptions)) Wait {
		c := signer.New(signer.Options{
			Region: "sim", BaseEndpoint: aws.String(sim.BaseURL + "aws"), HTTPClient: client,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key"}, nil
			}),
		})
		return each(func(ctx context.Context, j *sim.Job) error {
			waiter := signer.NewSuccessfulSigningJobWaiter(c, set)
			return waiter.Wait(ctx, &signer.DescribeSigningJobInput{JobId: aws.String(j.ID)}, noLimit)
		})
	}
	return Peer{
		Name: "AWS SDK waiter", Module: "github.com/aws/aws-sdk-go-v2/service/signer",
		Reads:       "The response is an id, a time and a status.",
		Default:     func(c *http.Client) Wait { return wait(c, func(*signer.SuccessfulSigningJobWaiterOptions) {}) },
		DefaultText: "SuccessfulSigningJob, 20 s doubling to 120 s",
		Tunings: []Tuning{
			{"MinDelay and MaxDelay %s", func(c *http.Client, value time.Duration) Wait {
				return wait(c, func(o *signer.SuccessfulSigningJobWaiterOptions) { o.MinDelay, o.MaxDelay = value, value })
			}},
			{"MinDelay 0.5 s, MaxDelay %s", func(c *http.Client, value time.Duration) Wait {
				return wait(c, func(o *signer.SuccessfulSigningJobWaiterOptions) {
					o.MinDelay, o.MaxDelay = min(500*time.Millisecond, value), value
				})
			}},
		},
	}
}

func googlePeer() Peer {
	wait := func(client *http.Client, wait func(context.Context, *longrunning.Operation) error) Wait {
		return func(ctx context.Context, s *sim.Service, ended func(int, error)) {
			c, err := lroauto.NewOperationsRESTClient(ctx, option.WithHTTPClient(client), option.WithEndpoint(sim.BaseURL+"google"))
			each(func(ctx context.Context, j *sim.Job) error {
				if err != nil {
					return err
				}
				return wait(ctx, longrunning.InternalNewOperation(c, &longrunningpb.Operation{Name: "operations/" + j.ID}))
			})(ctx, s, ended)
		}
	}
	return Peer{
		Name: "google longrunning", Module: "cloud.google.com/go/longrunning",
		Reads: "The response is a name and a flag.",
		Default: func(c *http.Client) Wait {
			return wait(c, func(ctx context.Context, o *longrunning.Operation) error { return o.Wait(ctx, nil) })
		},
		DefaultText: "Wait, 1 s doubling to 60 s, with full jitter",
		Tunings: []Tuning{{"WaitWithInterval %s", func(c *http.Client, value time.Duration) Wait {
			return wait(c, func(ctx context.Context, o *longrunning.Operation) error { return o.WaitWithInterval(ctx, nil, value) })
		}}},
	}
}

func openaiPeer() Peer {
	poll := func(client *http.Client, interval time.Duration) Wait {
		c := openai.NewClient(openaioption.WithHTTPClient(client), openaioption.WithBaseURL(sim.BaseURL+"openai/"), openaioption.WithAPIKey("key"))
		return each(func(ctx context.Context, j *sim.Job) error {
			batch, err := c.VectorStores.FileBatches.PollStatus(ctx, "vs", j.ID, int(interval.Milliseconds()))
			if err == nil && batch.Status != openai.VectorStoreFileBatchStatusCompleted {
				err = fmt.Errorf("status %s", batch.Status)
			}
			return err
		})
	}
	return Peer{
		Name: "openai-go", Module: "github.com/openai/openai-go/v3",
		Reads:       "The response is an id, a status and five counts.",
		Default:     func(c *http.Client) Wait { return poll(c, 0) },
		DefaultText: "FileBatches.PollStatus, every 1 s",
		Tunings:     []Tuning{{"PollStatus every %s", poll}},
	}
}
