package tensorbayjobs

import _ "embed"

//go:embed openapi.yaml
var document []byte

//go:embed testdata/seed.yaml
var seed string

// Document returns openapi.yaml. Do not change it.
func Document() []byte { return document }

// Seed returns the default seed of package jobstest in YAML. testdata/seed.schema.json
// describes the format.
func Seed() string { return seed }
