package tensorbayjobs

import _ "embed"

//go:embed testdata/seed.yaml
var seed string

//go:embed testdata/seed.schema.json
var seedSchema string

// Seed returns the default seed of package jobstest in YAML.
func Seed() string { return seed }

// SeedSchema returns the JSON schema of the seed format.
func SeedSchema() string { return seedSchema }
