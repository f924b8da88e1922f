// Package gen contains the models and the request builders that are generated from
// openapi.yaml. Package jobs uses it. It has no compatibility promise: a change of
// openapi.yaml or of the generator may change any name in it.
package gen
