package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

var outputs = []string{"table", "json", "jsonl"}

// A field is a name and a value for people. A field without value is not printed.
type field struct{ name, value string }

// object prints one result: its fields as a table, or v as JSON.
func (a *app) object(v any, fields ...field) error {
	if a.output != "table" {
		return a.json(v)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, f := range fields {
		if f.value != "" {
			fmt.Fprintf(w, "%s\t%s\n", f.name, printable(f.value))
		}
	}
	return w.Flush()
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
	table *tabwriter.Writer
	items []any
}

func (a *app) list(head ...string) *list {
	return &list{app: a, head: head, table: tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0), items: []any{}}
}

func (l *list) row(cells []string) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	// Without trailing spaces of empty cells.
	fmt.Fprintln(l.table, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// add prints v; cells is its row in a table.
func (l *list) add(v any, cells ...string) error {
	switch l.app.output {
	case "jsonl":
		return l.app.json(v)
	case "json":
		l.items = append(l.items, v)
	default:
		if l.head != nil {
			l.row(l.head)
			l.head = nil
		}
		l.row(cells)
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
	return l.table.Flush()
}

// printable removes control characters, which texts of the service may contain.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// timestamp returns a time for people, or "" for the zero time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
