package jobstest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/emulator"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

// A Seed is the initial content of a [Server]. [ParseSeed] decodes it from YAML.
type Seed struct {
	// Owner is the author of all commits and drafts.
	Owner    string
	Datasets []SeedDataset
}

// A SeedDataset is one dataset with its history.
type SeedDataset struct {
	// ID is derived from Name if it is empty.
	ID     string
	Name   string
	Alias  string
	Fusion bool
	Public bool
	// DefaultBranch is a branch. The default is "main".
	DefaultBranch string
	// Catalog is the catalog of the commits that do not set or inherit another one, in its
	// wire form: {"BOX2D": {"categories": [{"name": "car"}], "attributes": [...]}}.
	Catalog json.RawMessage
	// Updated is the time of the last change in seconds since the epoch. The default is that
	// of the newest commit.
	Updated int64
	// Commits must list a parent before its children.
	Commits []SeedCommit
	// Branches may be empty if there is no commit. The default branch has no commit then.
	Branches []SeedRef
	Tags     []SeedRef
	// Drafts are in the order of their numbers.
	Drafts []SeedDraft
}

// A SeedCommit changes the content of its parent.
type SeedCommit struct {
	// Name identifies the commit in the seed. ID is derived from it if ID is
	// empty.
	Name string
	ID   string
	// Parent is the Name of another commit, or empty.
	Parent      string
	Title       string
	Description string
	// Date is in seconds since the epoch.
	Date int64
	// RemoveSegments are removed before the other changes.
	RemoveSegments []string
	Segments       []SeedSegment
	// Catalog and Notes replace those of the parent, unless they are nil. They are in their
	// wire form.
	Catalog, Notes json.RawMessage
}

// A SeedSegment holds the changes of one segment.
type SeedSegment struct {
	Name        string
	Description string
	// Sensors are in their wire form. They exist only in a fusion dataset.
	Sensors []json.RawMessage
	// Data is for a plain dataset, Frames for a fusion dataset.
	Data   []SeedData
	Frames []SeedFrame
	// Remove lists the remote paths of data to remove.
	Remove []string
}

// A SeedFrame is a frame of a fusion dataset.
type SeedFrame struct {
	ID   string
	Data []SeedData
}

// A SeedData is one file of a segment.
type SeedData struct {
	// Sensor is a sensor of the segment, only in a fusion dataset.
	Sensor     string
	RemotePath string
	Timestamp  *float64
	// Content is the content of the file. If it is nil, the server derives
	// Size bytes from RemotePath.
	Content []byte
	Size    int64
	// Label is in its wire form without the URLs of masks. Nil means no label. A mask may
	// have its content in contentBase64; the default is a small image.
	Label json.RawMessage
}

// A SeedRef is a branch or a tag.
type SeedRef struct {
	Name string
	// Commit is the Name of a commit. Only a branch of a dataset without commits has none.
	Commit string
}

// A SeedDraft is a draft on a branch.
type SeedDraft struct {
	// Number is above that of the draft before it. The default is the next number.
	Number      int64
	Title       string
	Description string
	Branch      string
	// Parent is the Name of the commit that the draft changes. The default is the head of
	// Branch.
	Parent string
	// Status is OPEN, CLOSED or COMMITTED. The default is OPEN.
	Status string
	// Date and Updated are the times of the creation and of the last change, in seconds since
	// the epoch. The default is the time of the parent.
	Date, Updated int64
	// RemoveSegments are removed before the other changes.
	RemoveSegments []string
	Segments       []SeedSegment
	// Catalog and Notes replace those of the parent, unless they are nil. They are in their
	// wire form.
	Catalog, Notes json.RawMessage
}

// ParseSeed decodes a seed from YAML, in the format of
// testdata/seed.schema.json. It refuses unknown fields, missing fields, values
// of a wrong form and references to missing objects. The error names the line
// or the object.
func ParseSeed(data []byte) (Seed, error) {
	parsed, err := seed.Parse(data)
	if err != nil {
		return Seed{}, err
	}
	if _, err := emulator.NewState(&parsed); err != nil {
		return Seed{}, fmt.Errorf("seed: %w", err)
	}
	var s Seed
	convert(reflect.ValueOf(&s).Elem(), reflect.ValueOf(parsed))
	return s, nil
}

// newState returns the state of a seed, or of the default seed if s is nil.
func newState(s *Seed) (*emulator.State, error) {
	if s == nil {
		return defaultState()
	}
	var internal seed.Seed
	convert(reflect.ValueOf(&internal).Elem(), reflect.ValueOf(*s))
	return emulator.NewState(&internal)
}

// defaultState is shared, because a state never changes.
var defaultState = sync.OnceValues(func() (*emulator.State, error) {
	s, err := seed.Decode([]byte(tensorbayjobs.Seed())) // a test parses it
	if err != nil {
		return nil, err
	}
	return emulator.NewState(&s)
})

// convert copies a seed between the types of this package and those of package
// seed, whose fields have equal names. The former are declared here because an
// alias would hide their fields in the documentation. The latter have the tags
// and the methods of the format. Scalars, texts and contents are shared.
func convert(to, from reflect.Value) {
	switch {
	case from.Type().ConvertibleTo(to.Type()):
		to.Set(from.Convert(to.Type()))
	case from.Kind() == reflect.Struct:
		for i := range from.NumField() {
			if field := to.FieldByName(from.Type().Field(i).Name); field.IsValid() {
				convert(field, from.Field(i))
			}
		}
	case from.Kind() == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			convert(to.Index(i), from.Index(i))
		}
	case from.Kind() == reflect.Map && !from.IsNil():
		to.Set(reflect.MakeMapWithSize(to.Type(), from.Len()))
		for key, value := range from.Seq2() {
			element := reflect.New(to.Type().Elem()).Elem()
			convert(element, value)
			to.SetMapIndex(key, element)
		}
	}
}
