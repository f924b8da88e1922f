package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/gen"
	"github.com/graviti-ai/tensorbay-jobs-go/internal/wire"
)

func TestReadAll_ReturnsTheBodyUpToTheLimit(t *testing.T) {
	for size, limits := range map[int][]int64{0: {0, 1, math.MaxInt64}, 5: {5, 6, math.MaxInt64 - 1, math.MaxInt64}, 1 << 20: {1 << 20}} {
		for _, limit := range limits {
			body, err := wire.ReadAll(strings.NewReader(strings.Repeat("a", size)), -1, limit)
			require.NoError(t, err)
			assert.Len(t, body, size)
		}
	}
}

func TestReadAll_StopsAfterTheLimit(t *testing.T) {
	r := &counting{}
	body, err := wire.ReadAll(r, -1, 1000)
	var e *wire.Error
	require.ErrorAs(t, err, &e)
	require.EqualError(t, err, "the body is larger than 1000 bytes, see WithMaxBody")
	assert.Nil(t, body)
	assert.EqualValues(t, 1001, r.n)
}

// counting counts the bytes that were read of an endless body.
type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

func TestReadAll_ReturnsTheErrorOfTheReader(t *testing.T) {
	body, err := wire.ReadAll(io.MultiReader(strings.NewReader("abc"), failing{}), 1<<40, 1000)
	assert.Equal(t, io.ErrUnexpectedEOF, err)
	assert.Nil(t, body)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestErrorf_ReturnsASanitizedErrorThatWrapsItsCause(t *testing.T) {
	err := wire.Errorf("cut\nshort at https://a.test/?sig=5ec1e7: %w", io.ErrUnexpectedEOF)
	require.EqualError(t, err, "cut short at https://a.test/?... unexpected EOF")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NoError(t, errors.Unwrap(wire.Errorf("alone")))
	assert.LessOrEqual(t, len(wire.Errorf("%s", strings.Repeat("a", 1<<20)).Error()), 2000)
}

func TestCheckEmpty_AcceptsNothingAndJSON(t *testing.T) {
	for _, body := range []string{"", " \n", "{}", "null", `{"a":1}`} {
		require.NoError(t, wire.CheckEmpty([]byte(body)))
	}
	for _, body := range []string{"<html>", "{", "{} x"} {
		require.EqualError(t, wire.CheckEmpty([]byte(body)), "the body is not json")
	}
}

// model has a field of each kind that generated models have.
type model struct {
	ID       string            `json:"id"`
	Count    *int              `json:"count,omitempty"`
	Inner    *inner            `json:"inner,omitempty"`
	List     []inner           `json:"list,omitempty"`
	Nullable []*inner          `json:"nullable,omitempty"`
	Map      map[string]inner  `json:"map,omitempty"`
	Raw      []json.RawMessage `json:"raw,omitempty"`
	Names    []string          `json:"names,omitempty"`
	Ignored  int               `json:"-"`
}

type inner struct {
	Name string `json:"name"`
}

type page struct {
	Items      []inner           `json:"items"`
	Raw        []json.RawMessage `json:"raw,omitempty"`
	Inner      *lists            `json:"inner,omitempty"`
	TotalCount int               `json:"totalCount"`
}

type lists struct {
	List []inner `json:"list"`
}

// open has keys of its own choice, as labels have.
type open struct {
	Name                 string         `json:"name"`
	AdditionalProperties map[string]any `json:"-"`
}

func TestDecode_AcceptsBodiesThatMatchTheModel(t *testing.T) {
	for _, body := range []string{
		`{"id":"a"}`, " {\n\"id\" :\t\"a\" ,\r\n \"other\" : [ { } , [ ] , \"]}\\\"\" , -1.5e3 , true , null ] } ", `{"id":"a","count":null,"inner":null,"list":null,"map":null}`,
		`{"id":"a","count":7,"inner":{"name":"b"},"list":[{"name":"c"},{"name":"d"}],"map":{"x":{"name":"e"}},"nullable":[null,{"name":"f"}]}`,
		`{"id":"a","raw":[null,1,{"id":1}],"names":["b",null],"list":[],"map":{}}`, `{"\u0069d":"a","Ignored":1,"-":2}`,
	} {
		var m model
		require.NoError(t, wire.Decode([]byte(body), &m), body)
		assert.Equal(t, "a", m.ID)
	}
	var o open
	require.NoError(t, wire.Decode([]byte(`{"name":"a","NAME":"b"}`), &o))
	var list []string
	require.NoError(t, wire.Decode([]byte(`["a"]`), &list))
}

func TestDecode_NamesTheFirstDifference(t *testing.T) {
	for body, want := range map[string]string{
		"":                                      "the body is empty",
		" \n":                                   "the body is empty",
		"null":                                  "the value is null",
		"{":                                     "unexpected end of JSON input",
		"<html>":                                "the body is a page of html or xml, perhaps a login or the error of a gateway",
		`{"id":"a"} x`:                          "invalid character 'x' after top-level value",
		`[]`:                                    "json: cannot unmarshal array into Go value of type wire_test.model",
		`{"id":1}`:                              "json: cannot unmarshal number into Go struct field model.id of type string",
		`{}`:                                    "id is missing",
		`{"id":null}`:                           "id is missing",
		`{"id":"a","id":"b"}`:                   "id appears twice",
		`{"id":"a","\u0069d":"b"}`:              "id appears twice",
		`{"ID":"a","id":"b"}`:                   "id appears in another spelling",
		`{"id":"a","liſt":[]}`:                  "list appears in another spelling",
		`{"id":"a","inner":{}}`:                 "inner.name is missing",
		`{"id":"a","list":[{"name":"b"},{}]}`:   "list[1].name is missing",
		`{"id":"a","list":[{"name":"b"},null]}`: "list[1] is null",
		`{"id":"a","nullable":[null,{}]}`:       "nullable[1].name is missing",
		`{"id":"a","map":{"x":{"name":"b"},"y":{}}}`: "map[1].name is missing",
		`{"id":"a","map":{"x":null}}`:                "map[0] is null",
	} {
		var m model
		err := wire.Decode([]byte(body), &m)
		var e *wire.Error
		require.ErrorAs(t, err, &e, body)
		assert.Equal(t, want, err.Error(), body)
	}
}

func TestDecode_BoundsTheItemsOfAPage(t *testing.T) {
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`{"name":"a"},`, n), ",") + "]" }
	var p page
	require.NoError(t, wire.Decode([]byte(`{"totalCount":1,"items":`+list(wire.MaxPageItems)+`}`), &p))
	require.NoError(t, wire.Decode([]byte(`{"items":[],"inner":{"list":`+list(wire.MaxPageItems+1)+`},"totalCount":1}`), &p), "a list inside an item")
	require.EqualError(t, wire.Decode([]byte(`{"totalCount":1,"items":`+list(wire.MaxPageItems+1)+`}`), &p), "items[1280] is one too many: 128 were requested")
	require.EqualError(t, wire.Decode([]byte(`{"items":[],"raw":`+list(wire.MaxPageItems+1)+`,"totalCount":1}`), &p), "raw[1280] is one too many: 128 were requested")
	var m model
	require.NoError(t, wire.Decode([]byte(`{"id":"a","list":`+list(wire.MaxPageItems+1)+`}`), &m), "no page")
}

