package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/safehttp"
	standard "github.com/reelhook/reelhook/webhook"
)

// The endpoint's path and query and a header's value are secrets in every test;
// no message may hold them.
const (
	secretPath   = "/hooks/s3cret-path?token=s3cret-t0ken"
	secretHeader = "Bearer s3cret-value"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// local permits the test servers.
var local = safehttp.Policy{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}

func keys(t testing.TB, texts ...string) func(context.Context, string) ([]standard.Signer, error) {
	t.Helper()
	var list []standard.Signer
	for _, text := range texts {
		s, err := standard.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return func(context.Context, string) ([]standard.Signer, error) { return list, nil }
}

func leaf(t testing.TB, o Options) *Leaf {
	t.Helper()
	if o.Keys == nil {
		o.Keys = keys(t, secretText)
	}
	o.Version = "1.2.3"
	l := New(o)
	t.Cleanup(func() {
		if tr, ok := l.transport.(*http.Transport); ok {
			tr.CloseIdleConnections()
		}
	})
	return l
}

// delivery is one to the server's secret address.
func delivery(server string, timeout time.Duration) export.Delivery {
	return export.Delivery{ID: "dlv_1", MessageID: "msg_1", Project: "Ab3dE5gH7jK9mN1p", Event: export.MovieCompleted, Target: server + secretPath,
		ContentType: jsonType, Headers: map[string]string{"Authorization": secretHeader}, Body: []byte(`{"a":1}`), Timeout: timeout}
}

// send makes one attempt at the server's secret address and checks what holds
// for every attempt.
func send(t testing.TB, l *Leaf, server string, timeout time.Duration) export.Attempt {
	t.Helper()
	return sendAs(t, 3, l, server, timeout)
}

// sendAs makes an attempt of a certain number.
func sendAs(t testing.TB, number int, l *Leaf, server string, timeout time.Duration) export.Attempt {
	t.Helper()
	a := l.Attempt(t.Context(), delivery(server, timeout), export.Attempt{Delivery: "dlv_1", Number: number, Result: export.Open})
	if a.Delivery != "dlv_1" || a.Number != number {
		t.Errorf("closed as %+v", a)
	}
	closed(t, a)
	return a
}

// closed checks what holds for every attempt: its result follows from what it
// learned, and it gives nothing away.
func closed(t testing.TB, a export.Attempt) {
	t.Helper()
	var consistent bool
	switch maybe := strings.HasSuffix(a.Error, "; the webhook may have arrived"); a.Result {
	case export.Succeeded:
		consistent = a.Error == "" && a.Class == "" && a.Status/100 == 2 && a.Request != nil
	case export.Refused: // answered, or nothing was sent
		consistent = a.Error != "" && a.Class != "" && !maybe && (a.Status != 0) == (a.Class == "http") && (a.Status != 0) == (a.Request != nil)
	case export.Unknown:
		consistent = a.Class != "" && maybe && a.Status == 0 && a.Request != nil && a.Headers == nil && !a.Gone
	}
	if !consistent {
		t.Errorf("not consistent: %+v", a)
	}
	if text := fmt.Sprint(a.Error, a.Class, a.Peer, a.Request); strings.Contains(text, "s3cret") || strings.Contains(text, "hooks") {
		t.Errorf("a secret in %q", text)
	}
	if a.Request != nil && (a.Request.Get("Webhook-Id") == "" || a.Request.Get("Authorization") != redacted) {
		t.Errorf("shown as sent: %v", a.Request)
	}
	if len(a.Answer) > maxAnswer {
		t.Errorf("%d bytes kept", len(a.Answer))
	}
}

// TestRequest looks at what an endpoint gets, on two attempts an hour apart.
func TestRequest(t *testing.T) {
	older, newer := standard.NewSecret(), standard.NewSecret()
	synctest.Test(t, func(t *testing.T) {
		var seen []*http.Request
		l := leaf(t, Options{Keys: keys(t, newer, older)})
		l.transport = roundTrip(func(r *http.Request) *http.Response {
			seen = append(seen, r)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("ok"))}
		})
		dest := destination(t, "")
		dest.Settings["headers"] = []byte(`{"Authorization":"s3cret","x-own-CASE":1}`)
		d, err := l.Prepare(export.Notice{Event: export.MovieFailed, Project: project.Project{ID: "p"}}, dest)
		if err != nil {
			t.Fatal(err)
		}
		d.ID, d.MessageID, d.Project = "dlv_1", "msg_1", "p"
		for number := 1; number <= 2; number++ {
			a := l.Attempt(t.Context(), d, export.Attempt{Number: number})
			r := seen[len(seen)-1]
			shown := r.Header.Clone()
			shown["Authorization"], shown["x-own-CASE"] = []string{redacted}, []string{redacted}
			want := export.Attempt{Number: number, Result: export.Succeeded, Status: 200, Answer: []byte("ok"), Request: shown}
			if diff := cmp.Diff(want, a); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			body, _ := io.ReadAll(r.Body)
			if string(body) != string(d.Body) || r.ContentLength != int64(len(body)) || r.Method != "POST" || r.URL.String() != d.Target {
				t.Errorf("%s %s of %d bytes: %s", r.Method, r.URL, r.ContentLength, body)
			}
			for _, secret := range []string{older, newer} {
				lib, _ := official.NewWebhook(secret)
				if err := lib.Verify(body, r.Header); err != nil { // its clock is the bubble's: the timestamp is fresh
					t.Error(err)
				}
			}
			<-time.After(time.Hour)
		}
		one, two := seen[0].Header, seen[1].Header
		changing := []string{"Webhook-Timestamp", "Webhook-Signature", "Traceparent"}
		for _, name := range changing {
			if one.Get(name) == two.Get(name) {
				t.Errorf("both attempts have %s %s", name, one.Get(name))
			}
		}
		for i, h := range []http.Header{one, two} {
			for _, name := range changing {
				h.Del(name)
			}
			want := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Reelhook/1.2.3"}, "Webhook-Id": {"msg_1"},
				"Webhook-Event": {"movie.failed"}, "Webhook-Attempt": {strconv.Itoa(i + 1)}, "Authorization": {"s3cret"}, "x-own-CASE": {"1"}}
			if diff := cmp.Diff(want, h); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		}
	})
}

