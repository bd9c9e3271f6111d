package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// asFault is an error as a Fault, an empty one for none.
func asFault(t testing.TB, err error) export.Fault {
	t.Helper()
	var f *export.Fault
	if err != nil && !errors.As(err, &f) {
		t.Fatalf("%v is no Fault but %T", err, err)
	}
	if f == nil {
		return export.Fault{}
	}
	return *f
}

// kind is a fault without words.
func kind(f export.Fault) export.Fault { f.Message = ""; return f }

// TestAnswers: what a store says when it is asked to list, and what is made of it.
func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		code   string
		status int
		want   export.Fault
		says   string
	}{
		{"InvalidAccessKeyId", 403, export.Fault{Step: "login", Class: "login", Permanent: true}, `"access-key"`},
		{"SignatureDoesNotMatch", 403, export.Fault{Step: "login", Class: "login", Permanent: true}, `"secret-key"`},
		{"ExpiredToken", 400, export.Fault{Step: "login", Class: "login", Permanent: true}, `"session-token" has expired`},
		{"Unheard", 401, export.Fault{Step: "login", Class: "login", Permanent: true}, "Unheard"},
		{"RequestTimeTooSkewed", 403, export.Fault{Step: "login", Class: "login"}, "clock"},
		{"NoSuchBucket", 404, export.Fault{Step: "folder", Class: "denied", Permanent: true}, `"create-bucket"`},
		{"AllAccessDisabled", 403, export.Fault{Step: "folder", Class: "denied", Permanent: true}, "switched"},
		{"PermanentRedirect", 301, export.Fault{Step: "folder", Class: "protocol", Permanent: true}, `"eu-south-9"`},
		{"AuthorizationHeaderMalformed", 400, export.Fault{Step: "folder", Class: "protocol", Permanent: true}, `"eu-south-9"`},
		{"", 302, export.Fault{Step: "folder", Class: "protocol", Permanent: true}, "a redirect"},
		{"SlowDown", 503, export.Fault{Step: "folder", Class: "protocol", RetryAfter: 7 * time.Second}, "fewer requests"},
		{"ServiceUnavailable", 503, export.Fault{Step: "folder", Class: "protocol", RetryAfter: 7 * time.Second}, "503"},
		{"InternalError", 500, export.Fault{Step: "folder", Class: "protocol"}, "500: InternalError"},
		{"", 502, export.Fault{Step: "folder", Class: "protocol"}, "502"},
		{"QuotaExceeded", 403, export.Fault{Step: "folder", Class: "space"}, "quota"},
		{"XMinioStorageFull", 507, export.Fault{Step: "folder", Class: "space"}, "room"},
		{"", 507, export.Fault{Step: "folder", Class: "space"}, "507"},
		{"EntityTooLarge", 400, export.Fault{Step: "folder", Class: "space", Permanent: true}, "larger"},
		{"InvalidStorageClass", 400, export.Fault{Step: "folder", Class: "protocol", Permanent: true}, "InvalidStorageClass"},
	} {
		var asked int
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if tc.want.RetryAfter > 0 {
				w.Header().Set("Retry-After", "7")
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tc.status)
			if tc.code != "" {
				// It repeats what it was sent, and more than anybody reads.
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s %s \u200e%s</Message><Region>eu-south-9</Region></Error>",
					tc.code, signature.FindString(r.Header.Get("Authorization")), r.Header.Get("X-Amz-Security-Token"), strings.Repeat("x", 1000))
			}
		}))
		s := settings(t, minimal, with{"endpoint": server.URL, "session-token": "token-of-the-session"})
		_, err := New(Options{Policy: loopback()}).Carry(t.Context(), small(s, "x"))
		server.Close()
		f := asFault(t, err)
		want := tc.want
		want.Status = tc.status
		if kind(f) != want || !strings.Contains(f.Message, tc.says) || asked != 1 {
			t.Errorf("%s %d: %+v after %d requests", tc.code, tc.status, f, asked)
		}
		for _, secret := range []string{"SK-secret", "token-of-the-session", "\u200e"} {
			if strings.Contains(f.Message, secret) {
				t.Errorf("%s: shows %q: %s", tc.code, secret, f.Message)
			}
		}
		if signature.MatchString(f.Message) || len(f.Message) > 400 {
			t.Errorf("%s: shows a signature or too much: %s", tc.code, f.Message)
		}
	}
}

