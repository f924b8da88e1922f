// Package seed defines the format of a seed, the initial state of the embedded
// TensorBay, and decodes it from YAML. testdata/seed.schema.json describes the
// same format for editors.
//
// A field whose tag lacks omitempty is required. The tag "format" names an
// entry of formats, and the tag "schema" a schema of openapi.yaml.
package seed

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v4"
)

// A Seed lists the datasets of a server.
type Seed struct {
	Owner    string    `yaml:"owner"`
	Anchors  yaml.Node `yaml:"anchors,omitempty"` // any value, not used
	Datasets []Dataset `yaml:"datasets"`
}

// A Dataset is one dataset with its history.
type Dataset struct {
	ID            string   `yaml:"id,omitempty" format:"datasetId"`
	Name          string   `yaml:"name"`
	Alias         string   `yaml:"alias,omitempty"`
	Fusion        bool     `yaml:"fusion,omitempty"`
	Public        bool     `yaml:"public,omitempty"`
	DefaultBranch string   `yaml:"defaultBranch,omitempty"`
	Updated       Date     `yaml:"updated,omitempty"`
	Catalog       JSON     `yaml:"catalog,omitempty" schema:"Catalog"`
	Commits       []Commit `yaml:"commits,omitempty"`
	Branches      []Ref    `yaml:"branches,omitempty"`
	Tags          []Ref    `yaml:"tags,omitempty"`
	Drafts        []Draft  `yaml:"drafts,omitempty"`
}

// A Commit changes the content of its parent.
type Commit struct {
	Name        string `yaml:"name"`
	ID          string `yaml:"id,omitempty" format:"commitId"`
	Parent      string `yaml:"parent,omitempty"`
	Title       string `yaml:"title"`
	Description string `yaml:"description,omitempty"`
	Date        Date   `yaml:"date"`

	// The changes. RemoveSegments are removed first.
	RemoveSegments []string  `yaml:"removeSegments,omitempty"`
	Segments       []Segment `yaml:"segments,omitempty"`
	Catalog        JSON      `yaml:"catalog,omitempty" schema:"Catalog"`
	Notes          JSON      `yaml:"notes,omitempty" schema:"Notes"`
}

// A Segment holds the changes of one segment.
type Segment struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description,omitempty"`
	Sensors     []JSON   `yaml:"sensors,omitempty" schema:"Sensor"`
	Data        []Data   `yaml:"data,omitempty"`
	Frames      []Frame  `yaml:"frames,omitempty"`
	Remove      []string `yaml:"remove,omitempty"`
}

// A Frame is a frame of a fusion dataset.
type Frame struct {
	ID   string `yaml:"id" format:"frameId"`
	Data []Data `yaml:"data"`
}

// A Data is one file of a segment. Content is nil if its bytes are generated.
type Data struct {
	Sensor     string   `yaml:"sensor,omitempty"`
	RemotePath string   `yaml:"remotePath"`
	Timestamp  *float64 `yaml:"timestamp,omitempty"`
	Content    []byte   `yaml:"-"`
	Size       int64    `yaml:"-"`
	Label      JSON     `yaml:"label,omitempty" schema:"Label"`
}

// A Ref is a branch or a tag. Only a branch may have no commit.
type Ref struct {
	Name   string `yaml:"name"`
	Commit string `yaml:"commit,omitempty"`
}

// A Draft is a draft on a branch.
type Draft struct {
	Number      int64  `yaml:"number,omitempty"` // default: the next one
	Title       string `yaml:"title"`
	Description string `yaml:"description,omitempty"`
	Branch      string `yaml:"branch"`
	Parent      string `yaml:"parent,omitempty"` // default: the head of the branch
	Status      string `yaml:"status" format:"draftStatus"`
	Date        Date   `yaml:"date,omitempty"` // default: that of the parent
	Updated     Date   `yaml:"updated,omitempty"`

	// The changes. RemoveSegments are removed first.
	RemoveSegments []string  `yaml:"removeSegments,omitempty"`
	Segments       []Segment `yaml:"segments,omitempty"`
	Catalog        JSON      `yaml:"catalog,omitempty" schema:"Catalog"`
	Notes          JSON      `yaml:"notes,omitempty" schema:"Notes"`
}

// datum is a Data in YAML, with three forms of its content.
type datum struct {
	Plain         plainData `yaml:",inline"`
	Content       *string   `yaml:"content,omitempty"`
	ContentBase64 *string   `yaml:"contentBase64,omitempty"`
	Size          *int64    `yaml:"size,omitempty"`
}

// plainData is Data without its method, which would recurse.
type plainData Data

// maxDataSize is the largest size of a Data in YAML.
const maxDataSize = 1 << 30

// UnmarshalYAML decodes the fields and the content in one of its forms.
func (d *Data) UnmarshalYAML(node *yaml.Node) error {
	var y datum
	if err := node.Load(&y, yaml.WithKnownFields()); err != nil {
		return err
	}
	*d = Data(y.Plain)
	forms := 0
	if y.Content != nil {
		forms++
		d.Content = []byte(*y.Content)
	}
	if y.ContentBase64 != nil {
		forms++
		var err error
		if d.Content, err = base64.StdEncoding.DecodeString(*y.ContentBase64); err != nil {
			return fmt.Errorf("contentBase64: %w", err)
		}
	}
	if y.Size != nil {
		forms++
		if d.Size = *y.Size; d.Size < 0 || d.Size > maxDataSize {
			return fmt.Errorf("size: %d is not between 0 and %d", d.Size, maxDataSize)
		}
	}
	if d.Content != nil {
		d.Size = int64(len(d.Content))
	}
	if forms != 1 {
		return fmt.Errorf("%d of content, contentBase64 and size are set; set one", forms)
	}
	return nil
}

// A Date is a time in seconds since the epoch. In YAML it is a text.
type Date int64

// UnmarshalYAML decodes a UTC time.
func (d *Date) UnmarshalYAML(node *yaml.Node) error {
	date, err := time.Parse("2006-01-02T15:04:05Z", node.Value)
	if err != nil {
		return fmt.Errorf("%.60q is not a time such as 2021-08-02T09:30:00Z", node.Value)
	}
	*d = Date(date.Unix())
	return nil
}

// A JSON is a value in its wire form. In YAML it is the value itself.
type JSON json.RawMessage

// UnmarshalYAML encodes the value as JSON.
func (j *JSON) UnmarshalYAML(node *yaml.Node) error {
	var value any
	if err := node.Load(&value); err != nil {
		return err
	}
	encoded, err := json.Marshal(value)
	var unsupported *json.UnsupportedTypeError
	if errors.As(err, &unsupported) {
		return errors.New("a key is not a text; quote it")
	}
	*j = encoded
	return err
}
