"""A small client of TensorBay's jobs. It needs Python's standard library only."""

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

MERGE, SEARCH = "squashAndMerge", "basicSearch"
FINISHED = ("SUCCESS", "FAILED", "ABORTED")  # any other status is unfinished
KINDS = {
    400: "invalidArgument", 401: "unauthorized", 403: "forbidden", 404: "notFound", 409: "conflict", 429: "rateLimited",
}


class TensorBayError(Exception):
    """A request failed. code and message are empty if the response is not from the service."""

    def __init__(self, kind, status, code="", message=""):
        super().__init__(f"{status} {code}: {message or kind}")
        self.kind, self.status, self.code, self.message = kind, status, code, message


def sender(ca_file=None):
    """Returns a function that sends a request and returns the status and the body."""
    context = ssl.create_default_context(cafile=ca_file)

    def send(request):
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    return send


class Dataset:
    """The client of one dataset. ready is the content of a ready file of `tensorbay-jobs serve`."""

    def __init__(self, ready, dataset_id, send=None):
        self.ready, self.id = ready, dataset_id
        self._send = send or sender(ready.get("caFile"))

    @classmethod
    def named(cls, ready, name):
        for dataset in cls(ready, "")._call("GET", "/datasets", {"name": name})["datasets"]:
            if dataset["name"] == name:
                return cls(ready, dataset["id"])
        raise TensorBayError("notFound", 200, message=f"no dataset {name}")

    def info(self):
        dataset = self._call("GET", self._path())
        return {"name": dataset["name"], "fusion": bool(dataset["type"])}

    def resolve(self, revision):
        """Returns the id of the newest commit of a branch or a tag."""
        return self._call("GET", self._path("/commits"), {"commit": revision, "limit": 1})["commits"][0]["commitId"]

    def create(self, job_type, title, arguments, description=""):
        body = {"title": title, "jobType": job_type, "arguments": arguments}
        if description:
            body["description"] = description
        created = self._call("POST", self._path("/jobs"), body=body)
        return job_of({**body, **created, "status": "QUEUING"}, job_type)

    def create_merge(self, draft_title, source, target, strategy="abort", title="", description="", draft_description=""):
        arguments = {"title": draft_title, "sourceBranchName": source, "targetBranchName": target, "strategy": strategy}
        if draft_description:
            arguments["description"] = draft_description
        return self.create(MERGE, title or f"{source}->{target}({strategy})", arguments, description)

    def create_search(self, commit, filters, conjunction="and", unit="file"):
        first = filters[0]
        value = json.dumps(first["value"], separators=(",", ":"))
        return self.create(SEARCH, f"search({commit[:7]}): {first['key']} {first['operator']} {value}",
                           {"commit": commit, "conjunction": conjunction, "unit": unit, "filters": filters})

    def get(self, job_id, job_type):
        return job_of(self._call("GET", self._path("/jobs/", job_id), {"jobType": job_type}), job_type)

    def wait(self, job_id, job_type, on_poll=lambda job: None):
        """Polls a job until it has ended. A new job may be unknown for a short time."""
        start = time.monotonic()
        while True:
            elapsed = time.monotonic() - start
            try:
                job = self.get(job_id, job_type)
                on_poll(job)
                if job["finished"]:
                    return job
            except TensorBayError as error:
                if error.kind != "notFound" or elapsed > 30:
                    raise
            time.sleep(min(max(0.07 * elapsed, 0.2), 120))

    def list(self, job_type, status=None):
        """Lists the jobs of a type. A list may hold jobs of other types."""
        for job in self._pages("/jobs", "jobs", "jobId", {"jobType": job_type, "status": status}):
            if job.get("jobType", job_type) == job_type:
                yield job_of(job, job_type)

    def delete(self, job_id, job_type):
        self._call("DELETE", self._path("/jobs/", job_id), {"jobType": job_type}, promised=False)

    def abort(self, job_id, job_type):
        self._call("POST", self._path("/jobs/", job_id, "/abort"), {"jobType": job_type}, promised=False)

    def retry(self, job_id, job_type):
        self._call("POST", self._path("/jobs/", job_id, "/retry"), {"jobType": job_type}, promised=False)

    def create_dataset(self, job_id, name, alias="", public=False):
        body = {"datasetName": name, "alias": alias, "isPublic": public}
        self._call("POST", f"/searchResults/{quote(job_id)}/datasets", body=body, promised=False)

    def drafts(self, status="OPEN"):
        return self._pages("/drafts", "drafts", "number", {"status": status})

    def close_draft(self, number):
        self._call("PATCH", self._path("/drafts/", str(number)), body={"status": "CLOSED"}, promised=False)

    def segments(self, commit):
        return self._pages("/segments", "segments", "name", {"commit": commit})

    def details(self, segment, commit):
        """Lists the data of a segment, or the frames of a fusion dataset."""
        return self._pages("/data/details", "dataDetails", ("frameId", "remotePath"), {"segmentName": segment, "commit": commit})

    def result(self, search_result_id):
        """Returns a client of a search result. It takes the place of the dataset."""
        return Dataset(self.ready, search_result_id, self._send)

    def _path(self, *parts):
        return f"/datasets/{quote(self.id)}" + "".join(p if p.startswith("/") else quote(p) for p in parts)

    def _pages(self, section, name, key, query):
        """Reads all pages of a list and yields each item once."""
        offset, total, seen = 0, 1, set()
        keys = key if isinstance(key, tuple) else (key,)
        while offset < total:
            page = self._call("GET", self._path(section), {**query, "offset": offset, "limit": 128})
            for item in page[name]:
                identity = next(item[k] for k in keys if k in item)
                if identity not in seen:
                    seen.add(identity)
                    yield item
            if not page[name]:
                return
            offset, total = offset + len(page[name]), page["totalCount"]

    def _call(self, method, path, query=None, body=None, promised=True):
        """Sends a request. If no body is promised, it does not read the body of a success."""
        url = self.ready["apiUrl"] + path
        query = {k: v for k, v in (query or {}).items() if v is not None}
        if query:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, method=method, headers={
            "X-Token": self.ready["accessKey"], "X-Source": "PYTHON-EXAMPLE/1.0.0", "X-Request-Id": uuid.uuid4().hex,
        })
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        status, text = self._send(request)
        if status not in (200, 201):
            raise failure(status, text)
        return json.loads(text) if promised else None


def quote(part):
    return urllib.parse.quote(part, safe="")


def failure(status, text):
    try:
        body = json.loads(text)
        code, message = body.get("code", ""), body.get("message", "")
    except (ValueError, AttributeError):  # the page of a gateway
        code, message = "", ""
    return TensorBayError(KINDS.get(status, "server"), status, code, message)


def job_of(body, job_type):
    """Reads a job. A response may lack everything but the id and the status."""
    if not body.get("jobId") or not body.get("status") or body.get("jobType", job_type) != job_type:
        raise TensorBayError("invalidResponse", 200, message="no job of this type")
    return {
        "id": body["jobId"], "type": job_type, "title": body.get("title", ""), "description": body.get("description", ""),
        "status": body["status"], "finished": body["status"] in FINISHED, "succeeded": body["status"] == "SUCCESS",
        "createdAt": body.get("createdAt"), "startedAt": body.get("startedAt"), "finishedAt": body.get("finishedAt"),
        "errorMessage": body.get("errorMessage", ""), "arguments": body.get("arguments"), "result": body.get("result"),
    }
