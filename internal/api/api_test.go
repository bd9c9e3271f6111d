package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/golden"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/signing"
)

const key = "rhk_test"

// world is a server with everything around it in memory.
type world struct {
	http.Handler
	// options are what the handler is made of, for tests that make another; bare is
	// the handler without what checks its replies.
	options    api.Options
	bare       http.Handler
	store      *store
	files      *files
	deliveries *deliveryLog
	hooks      *hooks
	ring       *ring
	keyTable   *keyTable
	keys       *account.Keys
	vault      *vault
	clock      *clock
	log        *lines
	cancelled  []string
	notReady   error
	progress   int
	// sending is the delivery whose upload is under way.
	sending string
}

func newWorld(t testing.TB) *world {
	w := &world{
		store:      newStore(),
		files:      &files{kept: map[string]stored{}},
		clock:      &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)},
		log:        &lines{},
		keyTable:   &keyTable{},
		deliveries: &deliveryLog{attempts: map[string][]export.Attempt{}, recoveries: map[string]export.Recovery{}},
	}
	w.hooks = &hooks{log: w.deliveries, now: w.clock.Now}
	w.ring = &ring{now: w.clock.Now, keys: []signing.Key{{ID: "key_1", Kind: signing.V1, Text: "whsec_cGxhbnRlZC1maXJzdA==", CreatedAt: w.clock.now}},
		public: []signing.PublicKey{{ID: "key_p", Text: "whpk_cHVibGlj"}}}
	w.keys = keyring(t, key, w.keyTable, w.clock.Now)
	w.vault = newVault(t, w.clock.Now)
	w.options = api.Options{
		Projects: w.store, Keys: w.keys, Files: w.files, Now: w.clock.Now, Version: "1.2.3",
		Deliveries: w.deliveries, Hooks: w.hooks, Signing: w.ring, Connections: w.vault, Planner: &planner{}, Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			fmt.Fprintln(w, "reelhook_up 1")
		}),
		PublicURL: "https://video.example.org",
		FileURL:   func(key string) string { return "https://video.example.org/files/" + key },
		Progress:  func(string) int { return w.progress },
		Sending:   func(delivery string) (int64, int64, bool) { return 426, 1000, delivery == w.sending },
		Cancel:    func(id string) { w.cancelled = append(w.cancelled, id) },
		Ready:     func(context.Context) error { return w.notReady },
		Log:       slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	w.bare = api.New(w.options)
	w.Handler = checked(t, w.bare)
	return w
}

