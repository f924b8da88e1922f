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
	// Catalog maps label types to the values that statistics count.
	Catalog map[string]SeedCatalog
	// Commits must list a parent before its children.
	Commits  []SeedCommit
	Branches []SeedRef
	Tags     []SeedRef
	// Drafts are numbered from 1.
	Drafts []SeedDraft
}

// A SeedCatalog describes the categories and attributes of one label type.
type SeedCatalog struct {
	// Categories are in the order of the statistics.
	Categories []SeedCategory
	Attributes []SeedAttribute
}

// A SeedCategory is a category of labels.
type SeedCategory struct {
	Name string
	// ID identifies the category in masks.
	ID int64
}

// A SeedAttribute describes one attribute. Statistics count the values of a
// boolean and of an attribute with Enum. They give the range of a number with
// Minimum and Maximum. They omit all other attributes.
type SeedAttribute struct {
	Name string
	// Type is "boolean", "number", "string" or empty.
	Type             string
	Enum             []any
	Minimum, Maximum *float64
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
	Date     int64
	Segments []SeedSegment
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
	// Label is in its wire form without the URLs of masks. Nil means no label.
	Label json.RawMessage
}

// A SeedRef is a branch or a tag.
type SeedRef struct {
	Name string
	// Commit is the Name of a commit.
	Commit string
}

// A SeedDraft is a draft on a branch.
type SeedDraft struct {
	Title       string
	Description string
	Branch      string
	// Status is OPEN, CLOSED or COMMITTED. The default is OPEN.
	Status   string
	Segments []SeedSegment
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
	s, err := seed.Parse([]byte(tensorbayjobs.Seed()))
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
