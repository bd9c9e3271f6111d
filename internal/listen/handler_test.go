package listen

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/webhook"
)

func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// shown is a writer that tells of each block.
type shown struct {
	mu     sync.Mutex
	text   strings.Builder
	blocks chan string
}

func newShown() *shown { return &shown{blocks: make(chan string, 100)} }

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks <- string(p)
	return s.text.Write(p)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// receiver is a handler that serves.
type receiver struct {
	*Handler
	url   string
	out   *shown
	stop  context.CancelFunc
	ended chan error // what Serve returned
}

// start serves on a real port until the test ends.
func start(t *testing.T, o Options) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := serve(t, o, l)
	r.url = "http://" + l.Addr().String() + "/"
	return r
}

func serve(t *testing.T, o Options, l net.Listener) *receiver {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out := newShown()
	o.Out = out
	r := &receiver{New(o), "http://pipe/", out, stop, make(chan error, 1)}
	done := make(chan struct{})
	go func() { defer close(done); r.ended <- r.Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-done })
	return r
}

func steps(t *testing.T, list string) []Step {
	t.Helper()
	s, err := ParseSteps(strings.Split(list, ","))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client keeps no connection, so that no request is tried again by itself.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends a body, signed or not, and returns status and body.
func post(t *testing.T, to, body string, signed bool) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if signed {
		sign(req.Header, body)
	}
	resp, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestServe counts what came in, and ends by itself after the last.
func TestServe(t *testing.T) {
	r := start(t, Options{Keys: keys(t), Count: 4})
	large := strings.Repeat("x", maxBody)
	for i, tc := range []struct {
		body   string
		signed bool
		status int
		answer string
	}{
		{large, true, 200, "200 OK\n"},
		{"{}", false, 401, "401 Unauthorized: only what is signed with the secret gets through\n"},
		{"{}", true, 200, "200 OK\n"},
		{large + "x", true, 413, "413 Request Entity Too Large: a body may have 1 MiB\n"},
	} {
		status, answer := post(t, r.url, tc.body, tc.signed)
		if status != tc.status || answer != tc.answer {
			t.Errorf("request %d: %d %q", i, status, answer)
		}
		// It was shown before it was answered.
		if block := <-r.out.blocks; strings.Contains(block, "the body was not read to its end") != (tc.status == 413) || len(block) > 2*maxShown {
			t.Errorf("request %d: it showed %d bytes\n%.500s", i, len(block), block)
		}
	}
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	if got, want := r.Summary().String(), "4 received, 2 verified, 1 forged, 1 doubles"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestIDsAreForgotten holds that memory does not grow without end.
func TestIDsAreForgotten(t *testing.T) {
	h := New(Options{})
	visit := func(id string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set(webhook.HeaderID, id)
		h.judge(&visit{h: h, r: r})
	}
	for i := range maxIDs + 2 {
		visit(strconv.Itoa(i))
	}
	if len(h.seen) > maxIDs {
		t.Errorf("%d ids", len(h.seen))
	}
	visit("")
	visit("")
	if h.total.Doubles != 0 {
		t.Errorf("%d doubles", h.total.Doubles)
	}
}

// got is what an application saw of a request.
type got struct {
	Method, URI string
	Header      http.Header
	Body        string
}

// TestForward compares what an application gets with what was sent, and what the
// sender gets with what the application answered.
func TestForward(t *testing.T) {
	requests := make(chan got, 1)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- got{r.Method, r.RequestURI, r.Header, string(body)}
		h := w.Header()
		h["X-Answer"] = []string{"a", "b"}
		h.Set("Location", "/elsewhere")
		h.Set("Content-Type", "text/x")
		h.Set("Date", "then")
		h.Set("Connection", "X-Hop")
		h.Set("X-Hop", "1")
		h.Set("Keep-Alive", "timeout=5")
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, "b\x00dy")
	}))
	defer app.Close()
	to, err := url.Parse(app.URL + "/hook?token=1")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Options{Forward: to, Keys: keys(t)})
	body := "{ \"a\" :1}\r\n\xff"
	req, err := http.NewRequestWithContext(t.Context(), "PUT", r.url+"other?q=2", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sign(req.Header, body)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "Reelhook/1.2.3", "Webhook-Event": "movie.done", "Webhook-Attempt": "3",
		"X-Forwarded-For": "192.0.2.1", "Connection": "X-Hop", "X-Hop": "1", "Te": "trailers",
		"Proxy-Authorization": "x", "Keep-Alive": "x", "Expect": "100-continue", "Upgrade": "x",
	} {
		req.Header.Set(name, value)
	}
	want := req.Header.Clone()
	for _, name := range []string{"Connection", "X-Hop", "Te", "Proxy-Authorization", "Keep-Alive", "Expect", "Upgrade"} {
		want.Del(name)
	}
	want.Set("Content-Length", "12")
	resp, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if diff := cmp.Diff(got{"PUT", "/hook?token=1", want, body}, <-requests); diff != "" {
		t.Errorf("the app got -want +got\n%s", diff)
	}
	answer, _ := io.ReadAll(resp.Body)
	wantHeader := http.Header{"X-Answer": {"a", "b"}, "Location": {"/elsewhere"}, "Content-Type": {"text/x"}, "Date": {"then"}, "Content-Length": {"4"}}
	if diff := cmp.Diff(wantHeader, resp.Header); resp.StatusCode != 307 || string(answer) != "b\x00dy" || diff != "" {
		t.Errorf("the sender got %d %q\n%s", resp.StatusCode, answer, diff)
	}
	if status, _ := post(t, r.url, "{}", false); status != 401 || len(requests) != 0 {
		t.Errorf("what is forged was answered %d and forwarded %d times", status, len(requests))
	}
}

