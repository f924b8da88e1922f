package emulator_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestViolation_NamesThePropertyOfTheSelectedUnion(t *testing.T) {
	var reports []string
	c := start(t, withSeed(hello()), withReport(func(format string, args ...any) {
		reports = append(reports, fmt.Sprintf(format, args...))
	}))
	id := c.id("hello")
	search := func(filter object) object {
		return object{"commit": c.head(id), "conjunction": "and", "unit": "file", "filters": []object{filter}}
	}
	for _, test := range []struct {
		jobType   string
		arguments object
		want      string
	}{
		{"squashMerge", object{"titel": 1}, `body: /: discriminator property "jobType" has invalid value`},
		{"squashAndMerge", mergeArguments("rebase"), `body: /arguments/strategy: value is not one of the allowed values ["abort","override","skip",null]`},
		{"basicSearch", mergeArguments("abort"), `body: /arguments: property `},
		{"basicSearch", search(filterOf("size", "in", 1)), `body: /arguments/filters/0/operator: value is not one of`},
		{"basicSearch", search(filterOf("colour", "in", 1)), `body: /arguments/filters/0: discriminator property "key" has invalid value`},
	} {
		reports = nil
		c.send(http.MethodPost, "datasets/"+id+"/jobs", object{"title": "t", "jobType": test.jobType, "arguments": test.arguments})
		if assert.Len(t, reports, 1) {
			assert.Contains(t, reports[0], test.want)
		}
	}
}
