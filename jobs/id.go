package jobs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxID is longer than any id the service makes.
const maxID = 256

// checkID refuses what could change the path of a request, or could not stand
// in one: ids of the service are letters, digits and dashes.
func checkID(what, id string) error {
	switch {
	case id == "":
		return invalid("%s is empty: use one of the service", what)
	case len(id) > maxID:
		return invalid("%s of %d bytes is longer than %d: use one of the service", what, len(id), maxID)
	case !utf8.ValidString(id):
		return invalid("%s %q is not valid utf-8: use one of the service", what, id)
	case strings.Trim(id, ".") == "":
		return invalid("%s %q would change the path of the request: use one of the service", what, id)
	}
	for _, r := range id {
		if strings.ContainsRune(`/\?#%;`, r) || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return invalid("%s %q holds %q, which no id does: use one of the service", what, id, r)
		}
	}
	return nil
}
