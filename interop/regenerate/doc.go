// Package regenerate carries out docs/regenerate.md in a copy of the repository.
package regenerate
