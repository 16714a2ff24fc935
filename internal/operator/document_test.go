package operator_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/kithchat/kith/internal/operator"
)

// document is the OpenAPI document, loaded and validated once.
var document = sync.OnceValues(func() (routers.Router, error) {
	text, err := operator.OpenAPI()
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, err
	}
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/octet-stream", openapi3filter.FileBodyDecoder)
	return legacy.NewRouter(doc)
})

// succeeded are the ids of the operations that a test had success with.
var succeeded sync.Map

// untested returns the operations that no test had success with, when all tests have run.
func untested() []string {
	text, err := operator.OpenAPI()
	if err != nil {
		return []string{err.Error()}
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return []string{err.Error()}
	}
	var missing []string
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			if _, ok := succeeded.Load(o.OperationID); !ok {
				missing = append(missing, o.OperationID)
			}
		}
	}
	return missing
}

// documented holds every exchange against the document: what succeeded must be a request that the document allows, and each
// answer must be one that it describes.
func documented(t *testing.T, next http.Handler) http.Handler {
	router, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, variables, err := router.FindRoute(r)
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked := r.Clone(context.Background())
		r.Body, asked.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		tee := &teeWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() { checkExchange(t, route, variables, asked, tee) }()
		next.ServeHTTP(tee, r)
	})
}

func checkExchange(t *testing.T, route *routers.Route, variables map[string]string, r *http.Request, answer *teeWriter) {
	ctx := context.Background()
	input := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: variables, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if answer.status == http.StatusOK {
		succeeded.Store(route.Operation.OperationID, true)
		if r.ContentLength == 0 && r.Method != http.MethodGet {
			r.Body = io.NopCloser(strings.NewReader("{}")) // an empty body is an empty object
			if route.Operation.RequestBody == nil {
				r.Body = http.NoBody
			}
		}
		if err := openapi3filter.ValidateRequest(ctx, input); err != nil {
			t.Errorf("%s %s succeeded against the document: %v", r.Method, r.URL, err)
		}
	}
	err := openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: answer.status, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.body.Bytes())), Options: input.Options,
	})
	if err != nil {
		t.Errorf("the answer to %s %s is not as the document says: %v\n%s", r.Method, r.URL, err, answer.body.String())
	}
}

// teeWriter keeps what is answered.
type teeWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *teeWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *teeWriter) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

func (w *teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
