package main

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// pollTTL is how long the span of a request is kept for links from waits.
const pollTTL = time.Minute

// An observer makes a span and a measurement of each request. Its attributes contain the route
// of a request and never its URL, so that there are few of them and no ids or secrets.
type observer struct {
	tracer   trace.Tracer
	duration metric.Float64Histogram

	mu    sync.Mutex
	spans map[string]requestSpan // by request id
}

type requestSpan struct {
	context trace.SpanContext
	at      time.Time
}

func newObserver(tracer trace.Tracer, meter metric.Meter) (*observer, error) {
	duration, err := meter.Float64Histogram("tensorbay.client.request.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of the requests to TensorBay"))
	return &observer{tracer: tracer, duration: duration, spans: map[string]requestSpan{}}, err
}

// observe is the function for jobs.WithObserver. The span is a child of the span in ctx. The
// context of a poll has none, because many waits share it; see wait.
func (o *observer) observe(ctx context.Context, a jobs.Attempt) {
	attributes := []attribute.KeyValue{
		attribute.String("tensorbay.operation", a.Operation),
		attribute.String("http.request.method", a.Method),
		attribute.String("url.template", a.Route),
		attribute.Int("http.response.status_code", a.StatusCode),
	}
	o.duration.Record(ctx, a.Duration.Seconds(), metric.WithAttributes(attributes...))
	_, span := o.tracer.Start(ctx, a.Operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Start),
		trace.WithAttributes(attributes...), trace.WithAttributes(
			attribute.Int("http.request.resend_count", a.Number-1), attribute.String("tensorbay.request_id", a.RequestID)))
	if a.Err != nil {
		span.SetStatus(codes.Error, a.Err.Error())
	}
	span.End(trace.WithTimestamp(a.Start.Add(a.Duration)))

	o.mu.Lock()
	defer o.mu.Unlock()
	o.spans[a.RequestID] = requestSpan{span.SpanContext(), time.Now()}
	for id, s := range o.spans {
		if time.Since(s.at) > pollTTL {
			delete(o.spans, id)
		}
	}
}

// wait waits for a job in a span of its own. It links the span to those of its polls, which
// may serve other waits as well.
func (o *observer) wait(ctx context.Context, job jobs.Waiter) error {
	s := job.Snapshot()
	ctx, span := o.tracer.Start(ctx, "wait", trace.WithAttributes(
		attribute.String("tensorbay.job", s.ID), attribute.String("tensorbay.type", s.Type.String())))
	defer span.End()
	for event, err := range job.Watch(ctx) {
		o.mu.Lock()
		poll, ok := o.spans[event.RequestID]
		o.mu.Unlock()
		if ok {
			span.AddLink(trace.Link{SpanContext: poll.context})
		}
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
			return err
		}
	}
	return nil
}
