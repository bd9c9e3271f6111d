package api_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
)

// spy is a ResponseWriter that notes in which order it is used.
type spy struct {
	http.ResponseWriter
	notes []string
}

func (s *spy) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

func (s *spy) WriteHeader(status int) {
	s.note("headers %d", status)
	s.ResponseWriter.WriteHeader(status)
}

func (s *spy) Write(b []byte) (int, error) {
	s.note("write %d", len(b))
	return s.ResponseWriter.Write(b)
}

func (s *spy) FlushError() error {
	s.note("flush")
	return nil
}

func (s *spy) SetWriteDeadline(t time.Time) error {
	if left := time.Until(t); left < 29*time.Second || left > 30*time.Second {
		s.note("in %v", left)
	}
	s.note("deadline")
	return nil
}

func TestRepliesAreOneWriteAfterTheHeaders(t *testing.T) {
	w := newWorld(t)
	id := w.submit(t, `{"comment":"`+strings.Repeat("x", 11<<10)+`"}`)
	for _, c := range []struct {
		method, target, body string
		status               int
	}{
		{"POST", "/v2/movies", `{"scenes":[{}]}`, 200},
		{"POST", "/v2/movies", ``, 400},
		{"GET", "/v2/movies?project=" + id, ``, 200},
		{"GET", "/v2/movies", ``, 200},
		{"GET", "/v2/nonsense", ``, 404},
		{"PUT", "/v2/movies", ``, 405},
		{"GET", "/healthz", ``, 200},
	} {
		got := httptest.NewRecorder()
		s := &spy{ResponseWriter: got}
		r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		r.Header.Set("x-api-key", key)
		w.ServeHTTP(s, r)
		n := got.Body.Len()
		want := []string{"deadline", "deadline", fmt.Sprintf("headers %d", c.status), "flush", "deadline", fmt.Sprintf("write %d", n)}
		if diff := cmp.Diff(want, s.notes); diff != "" || got.Header().Get("Content-Length") != fmt.Sprint(n) {
			t.Errorf("%s %s: Content-Length %s, -want +got\n%s", c.method, c.target, got.Header().Get("Content-Length"), diff)
		}
	}
}

// serveTLS starts a server on the loopback and submits a movie whose status
// reply has about size bytes.
func serveTLS(t *testing.T, w *world) *httptest.Server {
	srv := httptest.NewUnstartedServer(w)
	srv.TLS = &tls.Config{DynamicRecordSizingDisabled: true}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func (w *world) submitSized(t *testing.T, size int) string {
	id := w.submit(t, `{"comment":""}`)
	bare := w.call("GET", "/v2/movies?project="+id, "").Body.Len()
	return w.submit(t, `{"comment":"`+strings.Repeat("x", size-bare)+`"}`)
}

// The Node SDK reads one chunk. In Go a tls.Conn's Read gives one record at
// most, so the second one must be the whole body.
func TestLongReplyIsOneTLSRecord(t *testing.T) {
	w := newWorld(t)
	srv := serveTLS(t, w)
	for _, size := range []int{1000, 3000, 6000, 12_000} {
		id := w.submitSized(t, size)
		conn, err := tls.Dial("tcp", srv.Listener.Addr().String(), srv.Client().Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second)) // a broken reply must fail the test, not hang it
		fmt.Fprintf(conn, "GET /v2/movies?project=%s HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\n\r\n", id, key)
		buf := make([]byte, 64<<10)
		n, err := conn.Read(buf)
		if err != nil || !strings.HasSuffix(string(buf[:n]), "\r\n\r\n") {
			t.Errorf("%d bytes: the first record is not the headers: %d bytes, %v", size, n, err)
		}
		n, err = conn.Read(buf)
		var reply api.MovieReply
		if err != nil || n != size || json.Unmarshal(buf[:n], &reply) != nil {
			t.Errorf("the second record has %d bytes, want %d, %v", n, size, err)
		}
		conn.Close()
	}
}

// nodeFirstChunk does what the Node SDK does.
const nodeFirstChunk = `
const https = require('https')
const [port, key, ...ids] = process.argv.slice(1)
const next = () => {
  const id = ids.shift()
  if (!id) return
  https.get({host: '127.0.0.1', port, path: '/v2/movies?project=' + id, headers: {'x-api-key': key}, rejectUnauthorized: false}, res => {
    res.once('data', d => { console.log(d.length, JSON.parse(d).movie.project); res.destroy(); next() })
  })
}
next()`

func TestNodeReadsRepliesInOneChunk(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed: scripts/deps test installs it")
	}
	w := newWorld(t)
	srv := serveTLS(t, w)
	small, large := w.submitSized(t, 6000), w.submitSized(t, 12_000)
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	out, err := exec.CommandContext(t.Context(), node, "-e", nodeFirstChunk, port, key, small, large).CombinedOutput()
	if want := fmt.Sprintf("6000 %s\n12000 %s\n", small, large); err != nil || string(out) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out, want)
	}
}

