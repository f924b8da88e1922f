package transport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/internal/transport"
)

func TestOutcome_NamesTheHostOfARedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for location, want := range map[string]string{
			"https://login.test:8443/a?ticket=5ec1e7": "redirect to https://login.test:8443, which was not followed",
			"http://user:5ec1e7@login.test/":          "redirect to http://login.test, which was not followed",
			"/elsewhere?ticket=5ec1e7":                "redirect to https://service.test, which was not followed",
			"":                                        "unexpected status",
		} {
			for _, op := range []transport.Operation{read, create} {
				requests := 0
				o := do(t.Context(), newTransport(stub(func(r *http.Request) (*http.Response, error) {
					requests++
					resp := response(status, "")
					resp.Request = r
					resp.Header.Set("Location", location)
					return resp, nil
				})), op)
				assert.Equal(t, 1, requests)
				assert.Equal(t, status, o.Status)
				assert.Equal(t, transport.Unknown, o.State)
				assert.False(t, o.Transient())
				require.EqualError(t, o.Err, want)
			}
		}
	}
}

func TestOutcome_RemovesTheQueryOfAMalformedRedirect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp := response(302, "")
		resp.Header.Set("Location", "/a%zz?ticket=5ec1e7")
		o := do(t.Context(), newTransport(sequence(resp)), create)
		require.ErrorContains(t, o.Err, "Location")
		assert.NotContains(t, o.Err.Error(), "5ec1e7")
	})
}

func TestOutcome_DoesNotFollowARedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was followed, with X-Token %q", r.URL, r.Header.Get("X-Token"))
	}))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 307, 308} {
		api := httptest.NewServer(http.RedirectHandler(elsewhere.URL+"/?q=5ec1e7", status))
		o := do(t.Context(), newTransport(nil, on(api.URL)), create)
		require.ErrorContains(t, o.Err, "redirect to "+elsewhere.URL+", which")
		api.Close()
	}
}

func TestOutcome_ReadsTheErrorOfTheService(t *testing.T) {
	const gateway = "the response is not in the form of the service, so a gateway may have sent it"
	for body, want := range map[string]struct{ code, message string }{
		`{"code":"ResourceNotExist","message":"no such job"}`:  {"ResourceNotExist", "no such job"},
		`{"code":"A\nB","message":"a\u202eb ` + testKey + `"}`: {"A B", "a b Accesskey-..."},
		`{"message":"a"}`:          {"", "a"},
		`{"code":"A"}`:             {"A", ""},
		`{"code":1}`:               {"", gateway},
		`{}`:                       {"", gateway},
		`null`:                     {"", gateway},
		``:                         {"", gateway},
		`default backend - 404`:    {"", gateway},
		`<html><body>404</body> `:  {"", gateway},
		`{"error":"some gateway"}`: {"", gateway},
	} {
		o := do(t.Context(), newTransport(stub(func(*http.Request) (*http.Response, error) { return response(404, body), nil })), read)
		assert.Equal(t, want.code, o.Code, body)
		assert.Equal(t, want.message, o.Message, body)
		assert.Equal(t, want.code != "", o.FromService(), body)
		assert.False(t, o.Transient())
		assert.NoError(t, o.Err)
	}
}

func TestParseRetryAfter_ReadsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 3 ": 3 * time.Second, "2.5": 2500 * time.Millisecond, "-1": 0, "NaN": 0, "soon": 0,
		"1e300": 24 * time.Hour, "Inf": 24 * time.Hour, "90000": 24 * time.Hour,
		"Wed, 25 Nov 2026 02:00:00 GMT": time.Hour, "Wednesday, 25-Nov-26 01:00:09 GMT": 9 * time.Second,
		"Wed, 25 Nov 2026 00:00:00 GMT": 0, "Wed, 25 Nov 9999 02:00:00 GMT": 24 * time.Hour,
	} {
		assert.Equal(t, want, transport.ParseRetryAfter(http.Header{"Retry-After": {header}}, now), header)
	}
}

func TestParseRetryAfter_ComparesADateWithTheDateHeader(t *testing.T) {
	h := http.Header{"Retry-After": {"Wed, 25 Nov 2026 02:00:07 GMT"}, "Date": {"Wed, 25 Nov 2026 02:00:00 GMT"}}
	for _, now := range []time.Time{{}, time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} {
		assert.Equal(t, 7*time.Second, transport.ParseRetryAfter(h, now))
	}
	h.Set("Date", "yesterday")
	assert.Equal(t, 7*time.Second, transport.ParseRetryAfter(h, time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)))
}

func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{
		"", "0", "7", "2.5", "-1", "NaN", "Inf", "1e300", " 3 ", "0x10", "1_000", "Wed, 25 Nov 2026 02:00:00 GMT", "Wednesday, 25-Nov-26 02:00:00 GMT",
		"Wed Nov 25 02:00:00 2026", "Wed, 25 Nov 9999 02:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "\x00",
	} {
		f.Add(header, "")
	}
	f.Add("Wed, 25 Nov 2026 02:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT")
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, header, date string) {
		d := transport.ParseRetryAfter(http.Header{"Retry-After": {header}, "Date": {date}}, now)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 24*time.Hour)
	})
}
