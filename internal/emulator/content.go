package emulator

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A content is the data of a commit, a draft or a search result. A content never
// changes, so commits, datasets and emulators share it.
type content struct {
	segments []*segment
}

// A segment of a plain dataset has data only. In a fusion dataset it has frames,
// and data holds the data of all frames in order.
type segment struct {
	name        string
	description string
	sensors     []server.Sensor
	data        []*datum
	frames      []*frame
}

// A frame holds the data that several sensors recorded at one time.
type frame struct {
	id   string
	data []*datum
}

// A datum is one file with its label.
type datum struct {
	sensor     string // empty in a plain dataset
	remotePath string
	timestamp  *float64
	content    []byte // nil for size bytes of noise
	size       int64
	contentID  string
	label      *label // nil if there is none
}

func (c *content) segment(name string) *segment {
	for _, s := range c.segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// contentID identifies a content: data with equal ids have equal bytes.
func contentID(remotePath string, size int64, content []byte) string {
	hash := sha256.New()
	if content != nil {
		hash.Write(content)
	} else {
		// Noise depends on the path and the size only.
		_ = binary.Write(hash, binary.BigEndian, size)
		hash.Write([]byte(remotePath))
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