// TestWire looks at the bytes themselves: a client's headers are spelled as it
// spelled them, and nothing is added to what is shown but host and length.
func TestWire(t *testing.T) {
	head := make(chan string, 1)
	address := listen(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		var lines strings.Builder
		for line := ""; line != "\r\n"; lines.WriteString(line) {
			line, _ = r.ReadString('\n')
		}
		head <- lines.String()
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	d := delivery("http://"+address, late)
	d.Headers = map[string]string{"x-LOUD": "1", "Authorization": "Basic eA==", "x_odd~": "Grüße"}
	a := leaf(t, Options{Policy: local}).Attempt(t.Context(), d, export.Attempt{Number: 1})
	want := []string{"POST " + secretPath + " HTTP/1.1", "Host: " + address, "Content-Length: 7"}
	for name, values := range a.Request {
		value := values[0]
		if own, ok := d.Headers[name]; ok {
			value = own
		}
		want = append(want, name+": "+value)
	}
	got := strings.Split(strings.TrimSpace(<-head), "\r\n")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestTraceparent holds that all webhooks of a movie are one trace, of which
// every attempt is a part of its own.
func TestTraceparent(t *testing.T) {
	form := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-01$`)
	traces, parents := map[string]int{}, map[string]int{}
	for _, d := range []export.Delivery{
		{ID: "dlv_1", MessageID: "msg_1", Project: "p"}, {ID: "dlv_2", MessageID: "msg_2", Project: "p"}, {ID: "dlv_3", MessageID: "msg_3", Project: "q"},
		{ID: "dlv_4", MessageID: "msg_4"}, {ID: "dlv_5", MessageID: "msg_5"},
	} {
		for number := range 3 {
			ids := form.FindStringSubmatch(traceparent(d, number+1))
			if ids == nil || ids[0] != traceparent(d, number+1) {
				t.Fatal(traceparent(d, number+1))
			}
			traces[ids[1]]++
			parents[ids[2]]++
		}
	}
	if len(traces) != 4 || len(parents) != 15 {
		t.Errorf("%d traces, %d parents: %v", len(traces), len(parents), traces)
	}
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestConnectionsAreReused holds that attempts one after another need one
// connection, however long the answers are that we read to their end.
func TestConnectionsAreReused(t *testing.T) {
	var opened atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, maxAnswer))
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	l := leaf(t, Options{Policy: local})
	for range 20 {
		if a := send(t, l, srv.URL, late); a.Result != export.Succeeded || len(a.Answer) != maxAnswer || a.Cut {
			t.Fatalf("%+v", a)
		}
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	var all sync.WaitGroup
	for range defaultPerHost {
		all.Go(func() { send(t, l, srv.URL, late) })
	}
	all.Wait()
	before := opened.Load()
	for range defaultPerHost {
		all.Go(func() { send(t, l, srv.URL, late) })
	}
	all.Wait()
	if n := opened.Load(); n > defaultPerHost+1 || n > before+defaultPerHost/2 {
		t.Errorf("%d connections, %d before", n, before)
	}
}

// TestWithoutKeys holds that nothing is ever sent unsigned.
func TestWithoutKeys(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent") }))
	defer srv.Close()
	a := send(t, leaf(t, Options{Policy: local, Keys: keys(t)}), srv.URL, late)
	if a.Error != "The webhook was not sent: there is no key to sign with" || a.Gone {
		t.Errorf("%+v", a)
	}
}

// BenchmarkAttempt is one signed POST over an open connection, both ends counted.
func BenchmarkAttempt(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	defer srv.Close()
	l := leaf(b, Options{Policy: local})
	d := delivery(srv.URL, late)
	d.Headers, d.Body = nil, []byte(strings.Repeat("x", 510))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if a := l.Attempt(context.Background(), d, export.Attempt{}); a.Result != export.Succeeded {
				b.Error(errors.New(a.Error))
				return
			}
		}
	})
}
