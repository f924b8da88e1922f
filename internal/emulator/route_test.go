package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRouteAPI_ReturnsTheErrorsOfTheService(t *testing.T) {
	c := start(t, withSeed(hello()), withBadRequests())
	id := c.id("hello")
	jobs := "datasets/" + id + "/jobs"
	for _, test := range []struct {
		status             int
		code, method, path string
		body               any
	}{
		{404, "ResourceNotExist", "GET", "", nil},
		{404, "ResourceNotExist", "GET", "nothing", nil},
		{404, "ResourceNotExist", "GET", "datasets/", nil},
		{404, "ResourceNotExist", "GET", "datasets//jobs?jobType=basicSearch", nil},
		{404, "ResourceNotExist", "GET", "datasets/../datasets", nil},
		{404, "ResourceNotExist", "PUT", "datasets", nil},
		{404, "ResourceNotExist", "GET", "datasets/0123", nil},
		{404, "ResourceNotExist", "GET", "datasets/0%2F1%3F23", nil},
		{400, "RequestParamsMissing", "GET", jobs, nil},
		{400, "InvalidParamsValue", "GET", jobs + "?jobType=mystery", nil},
		{400, "InvalidParamsValue", "GET", jobs + "?jobType=basicSearch&limit=0", nil},
		{400, "InvalidParamsValue", "GET", jobs + "?jobType=basicSearch&limit=129", nil},
		{400, "InvalidParamsValue", "GET", jobs + "?jobType=basicSearch&limit=x", nil},
		{400, "InvalidParamsValue", "GET", jobs + "?jobType=basicSearch&offset=-1", nil},
		{400, "RequestParamsMissing", "POST", jobs, nil},
		{400, "InvalidParamsValue", "POST", jobs, `{"title": `},
		{400, "InvalidParamsValue", "POST", jobs, `[]`},
		{400, "InvalidParamsValue", "POST", jobs, `{"title": 1}`},
		{400, "InvalidParamsValue", "POST", jobs, `"` + strings.Repeat("x", 1<<20) + `"`},
		{400, "RequestParamsMissing", "POST", jobs, `{}`},
		{400, "RequestParamsMissing", "POST", jobs, `{"title": "t"}`},
		{400, "RequestParamsMissing", "POST", jobs, `{"title": "t", "jobType": "squashAndMerge"}`},
		{400, "InvalidParamsValue", "POST", jobs, `{"title": "t", "jobType": "squashAndMerge", "arguments": []}`},
		{400, "InvalidParamsValue", "POST", jobs, `{"title": "t", "jobType": "mystery", "arguments": {}}`},
		{404, "ResourceNotExist", "POST", "datasets/0123/jobs", `{"title": "t", "jobType": "squashAndMerge", "arguments": {}}`},
		{404, "ResourceNotExist", "GET", jobs + "/0123?jobType=basicSearch", nil},
		{404, "ResourceNotExist", "DELETE", jobs + "/0123?jobType=basicSearch", nil},
		{404, "ResourceNotExist", "POST", jobs + "/0123/abort?jobType=basicSearch", nil},
		{404, "ResourceNotExist", "POST", jobs + "/0123/retry?jobType=basicSearch", nil},
		{404, "ResourceNotExist", "GET", "datasets/" + id + "/commits?commit=nothing", nil},
		{400, "InvalidParamsValue", "GET", "datasets/" + id + "/drafts?status=HALF", nil},
		{404, "ResourceNotExist", "PATCH", "datasets/" + id + "/drafts/1", `{"status": "CLOSED"}`},
		{400, "InvalidParamsValue", "PATCH", "datasets/" + id + "/drafts/one", `{"status": "CLOSED"}`},
		{400, "RequestParamsMissing", "GET", "datasets/" + id + "/data/details", nil},
		{400, "RequestParamsMissing", "GET", "datasets/" + id + "/data/details?segmentName=", nil},
		{404, "ResourceNotExist", "GET", "datasets/" + id + "/data/details?segmentName=nothing", nil},
		{404, "ResourceNotExist", "GET", "datasets/" + id + "/segments?commit=nothing", nil},
		{404, "ResourceNotExist", "GET", "datasets/" + id + "/segments?draftNumber=1", nil},
		{400, "InvalidParamsValue", "GET", "datasets/" + id + "/segments?commit=main&draftNumber=1", nil},
		{400, "RequestParamsMissing", "GET", "datasets/" + id + "/masks/urls?segmentName=Segment1", nil},
		{400, "InvalidParamsValue", "GET", "datasets/" + id + "/masks/urls?segmentName=Segment1&maskType=BOX2D", nil},
		{404, "ResourceNotExist", "POST", "searchResults/0123/datasets", `{"datasetName": "new", "alias": "", "isPublic": false}`},
		{400, "RequestParamsMissing", "POST", "searchResults/0123/datasets", `{}`},
	} {
		path, _, _ := strings.Cut(test.path, "?")
		t.Run(fmt.Sprintf("%d %s %s %.60v", test.status, test.method, path, test.body), func(t *testing.T) {
			caller{t, c.Emulator, c.accessKey}.doError(test.status, test.code, test.method, test.path, test.body)
		})
	}
}

func TestPages_NeedNoAccessKey(t *testing.T) {
	c := start(t)
	for path, want := range map[string]string{"/docs": "<title>TensorBay asynchronous jobs</title>", "/openapi.yaml": "openapi: 3.0.3"} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, path, nil)
		c.RouteAPI(request).Serve(recorder, request)
		assert.Equal(t, http.StatusOK, recorder.Code)
		assert.Contains(t, recorder.Body.String(), want)
	}
}

func TestRoute_NamesTheMissingPrefix(t *testing.T) {
	c := start(t, withBadRequests())
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/datasets", nil)
	c.RouteAPI(request).Serve(recorder, request)
	assert.Equal(t, http.StatusNotFound, recorder.Code)
	assert.Contains(t, recorder.Body.String(), "Its path must start with /gatewayv2/tensorbay-open-api/v1/.")
}
