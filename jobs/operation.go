package jobs

// An operation is one thing the client asks of the service, under its id in
// openapi.yaml.
type operation struct {
	id   string
	name string // in error texts and log records
	// once: sent again, it might take effect twice. Such an operation is
	// repeated only when it surely did not arrive.
	nonIdempotent bool
}

var (
	opListDatasets            = operation{id: "listDatasets", name: "list datasets"}
	opGetDataset              = operation{id: "getDataset", name: "get dataset"}
	opListBranches            = operation{id: "listBranches", name: "list branches"}
	opListTags                = operation{id: "listTags", name: "list tags"}
	opListCommits             = operation{id: "listCommits", name: "list commits"}
	opListDrafts              = operation{id: "listDrafts", name: "list drafts"}
	opUpdateDraft             = operation{id: "updateDraft", name: "close draft"}
	opCreateJob               = operation{id: "createJob", name: "create job", nonIdempotent: true}
	opListJobs                = operation{id: "listJobs", name: "list jobs"}
	opGetJob                  = operation{id: "getJob", name: "get job"}
	opDeleteJob               = operation{id: "deleteJob", name: "delete job"}
	opAbortJob                = operation{id: "abortJob", name: "abort job"}
	opRetryJob                = operation{id: "retryJob", name: "retry job", nonIdempotent: true}
	opCreateDatasetFromSearch = operation{id: "createDatasetFromSearch", name: "create dataset from search", nonIdempotent: true}
	opListSegments            = operation{id: "listSegments", name: "list segments"}
	opListSensors             = operation{id: "listSensors", name: "list sensors"}
	opListDataDetails         = operation{id: "listDataDetails", name: "list data"}
	opListDataUrls            = operation{id: "listDataUrls", name: "renew data urls"}
	opListMaskUrls            = operation{id: "listMaskUrls", name: "renew mask urls"}
	opGetLabelStatistics      = operation{id: "getLabelStatistics", name: "get label statistics"}
)