// call makes a request with the key.
func (w *world) call(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("x-api-key", key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	return got
}

// submit posts a movie and returns its id.
func (w *world) submit(t *testing.T, body string, headers ...string) string {
	t.Helper()
	var reply api.Accepted
	got := w.call("POST", "/v2/movies", body, headers...)
	if err := json.Unmarshal(got.Body.Bytes(), &reply); err != nil || got.Code != 200 {
		t.Fatalf("%d %s", got.Code, got.Body)
	}
	return reply.Project
}

// TestScenarios reads testdata/*.txt. Each file is one server's life, in steps
// of "# name", a request or something that happens to the server, "->" and the
// answer. Ids and file tokens are random and are written <project 1>, <file 1>,
// in requests too.
func TestScenarios(t *testing.T) {
	for _, file := range golden.Files(t, "testdata/*.txt") {
		w := newWorld(t)
		golden.Run(t, file, func(t *testing.T, step string) string { return w.mask(w.step(t, w.unmask(step))) })
	}
}

func (w *world) step(t *testing.T, step string) string {
	t.Helper()
	verb, rest, _ := strings.Cut(step, " ")
	if happen, ok := happenings[verb]; ok {
		return happen(t, w, strings.Fields(rest))
	}
	head, body, _ := strings.Cut(step, "\n\n")
	first, fields, _ := strings.Cut(head, "\n")
	method, target, _ := strings.Cut(first, " ")
	r := httptest.NewRequest(method, strings.ReplaceAll(target, " ", "%20"), strings.NewReader(body))
	r.Header.Set("x-api-key", key)
	for _, field := range strings.Split(fields, "\n") {
		name, value, _ := strings.Cut(field, ":")
		if value = strings.TrimSpace(value); value == "(none)" {
			r.Header.Del(name)
		} else if name != "" {
			r.Header.Set(name, value)
		}
	}
	got := httptest.NewRecorder()
	w.ServeHTTP(got, r)
	return show(got)
}

// show writes an answer for reviewers: bodies that are long are indented.
func show(got *httptest.ResponseRecorder) string {
	text := fmt.Sprintf("%d %s\n", got.Code, got.Header().Get("Content-Type"))
	for _, name := range []string{"Allow", "Retry-After", "Content-Range", "Content-Disposition"} {
		if value := got.Header().Get(name); value != "" {
			text += name + ": " + value + "\n"
		}
	}
	body := got.Body.Bytes()
	var indented bytes.Buffer
	if len(body) > 160 && json.Indent(&indented, body, "", "  ") == nil {
		body = indented.Bytes()
	}
	return strings.TrimSpace(text + string(body))
}

// happenings are what a server's other parts do, in the words of the scenarios.
var happenings = map[string]func(t *testing.T, w *world, args []string) string{
	// AFTER 64s
	"AFTER": func(t *testing.T, w *world, args []string) string {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			t.Fatal(err)
		}
		w.clock.add(d)
		return w.clock.Now().Format(time.RFC3339)
	},
	// START <project> <percent>
	"START": func(t *testing.T, w *world, args []string) string {
		_, _ = fmt.Sscan(args[1], &w.progress)
		p, err := w.store.Start(t.Context(), args[0], w.clock.Now())
		return fmt.Sprint(p.Status, " ", err)
	},
	// DONE <project>
	"DONE": func(t *testing.T, w *world, args []string) string {
		p, err := w.store.change(args[0], func(p *project.Project) {
			p.Status, p.EndedAt = project.Done, w.clock.Now()
			p.Result = project.Result{File: p.FileKey, Duration: 12.48, Size: 3456789, Width: 1080, Height: 1920}
			w.files.put(p.FileKey, "the movie", p.EndedAt)
		})
		return fmt.Sprint(p.Status, " ", err)
	},
	// FAILED <project> <message>
	"FAILED": func(t *testing.T, w *world, args []string) string {
		p, err := w.store.change(args[0], func(p *project.Project) {
			p.Status, p.EndedAt, p.Message = project.Failed, w.clock.Now(), strings.Join(args[1:], " ")
			p.Warnings = []movie.Fault{{Path: "scenes[0].duration", Message: "was <0>"}}
		})
		return fmt.Sprint(p.Status, " ", err)
	},
	// EXPORT <project> <number of the destination> <status> <attempts> <last status>
	"EXPORT": func(t *testing.T, w *world, args []string) string {
		w.store.mu.Lock()
		defer w.store.mu.Unlock()
		var n int
		_, _ = fmt.Sscan(args[1], &n)
		d := &w.store.dests[args[0]][n]
		d.Status, d.Delivery = args[2], "dlv_1"
		_, _ = fmt.Sscan(args[3], &d.Attempts)
		_, _ = fmt.Sscan(args[4], &d.LastStatus)
		return fmt.Sprint(d.Type, " ", d.Status)
	},
	// BROKEN store|files|log|ring|ready|nothing
	"BROKEN": func(_ *testing.T, w *world, args []string) string {
		w.store.err, w.files.err, w.deliveries.err, w.ring.err, w.notReady = nil, nil, nil, nil, nil
		fault := errors.New("secret-table: disk full")
		switch args[0] {
		case "store":
			w.store.err = fault
		case "files":
			w.files.err = fault
		case "log":
			w.deliveries.err = fault
		case "ring":
			w.ring.err = signing.Refusal("The v1 key is set by --webhook-secret")
		case "ready":
			w.notReady = errors.New("the database does not answer")
		}
		return args[0]
	},
	// CANCELLED
	"CANCELLED": func(_ *testing.T, w *world, _ []string) string { return strings.Join(w.cancelled, " ") },
	// SOURCE <project>
	"SOURCE": func(t *testing.T, w *world, args []string) string {
		p, err := w.store.Get(t.Context(), args[0])
		return fmt.Sprintf("%q %s %v", p.Source, p.ClientData, err)
	},
}

