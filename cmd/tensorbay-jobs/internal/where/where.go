// Package where parses the conditions of a search as a person writes them, such as
// category in (car, bus) on BOX2D.
package where

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"strconv"
	"strings"
	"text/scanner"
	"unicode"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// Grammar describes the conditions in 80 columns.
const Grammar = `segment in (train, val)
sensor in (CAM_BACK)
category in (car, bus) on BOX2D
attribute occluded in (true, false) on BOX2D
size > 1MB                 operators: = > < >= <=
                           units: B, kB, MB, GB, KiB, MiB, GiB
path like night            or: path = "my file.jpg"
frame like 01EM            or: frame = 01EMFBJ...
label = true               files with a label; false: without one`

// Parse returns the filter of a condition. Words need quotes only if they contain spaces or
// punctuation other than - _ . / and :.
func Parse(text string) (jobs.Filter, error) {
	p := &parser{}
	p.scanner.Init(strings.NewReader(text))
	p.scanner.Mode = scanner.ScanIdents | scanner.ScanStrings
	p.scanner.Error = func(_ *scanner.Scanner, message string) { p.fail("%s", message) }
	p.scanner.IsIdentRune = func(r rune, _ int) bool {
		return unicode.In(r, unicode.Letter, unicode.Mark, unicode.Digit) || strings.ContainsRune("-_./:*", r)
	}
	p.next()
	f := p.condition()
	if p.err == nil && p.token != scanner.EOF {
		p.fail("%s is unexpected after the condition", p)
	}
	if p.err != nil {
		return jobs.Filter{}, fmt.Errorf("%q: %w", text, p.err)
	}
	return f, nil
}

type parser struct {
	scanner scanner.Scanner
	token   rune
	err     error // the first one
}

func (p *parser) next() { p.token = p.scanner.Scan() }

// String returns the current token for an error.
func (p *parser) String() string {
	if p.token == scanner.EOF {
		return "the end"
	}
	return strconv.Quote(p.scanner.TokenText())
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// word returns the current word, which may be quoted, and moves on.
func (p *parser) word(wanted string) (text string, quoted bool) {
	text = p.scanner.TokenText()
	switch p.token {
	case scanner.String:
		var err error
		if text, err = strconv.Unquote(text); err != nil {
			p.fail("%s is not a valid string", p)
		}
	case scanner.Ident:
	default:
		p.fail("want %s, got %s", wanted, p)
		return "", false
	}
	quoted = p.token == scanner.String
	p.next()
	return text, quoted
}

// operator returns the current operator if it is one of those allowed, and moves on.
func (p *parser) operator(allowed ...string) string {
	text := p.scanner.TokenText()
	if (p.token == '<' || p.token == '>') && p.scanner.Peek() == '=' {
		p.next()
		text += "="
	}
	for _, a := range allowed {
		if text == a {
			p.next()
			return a
		}
	}
	p.fail(`want "%s", got %s`, strings.Join(allowed, `" or "`), p)
	return ""
}

func (p *parser) condition() (f jobs.Filter) {
	key, _ := p.word("segment, sensor, category, attribute, size, path, frame or label")
	switch key {
	case "segment":
		return jobs.SegmentIn(p.names()...)
	case "sensor":
		return jobs.SensorIn(p.names()...)
	case "category":
		names := p.names()
		return jobs.CategoryIn(p.labelType(), names...)
	case "attribute":
		name, _ := p.word("the name of the attribute")
		p.operator("in")
		var values []any
		for text, quoted := range p.list() {
			values = append(values, value(text, quoted))
		}
		return jobs.AttributeIn(p.labelType(), map[string][]any{name: values})
	case "size":
		return p.size()
	case "path":
		return p.text(jobs.RemotePathIs, jobs.RemotePathLike)
	case "frame":
		return p.text(jobs.FrameIs, jobs.FrameLike)
	case "label":
		p.operator("=")
		text, _ := p.word("true or false")
		has, err := strconv.ParseBool(text)
		if err != nil {
			p.fail("want true or false, got %q", text)
		}
		return jobs.HasLabel(has)
	}
	p.fail("unknown property %q: use segment, sensor, category, attribute, size, path, frame or label", key)
	return f
}

func (p *parser) names() (names []string) {
	p.operator("in")
	for name := range p.list() {
		names = append(names, name)
	}
	return names
}

// list parses (a, b) and yields each word and whether it is quoted.
func (p *parser) list() iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for more := p.operator("(") == "("; more; more = p.operator(",", ")") == "," {
			text, quoted := p.word("a name")
			if p.err != nil || !yield(text, quoted) {
				return
			}
		}
	}
}

func (p *parser) labelType() jobs.LabelType {
	if p.scanner.TokenText() != "on" {
		p.fail("want a label type, such as on BOX2D, got %s", p)
	}
	p.operator("on")
	name, _ := p.word("a label type, such as BOX2D")
	return jobs.LabelType(strings.ToUpper(name))
}

func (p *parser) text(is, like func(string) jobs.Filter) jobs.Filter {
	filter := is
	if p.operator("=", "like") == "like" {
		filter = like
	}
	text, _ := p.word("a text")
	return filter(text)
}

func (p *parser) size() jobs.Filter {
	filters := map[string]func(int64) jobs.Filter{
		"=": jobs.SizeEquals, ">": jobs.SizeGreaterThan, "<": jobs.SizeLessThan, ">=": jobs.SizeAtLeast, "<=": jobs.SizeAtMost,
	}
	filter := filters[p.operator("=", ">", "<", ">=", "<=")]
	number, _ := p.word("a size, such as 1MB")
	unit := strings.TrimLeft(number, "0123456789.")
	number = strings.TrimSuffix(number, unit)
	if unit == "" && p.token == scanner.Ident { // 1 MB
		unit, _ = p.word("a unit")
	}
	if p.err == nil && number == "" {
		p.fail("want a size, such as 1MB, got %q", unit)
	}
	if p.err != nil {
		return jobs.Filter{}
	}
	bytes, err := parseSize(number, unit)
	if err != nil {
		p.fail("%w", err)
		return jobs.Filter{}
	}
	return filter(bytes)
}

var units = map[string]int64{"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}

func parseSize(number, unit string) (int64, error) {
	factor, ok := units[strings.ToLower(unit)]
	if !ok {
		return 0, fmt.Errorf("unknown unit %q: use B, kB, MB, GB, KiB, MiB or GiB", unit)
	}
	n, ok := new(big.Rat).SetString(number) // exact, so that 1.005kB are 1005 bytes
	if !ok {
		return 0, fmt.Errorf("%q is not a number of bytes", number)
	}
	if n.Mul(n, new(big.Rat).SetInt64(factor)); !n.IsInt() || !n.Num().IsInt64() {
		return 0, errors.New("the size is not a whole number of bytes")
	}
	return n.Num().Int64(), nil
}

// value returns the JSON value of a word: a boolean, a number or null if it has that form
// in JSON, else a string.
func value(text string, quoted bool) any {
	if raw := []byte(text); !quoted && json.Valid(raw) {
		return json.RawMessage(raw)
	}
	return text
}
