package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestObserver_LinksWaitsToSharedPolls(t *testing.T) {
	spans, metrics := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	synctest.Test(t, func(t *testing.T) {
		o, err := newObserver(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test"),
			sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)).Meter("test"))
		if err != nil {
			t.Fatal(err)
		}
		server := jobstest.New(t, jobstest.WithProcessing(time.Minute), jobstest.WithLatency(20*time.Millisecond))
		client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()), jobs.WithObserver(o.observe))
		if err != nil {
			t.Fatal(err)
		}
		ctx, root := o.tracer.Start(t.Context(), "root")
		defer root.End()
		ds, err := client.Dataset(ctx, "squash-and-merge")
		if err != nil {
			t.Fatal(err)
		}
		var waits sync.WaitGroup
		defer waits.Wait()
		for range 10 {
			job, err := ds.SquashAndMerge().Create(ctx, jobs.SquashAndMergeArgs{DraftTitle: "merge dev", Source: "dev"})
			if err != nil {
				t.Fatal(err)
			}
			waits.Go(func() {
				if err := o.wait(ctx, job); err != nil {
					t.Error(err)
				}
			})
		}
	})

	links, shared := 0, map[string]int{}
	for _, span := range spans.Ended() {
		for _, link := range span.Links() {
			links++
			shared[link.SpanContext.SpanID().String()]++
		}
		for _, a := range span.Attributes() {
			if a.Key == "url.template" && a.Value.AsString() != "" && !strings.Contains("/datasets/{datasetId}/jobs/{jobId} /datasets/{datasetId}/branches", a.Value.AsString()) {
				t.Errorf("route %s", a.Value.AsString())
			}
		}
	}
	if links == 0 || len(shared) >= links {
		t.Errorf("%d links to %d spans, want shared polls", links, len(shared))
	}
	var data metricdata.ResourceMetrics
	if err := metrics.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	h := data.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
	creates := uint64(0)
	for _, point := range h.DataPoints {
		if op, _ := point.Attributes.Value(attribute.Key("tensorbay.operation")); op.AsString() == "createJob" {
			creates += point.Count
		}
	}
	if creates != 10 {
		t.Errorf("%d creates measured, want 10", creates)
	}
}

func TestRun_PrintsSpansWithoutSecrets(t *testing.T) {
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	t.Setenv("TENSORBAY_URL", server.URL())
	t.Setenv("TENSORBAY_ACCESS_KEY", server.AccessKey())
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"createJob", "merge dev", "/datasets/{datasetId}/jobs", "tensorbay.client.request.duration"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if strings.Contains(out.String(), server.AccessKey()) {
		t.Error("the output contains the access key")
	}
}
