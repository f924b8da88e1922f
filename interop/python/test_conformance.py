"""Reads testdata/conformance, which the suites of all languages share. A fixture of an unknown kind fails."""

import json
import pathlib
import re
import unittest
import urllib.parse

from tensorbay import MERGE, Dataset, TensorBayError

FIXTURES = pathlib.Path(__file__).parent / "../../testdata/conformance"
READY = {"apiUrl": "https://tensorbay.test/api", "accessKey": "Accesskey-0"}
KNOWN = {
    "CLASSIFICATION", "BOX2D", "BOX3D", "POLYGON", "MULTI_POLYGON", "RLE", "POLYLINE2D", "MULTI_POLYLINE2D", "KEYPOINTS2D",
    "SENTENCE", "SEMANTIC_MASK", "INSTANCE_MASK", "PANOPTIC_MASK",
}


def datum(d):
    label = d.get("label") or {}
    return {"remotePath": d["remotePath"], "timestamp": d.get("timestamp"), "labels": sorted(label),
            "unknown": {t: v for t, v in label.items() if t not in KNOWN}}


def error(d):
    try:
        d.info()
    except TensorBayError as e:
        return {"kind": e.kind, "code": e.code, "message": e.message}
    return None


def done(_):
    return {"done": True}


READINGS = {
    "job": lambda d: d.get("6f2a", MERGE),
    "jobs": lambda d: [j["id"] for j in d.list(MERGE)],
    "dataset": lambda d: d.info(),
    "drafts": lambda d: [{"number": x["number"], "status": x["status"], "branch": x["branchName"], "updatedAt": x.get("updatedAt")}
                         for x in d.drafts("ALL")],
    "data": lambda d: [datum(x) for x in d.details("train", "c")],
    "attributes": lambda d: next(d.details("train", "c"))["label"]["CLASSIFICATION"]["attributes"],
    "frames": lambda d: [{"id": f["frameId"], "sensors": [x["sensorName"] for x in f["frame"]]} for f in d.details("train", "c")],
    "deletion": lambda d: done(d.delete("6f2a", MERGE)),
    "error": error,
}

CALLS = {
    "createMerge": lambda d, draftTitle, draftDescription="", **a: d.create_merge(draftTitle, draft_description=draftDescription, **a),
    "createSearch": lambda d, **a: d.create_search(**a),
    "getJob": lambda d, id: d.get(id, MERGE),
    "listJobs": lambda d, status: [j["id"] for j in d.list(MERGE, status)],
    "deleteJob": lambda d, id: done(d.delete(id, MERGE)),
    "abortJob": lambda d, id: done(d.abort(id, MERGE)),
    "retryJob": lambda d, id: done(d.retry(id, MERGE)),
    "createDataset": lambda d, id, **a: done(d.create_dataset(id, **a)),
    "closeDraft": lambda d, number: done(d.close_draft(number)),
    "listSegments": lambda d, commit: [s["name"] for s in d.segments(commit)],
}


def load(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())[name]


class Conformance(unittest.TestCase):
    def contains(self, want, got, path=""):
        """Compares the fields that want has."""
        if isinstance(want, dict):
            for name, value in want.items():
                self.assertIn(name, got, path)
                self.contains(value, got[name], f"{path}/{name}")
        elif isinstance(want, list):
            self.assertEqual(len(want), len(got), path)
            for i, value in enumerate(want):
                self.contains(value, got[i], f"{path}/{i}")
        else:
            self.assertEqual(want, got, path)

    def test_reads_responses(self):
        for r in load("readings"):
            with self.subTest(f"{r['of']}: {r['name']}"):
                self.assertIn(r["of"], READINGS, "an unknown kind of reading")
                text = r["text"] if "text" in r else json.dumps(r["body"])
                dataset = Dataset(READY, "d0", lambda _: (r.get("status", 200), text.encode()))
                if r.get("invalid"):
                    with self.assertRaises(TensorBayError) as caught:
                        READINGS[r["of"]](dataset)
                    self.assertEqual("invalidResponse", caught.exception.kind)
                else:
                    self.contains(r["want"], READINGS[r["of"]](dataset))

    def test_sends_requests(self):
        for e in load("exchanges"):
            with self.subTest(e["name"]):
                self.assertIn(e["call"], CALLS, "an unknown call")
                sent = []

                def send(request):
                    sent.append(request)
                    body = e["response"]
                    return body["status"], json.dumps(body["body"]).encode() if "body" in body else b""

                self.contains(e["want"], CALLS[e["call"]](Dataset(READY, "d0", send), **e["arguments"]))
                self.assertEqual(1, len(sent))
                request, want = sent[0], e["request"]
                url = urllib.parse.urlsplit(request.full_url)
                self.assertEqual(want["method"], request.method)
                self.assertEqual("/api" + want["path"], url.path)
                self.assertEqual(want.get("query", {}), dict(urllib.parse.parse_qsl(url.query)))
                self.assertEqual(want.get("body"), json.loads(request.data) if request.data else None)
                self.assertTrue(re.fullmatch("[0-9a-f]{32}", request.get_header("X-request-id")))


if __name__ == "__main__":
    unittest.main()
