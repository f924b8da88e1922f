"""The main job against `tensorbay-jobs serve --tls`. TENSORBAY_READY names the ready file."""

import json
import os
import pathlib
import unittest

from tensorbay import MERGE, SEARCH, Dataset, TensorBayError

NEWER = os.environ.get("TENSORBAY_NEWER") == "1"


class Service(unittest.TestCase):
    def setUp(self):
        self.ready = json.loads(pathlib.Path(os.environ["TENSORBAY_READY"]).read_text())
        self.dataset = Dataset.named(self.ready, "squash-and-merge")

    def assert_fails(self, kind, call, *args):
        with self.assertRaises(TensorBayError) as caught:
            call(*args)
        self.assertEqual(kind, caught.exception.kind)
        return caught.exception

    def test_merges_a_branch(self):
        created, seen = self.dataset.create_merge("merge dev", "dev", "main", "skip"), set()
        job = self.dataset.wait(created["id"], MERGE, lambda j: seen.add(j["status"]))
        self.assertTrue(job["succeeded"])
        self.assertEqual(NEWER, "PREPARING" in seen, seen)
        number = job["result"]["draftNumber"]
        self.assertIn(number, [d["number"] for d in self.dataset.drafts()])
        self.dataset.close_draft(number)
        self.assertIn(job["id"], [j["id"] for j in self.dataset.list(MERGE, "SUCCESS")])
        self.dataset.delete(job["id"], MERGE)
        self.assert_fails("notFound", self.dataset.get, job["id"], MERGE)

    def test_searches_a_commit_and_reads_the_result(self):
        dataset = Dataset.named(self.ready, "street-scenes")
        created = dataset.create_search(dataset.resolve("main"), [
            {"key": "category", "operator": "in", "value": ["car"], "title": "Category", "extraInfo": {"labelType": "BOX2D"}},
        ])
        job = dataset.wait(created["id"], SEARCH)
        self.assertTrue(job["succeeded"])
        result, commit = dataset.result(job["result"]["searchResultId"]), job["result"]["searchResultCommitId"]
        labels = [d.get("label", {}) for s in result.segments(commit) for d in result.details(s["name"], commit)]
        self.assertTrue(any(b["category"] == "car" for label in labels for b in label["BOX2D"]))
        self.assertEqual(NEWER, all("CUBOID4D" in label for label in labels))
        name = "cars-" + job["id"]
        dataset.create_dataset(job["id"], name)
        self.assert_fails("conflict", dataset.create_dataset, job["id"], name)

    def test_aborts_and_retries_a_job(self):
        job = self.dataset.create_merge("aborted", "dev", "main")
        self.dataset.abort(job["id"], MERGE)
        self.assertEqual("ABORTED", self.dataset.wait(job["id"], MERGE)["status"])
        self.dataset.retry(job["id"], MERGE)
        self.assertEqual("SUCCESS", self.dataset.wait(job["id"], MERGE)["status"])

    def test_reads_errors(self):
        self.assert_fails("unauthorized", Dataset({**self.ready, "accessKey": "Accesskey-0"}, self.dataset.id).info)
        error = self.assert_fails("notFound", Dataset(self.ready, "none").info)
        self.assertEqual("ResourceNotVisible" if NEWER else "ResourceNotExist", error.code)
        self.assert_fails("notFound", self.dataset.get, "none", MERGE)
        self.assert_fails("invalidArgument", next, self.dataset.list("noSuchType"))
        self.assert_fails("notFound", self.dataset.create_merge, "d", "none", "main")
        error = self.assert_fails("notFound", Dataset({**self.ready, "apiUrl": self.ready["url"].rstrip("/")}, "d").info)
        self.assertIn("must start with /gatewayv2/tensorbay-open-api/v1/", error.message)

    @unittest.skipUnless(NEWER, "the service is not newer")
    def test_runs_a_job_of_a_type_that_is_not_in_openapi_yaml(self):
        job = self.dataset.create("countFiles", "count", {"commit": self.dataset.resolve("main")})
        self.assertEqual(4, self.dataset.wait(job["id"], "countFiles")["result"]["count"])


if __name__ == "__main__":
    unittest.main()