// The PHP client may speak HTTP/1.0, which knows no chunks.
func TestHTTP10(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w)
	defer srv.Close()
	id := w.submitSized(t, 8000)
	for _, version := range []string{"1.0", "1.1"} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /v2/movies?project=%s HTTP/%s\r\nHost: x\r\nConnection: close\r\nx-api-key: %s\r\n\r\n", id, version, key)
		raw, err := io.ReadAll(conn)
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		if err != nil || len(body) != 8000 || !strings.Contains(head, "Content-Length: 8000") || strings.Contains(head, "Transfer-Encoding") {
			t.Errorf("HTTP/%s: %v, %d bytes after\n%s", version, err, len(body), head)
		}
		conn.Close()
	}
}

func TestRefusedUploadStillGetsItsAnswer(t *testing.T) {
	srv := httptest.NewServer(newWorld(t).bare)
	defer srv.Close()
	req, _ := http.NewRequest("POST", srv.URL+"/v2/movies", strings.NewReader(strings.Repeat(" ", api.MaxBody+1)))
	req.Header.Set("x-api-key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var f api.Failure
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || resp.StatusCode != 413 || f.Message == "" || !resp.Close {
		t.Errorf("%d %v %v, connection closed: %v", resp.StatusCode, f.Message, err, resp.Close)
	}
}

func TestUnfinishedUpload(t *testing.T) {
	srv := httptest.NewServer(newWorld(t).bare)
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v2/movies HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 100\r\n\r\n{}", key)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 400 {
		t.Errorf("%v %v", resp, err)
	}
}

// TestTolerance sends one movie in the ways real senders do.
func TestTolerance(t *testing.T) {
	w := newWorld(t)
	const doc = `{"scenes":[{"duration":"2"}]}`
	for name, c := range map[string]struct {
		body    string
		headers []string
	}{
		"BOM":                 {body: "\xef\xbb\xbf" + doc},
		"CRLF":                {body: "{\r\n\"scenes\":[\r\n{\"duration\":\"2\"}]\r\n}\r\n"},
		"spaces around":       {body: " \n\t" + doc + "\n "},
		"no content type":     {body: doc},
		"scenes":              {body: doc, headers: []string{"Content-Type", "scenes"}},
		"form":                {body: doc, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"multipart":           {body: doc, headers: []string{"Content-Type", "multipart/form-data"}},
		"not a content type":  {body: doc, headers: []string{"Content-Type", ";;=\""}},
		"a charset":           {body: doc, headers: []string{"Content-Type", "application/json; charset=latin1"}},
		"a bearer as well":    {body: doc, headers: []string{"Authorization", "Bearer x"}},
		"spaces in the key":   {body: doc, headers: []string{"X-API-KEY", "  " + key + " "}},
		"nothing acceptable":  {body: doc, headers: []string{"Accept", "text/html;q=0"}},
		"invalid UTF-8":       {body: `{"client-data":{"a":"` + "\xff\xfe" + `"},"scenes":[{}]}`},
		"a lonely surrogate":  {body: `{"client-data":{"a":"\ud800"},"scenes":[{}]}`},
		"a null client-data":  {body: `{"client_data":null,"scenes":[{}]}`},
		"client-data no more": {body: `{"client-data":[1,"x"],"scenes":[{}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.call("POST", "/v2/movies/", c.body, c.headers...)
			var a api.Accepted
			if err := json.Unmarshal(got.Body.Bytes(), &a); err != nil || got.Code != 200 || len(a.Project) != 16 {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
			p, _ := w.store.Get(t.Context(), a.Project)
			if strings.HasPrefix(string(p.Source), "\xef") || len(p.Source) < 10 {
				t.Errorf("kept %q", p.Source)
			}
			shown := w.call("GET", "/v2/movies?id="+a.Project, "")
			if !json.Valid(shown.Body.Bytes()) || strings.ToValidUTF8(shown.Body.String(), "?") != shown.Body.String() {
				t.Errorf("not JSON, or not UTF-8: %q", shown.Body)
			}
		})
	}
}

func TestIdempotencyUnderConcurrency(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	replies := make([]string, 64)
	for i := range replies {
		wg.Go(func() {
			body := fmt.Sprintf(`{"id":"%d","scenes":[{}]}`, i/16)
			got := w.call("POST", "/v2/movies", body, "Idempotency-Key", fmt.Sprint("order-", i/32))
			replies[i] = fmt.Sprint(got.Code, got.Body)
		})
	}
	wg.Wait()
	answers := map[string]int{}
	for i, r := range replies {
		answers[fmt.Sprintf("order-%d, body %d: %s", i/32, i/16, r)]++
	}
	accepted := 0
	for answer, n := range answers {
		if n != 16 {
			t.Errorf("%d times %s", n, answer)
		}
		if strings.Contains(answer, ": 200") {
			accepted++
		}
	}
	// For each key one of the two bodies came first; the other always conflicts.
	if len(answers) != 4 || accepted != 2 || len(w.store.projects) != 2 {
		t.Errorf("%d projects, %d accepted, answers %v", len(w.store.projects), accepted, answers)
	}
}
