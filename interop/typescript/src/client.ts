// A small client of TensorBay's jobs, on the types that are generated from openapi.yaml.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient, { type Client } from "openapi-fetch";
import type { components, operations, paths } from "./schema.js";

export type Schemas = components["schemas"];
export type Query<Operation extends keyof operations> = operations[Operation]["parameters"]["query"];

/** The content of a ready file of `tensorbay-jobs serve`. */
export interface Ready {
  apiUrl: string;
  accessKey: string;
}

export type ErrorKind =
  | "invalidArgument" | "unauthorized" | "forbidden" | "notFound" | "conflict" | "rateLimited" | "server" | "invalidResponse";

const kinds: Record<number, ErrorKind> = {
  400: "invalidArgument", 401: "unauthorized", 403: "forbidden", 404: "notFound", 409: "conflict", 429: "rateLimited",
};

/** A request failed. code and detail are empty if the response is not from the service. */
export class TensorBayError extends Error {
  constructor(readonly kind: ErrorKind, readonly status: number, readonly code = "", readonly detail = "") {
    super(`${status} ${code}: ${detail || kind}`);
  }
}

/** The status of a job that has ended. Any other status, known or not, is unfinished. */
export const finished = (status: Schemas["JobStatus"]) => ["SUCCESS", "FAILED", "ABORTED"].includes(status);

/** Reports whether a response describes a merge. A response may lack the type of the job. */
export function isMerge(job: Schemas["Job"]): job is Schemas["SquashAndMergeJob"] {
  return isJob(job, "squashAndMerge") && (job.result == null || typeof job.result["draftNumber"] === "number");
}

/** Reports whether a response describes a search. */
export function isSearch(job: Schemas["Job"]): job is Schemas["BasicSearchJob"] {
  return isJob(job, "basicSearch") && (job.result == null || typeof job.result["searchResultId"] === "string");
}

function isJob(job: Schemas["Job"], type: Schemas["JobType"]): boolean {
  return !!job.jobId && !!job.status && (job.jobType ?? type) === type;
}

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

/** Returns the body of a successful response. */
async function answer<A extends Answer>(call: Promise<A>): Promise<NonNullable<A["data"]>> {
  const { data, error, response } = await call;
  if (!response.ok) throw failure(response.status, error);
  if (data == null) throw new TensorBayError("invalidResponse", response.status);
  return data;
}

/** Waits for a successful response and ignores its body, because none is promised. */
async function success(call: Promise<Answer>): Promise<void> {
  const { error, response } = await call;
  if (!response.ok) throw failure(response.status, error);
}

function failure(status: number, body: unknown): TensorBayError {
  const { code, message } = typeof body === "object" && body !== null ? (body as Partial<Schemas["Error"]>) : {};
  return new TensorBayError(kinds[status] ?? "server", status, code, message);
}

/** The client of one dataset. */
export class Dataset {
  readonly #api: Client<paths>;