func TestDecode_ChecksALargeBodyBeforeItIsDecoded(t *testing.T) {
	filler := strings.Repeat(" ", 1<<20)
	p := page{}
	nulls := `{"totalCount":1,"items":[` + strings.Repeat("null,", 300_000) + "null]}"
	allocated := testing.AllocsPerRun(1, func() {
		require.EqualError(t, wire.Decode([]byte(nulls), &p), "items[0] is null")
	})
	assert.Less(t, allocated, 100.0)
	assert.Nil(t, p.Items)
	var m model
	require.NoError(t, wire.Decode([]byte(`{"id":"a"}`+filler), &m))
	require.EqualError(t, wire.Decode([]byte(`{"id":"a"`+filler), &m), "unexpected end of JSON input")
}

func TestDecode_PanicsForAModelWithTooManyFields(t *testing.T) {
	var fields []reflect.StructField
	for i := range 65 {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[int](), Tag: reflect.StructTag(fmt.Sprintf(`json:"f%d"`, i)),
		})
	}
	assert.NotPanics(t, func() { _ = wire.Decode([]byte(`{}`), reflect.New(reflect.StructOf(fields[:64])).Interface()) })
	assert.Panics(t, func() { _ = wire.Decode([]byte(`{}`), reflect.New(reflect.StructOf(fields)).Interface()) })
}

func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text), "%q", text)
	assert.False(t, strings.ContainsFunc(text, unicode.IsControl), "%q", text)
}

// FuzzDecode decodes generated models. A body that is accepted has all required fields.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"title":"t","jobId":"6f2a","arguments":{},"createdAt":1,"status":"SUCCESS"}`, `{"title":null}`, `{"TITLE":""}`, "null", "", "[", `{"jobs":[],"totalCount":1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []any{&gen.Job{}, &gen.JobList{}, &model{}, &page{}} {
			err := wire.Decode(body, v)
			if err == nil {
				require.NoError(t, json.Unmarshal(body, v))
				continue
			}
			var e *wire.Error
			require.ErrorAs(t, err, &e, fmt.Sprintf("%T", v))
			assertOneLine(t, err.Error())
		}
	})
}