// TestAnswersToUploads: a login that may not list is let on, and a file that the
// store refuses is its fault to name.
func TestAnswersToUploads(t *testing.T) {
	for _, tc := range []struct {
		code   string
		status int
		want   export.Fault
	}{
		{"QuotaExceeded", 403, export.Fault{Class: "space"}},
		{"XAmzContentSHA256Mismatch", 400, export.Fault{Class: "size"}},
		{"RequestTimeout", 400, export.Fault{Class: "timeout"}},
		{"InternalError", 500, export.Fault{Class: "protocol", RetryAfter: export.LongestWait}},
		{"ConditionalRequestConflict", 409, export.Fault{Class: "protocol"}},
		{"AccessControlListNotSupported", 400, export.Fault{Class: "protocol", Permanent: true}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error><Code>NotEntitled</Code></Error>")
				return
			}
			if tc.want.RetryAfter > 0 {
				w.Header().Set("Retry-After", time.Now().Add(1e6*time.Hour).UTC().Format(http.TimeFormat))
			}
			w.WriteHeader(tc.status)
			fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", tc.code)
		}))
		_, err := New(Options{Policy: loopback()}).Carry(t.Context(), small(settings(t, minimal, with{"endpoint": server.URL}), "x"))
		server.Close()
		want := tc.want
		want.Step, want.Status = "write", tc.status
		if f := asFault(t, err); kind(f) != want {
			t.Errorf("%s: %+v", tc.code, f)
		}
	}
}

// small is a parcel of a few bytes.
func small(s export.Settings, content string) export.Parcel {
	return export.Parcel{
		Settings: s, Size: int64(len(content)), Name: "movie.mp4", Type: "video/mp4", Part: "p1",
		Open: func() (io.ReadSeekCloser, error) { return nopCloser{strings.NewReader(content)}, nil },
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

// TestNoStore: a server that speaks HTTP, but not S3.
func TestNoStore(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!DOCTYPE html><p>Welcome<br></p>")
	}))
	defer server.Close()
	_, err := New(Options{Policy: loopback()}).Carry(t.Context(), small(settings(t, minimal, with{"endpoint": server.URL}), "x"))
	if f := asFault(t, err); f.Class != "protocol" || !strings.Contains(f.Message, `check "endpoint"`) {
		t.Errorf("%+v", f)
	}
}

func TestUnreadableFile(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	broken := errors.New("the disk's secret name")
	for name, p := range map[string]export.Parcel{
		"no file":   {Open: func() (io.ReadSeekCloser, error) { return nil, broken }, Size: 7},
		"shorter":   {Open: func() (io.ReadSeekCloser, error) { return nopCloser{strings.NewReader("short")}, nil }, Size: 7, SHA256: strings.Repeat("0", 64)},
		"unhashed":  {Open: func() (io.ReadSeekCloser, error) { return nopCloser{badReader{broken}}, nil }, Size: 7},
		"in a part": {Open: func() (io.ReadSeekCloser, error) { return nopCloser{badReader{broken}}, nil }, Size: least + 1},
	} {
		p.Settings, p.Name = settings(t, g.settings()), "movie.mp4"
		_, err := New(Options{Policy: loopback()}).Carry(t.Context(), p)
		if f := asFault(t, err); f.Step != "write" || f.Class != "error" || f.Permanent || strings.Contains(f.Message, "secret") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if names := g.names(""); len(names) > 0 {
		t.Errorf("there is %q", names)
	}
}

type badReader struct{ err error }

func (b badReader) Read([]byte) (int, error)       { return 0, b.err }
func (b badReader) Seek(int64, int) (int64, error) { return 0, nil }