  constructor(ready: Ready, readonly id: string, fetch?: (request: Request) => Promise<Response>) {
    this.#api = createClient<paths>({
      baseUrl: ready.apiUrl,
      headers: { "X-Token": ready.accessKey, "X-Source": "TYPESCRIPT-EXAMPLE/1.0.0" },
      ...(fetch && { fetch }),
    });
    this.#api.use({
      onRequest: ({ request }) => request.headers.set("X-Request-Id", randomUUID().replaceAll("-", "")),
    });
  }

  /** Returns the dataset with a name. */
  static async named(ready: Ready, name: string): Promise<Dataset> {
    const { datasets } = await answer(new Dataset(ready, "").#api.GET("/datasets", { params: { query: { name } } }));
    const found = datasets.find((d) => d.name === name);
    if (!found) throw new TensorBayError("notFound", 200, "", `no dataset ${name}`);
    return new Dataset(ready, found.id);
  }

  async info(): Promise<{ name: string; fusion: boolean; defaultBranch: string | undefined }> {
    const d = await answer(this.#api.GET("/datasets/{datasetId}", { params: { path: this.#path() } }));
    return { name: d.name, fusion: d.type === 1 || d.type === true, defaultBranch: d.defaultBranch };
  }

  /** Returns the id of the newest commit of a branch, a tag, or the commit itself. */
  async resolve(commit: string): Promise<string | undefined> {
    const { commits } = await answer(
      this.#api.GET("/datasets/{datasetId}/commits", { params: { path: this.#path(), query: { commit, limit: 1 } } }));
    return commits[0]?.commitId;
  }

  /** Creates a job and returns its id and the time of its creation. */
  create(body: Schemas["CreateJobRequest"]): Promise<Schemas["CreatedJob"]> {
    return answer(this.#api.POST("/datasets/{datasetId}/jobs", { params: { path: this.#path() }, body }));
  }

  get(jobId: string, jobType: Schemas["JobType"]): Promise<Schemas["Job"]> {
    return answer(this.#api.GET("/datasets/{datasetId}/jobs/{jobId}", { params: { path: { ...this.#path(), jobId }, query: { jobType } } }));
  }

  /** Polls a job until it has ended. A new job may be unknown for a short time. */
  async wait<J extends Schemas["Job"]>(
    jobId: string, jobType: Schemas["JobType"], is: (job: Schemas["Job"]) => job is J, onPoll = (_: J) => {},
  ): Promise<J> {
    const start = Date.now();
    for (;;) {
      const elapsed = Date.now() - start;
      const job = await this.get(jobId, jobType).catch((e: unknown) => {
        if (e instanceof TensorBayError && e.kind === "notFound" && elapsed < 30_000) return undefined;
        throw e;
      });
      if (job) {
        if (!is(job)) throw new TensorBayError("invalidResponse", 200);
        onPoll(job);
        if (finished(job.status)) return job;
      }
      await sleep(Math.min(Math.max(0.07 * elapsed, 200), 120_000));
    }
  }

  /** Lists the jobs of a type. A list may hold jobs of other types. */
  async *list(jobType: Schemas["JobType"], status?: Schemas["JobStatus"]): AsyncGenerator<Schemas["Job"]> {
    yield* pages(async (offset, limit) => {
      const query = { jobType, ...(status && { status }), offset, limit };
      const page = await answer(this.#api.GET("/datasets/{datasetId}/jobs", { params: { path: this.#path(), query } }));
      return [page.jobs, page.totalCount];
    }, (job) => job.jobId, (job) => isJob(job, jobType));
  }

  delete(jobId: string, jobType: Schemas["JobType"]): Promise<void> {
    return success(this.#api.DELETE("/datasets/{datasetId}/jobs/{jobId}", { params: { path: { ...this.#path(), jobId }, query: { jobType } }, parseAs: "text" }));
  }

  abort(jobId: string, jobType: Schemas["JobType"]): Promise<void> {
    return success(this.#api.POST("/datasets/{datasetId}/jobs/{jobId}/abort", { params: { path: { ...this.#path(), jobId }, query: { jobType } }, parseAs: "text" }));
  }

  retry(jobId: string, jobType: Schemas["JobType"]): Promise<void> {
    return success(this.#api.POST("/datasets/{datasetId}/jobs/{jobId}/retry", { params: { path: { ...this.#path(), jobId }, query: { jobType } }, parseAs: "text" }));
  }

  createDatasetFromSearch(jobId: string, body: Schemas["CreateDatasetRequest"]): Promise<void> {
    return success(this.#api.POST("/searchResults/{jobId}/datasets", { params: { path: { jobId } }, body, parseAs: "text" }));
  }

  async *drafts(status: NonNullable<Query<"listDrafts">>["status"]): AsyncGenerator<Schemas["Draft"]> {
    yield* pages(async (offset, limit) => {
      const query = { ...(status && { status }), offset, limit };
      const page = await answer(this.#api.GET("/datasets/{datasetId}/drafts", { params: { path: this.#path(), query } }));
      return [page.drafts, page.totalCount];
    }, (draft) => draft.number);
  }

  closeDraft(draftNumber: number): Promise<void> {
    return success(this.#api.PATCH("/datasets/{datasetId}/drafts/{draftNumber}",
      { params: { path: { ...this.#path(), draftNumber } }, body: { status: "CLOSED" }, parseAs: "text" }));
  }

  async *segments(commit: string): AsyncGenerator<Schemas["Segment"]> {
    yield* pages(async (offset, limit) => {
      const page = await answer(this.#api.GET("/datasets/{datasetId}/segments", { params: { path: this.#path(), query: { commit, offset, limit } } }));
      return [page.segments, page.totalCount];
    }, (segment) => segment.name);
  }

  /** Lists the data of a segment, or the frames of a fusion dataset. */
  async *details(segmentName: string, commit: string): AsyncGenerator<Schemas["DataDetail"]> {
    yield* pages(async (offset, limit) => {
      const query = { segmentName, commit, offset, limit };
      const page = await answer(this.#api.GET("/datasets/{datasetId}/data/details", { params: { path: this.#path(), query } }));
      return [page.dataDetails, page.totalCount];
    }, (d) => ("frame" in d ? d.frameId : d.remotePath));
  }

  /** Returns a client of a search result. It takes the place of the dataset. */
  result(searchResultId: string, ready: Ready): Dataset {
    return new Dataset(ready, searchResultId);
  }

  #path() {
    return { datasetId: this.id };
  }
}

/** Reads all pages of a list and yields each item once. */
async function* pages<T>(
  read: (offset: number, limit: number) => Promise<[T[], number]>, id: (item: T) => unknown, keep = (_: T) => true,
): AsyncGenerator<T> {
  const seen = new Set<unknown>();
  for (let offset = 0, total = 1; offset < total;) {
    const [items, count] = await read(offset, 128);
    for (const item of items) {
      if (!seen.has(id(item)) && keep(item)) yield item;
      seen.add(id(item));
    }
    if (items.length === 0) return;
    offset += items.length;
    total = count;
  }
}
