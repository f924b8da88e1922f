package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// printHeading prints the title of a section.
func printHeading(w io.Writer, title, subtitle string) {
	fmt.Fprintf(w, "\n%s\n%s\n", title, subtitle)
}

// printTable prints rows in aligned columns.
func printTable(w io.Writer, indent string, rows [][]string) {
	t := table{w: w, indent: indent}
	for _, row := range rows {
		t.add(row...)
	}
	_ = t.flush() // errors of fmt.Fprint are ignored as well
}

// printStatus prints the status of a job and the time since the wait began.
func printStatus(w io.Writer, elapsed time.Duration, s jobs.Status, remark string) {
	line := fmt.Sprintf("    %4.1f s  %-10s  %s", elapsed.Seconds(), s, remark)
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// fit joins as many texts as fit into the given number of columns, at least one,
// and appends the number of texts left out.
func fit(texts []string, columns int) string {
	all := strings.Join(texts, ", ")
	for n := len(texts) - 1; n > 0 && runewidth.StringWidth(all) > columns; n-- {
		all = fmt.Sprintf("%s, … and %d more", strings.Join(texts[:n], ", "), len(texts)-n)
	}
	return all
}

// count returns n with the noun in singular or plural.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "x") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// runs counts equal neighbors, such as "4 × 01, then 6 × 02".
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

// category returns the first category in a label, or "none".
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

// printFilters prints the filters of a search, one per line.
func printFilters(w io.Writer, conjunction jobs.Conjunction, filters []jobs.Filter) {
	rows := make([][]string, len(filters))
	for i, f := range filters {
		word := string(conjunction)
		if i == 0 {
			word = "where"
		}
		rows[i] = []string{word, f.String()}
	}
	printTable(w, "  ", rows)
}

// printStatistics prints counts of labels, in lines that fit the width if possible. Each label
// type has a row for its categories and a row for each attribute.
func printStatistics(w io.Writer, width int, all jobs.LabelStatistics) {
	const indent, space = "  ", 2 // between columns
	head := []string{"labels", "count", "by", "values"}
	used := []int{len(head[0]), len(head[1]), len("category")} // columns
	for labelType, s := range all {
		used[0] = max(used[0], len(labelType))
		for _, a := range s.Attributes {
			used[2] = max(used[2], runewidth.StringWidth(a.Name))
		}
	}
	room := width - len(indent) - used[0] - used[1] - used[2] - len(used)*space

	rows := [][]string{head}
	for _, labelType := range slices.Sorted(maps.Keys(all)) {
		s := all[labelType]
		var details [][2]string
		if len(s.Categories) > 0 {
			details = append(details, [2]string{"category", categoryCounts(s.Categories, room)})
		}
		for _, a := range s.Attributes {
			details = append(details, [2]string{a.Name, attributeCounts(a, room)})
		}
		if len(details) == 0 {
			details = append(details, [2]string{"", ""})
		}
		for i, d := range details {
			row := []string{"", "", d[0], d[1]}
			if i == 0 {
				row[0], row[1] = string(labelType), fmt.Sprintf("%*d", used[1], s.Quantity)
			}
			rows = append(rows, row)
		}
	}
	printTable(w, indent, rows)
}

func categoryCounts(categories []jobs.CategoryStatistics, columns int) string {
	counts := make([]string, len(categories))
	for i, c := range categories {
		counts[i] = fmt.Sprintf("%d × %s", c.Quantity, c.Name)
	}
	return fit(counts, columns)
}

func attributeCounts(a jobs.AttributeStatistics, columns int) string {
	switch {
	case a.Enum != nil && len(a.Enum) == len(a.Quantities):
		counts := make([]string, len(a.Quantities))
		for i, value := range a.Enum {
			if value == nil {
				value = "null"
			}
			counts[i] = fmt.Sprintf("%d × %v", a.Quantities[i], value)
		}
		return fit(counts, columns)
	case a.Minimum != nil && a.Maximum != nil:
		return fmt.Sprintf("from %v to %v", *a.Minimum, *a.Maximum)
	default:
		return ""
	}
}

// printServing prints the addresses, files and faults of a running server.
func printServing(w io.Writer, r ready, readyFile string, faults []faultFlag) {
	rows := [][]string{{"URL", r.URL}}
	if r.CAFile != "" {
		rows = append(rows, []string{"CA file", r.CAFile})
	}
	if readyFile != "" {
		rows = append(rows, []string{"ready file", readyFile})
	}
	for _, f := range faults {
		rows = append(rows, []string{"fault", f.text})
	}
	fmt.Fprintln(w, "The embedded TensorBay is ready. Press Ctrl-C to stop it.")
	printTable(w, "  ", rows)
}
