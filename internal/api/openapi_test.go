package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"

	"github.com/reelhook/reelhook/internal/api"
)

// contract is the document as it is served, and tells what does not follow it;
// also a field or a parameter that it does not name. Its library writes to what
// it reads, so one at a time asks it.
var (
	contract   = newContract()
	validating sync.Mutex
)

func servedDocument() []byte {
	got := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(got, httptest.NewRequest("GET", "/v2/openapi.json", nil))
	return got.Body.Bytes()
}

func newContract() validator.Validator {
	document, err := libopenapi.NewDocument(servedDocument())
	if err != nil {
		panic(err)
	}
	v, errs := validator.NewValidator(document, config.WithFormatAssertions(), config.WithContentAssertions(), config.WithStrictMode(),
		config.WithStrictIgnorePaths("$.body.client-data", "$.body.movie.client-data", "$.body.movies[*].client-data",
			"$.body.delivery.headers", "$.body.delivery.log[*].request_headers", "$.body.delivery.log[*].answer_headers",
			"$.body.attempt.request_headers", "$.body.attempt.answer_headers",
			"$.body.headers", "$.body.connection.headers", "$.body.connections[*].headers"),
		config.WithStrictIgnoredHeadersExtra("X-Api-Key", "Idempotency-Key", "X-Content-Type-Options"))
	if len(errs) > 0 {
		panic(errs[0])
	}
	return v
}

func TestOpenAPIDocumentIsValid(t *testing.T) {
	if ok, errs := contract.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Error(err)
		}
	}
}

// tee writes a reply on, and down.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *tee) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *tee) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *tee) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}

// checked serves as h does, and fails the test on a reply that openapi.yaml does
// not describe, or to a request that it does not.
func checked(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(http.MaxBytesReader(nil, r.Body, api.MaxBody+1))
		r.Body = io.NopCloser(bytes.NewReader(sent))
		reply := &tee{ResponseWriter: w, status: http.StatusOK}
		h.ServeHTTP(reply, r)
		if fault := violation(r, sent, reply); fault != "" {
			t.Errorf("%s %s: %d %s\n%s", r.Method, r.URL, reply.status, reply.body.Bytes(), fault)
		}
	})
}

// violation says how a call breaks the contract, "" when it does not.
func violation(r *http.Request, sent []byte, reply *tee) string {
	if r.Method == http.MethodHead {
		return ""
	}
	path := "/" + strings.Join(strings.FieldsFunc(r.URL.Path, func(r rune) bool { return r == '/' }), "/")
	if strings.HasPrefix(path, "/files/") {
		path = "/files/key" // OpenAPI knows no parameter with slashes in it
	}
	if reply.status == http.StatusMethodNotAllowed || !documented(r.Method, path) {
		return notFailure(reply)
	}
	if (path == "/v2/openapi.json" || path == "/v2/movie.schema.json") && reply.status == http.StatusOK {
		return "" // it does not name its own fields
	}
	body := reply.body.Bytes()
	if path == "/v2/movies/validate" {
		body = withoutMovie(body)
	}
	asked := r.Clone(r.Context())
	asked.URL.Path, asked.URL.RawPath = path, ""
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	asked.Header.Set("Content-Type", "application/json")
	answer := &http.Response{StatusCode: reply.status, Header: reply.Header().Clone(), Body: io.NopCloser(bytes.NewReader(body))}
	validating.Lock()
	defer validating.Unlock()
	var text []string
	if _, errs := contract.ValidateHttpResponse(asked, answer); len(errs) > 0 {
		for _, err := range errs {
			text = append(text, "reply: "+err.Error())
			for _, s := range err.SchemaValidationErrors {
				text = append(text, "  "+s.Error())
			}
		}
	}
	// Movies are taken as they come; of the rest, only what is described may work.
	if reply.status == http.StatusOK && !strings.HasPrefix(path, "/v2/movies") && !strings.HasPrefix(path, "/files/") {
		if len(sent) == 0 {
			asked.Header.Del("Content-Type")
		}
		if _, errs := contract.ValidateHttpRequestSync(asked); len(errs) > 0 {
			for _, err := range errs {
				text = append(text, "request: "+err.Error())
			}
		}
	}
	return strings.Join(text, "\n")
}

// withoutMovie is a reply without the document in it, whose keys are the client's.
func withoutMovie(body []byte) []byte {
	var reply map[string]json.RawMessage
	if json.Unmarshal(body, &reply) != nil || reply["movie"] == nil {
		return body
	}
	reply["movie"] = json.RawMessage("{}")
	short, _ := json.Marshal(reply)
	return short
}

// documented tells whether the document has an operation.
func documented(method, path string) bool {
	for pattern := range contractPaths() {
		if matched, _ := filepath.Match(pattern, method+" "+path); matched {
			return true
		}
	}
	return false
}

// parameter is one in a path of the document, recoveryID the id of a recovery in
// a reply.
var (
	parameter  = regexp.MustCompile(`{\w+}`)
	recoveryID = regexp.MustCompile(`"rec_\d+"`)
)

// contractPaths are the operations of the document, with * for parameters.
var contractPaths = sync.OnceValue(func() map[string]bool {
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(servedDocument(), &document); err != nil {
		panic(err)
	}
	all := map[string]bool{}
	for path, item := range document.Paths {
		for method := range item {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+parameter.ReplaceAllString(path, "*")] = true
			}
		}
	}
	return all
})

// notFailure says what is wrong with the reply where nothing is.
func notFailure(reply *tee) string {
	var f api.Failure
	if err := json.Unmarshal(reply.body.Bytes(), &f); err != nil || f.Success || f.Message == "" || f.Timestamp == "" || reply.status < 400 {
		return "this is no Failure"
	}
	return ""
}
