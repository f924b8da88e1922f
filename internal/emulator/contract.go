package emulator

import (
	"bytes"
	"context"
	"encoding/json"
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

	"github.com/graviti-ai/tensorbay-jobs-go/internal/contract"
)

// loadOperations returns the operations of openapi.yaml by the patterns of the generated
// router. All emulators share them.
var loadOperations = sync.OnceValues(func() (map[string]*operation, error) {
	document, err := contract.Load()
	if err != nil {
		return nil, err
	}
	return operationsOf(document), nil
})

func operationsOf(document *openapi3.T) map[string]*operation {
	operations := make(map[string]*operation)
	for path, item := range document.Paths.Map() {
		for method, op := range item.Operations() {
			operations[method+" "+APIRoot+path] = &operation{routers.Route{
				Spec: document, Path: path, PathItem: item, Method: method, Operation: op,
			}}
		}
	}
	return operations
}

// An operation is one operation of openapi.yaml.
type operation struct{ route routers.Route }

// Operations returns the names of all operations, sorted.
func (e *Emulator) Operations() []string {
	names := []string{ContentOperation, UploadOperation}
	for _, op := range e.operations {
		names = append(names, op.id())
	}
	slices.Sort(names)
	return names
}

func (op *operation) id() string { return op.route.Operation.OperationID }

func (op *operation) takesBody() bool { return op.route.Operation.RequestBody != nil }

// writes reports whether the operation writes a dataset.
func (op *operation) writes() bool { return slices.Contains(op.route.Operation.Tags, "writing") }

// checkBody returns an error if the body of an operation that writes violates the contract.
// The handlers rely on it.
func (op *operation) checkBody(r *http.Request, body []byte) error {
	schema := op.route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value
	if union := schema.OneOf; len(union) > 0 { // of createSegment
		schema = union[0].Value
		if query := r.URL.Query(); query.Has("copy") || query.Has("move") {
			schema = union[1].Value
		}
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return invalid("The request body is not JSON: %v", err)
	}
	err := firstProblem(schema.VisitJSON(value, openapi3.MultiErrors()))
	if err == nil {
		return nil
	}
	text := "The request body: " + brief(err)
	if strings.HasSuffix(text, " is missing") {
		return missing("%s", text)
	}
	return invalid("%s", text)
}

// firstProblem returns the first error of a body but those for unknown properties. Other
// versions of a client send some, and the service ignores them.
func firstProblem(err error) error {
	switch e := err.(type) { //nolint:errorlint // the library does not wrap these errors
	case openapi3.MultiError:
		for _, part := range e {
			if problem := firstProblem(part); problem != nil {
				return problem
			}
		}
		return nil
	case *openapi3.SchemaError:
		if strings.HasSuffix(e.Reason, " is unsupported") {
			return nil
		}
	}
	return err
}

// pathParams returns the parameters in a path that matches the operation.
func (op *operation) pathParams(u *url.URL) map[string]string {
	params := make(map[string]string)
	names := strings.Split(APIRoot+op.route.Path, "/")
	for i, value := range strings.Split(u.EscapedPath(), "/") {
		if name, ok := strings.CutPrefix(names[i], "{"); ok {
			params[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(value)
		}
	}
	return params
}

// A checker reports violations of the contract until it is closed.
type checker struct {
	skipContract     bool
	allowBadRequests bool

	mu     sync.Mutex
	closed bool
	report func(format string, args ...any)
}

func (c *checker) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

// violation reports a violation.
func (c *checker) violation(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.report(format, args...)
	}
}

// checkRequest checks a request. It returns the input for the check of the
// response, nil if that check does not apply.
func (c *checker) checkRequest(op *operation, r *http.Request) *openapi3filter.RequestValidationInput {
	if c.skipContract {
		return nil
	}
	if op == nil {
		if !c.allowBadRequests {
			c.violation("%s %s is not in openapi.yaml", r.Method, r.URL.Path)
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
	if !c.allowBadRequests {
		if err := openapi3filter.ValidateRequest(withoutCancel(r), input); err != nil {
			c.violation("the request %s %s violates openapi.yaml: %s", op.id(), r.URL.Path, brief(err))
		}
	}
	return input
}

// withoutCancel returns the context of a request without its cancellation. A
// canceled request is not a violation.
func withoutCancel(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }

// check checks a request and its response.
func (c *checker) check(op *operation, r *http.Request, response *Recorder) {
	input := c.checkRequest(op, r)
	if input == nil {
		return
	}
	err := openapi3filter.ValidateResponse(withoutCancel(r), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 response.Status,
		Header:                 response.Header(),
		Body:                   io.NopCloser(bytes.NewReader(response.Body.Bytes())),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		c.violation("the response %d to %s %s violates openapi.yaml: %s", response.Status, op.id(), r.URL.Path, brief(err))
	}
}

// requireToken returns an error if the access key is missing. A wrong key is
// not a violation.
func requireToken(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if input.RequestValidationInput.Request.Header.Get("X-Token") == "" {
		return errors.New("the header X-Token is missing")
	}
	return nil
}

// brief returns the text of err without its dumps of schema and value. They are
// long and may contain signed URLs.
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
	if !errors.As(err, &schema) {
		return prefix + err.Error()
	}
	// A discriminator selects one branch of a union, whose error says more.
	for branch := schema; schema.Schema.Discriminator != nil && errors.As(schema.Origin, &branch); {
		schema = branch
	}
	return fmt.Sprintf("%s/%s: %s", prefix, strings.Join(schema.JSONPointer(), "/"), schema.Reason)
}
