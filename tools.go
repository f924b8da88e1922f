//go:build ignore

// Package tools lists the programs that go generate runs. The tool directives of go.mod have
// their versions. With another build constraint than ignore, go mod tidy would add their
// modules to the go.mod of each user of package jobstest.
package tools

import (
	_ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
)
