// The main job against `tensorbay-jobs serve --tls`. The environment variable TENSORBAY_READY
// names the ready file. NODE_EXTRA_CA_CERTS names the certificate.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Dataset, TensorBayError, isMerge, isSearch, type ErrorKind, type Ready, type Schemas } from "../src/client.js";

const ready: Ready = JSON.parse(readFileSync(process.env["TENSORBAY_READY"]!, "utf8"));
const newer = process.env["TENSORBAY_NEWER"] === "1";

test("merges a branch", async () => {
  const dataset = await Dataset.named(ready, "squash-and-merge");
  const { jobId } = await dataset.create({
    title: "dev->main(skip)", jobType: "squashAndMerge",
    arguments: { title: "merge dev", sourceBranchName: "dev", targetBranchName: "main", strategy: "skip" },
  });
  const seen = new Set<string>();
  const job = await dataset.wait(jobId, "squashAndMerge", isMerge, (j) => seen.add(j.status));
  assert.equal(job.status, "SUCCESS");
  assert.equal(seen.has("PREPARING"), newer, [...seen].join());
  const draftNumber: number | undefined = job.result?.draftNumber;
  const numbers: number[] = [];
  for await (const draft of dataset.drafts("OPEN")) numbers.push(draft.number);
  assert.ok(draftNumber !== undefined && numbers.includes(draftNumber));

  await dataset.closeDraft(draftNumber);
  const ids: string[] = [];
  for await (const j of dataset.list("squashAndMerge", "SUCCESS")) ids.push(j.jobId);
  assert.ok(ids.includes(jobId));
  await dataset.delete(jobId, "squashAndMerge");
  await assert.rejects(dataset.get(jobId, "squashAndMerge"), kind("notFound"));
});

test("searches a commit and reads the result", async () => {
  const dataset = await Dataset.named(ready, "street-scenes");
  const commit = await dataset.resolve("main");
  assert.ok(commit);
  const { jobId } = await dataset.create({
    title: "cars", jobType: "basicSearch",
    arguments: {
      commit, conjunction: "and", unit: "file",
      filters: [{ key: "category", operator: "in", value: ["car"], title: "Category", extraInfo: { labelType: "BOX2D" } }],
    },
  });
  const job = await dataset.wait(jobId, "basicSearch", isSearch);
  assert.equal(job.status, "SUCCESS");
  assert.ok(job.result);
  const result = dataset.result(job.result.searchResultId, ready);
  let boxes = 0;
  for await (const segment of result.segments(job.result.searchResultCommitId)) {
    for await (const detail of result.details(segment.name, job.result.searchResultCommitId)) {
      assert.ok("remotePath" in detail);
      boxes += detail.label?.BOX2D?.filter((b) => b.category === "car").length ?? 0;
      assert.equal("CUBOID4D" in (detail.label ?? {}), newer);
    }
  }
  assert.ok(boxes > 0);
  const name = `cars-${jobId.slice(0, 8)}`;
  await dataset.createDatasetFromSearch(jobId, { datasetName: name, alias: "Cars", isPublic: false });
  await assert.rejects(dataset.createDatasetFromSearch(jobId, { datasetName: name, alias: "", isPublic: false }), kind("conflict"));
});

test("aborts and retries a job", async () => {
  const dataset = await Dataset.named(ready, "squash-and-merge");
  const { jobId } = await dataset.create({
    title: "aborted", jobType: "squashAndMerge",
    arguments: { title: "aborted", sourceBranchName: "dev", targetBranchName: "main", strategy: "abort" },
  });
  await dataset.abort(jobId, "squashAndMerge");
  assert.equal((await dataset.wait(jobId, "squashAndMerge", isMerge)).status, "ABORTED");
  await dataset.retry(jobId, "squashAndMerge");
  assert.equal((await dataset.wait(jobId, "squashAndMerge", isMerge)).status, "SUCCESS");
});

test("reads errors", async () => {
  const dataset = await Dataset.named(ready, "squash-and-merge");
  await assert.rejects(new Dataset({ ...ready, accessKey: "Accesskey-0" }, dataset.id).info(), kind("unauthorized"));
  await assert.rejects(new Dataset(ready, "none").info(), kind("notFound", newer ? "ResourceNotVisible" : "ResourceNotExist"));
  await assert.rejects(dataset.get("none", "squashAndMerge"), kind("notFound"));
  await assert.rejects(dataset.list("noSuchType").next(), kind("invalidArgument"));
  await assert.rejects(dataset.create({
    title: "t", jobType: "squashAndMerge",
    arguments: { title: "d", sourceBranchName: "none", targetBranchName: "main", strategy: "skip" },
  }), kind("notFound"));
  await assert.rejects(new Dataset({ ...ready, apiUrl: new URL("/", ready.apiUrl).href.slice(0, -1) }, dataset.id).info(),
    (e) => e instanceof TensorBayError && e.status === 404 && e.detail.includes("must start with /gatewayv2/tensorbay-open-api/v1/"));
});

test("runs a job of a type that is not in openapi.yaml", { skip: !newer && "the service is not newer" }, async () => {
  const dataset = await Dataset.named(ready, "squash-and-merge");
  const commit = await dataset.resolve("main");
  const body = { title: "count", jobType: "countFiles", arguments: { commit } };
  const { jobId } = await dataset.create(body as never);
  const job = await dataset.wait(jobId, "countFiles", (j): j is Schemas["Job"] => true);
  assert.equal(job.result?.["count"], 4);
});

function kind(of: ErrorKind, code?: string) {
  return (e: unknown) => e instanceof TensorBayError && e.kind === of && (code === undefined || e.code === code);
}