// mask and unmask swap what is random and its name.
func (w *world) mask(text string) string {
	for _, pair := range w.names() {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

func (w *world) unmask(text string) string {
	for _, pair := range w.names() {
		text = strings.ReplaceAll(text, pair[1], pair[0])
	}
	return text
}

func (w *world) names() (pairs [][2]string) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for i, p := range w.store.projects {
		pairs = append(pairs,
			[2]string{p.ID, fmt.Sprintf("<project %d>", i+1)},
			[2]string{p.FileKey, fmt.Sprintf("<file %d>", i+1)},
			[2]string{filepath.Base(p.FileKey), fmt.Sprintf("<name %d>", i+1)})
	}
	for i, e := range w.deliveries.known {
		if i == 0 {
			pairs = append(pairs, [2]string{e.ID, "<first endpoint>"})
		}
	}
	return append(pairs, [2]string{goodEndpoint, "<good endpoint>"}, [2]string{badEndpoint, "<bad endpoint>"})
}

func TestKeysAreRandom(t *testing.T) {
	w := newWorld(t)
	idForm := regexp.MustCompile(`^[A-Za-z0-9]{16}$`)
	fileForm := regexp.MustCompile(`^[A-Z2-7]{26,}/2026-01-02-[0-9]{9}\.mp4$`)
	letters := map[rune]int{}
	seen := map[string]bool{}
	for range 2000 {
		id := w.submit(t, `{"scenes":[{}]}`)
		p, err := w.store.Get(t.Context(), id)
		if err != nil || !idForm.MatchString(id) || !fileForm.MatchString(p.FileKey) || seen[id] || seen[p.FileKey] {
			t.Fatalf("id %q, file %q, %v", id, p.FileKey, err)
		}
		seen[id], seen[p.FileKey] = true, true
		for _, r := range id[6:] { // behind the second it was made in
			letters[r]++
		}
	}
	// 20000 characters of 62 kinds: about 323 each, give or take 18.
	for r, n := range letters {
		if n < 210 || n > 440 {
			t.Errorf("%c came %d times", r, n)
		}
	}
	if len(letters) != 62 {
		t.Errorf("ids have %d kinds of characters, want 62", len(letters))
	}
}

func TestBodyLimit(t *testing.T) {
	w := newWorld(t)
	fits := `{"comment":"` + strings.Repeat("x", api.MaxBody-14) + `"}`
	if got := w.call("POST", "/v2/movies", fits); len(fits) != api.MaxBody || got.Code != 200 {
		t.Errorf("%d bytes: %d %s", len(fits), got.Code, got.Body)
	}
	got := w.call("POST", "/v2/movies", fits+" ")
	var f api.Failure
	if err := json.Unmarshal(got.Body.Bytes(), &f); err != nil || got.Code != 413 || f.Success || f.Message == "" || f.Timestamp == "" {
		t.Errorf("%d bytes: %d %s", len(fits)+1, got.Code, got.Body)
	}
}

func TestLongRepliesLeaveTheDocumentOut(t *testing.T) {
	w := newWorld(t)
	short := w.submit(t, `{"comment":"`+strings.Repeat("x", 11<<10)+`"}`)
	long := w.submit(t, `{"comment":"`+strings.Repeat("x", 12<<10)+`"}`)
	escaped := w.submit(t, `{"comment":"`+strings.Repeat(`\"`, 4<<10)+`"}`)
	for query, want := range map[string]bool{
		"project=" + short:                      true,
		"project=" + short + "&format=simple":   false,
		"project=" + short + "&format=Simple":   false,
		"project=" + long:                       false,
		"project=" + long + "&format=full":      true,
		"project=" + escaped:                    false,
		"project=" + escaped + "&format=full":   true,
		"limit=1":                               false,
		"limit=1&format=full":                   true,
		"format=full":                           true,
		"":                                      false,
		"project=" + short + "&format=nonsense": true,
	} {
		got := w.call("GET", "/v2/movies?"+query, "")
		if has := strings.Contains(got.Body.String(), `"json":"{`); got.Code != 200 || has != want {
			t.Errorf("%q: %d, document shown: %v", query, got.Code, has)
		}
		if !want && got.Body.Len() > 12<<10 {
			t.Errorf("%q: the reply has %d bytes", query, got.Body.Len())
		}
	}
}

func TestManyWarningsAndDestinations(t *testing.T) {
	w := newWorld(t)
	id := w.submit(t, `{"exports":[`+strings.Repeat(`{},`, 50)+`{"destinations":[`+strings.Repeat(`{"type":"webhook"},`, 899)+`{}]}]}`)
	_, err := w.store.change(id, func(p *project.Project) { p.Warnings = make([]movie.Fault, 10_000) })
	if err != nil {
		t.Fatal(err)
	}
	var reply api.MovieReply
	if err := json.Unmarshal(w.call("GET", "/v2/movies?project="+id, "").Body.Bytes(), &reply); err != nil {
		t.Fatal(err)
	}
	m := reply.Movie
	if len(m.Warnings) != 51 || m.Warnings[50].Message != "9950 more warnings" || len(m.Exports) > 100 || len(m.Exports[len(m.Exports)-1].Destinations) != 100 {
		t.Errorf("%d warnings, %d exports", len(m.Warnings), len(m.Exports))
	}
}

func TestPanicsAndFaultsStayInside(t *testing.T) {
	w := newWorld(t)
	id := w.submit(t, `{"scenes":[{}]}`)
	w.store.dests = nil // Create writes to it
	got := w.call("POST", "/v2/movies", `{"scenes":[{}]}`)
	want := `{"success":false,"message":"Internal error; the server's log says more","timestamp":"2026-01-02T03:04:05.678Z"}`
	if got.Code != 500 || got.Body.String() != want {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if log := w.log.String(); !strings.Contains(log, "panic: assignment to entry in nil map") || !strings.Contains(log, "fakes_test.go") {
		t.Errorf("the stack is not in the log: %s", log)
	}
	w = newWorld(t)
	w.store.err = errors.New("secret-table is full")
	got = w.call("GET", "/v2/movies?project="+id, "")
	if got.Code != 500 || strings.Contains(got.Body.String(), "secret-table") || !strings.Contains(w.log.String(), "secret-table") {
		t.Errorf("%d %s\n%s", got.Code, got.Body, w.log)
	}
}

func TestLogLines(t *testing.T) {
	w := newWorld(t)
	id := w.submit(t, `{"client-data":{"card":"4111"}}`)
	w.call("GET", "/v2/movies/"+id+"?token=query-secret", "", "Idempotency-Key", "header-secret")
	w.call("GET", "/v2/movies?project=garbage-input", "")
	w.call("GET", "/files/guessed-token/x.mp4", "")
	w.call("GET", "/healthz", "", "x-api-key", "wrong-secret")
	var got []string
	for s := bufio.NewScanner(strings.NewReader(w.log.String())); s.Scan(); {
		_, line, _ := strings.Cut(s.Text(), " ")
		got = append(got, strings.ReplaceAll(regexp.MustCompile(`bytes=\d+`).ReplaceAllString(line, "bytes=N"), id, "ID"))
	}
	want := []string{
		`level=INFO msg=request method=POST path=/v2/movies status=200 bytes=N duration=0s key=key_fixed project=ID`,
		`level=INFO msg=request method=GET path=/v2/movies/{project} status=200 bytes=N duration=0s key=key_fixed project=ID`,
		`level=INFO msg=request method=GET path=/v2/movies status=400 bytes=N duration=0s key=key_fixed`,
		`level=INFO msg=request method=GET path=/files/{key...} status=404 bytes=N duration=0s`,
		`level=DEBUG msg=request method=GET path=/healthz status=200 bytes=N duration=0s`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
