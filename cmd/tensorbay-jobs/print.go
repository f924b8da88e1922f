package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// heading begins a section.
func heading(w io.Writer, title, subtitle string) {
	fmt.Fprintf(w, "\n%s\n%s\n", title, subtitle)
}

// table prints rows in columns. Rows may differ in length.
func table(w io.Writer, indent string, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(columns, indent+strings.Join(row, "\t"))
	}
	columns.Flush() //nolint:errcheck // as with every other print
}

// status prints what was seen of a job.
func status(w io.Writer, since time.Duration, s jobs.Status, remark string) {
	line := fmt.Sprintf("    %4.1f s  %-10s  %s", since.Seconds(), s, remark)
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// fit joins as many of the texts as fit into so many columns, at least one, and
// says how many are left out.
func fit(texts []string, columns int) string {
	all := strings.Join(texts, ", ")
	for n := len(texts) - 1; n > 0 && utf8.RuneCountInString(all) > columns; n-- {
		all = fmt.Sprintf("%s, … and %d more", strings.Join(texts[:n], ", "), len(texts)-n)
	}
	return all
}

// count names a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// runs shows texts in their order, equal neighbours together: 4 × 01, then 6 × 02.
func runs(texts []string) string {
	var groups []string
	for len(texts) > 0 {
		n := 1
		for n < len(texts) && texts[n] == texts[0] {
			n++
		}
		groups = append(groups, fmt.Sprintf("%d × %s", n, texts[0]))
		texts = texts[n:]
	}
	return strings.Join(groups, ", then ")
}

// category is the category of a datum.
func category(l jobs.Label) string {
	switch {
	case l.Classification != nil && l.Classification.Category != "":
		return l.Classification.Category
	case len(l.Box2D) > 0 && l.Box2D[0].Category != "":
		return l.Box2D[0].Category
	default:
		return "none"
	}
}

// filters prints the conditions of a search, one on a line.
func filters(w io.Writer, match jobs.Conjunction, conditions []jobs.Filter) {
	rows := make([][]string, len(conditions))
	for i, f := range conditions {
		word := string(match)
		if i == 0 {
			word = "where"
		}
		condition := f.String()
		if of := f.LabelType(); of != "" {
			condition += " of " + string(of)
		}
		rows[i] = []string{word, condition}
	}
	table(w, "  ", rows)
}

// statistics prints counts of labels: a row for a label type, and below it one
// for its categories and one for each attribute.
func statistics(w io.Writer, all jobs.LabelStatistics) {
	rows := [][]string{{"labels", "count", "of which"}}
	types := make([]jobs.LabelType, 0, len(all))
	for of := range all {
		types = append(types, of)
	}
	slices.Sort(types)
	for _, of := range types {
		s := all[of]
		var details [][2]string
		if len(s.Categories) > 0 {
			details = append(details, [2]string{"category", categoryCounts(s.Categories)})
		}
		for _, a := range s.Attributes {
			details = append(details, [2]string{a.Name, attributeCounts(a)})
		}
		if len(details) == 0 {
			details = append(details, [2]string{"", ""})
		}
		for i, d := range details {
			row := []string{"", "", d[0], d[1]}
			if i == 0 {
				row[0], row[1] = string(of), fmt.Sprintf("%5d", s.Quantity)
			}
			rows = append(rows, row)
		}
	}
	table(w, "  ", rows)
}

const detailColumns = 45 // what is left of 80 beside the longest label type

func categoryCounts(categories []jobs.CategoryStatistics) string {
	counts := make([]string, len(categories))
	for i, c := range categories {
		counts[i] = fmt.Sprintf("%d × %s", c.Quantity, c.Name)
	}
	return fit(counts, detailColumns)
}

func attributeCounts(a jobs.AttributeStatistics) string {
	switch {
	case a.Enum != nil && len(a.Enum) == len(a.Quantities):
		counts := make([]string, len(a.Quantities))
		for i, value := range a.Enum {
			if value == nil {
				value = "null"
			}
			counts[i] = fmt.Sprintf("%d × %v", a.Quantities[i], value)
		}
		return fit(counts, detailColumns)
	case a.Minimum != nil && a.Maximum != nil:
		return fmt.Sprintf("from %v to %v", *a.Minimum, *a.Maximum)
	default:
		return ""
	}
}

// printServing tells a person that the server is there.
func printServing(w io.Writer, r ready, readyFile string, faults []faultFlag) {
	rows := [][]string{{"url", r.URL}}
	if r.CAFile != "" {
		rows = append(rows, []string{"caFile", r.CAFile})
	}
	if readyFile != "" {
		rows = append(rows, []string{"ready", readyFile})
	}
	for _, f := range faults {
		rows = append(rows, []string{"fault", f.text})
	}
	fmt.Fprintln(w, "The embedded TensorBay accepts requests. Ctrl-C ends it.")
	table(w, "  ", rows)
}
