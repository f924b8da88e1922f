package jobstest

import (
	"encoding/json"
)

// A Seed is what a [Server] holds when it starts. Read one with [ParseSeed];
// the format is described by testdata/seed.schema.json.
type Seed struct {
	// Owner signs the commits and drafts.
	Owner    string
	Datasets []SeedDataset
}

// A SeedDataset is one dataset with its history.
type SeedDataset struct {
	// ID is made from the name where it is empty.
	ID     string
	Name   string
	Alias  string
	Fusion bool
	Public bool
	// DefaultBranch is "main" where it is empty.
	DefaultBranch string
	// Catalog says by label type what is counted in statistics.
	Catalog map[string]SeedCatalog
	// Commits come in an order in which a parent stands before its children.
	Commits  []SeedCommit
	Branches []SeedRef
	Tags     []SeedRef
	Drafts   []SeedDraft
}

// A SeedCatalog describes the categories and attributes of one label type.
type SeedCatalog struct {
	// Categories in the order of statistics. Those of a mask have ids.
	Categories []SeedCategory
	Attributes []SeedAttribute
}

// A SeedCategory is a category a label may have. ID is what masks write in
// place of the name.
type SeedCategory struct {
	Name string
	ID   int64
}

// A SeedAttribute describes one attribute. Statistics count the values of a
// boolean and of one with Enum, give the range of a number with Minimum and
// Maximum, and leave out every other.
type SeedAttribute struct {
	Name string
	// Type is "boolean", "number", "string" or empty.
	Type             string
	Enum             []any
	Minimum, Maximum *float64
}

// A SeedCommit adds to, replaces in and removes from what its parent holds.
type SeedCommit struct {
	// Name is what branches, tags, drafts and other commits of the seed call
	// it. The id is made from it where ID is empty.
	Name        string
	ID          string
	Parent      string
	Title       string
	Description string
	// Date is in seconds since the epoch.
	Date     int64
	Segments []SeedSegment
}

// A SeedSegment is the part of a commit that lies in one segment.
type SeedSegment struct {
	Name        string
	Description string
	// Sensors are in their wire form, in the order the service lists them.
	Sensors []json.RawMessage
	// Data belong to a plain dataset, Frames to a fusion dataset.
	Data   []SeedData
	Frames []SeedFrame
	// Remove lists the remote paths that this commit takes away.
	Remove []string
}

// A SeedFrame is a frame of a fusion dataset.
type SeedFrame struct {
	ID   string
	Data []SeedData
}

// SeedData is a datum.
type SeedData struct {
	// Sensor names the sensor, in a fusion dataset.
	Sensor     string
	RemotePath string
	Timestamp  *float64
	// Content are the bytes themselves. Where it is nil, Size bytes are made
	// from the remote path, always the same.
	Content []byte
	Size    int64
	// Label is in its wire form, without the URLs of masks; nil for none.
	Label json.RawMessage
}

// A SeedRef is a branch or a tag.
type SeedRef struct {
	Name   string
	Commit string
}

// A SeedDraft is a draft on a branch, with the segments that it changes.
type SeedDraft struct {
	Title       string
	Description string
	Branch      string
	// Status is OPEN, CLOSED or COMMITTED.
	Status   string
	Segments []SeedSegment
}
