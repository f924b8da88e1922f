// Command observing merges a branch with OpenTelemetry traces and metrics of all requests. It
// prints them; a service sends them to a collector.
package main

import (
	"context"
	"errors"
	"io"
	"log"
	"os"

	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	spans, err := stdouttrace.New(stdouttrace.WithWriter(out))
	if err != nil {
		return err
	}
	metrics, err := stdoutmetric.New(stdoutmetric.WithWriter(out))
	if err != nil {
		return err
	}
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	defer func() { err = errors.Join(err, traces.Shutdown(ctx), meters.Shutdown(ctx)) }()

	o, err := newObserver(traces.Tracer("observing"), meters.Meter("observing"))
	if err != nil {
		return err
	}
	client, err := jobs.NewClient(os.Getenv("TENSORBAY_ACCESS_KEY"),
		jobs.WithBaseURL(os.Getenv("TENSORBAY_URL")), jobs.WithObserver(o.observe))
	if err != nil {
		return err
	}
	ctx, span := o.tracer.Start(ctx, "merge dev")
	defer span.End()
	dataset, err := client.Dataset(ctx, "squash-and-merge")
	if err != nil {
		return err
	}
	job, err := dataset.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
	if err != nil {
		return err
	}
	return o.wait(ctx, job)
}
