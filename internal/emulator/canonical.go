package emulator

import (
	"encoding/json"
	"errors"

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
