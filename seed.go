package tensorbayjobs

import _ "embed"

//go:embed testdata/seed.yaml
var seed string

// Seed returns the default content of the test server of package jobstest, in
// YAML. testdata/seed.schema.json describes its format.
func Seed() string { return seed }
