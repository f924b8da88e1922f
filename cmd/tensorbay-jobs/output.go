package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graviti-ai/tensorbay-jobs-go/cmd/tensorbay-jobs/internal/progress"
)

var outputs = []string{"table", "json", "jsonl"}

// A field is a name and a value for people. A field without value is not printed.
type field struct{ name, value string }

// object prints one result: its fields as a table, or v as JSON.
func (a *app) object(v any, fields ...field) error {
	if a.output != "table" {
		return a.json(v)
	}
	t := table{w: a.out}
	for _, f := range fields {
		if f.value != "" {
			t.add(f.name, f.value)
		}
	}
	return t.flush()
}

// json prints v, on one line for jsonl.
func (a *app) json(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	if a.output == "json" {
		e.SetIndent("", "  ")
	}
	return e.Encode(v)
}

// A list prints results: as rows of a table, as a JSON array, or as lines of JSON.
type list struct {
	app   *app
	head  []string // until it is printed
	empty string   // the message for an empty table
	table table
	items []any
}

func (a *app) list(head ...string) *list {
	return &list{app: a, head: head, table: table{w: a.out}, items: []any{}}
}

// maxBuffered is the number of rows whose columns are aligned together. Of a long table, the
// first rows appear early.
const maxBuffered = 1000

// add prints v; cells is its row in a table.
func (l *list) add(v any, cells ...string) error {
	switch l.app.output {
	case "jsonl":
		return l.app.json(v)
	case "json":
		l.items = append(l.items, v)
		return nil
	}
	if l.head != nil {
		l.table.add(l.head...)
		l.head = nil
	}
	l.table.add(cells...)
	if len(l.table.rows) >= maxBuffered {
		return l.table.flush()
	}
	return nil
}

// close prints what has not been printed.
func (l *list) close() error {
	switch l.app.output {
	case "jsonl":
		return nil
	case "json":
		return l.app.json(l.items)
	}
	if l.head != nil && l.empty != "" {
		fmt.Fprintln(l.app.err, l.empty)
	}
	return l.table.flush()
}

// A table prints rows in aligned columns. Characters that are two columns wide count as such.
type table struct {
	w      io.Writer
	indent string
	// width clips the last column of each row so that the row fits; 0 does not clip.
	width  int
	rows   [][]string // that are not printed
	widths []int      // of the columns of all rows so far
}

func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = progress.Printable(cell)
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], runewidth.StringWidth(cells[i]))
	}
	t.rows = append(t.rows, cells)
}

// minClipped is the smallest width to which a column is clipped.
const minClipped = 12

func (t *table) flush() error {
	var text strings.Builder
	for _, row := range t.rows {
		line := t.indent
		for i, cell := range row {
			if i > 0 {
				line += "  "
			}
			if i < len(row)-1 {
				cell = runewidth.FillRight(cell, t.widths[i])
			} else if t.width > 0 {
				cell = runewidth.Truncate(cell, max(minClipped, t.width-runewidth.StringWidth(line)), "…")
			}
			line += cell
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	t.rows = nil
	_, err := io.WriteString(t.w, text.String())
	return err
}

// live reports whether progress is shown live. The log of --debug would break up the lines.
func (a *app) live() bool { return !a.debug && progress.Live(a.err) }

// timestamp returns a time for people, or "" for the zero time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
