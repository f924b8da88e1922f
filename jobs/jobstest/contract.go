package jobstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/graviti-ai/tensorbay-jobs-go/gen/server"
)

// A contract is openapi.yaml, with the operations by their pattern in the
// ServeMux of the generated code: so no second router is needed.
type contract struct {
	operations map[string]*operation
}

// loadContract parses the document once for all servers.
var loadContract = sync.OnceValues(func() (*contract, error) {
	document, err := server.GetSpec()
	if err != nil {
		return nil, fmt.Errorf("jobstest: cannot read the embedded openapi.yaml: %w", err)
	}
	operations := make(map[string]*operation)
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			operations[method+" "+apiRoot+path] = &operation{routers.Route{
				Spec: document, Path: path, PathItem: item, Method: method, Operation: op,
			}}
		}
	}
	return &contract{operations}, nil
})

// An operation is one operation of openapi.yaml.
type operation struct{ route routers.Route }

// names are the names that the log knows requests by.
func (c *contract) names() []string {
	names := []string{contentOperation}
	for _, op := range c.operations {
		names = append(names, op.id())
	}
	slices.Sort(names)
	return names
}

func (op *operation) id() string { return op.route.Operation.OperationID }

func (op *operation) takesBody() bool { return op.route.Operation.RequestBody != nil }

// pathParams reads the parameters out of a path that the operation matched.
func (op *operation) pathParams(u *url.URL) map[string]string {
	params := make(map[string]string)
	names := strings.Split(apiRoot+op.route.Path, "/")
	for i, value := range strings.Split(u.EscapedPath(), "/") {
		if name, ok := strings.CutPrefix(names[i], "{"); ok {
			params[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(value)
		}
	}
	return params
}

// A checker reports what breaches the contract, until it is closed: a test
// that has ended must not be written to.
type checker struct {
	unchecked   bool
	badRequests bool

	mu     sync.Mutex
	closed bool
	report func(format string, args ...any)
}

func (c *checker) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *checker) breach(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.report("jobstest: "+format, args...)
	}
}

// checkRequest checks a request. It returns what checkAnswer wants; nil where
// nothing is checked, or the request is for no operation.
func (c *checker) checkRequest(op *operation, r *http.Request) *openapi3filter.RequestValidationInput {
	if c.unchecked {
		return nil
	}
	if op == nil {
		if !c.badRequests {
			c.breach("%s %s is not in openapi.yaml", r.Method, r.URL.Path)
		}
		return nil
	}
	input := &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: op.pathParams(r.URL),
		Route:      &op.route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:                requireToken,
			SkipSettingDefaults:               true,
			RejectWhenRequestBodyNotSpecified: true,
		},
	}
	if !c.badRequests {
		if err := openapi3filter.ValidateRequest(withoutEnd(r), input); err != nil {
			c.breach("the request %s %s breaches openapi.yaml: %s", op.id(), r.URL.Path, brief(err))
		}
	}
	return input
}

// withoutEnd is the context of a request. The contract says nothing about it,
// and a client that went away must not look like a breach.
func withoutEnd(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }

// check checks a request and its answer. A request that is for no operation
// has an answer that the contract says nothing about.
func (c *checker) check(op *operation, r *http.Request, answer *recorder) {
	input := c.checkRequest(op, r)
	if input == nil {
		return
	}
	err := openapi3filter.ValidateResponse(withoutEnd(r), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 answer.status,
		Header:                 answer.header,
		Body:                   io.NopCloser(bytes.NewReader(answer.body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		c.breach("the answer %d to %s %s breaches openapi.yaml: %s", answer.status, op.id(), r.URL.Path, brief(err))
	}
}

// requireToken wants an access key and leaves it to the server whether it is
// the right one: a wrong key is no breach.
func requireToken(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if input.RequestValidationInput.Request.Header.Get("X-Token") == "" {
		return errors.New("the header X-Token is missing")
	}
	return nil
}

// brief leaves out the dumps of schema and value, which are long and may hold
// signed URLs.
func brief(err error) string {
	prefix := ""
	var request *openapi3filter.RequestError
	if errors.As(err, &request) {
		switch {
		case request.Parameter != nil:
			prefix = fmt.Sprintf("%s parameter %s: ", request.Parameter.In, request.Parameter.Name)
		case request.RequestBody != nil:
			prefix = "body: "
		}
	}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		return fmt.Sprintf("%s/%s: %s", prefix, strings.Join(schema.JSONPointer(), "/"), schema.Reason)
	}
	return prefix + err.Error()
}
