package jobs

import (
	"context"
	"time"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

const pageSize = wire.PageSize

type operation = transport.Operation

type builder = transport.Build

type jobItem = wire.JobItem

func sleep(ctx context.Context, d time.Duration) error { return transport.Sleep(ctx, d) }

type jobPage struct {
	items  []jobItem
	total  int
	oldest int64
	asked  time.Time
}

func (p *jobPage) read(body []byte) error {
	page, err := wire.ScanJobPage(body)
	if err != nil {
		return err
	}
	p.items, p.total, p.oldest = page.Jobs, page.Total, 1<<62
	for _, item := range p.items {
		p.oldest = min(p.oldest, item.CreatedAt)
	}
	return nil
}

// once sends one attempt when the rate limit allows.
func (c *Client) once(ctx context.Context, op transport.Operation, build transport.Build, parse func([]byte) error) (transport.Outcome, error) {
	if err := c.pace.Wait(ctx); err != nil {
		o := transport.Outcome{Operation: op, State: transport.NotSent, Err: err}
		return o, newError(o)
	}
	o := c.transport.Once(ctx, op, build, parse)
	return o, newError(o)
}
