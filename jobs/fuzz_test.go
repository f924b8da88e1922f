package jobs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
)

// FuzzErrorAnswer decodes what comes with a status that is an error.
func FuzzErrorAnswer(f *testing.F) {
	for _, body := range []string{
		`{"code":"ResourceNotExist","message":"no such job"}`, `{"code":"Unauthorized","message":"Accesskey-0123 https://a/?b"}`,
		"<html>", "", "null", `{"code":1}`, `{"message":"a\nb\u2028\ud800"}`, "{\"code\":\"\xff\"}", `[[[[`, `{"CODE":"Forbidden"}`,
	} {
		f.Add(404, body, "7")
	}
	f.Add(503, "", "Wed, 25 Nov 2026 00:00:00 GMT")
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		if status < 400 || status > 999 {
			t.Skip()
		}
		client := stubbed(t, func(*http.Request) (*http.Response, error) {
			resp := reply(status, body)
			resp.Header["Retry-After"] = []string{retryAfter}
			return resp, nil
		})
		_, err := byID(t, client).Refresh(t.Context())
		var e *jobs.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, status, e.StatusCode)
		text := err.Error()
		assertOneLine(t, text)
		assert.LessOrEqual(t, len(text), jobs.MaxErrorMessage+1024)
		assert.GreaterOrEqual(t, e.RetryAfter, time.Duration(0))
		assert.LessOrEqual(t, e.RetryAfter, 24*time.Hour)
		kinds := 0
		for _, kind := range sentinels {
			if errors.Is(err, kind) {
				kinds++
			}
		}
		assert.LessOrEqual(t, kinds, 1)
	})
}

func assertOneLine(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text), "%q", text)
	for _, r := range text {
		if unicode.IsControl(r) && r != '\u0085' && (r < 0x80 || r > 0x9f) {
			t.Fatalf("control character %q in %q", r, text)
		}
	}
}

// FuzzJob decodes a job, as an answer and as what was saved.
func FuzzJob(f *testing.F) {
	for _, body := range []string{
		processing, strings.Replace(processing, "PROCESSING", "SUCCESS", 1), `{}`, `null`, `[]`, "", "{\"title\":",
		strings.Replace(processing, `"status"`, `"result":{"draftNumber":1},"status"`, 1),
		strings.Replace(processing, `"createdAt":1764000000`, `"createdAt":-9223372036854775808`, 1),
		strings.Replace(processing, `"status"`, `"status":"x","\u0073tatus"`, 1),
		strings.Replace(processing, `"PROCESSING"`, `"\u0000\u2028"`, 1),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := string(body)
		client := stubbed(t, always(200, given))
		ds := byID(t, client)
		got, getErr := ds.SquashAndMerge().Get(t.Context(), "6f2a")
		job, err := ds.SquashAndMerge().Resume(body)
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			require.ErrorIs(t, getErr, jobs.ErrInvalidResponse)
			assert.Nil(t, job)
			assertOneLine(t, err.Error())
			return
		}
		s := job.Snapshot()
		require.Equal(t, given, string(s.Raw))
		require.True(t, json.Valid(s.Arguments))
		if s.ID == "6f2a" {
			require.NoError(t, getErr)
			require.Equal(t, s, got.Snapshot())
		}
		for _, text := range []string{job.String(), fmt.Sprintf("%v %+v %#v", s, s, s)} {
			assertOneLine(t, text)
		}
		saved, err := job.MarshalJSON()
		require.NoError(t, err)
		again, err := ds.SquashAndMerge().Resume(saved)
		require.NoError(t, err)
		require.Equal(t, s, again.Snapshot())
		_, _ = job.Arguments()
		if _, err := job.Result(t.Context()); err != nil {
			assertOneLine(t, err.Error())
		}
	})
}

// FuzzLoad loads a search, with its arguments, which create another one.
func FuzzLoad(f *testing.F) {
	const search = `{"title":"t","jobId":"6f2a","arguments":{"commit":"3bd4","conjunction":"and","unit":"file","filters":[%s]},"createdAt":1,"status":"SUCCESS","result":{"searchResultId":"a","searchResultCommitId":"b"}}`
	for _, filter := range []string{
		`{"key":"size","title":"Size","operator":">","value":1}`, `{"key":"category","title":"","operator":"in","value":["a"],"extraInfo":{"labelType":"BOX2D"}}`,
		`{"key":"attribute","title":"","operator":"in","value":{"a":[true,null,1.50]},"extraInfo":{}}`, `null`, `{}`, `{"key":null}`,
	} {
		f.Add([]byte(fmt.Sprintf(search, filter)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		client := stubbed(t, always(500, ""))
		job, err := byID(t, client).BasicSearch().Resume(data)
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			return
		}
		args, err := job.Arguments()
		if err != nil {
			require.ErrorIs(t, err, jobs.ErrInvalidResponse)
			assertOneLine(t, err.Error())
			return
		}
		for _, filter := range args.Filters {
			require.True(t, json.Valid(filter.Value()))
			_ = filter.String() + filter.Key() + filter.Operator() + string(filter.LabelType())
		}
	})
}

