// Reads testdata/conformance, which the suites of all languages share. A fixture of an unknown
// kind fails.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Dataset, TensorBayError, finished, isMerge, type Schemas } from "../src/client.js";

const read = (name: string) => JSON.parse(readFileSync(`../../testdata/conformance/${name}`, "utf8"));

const merge = "squashAndMerge";

/** Returns a client that receives a response, and the requests that it sends. */
function stub(status: number, body: string): [Dataset, Request[]] {
  const sent: Request[] = [];
  const ready = { apiUrl: "https://tensorbay.test/api", accessKey: "Accesskey-0" };
  return [new Dataset(ready, "d0", async (request) => {
    sent.push(request);
    return new Response(body, { status });
  }), sent];
}

function viewOf(job: Schemas["Job"]) {
  if (!isMerge(job)) throw new TensorBayError("invalidResponse", 200);
  return {
    id: job.jobId, type: job.jobType ?? merge, title: job.title, description: job.description ?? "", status: job.status,
    finished: finished(job.status), succeeded: job.status === "SUCCESS", createdAt: job.createdAt,
    startedAt: job.startedAt ?? null, finishedAt: job.finishedAt ?? null, errorMessage: job.errorMessage ?? "",
    arguments: job.arguments, result: job.result ?? null,
  };
}

async function all<T, V>(items: AsyncIterable<T>, view: (item: T) => V): Promise<V[]> {
  const views: V[] = [];
  for await (const item of items) views.push(view(item));
  return views;
}

/** The label types of this version. */
const known = new Set([
  "CLASSIFICATION", "BOX2D", "BOX3D", "POLYGON", "MULTI_POLYGON", "RLE", "POLYLINE2D", "MULTI_POLYLINE2D", "KEYPOINTS2D",
  "SENTENCE", "SEMANTIC_MASK", "INSTANCE_MASK", "PANOPTIC_MASK",
]);

const readings: Record<string, (d: Dataset) => Promise<unknown>> = {
  job: async (d) => viewOf(await d.get("6f2a", merge)),
  jobs: (d) => all(d.list(merge), (j) => j.jobId),
  dataset: (d) => d.info(),
  drafts: (d) => all(d.drafts("ALL"), (draft) => ({
    number: draft.number, status: draft.status, branch: draft.branchName, updatedAt: draft.updatedAt ?? null,
  })),
  data: (d) => all(d.details("train", "c"), (detail) => {
    assert.ok("remotePath" in detail);
    const label = detail.label ?? {};
    const unknown = Object.fromEntries(Object.entries(label).filter(([type]) => !known.has(type)));
    return { remotePath: detail.remotePath, timestamp: detail.timestamp ?? null, labels: Object.keys(label).sort(), unknown };
  }),
  attributes: async (d) => (await all(d.details("train", "c"), (detail) => {
    assert.ok("remotePath" in detail);
    return detail.label?.CLASSIFICATION?.attributes;
  }))[0],
  frames: (d) => all(d.details("train", "c"), (detail) => {
    assert.ok("frame" in detail);
    return { id: detail.frameId, sensors: detail.frame.map((datum) => datum.sensorName) };
  }),
  deletion: async (d) => { await d.delete("6f2a", merge); return { done: true }; },
  error: async (d) => {
    const error = await d.info().then(() => undefined, (e: unknown) => e);
    assert.ok(error instanceof TensorBayError);
    return { kind: error.kind, code: error.code, message: error.detail };
  },
};

const calls: Record<string, (d: Dataset, a: any) => Promise<unknown>> = {
  createMerge: (d, a) => create(d, {
    title: a.title ?? `${a.source}->${a.target}(${a.strategy ?? "abort"})`, jobType: merge,
    arguments: {
      title: a.draftTitle, sourceBranchName: a.source, targetBranchName: a.target, strategy: a.strategy ?? "abort",
      ...(a.draftDescription && { description: a.draftDescription }),
    },
    ...(a.description && { description: a.description }),
  }),
  createSearch: (d, { commit, conjunction, unit, filters }) => create(d, {
    title: `search(${commit.slice(0, 7)}): ${filters[0].key} ${filters[0].operator} ${JSON.stringify(filters[0].value)}`,
    jobType: "basicSearch", arguments: { commit, conjunction, unit, filters },
  }),
  getJob: async (d, a) => viewOf(await d.get(a.id, merge)),
  listJobs: (d, a) => all(d.list(merge, a.status), (j) => j.jobId),
  deleteJob: (d, a) => done(d.delete(a.id, merge)),
  abortJob: (d, a) => done(d.abort(a.id, merge)),
  retryJob: (d, a) => done(d.retry(a.id, merge)),
  createDataset: (d, a) => done(d.createDatasetFromSearch(a.id, { datasetName: a.name, alias: a.alias, isPublic: a.public })),
  closeDraft: (d, a) => done(d.closeDraft(a.number)),
  listSegments: (d, a) => all(d.segments(a.commit), (s) => s.name),
};

async function create(d: Dataset, body: Schemas["CreateJobRequest"]) {
  const created = await d.create(body);
  return { id: created.jobId, status: "QUEUING", createdAt: created.createdAt, description: body.description ?? "" };
}

async function done(call: Promise<void>) {
  await call;
  return { done: true };
}

/** Compares the fields that want has. */
function contains(want: any, got: any, path = ""): void {
  if (Array.isArray(want)) {
    assert.equal(got?.length, want.length, path);
    want.forEach((item, i) => contains(item, got[i], `${path}/${i}`));
  } else if (want !== null && typeof want === "object") {
    for (const [name, value] of Object.entries(want)) contains(value, got?.[name], `${path}/${name}`);
  } else {
    assert.equal(got, want, path);
  }
}

for (const r of read("readings.json").readings) {
  test(`reads ${r.of}: ${r.name}`, async () => {
    const reading = readings[r.of];
    assert.ok(reading, `unknown kind of reading ${r.of}`);
    const [dataset] = stub(r.status ?? 200, r.text ?? JSON.stringify(r.body));
    if (r.invalid) {
      await assert.rejects(reading(dataset), (e) => e instanceof TensorBayError && e.kind === "invalidResponse");
    } else {
      contains(r.want, await reading(dataset));
    }
  });
}

for (const e of read("exchanges.json").exchanges) {
  test(`sends: ${e.name}`, async () => {
    const call = calls[e.call];
    assert.ok(call, `unknown call ${e.call}`);
    const [dataset, sent] = stub(e.response.status, "body" in e.response ? JSON.stringify(e.response.body) : "");
    contains(e.want, await call(dataset, e.arguments));
    assert.equal(sent.length, 1);
    const request = sent[0]!;
    const url = new URL(request.url);
    assert.equal(request.method, e.request.method);
    assert.equal(url.pathname, "/api" + e.request.path);
    assert.deepEqual(Object.fromEntries(url.searchParams), e.request.query ?? {});
    const body = await request.text();
    assert.deepEqual(body === "" ? undefined : JSON.parse(body), e.request.body);
    assert.match(request.headers.get("X-Request-Id") ?? "", /^[0-9a-f]{32}$/);
  });
}
