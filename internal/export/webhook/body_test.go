package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// TestBodies reads testdata/bodies.txt: cases of "# name", a movie, what happened
// to it, "->" and, for each of its webhooks, the body. A form is broken before
// each & to be read.
func TestBodies(t *testing.T) {
	golden.Run(t, "testdata/bodies.txt", bodies)
}

func bodies(t *testing.T, source string) string {
	t.Helper()
	at := strings.LastIndex(source, "\n")
	m := parseMovie(t, source[:at])
	n := notice(t, source[at+1:])
	n.Project = project.Project{ID: "Ab3dE5gH7jK9mN1p", MovieID: m.ID, ClientData: m.ClientData}
	var b strings.Builder
	for _, dest := range m.Exports[0].Destinations {
		d, err := New(Options{}).Prepare(n, export.Destination{Type: dest.Type, Settings: dest.Fields})
		var refusal export.Refusal
		switch {
		case errors.As(err, &refusal):
			fmt.Fprintf(&b, "refused: %v\n", err)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("a secret in %v", err)
			}
		case err != nil:
			t.Error(err)
		case d.ContentType == jsonType:
			fmt.Fprintf(&b, "%s\n%s\n", d.ContentType, d.Body)
			if !json.Valid(d.Body) || !strings.Contains(string(d.Body), string(m.ClientData)) {
				t.Errorf("%s does not hold the client's %s", d.Body, m.ClientData)
			}
		default:
			fmt.Fprintf(&b, "%s\n%s\n", d.ContentType, strings.ReplaceAll(string(d.Body), "&", "\n&"))
		}
	}
	return b.String()
}

// notice reads "done 640x360 10.5 20 https://..." or "error message", with the
// event before it if it is another than movie.completed, or "movie.progress 40".
func notice(t *testing.T, line string) export.Notice {
	t.Helper()
	n := export.Notice{Event: export.MovieCompleted, At: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)), Destinations: []project.Destination{
		{Export: 0, Position: 0, Type: "webhook", Status: "delivered", Attempts: 1, LastStatus: 204, Delivery: "dlv_1"},
		{Export: 1, Position: 2, Type: "ftp", Status: "failed", Message: "Destinations of type 'ftp' are <not> supported"},
	}}
	if event, rest, _ := strings.Cut(line, " "); strings.Contains(event, ".") {
		n.Event, line = event, rest
	}
	n.Outcome.Status = project.Failed
	if message, ok := strings.CutPrefix(line, "error "); ok {
		n.Outcome.Message = message
		return n
	}
	if !strings.HasPrefix(line, "done") {
		n.Percent, _ = strconv.Atoi(line)
		n.Outcome.Status = ""
		return n
	}
	n.Outcome.Status = project.Done
	r := &n.Outcome.Result
	if _, err := fmt.Sscanf(line, "done %dx%d %f %d %s", &r.Width, &r.Height, &r.Duration, &r.Size, &n.FileURL); err != nil && n.FileURL != "" {
		t.Fatalf("%q: %v", line, err)
	}
	return n
}

func parseMovie(t testing.TB, source string) *movie.Movie {
	t.Helper()
	m, err := movie.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func destination(t testing.TB, fields string) export.Destination {
	t.Helper()
	source := `{"exports":[{"destinations":[{"type":"webhook","endpoint":"https://Example.org/hook"` + fields + `}]}]}`
	d := parseMovie(t, source).Exports[0].Destinations[0]
	return export.Destination{Type: d.Type, Settings: d.Fields}
}

// TestFormIsBounded holds that a small document cannot grow into a huge form,
// and that nothing nests without end.
func TestFormIsBounded(t *testing.T) {
	key := strings.Repeat("k", 1<<20)
	for _, data := range []string{
		`{"` + key + `":[` + strings.Repeat("1,", 1<<12) + `1]}`,
		strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20),
	} {
		body, err := fields{{"client-data", json.RawMessage(data)}}.form()
		if err == nil || len(body) > 0 {
			t.Errorf("%.10s...: got %d bytes, %v", data, len(body), err)
		}
	}
}

// formSeeds are client-data that reach every branch of the encoder.
var formSeeds = []string{
	`{}`, `[]`, `null`, `"a"`, `1.50`, `true`, `{"a":{"b":[0,false,null,"",{"c":"d e&f=g[h]+%~"}]}}`, `{"a][b":1,"a":{"b":2}}`,
	`{"":{"":[[],{},[1]]}}`, `{"a":1,"a":2}`, `{"\u0000\ud83d\ude00":"é\n"}`, `[[[[[1e400]]]]]`,
}

// FuzzForm holds that a decoder gets back every value under its name, and that
// only unreserved characters travel as they are.
func FuzzForm(f *testing.F) {
	for _, s := range formSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if !json.Valid([]byte(data)) {
			return
		}
		v, err := readJSON([]byte(data))
		if err != nil {
			return // nested too deep
		}
		var form form
		form.add("d", v)
		out, err := form.bytes()
		if err != nil {
			return
		}
		want := url.Values{}
		flat("d", v, want)
		got, err := url.ParseQuery(string(out))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s became %s, %v: -want +got\n%s", data, out, err, diff)
		}
		for _, c := range string(out) {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%&=", c) {
				t.Errorf("%q in %s", c, out)
			}
		}
	})
}

// flat says what a form should hold, without any encoding.
func flat(name string, v any, out url.Values) {
	switch v := v.(type) {
	case nil:
	case bool:
		out.Add(name, map[bool]string{true: "1", false: "0"}[v])
	case []any:
		for i, item := range v {
			flat(fmt.Sprintf("%s[%d]", name, i), item, out)
		}
	case *object:
		for _, key := range v.keys {
			flat(name+"["+key+"]", v.values[key], out)
		}
	default:
		out.Add(name, fmt.Sprint(v))
	}
}

// TestNodeReadsForms holds that JavaScript's two decoders agree with Go's.
func TestNodeReadsForms(t *testing.T) {
	var bodies []string
	want := []url.Values{}
	for _, s := range formSeeds {
		v, err := readJSON([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		var f form
		f.add("client-data", v)
		bodies = append(bodies, string(f.out))
		values := url.Values{}
		flat("client-data", v, values)
		want = append(want, values)
	}
	input, err := json.Marshal(bodies)
	if err != nil {
		t.Fatal(err)
	}
	script := `const list = o => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, [v].flat()]));
const each = b => { const p = new URLSearchParams(b); return Object.fromEntries([...p.keys()].map(k => [k, p.getAll(k)])); };
const bodies = JSON.parse(process.argv[1]);
console.log(JSON.stringify([bodies.map(each), bodies.map(b => list(require("querystring").parse(b)))]));`
	out, err := exec.Command("node", "-e", script, string(input)).Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	var got [2][]url.Values
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"URLSearchParams", "querystring"} {
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