// FuzzLabels decodes a datum with whatever labels.
func FuzzLabels(f *testing.F) {
	f.Add([]byte(allLabels))
	for _, label := range []string{
		`{}`, `null`, `[]`, `{"BOX2D":null}`, `{"BOX2D":[null]}`, `{"BOX2D":[{"box2d":{"xmin":1e999}}]}`, `{"SEMANTIC_MASK":{}}`,
		`{"":{}}`, `{"HOLOGRAM":[[[[]]]]}`, `{"CLASSIFICATION":{"attributes":{"a":{"b":1}}}}`, `{"RLE":[{"rle":[1.5]}]}`,
	} {
		f.Add([]byte(label))
	}
	f.Fuzz(func(t *testing.T, label []byte) {
		client := stubbed(t, always(200, fmt.Sprintf(`{"dataDetails":[{"remotePath":"a","url":"https://data.example/a?sig=5ec1e7","label":%s}],"totalCount":1}`, label)))
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		for d, err := range contents.Data(t.Context(), "train") {
			if err != nil {
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				assertOneLine(t, err.Error())
				return
			}
			l := d.Label
			require.Equal(t, len(l.Types()) == 0, l.IsZero())
			for of, other := range l.Other {
				require.True(t, json.Valid(other.JSON()), "%s", of)
			}
			if l.PanopticMask != nil {
				_ = l.PanopticMask.URL()
			}
		}
	})
}

// FuzzPages reads a list from a service that answers as the bytes say: two of
// them make a page, its size and how much the total is off.
func FuzzPages(f *testing.F) {
	for _, script := range []string{"", "\x00\x00", "\x80\x80\x80\x80", "\x01\x7f\x01\x7f", "\xff\xff", "\x05\xff\x05\x00\x05\xff", "\x80\x01\x00\xff"} {
		f.Add([]byte(script), uint8(3))
	}
	f.Fuzz(func(t *testing.T, script []byte, kinds uint8) {
		requests, given := 0, map[string]bool{}
		client := stubbed(t, func(r *http.Request) (*http.Response, error) {
			requests++
			offset, err := strconv.Atoi(r.URL.Query().Get("offset"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, offset, 0)
			var size, total int
			if at := 2 * (requests - 1); at+1 < len(script) {
				size, total = int(script[at]), (int(script[at+1])-64)*64
			} else if len(script) >= 2 {
				size, total = int(script[0]), 1<<30 // the same for ever
			}
			items := make([]string, size)
			for i := range items {
				name := fmt.Sprint((offset + i) % (int(kinds)*64 + 1))
				given[name] = true
				items[i] = `{"name":"` + name + `"}`
			}
			return reply(200, fmt.Sprintf(`{"segments":[%s],"totalCount":%d}`, strings.Join(items, ","), total)), nil
		})
		contents, err := byID(t, client, jobs.AtDraft(1)).Contents(t.Context(), "")
		require.NoError(t, err)
		seen := map[string]bool{}
		for s, err := range contents.Segments(t.Context()) {
			if err != nil {
				require.ErrorIs(t, err, jobs.ErrInvalidResponse)
				break
			}
			require.False(t, seen[s.Name], "%s twice", s.Name)
			seen[s.Name] = true
		}
		require.Equal(t, len(given), len(seen), "what was given is passed on")
		// Every page but a few in a row brings something new.
		require.LessOrEqual(t, requests, (len(given)+1)*(jobs.MaxStalePages+1))
	})
}

// FuzzFilters makes every filter of whatever values; each is sent as JSON that
// reads back, or refused.
func FuzzFilters(f *testing.F) {
	f.Add("car", "BOX2D", int64(1), true, 1.5)
	f.Add("", "", int64(-1), false, 0.0)
	f.Add("a\xff\u2028<&>\"", "\x00", int64(1)<<62, true, 1e300)
	f.Fuzz(func(t *testing.T, text, of string, size int64, yes bool, number float64) {
		label := jobs.LabelType(of)
		all := []jobs.Filter{
			jobs.SegmentIn(text), jobs.SensorIn(text, "a"), jobs.CategoryIn(label, text),
			jobs.AttributeIn(label, map[string][]any{text: {yes, number, nil, text}}), jobs.HasLabel(yes),
			jobs.SizeEquals(size), jobs.SizeGreaterThan(size), jobs.SizeLessThan(size), jobs.SizeAtLeast(size), jobs.SizeAtMost(size),
			jobs.FrameIs(text), jobs.FrameLike(text), jobs.RemotePathIs(text), jobs.RemotePathLike(text),
			jobs.RawFilter(text, text, of, label, []any{number, text}),
		}
		for _, filter := range all {
			sent := ""
			client := stubbed(t, func(r *http.Request) (*http.Response, error) {
				switch {
				case r.Method == http.MethodPost:
					var body struct{ Arguments json.RawMessage }
					require.NoError(t, json.NewDecoder(r.Body).Decode(&body))
					sent = string(body.Arguments)
					return reply(200, `{"jobId":"6f2a","createdAt":1}`), nil
				case strings.HasSuffix(r.URL.Path, "/commits"):
					return reply(200, `{"commits":[{"commitId":"3bd4"}],"totalCount":1}`), nil
				}
				return reply(200, `{"name":"a","type":1}`), nil
			})
			job, err := byID(t, client, jobs.AtBranch("main")).BasicSearch().Create(t.Context(), jobs.BasicSearchArgs{Filters: []jobs.Filter{filter}})
			if err != nil {
				require.ErrorIs(t, err, jobs.ErrInvalidArgument)
				require.Empty(t, sent)
				assertOneLine(t, err.Error())
				continue
			}
			args, err := job.Arguments()
			require.NoError(t, err)
			require.Len(t, args.Filters, 1)
			require.JSONEq(t, string(filter.Value()), string(args.Filters[0].Value()))
			require.True(t, jobs.SameJSON([]byte(sent), job.Snapshot().Arguments))
		}
	})
}

// FuzzRetryAfter reads the header.
func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{
		"", "0", "7", "2.5", "-1", "NaN", "Inf", "1e300", " 3 ", "0x10", "1_000", "Wed, 25 Nov 2026 02:00:00 GMT", "Wednesday, 25-Nov-26 02:00:00 GMT",
		"Wed Nov 25 02:00:00 2026", "Wed, 25 Nov 9999 02:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "\x00",
	} {
		f.Add(header)
	}
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header string) {
		d := jobs.ParseRetryAfter(header, now)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 24*time.Hour)
	})
}

