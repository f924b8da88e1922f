// Requests that must not compile. Each one is JSON on one line, so that a test of the Go module
// can check that the contract refuses it too.
import type { Query, Schemas } from "./client.js";

// @ts-expect-error an unknown job type
export const jobType: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashMerge", "arguments": {"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"}};

// @ts-expect-error an unknown job type with unknown arguments
export const titel: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashMerge", "arguments": {"titel": 1}};

// @ts-expect-error the arguments of another job type
export const otherArguments: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "basicSearch", "arguments": {"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"}};

// @ts-expect-error a misspelled argument
export const misspelledArgument: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashAndMerge", "arguments": {"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip", "descripton": "x"}};

// @ts-expect-error a misspelled property
export const misspelledProperty: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashAndMerge", "arguments": {"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"}, "descripton": "x"};

// @ts-expect-error no draft title
export const missingArgument: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashAndMerge", "arguments": {"sourceBranchName": "dev", "targetBranchName": "main", "strategy": "skip"}};

// @ts-expect-error no arguments
export const missingArguments: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashAndMerge"};

// @ts-expect-error an unknown strategy
export const strategy: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "squashAndMerge", "arguments": {"title": "d", "sourceBranchName": "dev", "targetBranchName": "main", "strategy": "rebase"}};

// @ts-expect-error an unknown conjunction
export const conjunction: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "basicSearch", "arguments": {"commit": "3bd4", "conjunction": "xor", "unit": "file", "filters": [{"key": "size", "operator": ">", "value": 0, "title": "Size"}]}};

// @ts-expect-error an unknown unit
export const unit: Schemas["CreateJobRequest"] = {"title": "t", "jobType": "basicSearch", "arguments": {"commit": "3bd4", "conjunction": "and", "unit": "row", "filters": [{"key": "size", "operator": ">", "value": 0, "title": "Size"}]}};

// @ts-expect-error an unknown filter key
export const filterKey: Schemas["NewSearchFilter"] = {"key": "colour", "operator": "in", "value": ["red"], "title": "Colour"};

// @ts-expect-error an operator of another key
export const operator: Schemas["NewSearchFilter"] = {"key": "segment", "operator": "like", "value": ["train"], "title": "Segment"};

// @ts-expect-error a text in place of a list
export const listValue: Schemas["NewSearchFilter"] = {"key": "segment", "operator": "in", "value": "train", "title": "Segment"};

// @ts-expect-error a text in place of a number of bytes
export const sizeValue: Schemas["NewSearchFilter"] = {"key": "size", "operator": ">", "value": "1MB", "title": "Size"};

// @ts-expect-error a category without a label type
export const missingLabelType: Schemas["NewSearchFilter"] = {"key": "category", "operator": "in", "value": ["car"], "title": "Category"};

// @ts-expect-error a label type of a filter that does not concern labels
export const extraLabelType: Schemas["NewSearchFilter"] = {"key": "size", "operator": ">", "value": 0, "title": "Size", "extraInfo": {"labelType": "BOX2D"}};

// @ts-expect-error an allowed value that is no list
export const attributeValue: Schemas["NewSearchFilter"] = {"key": "attribute", "operator": "in", "value": {"occluded": true}, "title": "Attribute", "extraInfo": {"labelType": "BOX2D"}};

// @ts-expect-error a draft can only be closed
export const draftChange: Schemas["UpdateDraftRequest"] = {"status": "COMMITTED"};

// @ts-expect-error a text in place of a boolean
export const isPublic: Schemas["CreateDatasetRequest"] = {"datasetName": "cars", "alias": "", "isPublic": "yes"};

// @ts-expect-error an unknown status of a draft
export const draftStatus: Query<"listDrafts"> = {"status": "OPENED"};

// @ts-expect-error a label type without masks
export const maskType: Query<"listMaskUrls"> = {"segmentName": "train", "maskType": "BOX2D"};

// @ts-expect-error the type of the job is missing
export const missingJobType: Query<"getJob"> = {};
