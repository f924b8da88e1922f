// Package tensorbayjobs holds the contract (openapi.yaml), the directives that
// generate code from it, and the default seed of the embedded TensorBay. Users
// import package jobs.
package tensorbayjobs

//go:generate go tool oapi-codegen -config gen/oapi-codegen.yaml openapi.yaml
//go:generate go tool oapi-codegen -config gen/server/oapi-codegen.yaml openapi.yaml
