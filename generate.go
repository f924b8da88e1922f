// Package tensorbayjobs is the root of the module: it holds the contract
// (openapi.yaml) and the instructions that generate code from it. The product
// is package jobs.
package tensorbayjobs

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config gen/oapi-codegen.yaml openapi.yaml
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen -config gen/server/oapi-codegen.yaml openapi.yaml
