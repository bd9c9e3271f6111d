package httpput

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// testKey is a secret that can be a host's name.
const testKey = "k3yk3yk3yk3y"

// plain is a policy for servers without TLS.
var plain = safehttp.Policy{AllowNetworks: loopback.AllowNetworks, AllowHTTP: true}

func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// source is a file that counts how it is read.
type source struct {
	*bytes.Reader
	reads atomic.Int64
}

func (s *source) Read(p []byte) (int, error) { s.reads.Add(1); return s.Reader.Read(p) }
func (s *source) Close() error               { return nil }

func parcel(s export.Settings, content []byte) (export.Parcel, *source) {
	f := &source{Reader: bytes.NewReader(content)}
	return export.Parcel{
		Settings: s, Open: func() (io.ReadSeekCloser, error) { _, err := f.Seek(0, io.SeekStart); return f, err },
		Size: int64(len(content)), Name: "movie.mp4", Type: "video/mp4", Part: "p1", Sent: func(int64) {},
	}, f
}

// carry uploads a small file to a URL, with a query that is secret.
func carry(t testing.TB, c *Carrier, url string, more string) (export.Receipt, *export.Fault) {
	t.Helper()
	p, _ := parcel(settings(t, fmt.Sprintf(`{"url":%q%s}`, url+"?sig="+testToken+"&key="+testKey, more)), []byte("a movie"))
	r, err := c.Carry(t.Context(), p)
	return r, asFault(t, err)
}

func asFault(t testing.TB, err error) *export.Fault {
	t.Helper()
	var f *export.Fault
	if err != nil && !errors.As(err, &f) {
		t.Fatalf("no fault: %v", err)
	}
	return f
}

// s3Error is how S3 says that something is wrong.
func s3Error(code, message string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message + "</Message><RequestId>1</RequestId></Error>"
}

// TestAnswers holds what becomes of every kind of answer.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		status  int
		page    string
		header  string // and its value behind a colon
		want    export.Fault
		message string
	}{
		{301, "", "Location: https://other.test:8443/secret/path?x=y", export.Fault{Class: "protocol", Permanent: true}, "301 Moved Permanently; redirects, here to https://other.test:8443, are not followed"},
		{307, "", "Location: https://" + "tokentoken.test/", export.Fault{Class: "protocol", Permanent: true}, "307 Temporary Redirect; redirects, here to https://tokentoken.test, are"},
		{307, "", "Location: https://x." + testKey + ".test/", export.Fault{Class: "protocol", Permanent: true}, "Redirect; redirects are not followed"},
		{308, "", "Location: gopher://a", export.Fault{Class: "protocol", Permanent: true}, "Redirect; redirects are not followed"},
		{400, s3Error("RequestTimeout", "Your socket was idle."), "", export.Fault{Class: "protocol"}, "(RequestTimeout: Your socket was idle)"},
		{400, s3Error("EntityTooSmall", ""), "", export.Fault{Class: "protocol", Permanent: true}, "400 Bad Request (EntityTooSmall)"},
		{401, "<html>log in</html>", "", export.Fault{Step: "login", Class: "login", Permanent: true}, `401 Unauthorized; check what "headers" log in with`},
		{403, s3Error("AccessDenied", "Request has expired"), "", export.Fault{Class: "denied", Permanent: true}, "403 Forbidden (AccessDenied: Request has expired); a signed URL may have expired"},
		{403, "\ufeff" + s3Error("AuthenticationFailed", "Server\nfailed"), "", export.Fault{Class: "denied", Permanent: true}, "(AuthenticationFailed: Server failed)"},
		{403, s3Error("SignatureDoesNotMatch", "not "+testToken), "", export.Fault{Class: "denied", Permanent: true}, "(SignatureDoesNotMatch); a"},
		{403, s3Error("A", strings.Repeat("long ", 10_000)), "", export.Fault{Class: "denied", Permanent: true}, "(A); a"},
		{404, "", "Retry-After: 5", export.Fault{Class: "protocol", Permanent: true}, "404 Not Found; check the path"},
		{410, "", "", export.Fault{Class: "protocol", Permanent: true}, "410 Gone; check the path"},
		{405, "", "", export.Fault{Class: "protocol", Permanent: true}, "405 Method Not Allowed"},
		{408, "", "", export.Fault{Class: "protocol"}, "408"},
		{413, "", "", export.Fault{Class: "space", Permanent: true}, "413 Request Entity Too Large; the file is larger"},
		{423, "", "", export.Fault{Class: "protocol"}, "423 Locked"},
		{425, "", "", export.Fault{Class: "protocol"}, "425"},
		{429, "", "Retry-After: 7", export.Fault{Class: "protocol", RetryAfter: 7 * time.Second}, "429 Too Many Requests"},
		{499, "", "", export.Fault{Class: "protocol", Permanent: true}, "answered 499"},
		{500, "", "Retry-After: 99999999", export.Fault{Class: "protocol", RetryAfter: export.LongestWait}, "500"},
		{503, s3Error("SlowDown", "Reduce your request rate."), "Retry-After: never", export.Fault{Class: "protocol"}, "(SlowDown: Reduce your request rate)"},
		{507, "", "", export.Fault{Class: "space"}, "507 Insufficient Storage; there is no room"},
	} {
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if name, value, ok := strings.Cut(tc.header, ": "); ok {
				w.Header().Set(name, value)
			}
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.page)
		})
		_, f := carry(t, New(Options{Policy: plain}), srv.URL, "")
		if f == nil {
			t.Errorf("%d: no fault", tc.status)
			continue
		}
		want := tc.want
		want.Status, want.Message = tc.status, f.Message
		if want.Step == "" {
			want.Step = export.StepWrite
		}
		if diff := cmp.Diff(want, *f); diff != "" {
			t.Errorf("%d: -want +got\n%s", tc.status, diff)
		}
		if !strings.Contains(f.Message, tc.message) || len(f.Message) > 500 || strings.Contains(f.Message, testToken) {
			t.Errorf("%d: %s", tc.status, f.Message)
		}
	}
}

