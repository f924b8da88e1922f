// Package contract parses openapi.yaml.
package contract

import (
	"fmt"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	tensorbayjobs "github.com/graviti-ai/tensorbay-jobs-go"
)

// Load returns openapi.yaml. All callers share it, so do not change it.
var Load = sync.OnceValues(Parse)

// Parse returns a new copy of openapi.yaml.
func Parse() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(tensorbayjobs.Document())
	if err != nil {
		return nil, fmt.Errorf("parse openapi.yaml: %w", err)
	}
	return document, nil
}
