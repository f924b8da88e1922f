package main

import (
	"bytes"
	"fmt"
	"strings"
)

// A writer writes YAML, a value that is repeated only once.
type writer struct {
	bytes.Buffer

	used map[string]bool
}

// line writes a line at a depth of the document; datasets are items at depth 1.
func (w *writer) line(depth int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text == "" {
		w.WriteString("\n")
		return
	}
	w.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// shared is the value with an anchor the first time, and an alias after that.
func (w *writer) shared(anchor, value string) string {
	if w.used[anchor] {
		return "*" + anchor
	}
	w.used[anchor] = true
	return "&" + anchor + " " + value
}

// quarters writes n/4.
func quarters(n int) string {
	whole := fmt.Sprint(n / 4)
	switch n % 4 {
	case 1:
		return whole + ".25"
	case 2:
		return whole + ".5"
	case 3:
		return whole + ".75"
	}
	return whole
}