// TestAppDown holds that the sender learns that there is no app, and the user why.
func TestAppDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r := start(t, Options{Forward: &url.URL{Scheme: "http", User: url.UserPassword("u", "hunter2"), Host: l.Addr().String(), Path: "/token-1"}})
	status, answer := post(t, r.url, "{}", false)
	if status != 502 || answer != "502 Bad Gateway: the app gave no answer\n" {
		t.Errorf("got %d %q", status, answer)
	}
	if block := <-r.out.blocks; !strings.Contains(block, "/token-1: dial tcp "+l.Addr().String()+": connect: connection refused") || strings.Contains(block, "hunter2") {
		t.Errorf("it showed\n%s", block)
	}
}

// TestMisbehaviour looks at each from the sender's side.
func TestMisbehaviour(t *testing.T) {
	r := start(t, Options{Fail: steps(t, "418,reset,close,304,hang"), Count: 5})
	fails := func(what string, want error) {
		resp, err := client().Post(r.url, "text/plain", strings.NewReader("x"))
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	if status, answer := post(t, r.url, "x", false); status != 418 || answer != "418 I'm a teapot\n" {
		t.Errorf("got %d %q", status, answer)
	}
	fails("reset", syscall.ECONNRESET)
	fails("close", io.ErrUnexpectedEOF)
	if status, answer := post(t, r.url, "x", false); status != 304 || answer != "" {
		t.Errorf("got %d %q", status, answer)
	}
	for range 4 {
		<-r.out.blocks
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-r.out.blocks; cancel() }()
	req, err := http.NewRequestWithContext(ctx, "POST", r.url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client().Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("hang: got %v %v", resp, err)
	}
	if err := <-r.ended; err != nil { // the hanging one noticed, and was the last
		t.Error(err)
	}
}

// TestStop holds that what hangs does not keep the receiver from ending, and is
// not answered then.
func TestStop(t *testing.T) {
	for _, o := range []Options{{Fail: steps(t, "hang")}, {Fail: steps(t, "slow")}} {
		r := start(t, o)
		go func() { <-r.out.blocks; r.stop() }()
		resp, err := client().Post(r.url, "text/plain", strings.NewReader("x"))
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: answered %s", o.Fail[0].name, resp.Status)
		}
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	}
}

// TestBrokenRequest holds that a request that breaks off is shown and not judged.
func TestBrokenRequest(t *testing.T) {
	r := start(t, Options{Count: 1})
	conn, err := net.Dial("tcp", strings.Trim(r.url, "htp:/"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}")
	conn.Close()
	if block := <-r.out.blocks; !strings.Contains(block, "none: the request broke off") || r.Summary() != (Summary{Received: 1}) {
		t.Errorf("it showed\n%s", block)
	}
	<-r.ended
}

func TestParseSteps(t *testing.T) {
	var got []any
	for _, s := range steps(t, "200, 599,hang,reset,close,slow") {
		if s.do == nil {
			got = append(got, s.status)
		} else {
			got = append(got, s.name)
		}
	}
	if diff := cmp.Diff([]any{200, 599, "hang", "reset", "close", "slow"}, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "199", "600", "-503", "503x", "Hang", "2e2"} {
		if s, err := ParseSteps([]string{"200", bad}); err == nil || !strings.Contains(err.Error(), `"`+bad+`" is neither a status`) {
			t.Errorf("%q: %d steps, %v", bad, len(s), err)
		}
	}
}

// TestParseKeys holds that either kind verifies, in any place, and that no error
// holds a secret.
func TestParseKeys(t *testing.T) {
	private, err := webhook.ParsePrivateKey(webhook.NewPrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	list, err := ParseKeys([]string{webhook.NewSecret(), " " + secretText, private.Public().String()})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Options{Keys: list})
	if status, _ := post(t, r.url, "{}", true); status != 200 {
		t.Errorf("by the second secret: %d", status)
	}
	now := time.Now()
	req := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
	sign(req.Header, "{}")
	req.Header.Set(webhook.HeaderSignature, webhook.Sign("msg_0", now, []byte("{}"), private))
	answer := httptest.NewRecorder()
	if r.ServeHTTP(answer, req); answer.Code != 200 {
		t.Errorf("by the public key: %d", answer.Code)
	}
	for _, bad := range []string{"", "whsec_", "hunter2 hunter2", "whsk_aHVudGVyMg==", "whpk_aHVudGVyMg==", "whpk_hunter2!"} {
		_, err := ParseKeys([]string{secretText, bad})
		if err == nil || !strings.HasPrefix(err.Error(), "number 2 of 2: ") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVud") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
