package emulator

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/seed"
)

type rawObject = map[string]json.RawMessage

// canonical returns the one encoding of a JSON object: members by name, numbers in their
// shortest form. So equal values have equal bytes, and a dump changes nothing.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	value, err := seed.DecodeJSON(raw)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("it is not a JSON object")
	}
	return json.Marshal(object)
}

// checkLabelType returns an error if a text cannot be a label type, of this or a later version
// of the service.
func checkLabelType(labelType string) error {
	if !seed.IsLabelType(labelType) {
		return fmt.Errorf("the label type %.60q is not in capitals", labelType)
	}
	return nil
}
