package jobstest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A content is what a commit, a draft or a search result holds. Contents and
// everything in them never change after they are made, so they are shared
// between commits, between datasets and between servers.
type content struct {
	segments []*segment
}

// A segment of a plain dataset has data only. That of a fusion dataset has
// frames, and the data of all its frames in their order.
type segment struct {
	name        string
	description string
	sensors     []server.Sensor
	data        []*datum
	frames      []*frame
}

// A frame holds what the sensors recorded at one time.
type frame struct {
	id   string
	data []*datum
}

// A datum is one file with its label.
type datum struct {
	sensor     string // empty in a plain dataset
	remotePath string
	timestamp  *float64
	content    []byte // nil: size bytes of noise
	size       int64
	contentID  string
	label      *label // nil: none
}

func (c *content) segment(name string) *segment {
	for _, s := range c.segments {
		if s.name == name {
			return s
		}
	}
	return nil
}

// contentID names bytes: two data with the same id have the same content.
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
