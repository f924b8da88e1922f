package jobstest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/graviti-ai/tensorbay-jobs-go/jobs"
	"github.com/graviti-ai/tensorbay-jobs-go/jobs/jobstest"
)

func TestNew_ReportsViolationsOfTheContract(t *testing.T) {
	for _, test := range []struct {
		name, method, path, want string
		header                   http.Header
		body                     string
	}{
		{"good", "GET", "datasets?limit=3", "", nil, ""},
		{"unknown id", "GET", "datasets/0123", "", nil, ""},
		{"wrong key", "GET", "datasets", "", http.Header{"X-Token": {"Accesskey-other"}}, ""},
		{"no operation", "GET", "nothing", "is not in openapi.yaml", nil, ""},
		{"no key", "GET", "datasets", "X-Token is missing", http.Header{"X-Token": nil}, ""},
		{"query", "GET", "datasets?limit=500", "query parameter limit", nil, ""},
		{"missing query", "GET", "datasets/0123/jobs", "query parameter jobType", nil, ""},
		{"header", "GET", "datasets", "header parameter X-Request-Id", http.Header{"X-Request-Id": {"not hex"}}, ""},
		{"body", "POST", "datasets/0123/jobs", "body: ", nil, `{"title": 1}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, silent := range []bool{false, true} {
				report := &spy{TB: t}
				options := []jobstest.Option{jobstest.WithSeed(hello())}
				if silent {
					options = append(options, jobstest.WithBadRequests())
				}
				s := jobstest.New(report, options...)
				request, err := http.NewRequest(test.method, s.URL()+"gatewayv2/tensorbay-open-api/v1/"+test.path, strings.NewReader(test.body))
				require.NoError(t, err)
				request.Header.Set("X-Token", s.AccessKey())
				request.Header.Set("Content-Type", "application/json")
				if test.body == "" {
					request.Body, request.ContentLength = nil, 0
				}
				maps.Copy(request.Header, test.header)
				_, err = s.Client().Do(request)
				require.NoError(t, err)
				errors := report.take()
				if silent || test.want == "" {
					assert.Empty(t, errors)
				} else if assert.Len(t, errors, 1) {
					assert.Contains(t, errors[0], test.want)
					assert.NotContains(t, errors[0], s.AccessKey())
				}
				for _, f := range report.cleanup {
					f()
				}
			}
		})
	}
}

// A spy collects the violations that a server reports.
type spy struct {
	testing.TB
	mu      sync.Mutex
	errors  []string
	cleanup []func()
}

func (s *spy) Helper() {}

func (s *spy) Cleanup(f func()) { s.cleanup = append(s.cleanup, f) }

func (s *spy) Errorf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func (s *spy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.errors
	s.errors = nil
	return taken
}

func TestServer_SharesNoChangesWithServersOfTheSameSeed(t *testing.T) {
	seed := hello()
	seed.Datasets[0].Drafts = []jobstest.SeedDraft{{Title: "d", Branch: "main"}}
	a, b := start(t, jobstest.WithSeed(seed)), start(t, jobstest.WithSeed(seed))
	require.NoError(t, a.CommitDraft("hello", 1))
	require.NotEqual(t, a.head(a.id("hello")), b.head(b.id("hello")))
	require.Len(t, b.get("datasets/" + b.id("hello") + "/drafts")["drafts"], 1)
}

func TestServer_DraftMethodsNameTheDraft(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	require.EqualError(t, c.CommitDraft("hello", 1), "jobstest: The dataset hello has no draft 1.")
	require.EqualError(t, c.CloseDraft("hello", 1), "jobstest: The dataset hello has no draft 1.")
	require.EqualError(t, c.DeleteDraft("nothing", 1), "jobstest: The dataset nothing does not exist.")
}

func TestServer_RefusesOtherAccessKeys(t *testing.T) {
	const key = "ACCESSKEY-0123"
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithAccessKey(key), jobstest.WithBadRequests())
	require.Equal(t, key, c.AccessKey())
	c.get("datasets")
	for _, token := range []string{"", jobstest.DefaultAccessKey} {
		request, err := http.NewRequest(http.MethodGet, c.URL()+"gatewayv2/tensorbay-open-api/v1/datasets", nil)
		require.NoError(t, err)
		request.Header.Set("X-Token", token)
		response, err := c.Client().Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
		assert.Contains(t, string(body), `"Unauthorized"`)
	}
}

// A client may fill the header map in any spelling. The key must be recognized and
// must not appear in the log.
func TestServer_AcceptsAnySpellingOfTheHeader(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	request, err := http.NewRequest(http.MethodGet, c.URL()+"gatewayv2/tensorbay-open-api/v1/datasets", nil)
	require.NoError(t, err)
	request.Header["x-token"] = []string{c.AccessKey()}
	response, err := c.Client().Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NotContains(t, fmt.Sprint(c.Requests()), c.AccessKey())
}

func TestServer_RefusesAnUnreadableBody(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithBadRequests())
	request, err := http.NewRequest(http.MethodPost, c.URL()+"gatewayv2/tensorbay-open-api/v1/datasets/x/jobs", iotest.ErrReader(io.ErrUnexpectedEOF))
	require.NoError(t, err)
	request.Header.Set("X-Token", c.AccessKey())
	response, err := c.Client().Do(request)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
}

// A client that gives up while it sends a body has not violated the contract.
func TestNew_ReportsNoViolationOfAnIncompleteBody(t *testing.T) {
	for name, fault := range map[string]jobstest.Fault{"no fault": {}, "status 503": jobstest.Status(503)} {
		t.Run(name, func(t *testing.T) {
			report := &spy{TB: t}
			s := jobstest.New(report, onSockets(), jobstest.WithSeed(hello()))
			if fault.String() != "none" {
				s.Inject(jobstest.Rule{}, fault)
			}
			address, err := url.Parse(s.URL())
			require.NoError(t, err)
			conn, err := net.Dial("tcp", address.Host)
			require.NoError(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "POST /gatewayv2/tensorbay-open-api/v1/datasets/x/jobs HTTP/1.1\r\nHost: x\r\nX-Token: %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", s.AccessKey())
			require.NoError(t, err)
			require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			_, _ = io.ReadAll(conn) // until the server has served the request
			assert.Empty(t, report.take())
			for _, f := range report.cleanup {
				f()
			}
		})
	}
}

func TestServer_ServesAnyName(t *testing.T) {
	names := []string{
		"a b", "a%2Fb", "ü", "a?b#c", "a+b;c=d&e", "..", "../x", "/x", "a//b", "%", "%zz", `\`, "a/", "😀", "a:b", `"q"`, "<&>", ".", "a\nb", "http://x/y", "~",
	}
	commit := jobstest.SeedCommit{Name: "c", Title: "c", Date: 1}
	ds := jobstest.SeedDataset{Name: "d/ü %", Branches: []jobstest.SeedRef{{Name: "main", Commit: "c"}}}
	for _, name := range names {
		commit.Segments = append(commit.Segments, jobstest.SeedSegment{Name: name, Data: []jobstest.SeedData{{RemotePath: name, Content: []byte(name)}}})
		ds.Tags = append(ds.Tags, jobstest.SeedRef{Name: name, Commit: "c"})
	}
	ds.Commits = []jobstest.SeedCommit{commit}
	transports(t, func(t *testing.T, options ...jobstest.Option) {
		c := start(t, append(options, jobstest.WithSeed(jobstest.Seed{Owner: "me", Datasets: []jobstest.SeedDataset{ds}}))...)
		id := c.id(ds.Name)
		for _, name := range names {
			query := url.Values{"segmentName": {name}, "remotePath": {name}, "commit": {name}}.Encode()
			details := c.get("datasets/" + id + "/data/details?" + query)["dataDetails"].([]any)
			require.Len(t, details, 1, name)
			assert.Equal(t, name, c.content(details[0].(object)["url"]))
		}
	})
}

func TestServer_ListensOnSockets(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			// The port was free a moment ago.
			free, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			data := free.Addr().String()
			require.NoError(t, free.Close())
			options := []jobstest.Option{
				jobstest.WithSeed(hello()), jobstest.WithListener("127.0.0.1:0"), jobstest.WithDataListener(data),
			}
			if secure {
				options = append(options, jobstest.WithTLS())
			}
			c := start(t, options...)
			assert.Equal(t, secure, strings.HasPrefix(c.URL(), "https://127.0.0.1:"), c.URL())
			assert.True(t, strings.HasSuffix(c.URL(), "/"))
			id := c.id("hello")
			details := c.get("datasets/" + id + "/data/details?segmentName=Segment1")["dataDetails"].([]any)
			address := details[0].(object)["url"].(string)
			assert.Contains(t, address, "://"+data+"/")
			response, err := c.Client().Get(address)
			require.NoError(t, err)
			defer response.Body.Close()
			content, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Len(t, content, 10)

			if secure {
				pool := x509.NewCertPool()
				require.True(t, pool.AppendCertsFromPEM(c.CertificatePEM()))
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
				defer transport.CloseIdleConnections()
				response, err := (&http.Client{Transport: transport}).Get(address)
				require.NoError(t, err)
				response.Body.Close()
			} else {
				assert.Nil(t, c.CertificatePEM())
			}
			require.NoError(t, c.Close())
			_, err = c.Client().Get(address)
			require.Error(t, err)
		})
	}
}

func TestServer_ServesTheAPIAsAHandler(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()))
	request := httptest.NewRequest(http.MethodGet, "/gatewayv2/tensorbay-open-api/v1/datasets", nil)
	request.Header.Set("X-Token", c.AccessKey())
	response := httptest.NewRecorder()
	c.ServeHTTP(response, request)
	require.Equal(t, http.StatusOK, response.Code)
	require.Contains(t, response.Body.String(), `"hello"`)
}

func TestServer_ServesConcurrentClients(t *testing.T) {
	c := start(t, jobstest.WithSeed(hello()), jobstest.WithQueuing(0), jobstest.WithProcessing(0))
	id := c.id("hello")
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 5 {
				status, body := c.send(http.MethodPost, "datasets/"+id+"/jobs", object{
					"title": "t", "jobType": "squashAndMerge", "arguments": mergeArguments("skip"),
				})
				assert.Equal(t, http.StatusOK, status, "%s", body)
				status, body = c.send(http.MethodGet, "datasets/"+id+"/jobs?jobType=squashAndMerge", nil)
				assert.Equal(t, http.StatusOK, status, "%s", body)
			}
		})
	}
	clients.Wait()
	require.EqualValues(t, 40, c.get("datasets/" + id + "/drafts")["totalCount"])
}

func TestServer_DefaultSeedPassesTheContractCheck(t *testing.T) {
	c := start(t)
	datasets := c.get("datasets")["datasets"].([]any)
	require.NotEmpty(t, datasets)
	// Each response with content is checked once.
	for _, ds := range datasets {
		base := "datasets/" + ds.(object)["id"].(string)
		c.get(base)
		c.get(base + "/labels/statistics")
		for _, s := range c.get(base + "/segments")["segments"].([]any) {
			query := "?segmentName=" + s.(object)["name"].(string)
			c.get(base + "/data/details" + query)
			c.get(base + "/data/urls" + query)
			c.get(base + "/sensors" + query)
			c.get(base + "/masks/urls" + query + "&maskType=SEMANTIC_MASK")
		}
	}
}

func TestServer_NamesThePublicHost(t *testing.T) {
	_, err := jobstest.NewServer(jobstest.WithPublicHost("tensorbay"))
	require.ErrorContains(t, err, "WithPublicHost needs WithListener")
	for _, host := range []string{"", "http://a/", "a:80", "[::1]"} {
		_, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"), jobstest.WithPublicHost(host))
		require.ErrorContains(t, err, "is not a host name or an IP address", host)
	}
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"), jobstest.WithTLS(), jobstest.WithPublicHost("localhost"))
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	require.Regexp(t, `^https://localhost:\d+/$`, server.URL())
	client, err := jobs.NewClient(server.AccessKey(), jobs.WithBaseURL(server.URL()), jobs.WithHTTPClient(server.Client()))
	require.NoError(t, err)
	ds, err := client.Dataset(t.Context(), "squash-and-merge")
	require.NoError(t, err)
	contents, err := ds.Contents(t.Context(), "main")
	require.NoError(t, err)
	for data, err := range contents.Data(t.Context(), "Segment1") {
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(data.URL(), "https://localhost:"), "data URL")
	}
}

func TestServer_CertificateNamesThePublicHost(t *testing.T) {
	for _, host := range []string{"tensorbay.example", "192.0.2.1"} {
		server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"), jobstest.WithTLS(), jobstest.WithPublicHost(host))
		require.NoError(t, err)
		block, _ := pem.Decode(server.CertificatePEM())
		certificate, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		require.NoError(t, certificate.VerifyHostname(host))
		require.NoError(t, server.Close())
	}
}

func TestServer_RespondsToHealthChecks(t *testing.T) {
	server, err := jobstest.NewServer(jobstest.WithListener("127.0.0.1:0"))
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+"healthz", http.NoBody)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Empty(t, server.Requests(), "a health check is no request of a client")
}
