package content

import (
	"crypto/md5" //nolint:gosec // the checksum of a store, not a signature
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc64"
	"strconv"
	"strings"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

// checksumOf returns the checksum of the whole content that a store sends with a response:
// that of Alibaba OSS, or a Content-MD5. An entity tag is not a checksum, although it looks
// like one at some stores. The form is the name of the algorithm, a colon, and the sum in
// hexadecimal.
func checksumOf(c *transport.Content) string {
	if sum, err := strconv.ParseUint(c.Header.Get("X-Oss-Hash-Crc64ecma"), 10, 64); err == nil {
		return fmt.Sprintf("crc64ecma:%x", binary.BigEndian.AppendUint64(nil, sum))
	}
	sum, err := base64.StdEncoding.DecodeString(c.Header.Get("Content-Md5"))
	if err == nil && len(sum) == md5.Size && !c.Part { // of a part it may be that of the part
		return fmt.Sprintf("md5:%x", sum)
	}
	return ""
}

// NewHash returns a hash of the algorithm of a checksum, or nil if there is none.
func NewHash(checksum string) hash.Hash {
	switch algorithm, _, _ := strings.Cut(checksum, ":"); algorithm {
	case "crc64ecma":
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case "md5":
		return md5.New() //nolint:gosec // see above
	}
	return nil
}

// Matches reports whether a hash of NewHash has the sum of the checksum.
func Matches(checksum string, h hash.Hash) bool {
	_, want, _ := strings.Cut(checksum, ":")
	return fmt.Sprintf("%x", h.Sum(nil)) == want
}