// TestTaken holds what a server is sent, and what the receipt says.
func TestTaken(t *testing.T) {
	var got *http.Request
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		if page, err := io.ReadAll(r.Body); string(page) != "a movie" || err != nil {
			t.Errorf("got %q, %v", page, err)
		}
		w.Header().Set("ETag", `W/"0cc175b9"`)
		w.WriteHeader(http.StatusCreated)
	})
	c := New(Options{Policy: plain, Version: "1.2.3"})
	r, f := carry(t, c, srv.URL+"/in/a%2Fb%20c.mp4", `,"headers":{"x-amz-acl":"private","X-Null":null,"n":7}`)
	want := export.Receipt{Path: "/in/a/b c.mp4", URL: srv.URL + "/in/a%2Fb%20c.mp4", ID: "0cc175b9"}
	if diff := cmp.Diff(want, r); diff != "" || f != nil {
		t.Fatalf("%+v, -want +got\n%s", f, diff)
	}
	header := http.Header{"Content-Length": {"7"}, "Content-Type": {"video/mp4"}, "User-Agent": {"Reelhook/1.2.3"}, "X-Amz-Acl": {"private"}, "N": {"7"},
		"Expect": {"100-continue"}, "Connection": {"close"}}
	if diff := cmp.Diff(header, got.Header); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got.Method != "PUT" || got.RequestURI != "/in/a%2Fb%20c.mp4?sig="+testToken+"&key="+testKey || got.ContentLength != 7 || got.TransferEncoding != nil {
		t.Errorf("got %s %s, %d bytes, %v", got.Method, got.RequestURI, got.ContentLength, got.TransferEncoding)
	}
	for more, want := range map[string]string{
		`,"content-type":"video/webm","method":"post"`:                             "POST video/webm",
		`,"headers":{"Content-Type":"a/b"}`:                                        "PUT a/b",
		`,"headers":{"Content-Type":"a/b"},"content-type":"c/d","method":"put"`:    "PUT c/d",
		`,"if-exists":"Overwrite","remote-path":"in","file":"f","unknown":{"a":1}`: "PUT video/mp4",
	} {
		_, f := carry(t, c, srv.URL, more)
		if is := got.Method + " " + got.Header.Get("Content-Type"); f != nil || is != want {
			t.Errorf("%s: %s, %+v", more, is, f)
		}
	}
}

// TestEchoes has a server that says the secret wherever it can.
func TestEchoes(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"`+testToken+`"`)
	})
	r, f := carry(t, New(Options{Policy: plain}), srv.URL, "")
	if r.ID != "" || f != nil {
		t.Errorf("got %+v, %+v", r, f)
	}
	up := &upload{}
	up.keepHeader("Bearer abcdefghijklmnop")
	up.keepHeader("Basic dXNlcjpwYXNzd29yZA==")
	tr := &try{upload: up}
	for text, want := range map[string]string{
		"Request has expired": "Request has expired", "abcdefghijklmnop": "", "it is ABCDEFGHIJKLMNOP!": "", "begins with abcdefghijkl": "",
		"your password": "", "line\r\nbreak\x1b[0m": "line  break [0m", "bad \xff": "bad �", "": "",
	} {
		if got := tr.shown(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}
