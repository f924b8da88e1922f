package tensorbayjobs

import _ "embed"

//go:embed testdata/seed.yaml
var seed string

//go:embed testdata/seed.schema.json
var seedSchema string

// Seed returns what the test server of package jobstest holds unless it is
// told otherwise, in YAML.
func Seed() string { return seed }

// SeedSchema returns the JSON schema of the seed's format.
func SeedSchema() string { return seedSchema }