// FuzzTexts cleans what others wrote.
func FuzzTexts(f *testing.F) {
	for _, text := range []string{
		"", "see https://a.example/b?c=d&e", "Accesskey-0123", "HTTPS://A?x", "https:?https:?", "ACCESSKEY-a?Accesskey-b", "a\x00\xff\u2028b", "?", "https:",
	} {
		f.Add(text, 8)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		clean := jobs.Discreet(text)
		require.Equal(t, clean, jobs.Discreet(clean), "once is enough")
		if limit < 0 || limit > 1<<20 {
			t.Skip()
		}
		printed := jobs.Printable(clean, limit)
		require.LessOrEqual(t, len(printed), limit+len("..."))
		assertOneLine(t, printed)
	})
}

// FuzzSameJSON compares values as encoding/json reads them.
func FuzzSameJSON(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":1,"b":[2.0,null]}`, `{"b":[2,null],"a":1e0}`}, {`"\u0061"`, `"a"`}, {`{}`, `[]`}, {`1`, `"1"`}, {`{"a":{"b":1}}`, `{"a":{},"b":1}`}, {`["a,b"]`, `["a","b"]`},
		{`1e999999999`, `1`}, {`9007199254740993`, `9007199254740992`}, {``, ``},
	} {
		f.Add([]byte(pair[0]), []byte(pair[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		same := jobs.SameJSON(a, b)
		require.Equal(t, same, jobs.SameJSON(b, a))
		if !json.Valid(a) || !json.Valid(b) {
			return
		}
		require.True(t, jobs.SameJSON(a, a))
		var x, y any
		if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
			return // a number that fits no float
		}
		if same {
			require.Equal(t, x, y)
		}
	})
}

// FuzzJobPage reads a page of jobs in both ways, which must agree.
func FuzzJobPage(f *testing.F) {
	for _, body := range []string{
		`{"jobs":[` + processing + `],"totalCount":1}`, `{"jobs":[],"totalCount":0}`, `{"totalCount":3,"jobs":[{"jobId":"a","createdAt":1e3},null,1,"]",[{}]]}`,
		`{"jobs":null,"totalCount":1}`, `{"jobs":[],"jobs":[],"totalCount":1}`, `{"jobs":[],"totalCount":-1}`, `{"jobs":{},"totalCount":1}`, `[]`, `null`, ``,
		"{ \"\\u006aobs\" : [ { } , { } ]\n, \"totalCount\" : 2 }",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		jobsRead, totalRead, errRead := jobs.ReadJobPage(body)
		if errRead != nil {
			require.ErrorIs(t, errRead, jobs.ErrInvalidResponse)
			assertOneLine(t, errRead.Error())
		}
		decoded, total, err := jobs.DecodeJobPage(body)
		if err != nil || total < 0 {
			return
		}
		require.NoError(t, errRead)
		require.Equal(t, decoded, jobsRead)
		require.Equal(t, total, totalRead)
	})
}
