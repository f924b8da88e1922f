package emulator

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // TensorBay names contents so
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"io"
)

// A blob is the content of a file or a mask. Equal contents have the same blob.
type blob struct {
	id      string // the SHA-1 of the content, except for noise
	size    int64
	content []byte // nil for noise
	seed    uint64 // of the noise
}

func newBlob(content []byte) *blob {
	return &blob{id: Checksum(content), size: int64(len(content)), content: content}
}

// newNoise returns a blob of size pseudorandom bytes, which depend on name. To compute
// their SHA-1 would be slow.
func newNoise(name string, size int64) *blob {
	hash := sha256.New()
	_ = binary.Write(hash, binary.BigEndian, size) // a hash does not fail
	hash.Write([]byte(name))
	return &blob{id: hex.EncodeToString(hash.Sum(nil)[:16]), size: size, seed: hashOf(name)}
}

// Checksum returns the SHA-1 of a content in hexadecimal digits.
func Checksum(content []byte) string {
	sum := sha1.Sum(content) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

func (b *blob) open() io.ReadSeeker {
	if b.content != nil {
		return bytes.NewReader(b.content)
	}
	return io.NewSectionReader(noise(b.seed), 0, b.size)
}

// noise is an infinite pseudorandom file. It does not repeat, so a test detects
// a download that resumes at a wrong offset.
type noise uint64

func (n noise) ReadAt(p []byte, offset int64) (int, error) {
	for i := range p {
		at := uint64(offset) + uint64(i)
		// SplitMix64 gives eight bytes at a time.
		z := uint64(n) + (at/8+1)*0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		p[i] = byte((z ^ z>>31) >> (at % 8 * 8))
	}
	return len(p), nil
}

func hashOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}

// Content returns the content of a datum of a seed. If content is nil, it is noise.
func Content(remotePath string, size int64, content []byte) []byte {
	if content != nil {
		return content
	}
	generated := make([]byte, size)
	_, _ = noise(hashOf(remotePath)).ReadAt(generated, 0) // it has no end
	return generated
}

// blobs holds blobs by id.
type blobs map[string]*blob

// add returns the blob with the content of b, and keeps b if there is none.
func (all blobs) add(b *blob) *blob {
	if known := all[b.id]; known != nil {
		return known
	}
	all[b.id] = b
	return b
}
