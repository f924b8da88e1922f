package tensorbayjobs

import _ "embed"

//go:embed testdata/seed.yaml
var seed string

// Seed returns the default seed of package jobstest in YAML. testdata/seed.schema.json
// describes the format.
func Seed() string { return seed }
