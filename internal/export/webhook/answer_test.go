package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

func TestStatuses(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	day := 24 * time.Hour
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, tc := range []struct {
		status int
		header string
		result export.Result
		// says is part of the message.
		says string
		wait time.Duration
	}{
		{200, "", export.Succeeded, "", 0},
		{201, "Location: /new", export.Succeeded, "", 0},
		{204, "", export.Succeeded, "", 0},
		{299, "Retry-After: 60", export.Succeeded, "", 0},
		{300, "", export.Refused, "The endpoint answered 300 Multiple Choices; redirects are not followed", 0},
		{301, "Location: http://10.0.0.1:80/a?b=c", export.Refused, "301 Moved Permanently; redirects, here to http://10.0.0.1:80/a, are not followed", 0},
		{302, "Location: " + other.URL + "/there?q", export.Refused, "here to " + other.URL + "/there, are", 0},
		{303, "Location: //user:pw@other.test/x", export.Refused, "here to http://other.test/x, are", 0},
		{307, "Location: " + other.URL, export.Refused, "here to " + other.URL + ", are", 0},
		{308, "Location: /hooks/s3cret-path/", export.Refused, "/…/…/, are", 0},
		{308, "Location: https://other.test/v2/s3cret-path.php/s3cret-t0ken", export.Refused, "here to https://other.test/v2/…/…, are", 0},
		{301, "Location: ?again", export.Refused, "/…/…, are", 0},
		{308, "Location: https://s3cret-t0ken.other.test/ok", export.Refused, "here to https://…/ok, are", 0},
		{302, "Location: /auth/Bearer/s3cret-value", export.Refused, "/auth/…/…, are", 0},
		{302, "Location: http://%zz/hooks/s3cret-path", export.Refused, "302 Found; redirects are not followed", 0},
		{304, "", export.Refused, "304 Not Modified", 0},
		{401, "", export.Refused, "The endpoint answered 401 Unauthorized", 0},
		{404, "", export.Refused, "The endpoint answered 404 Not Found", 0},
		{410, "Retry-After: 5", export.Refused, "The endpoint answered 410 Gone, so nothing more is sent to it", 5 * time.Second},
		{413, "", export.Refused, "413 Request Entity Too Large", 0},
		{429, "", export.Refused, "429 Too Many Requests", 0},
		{429, "Retry-After: 120", export.Refused, "429 Too Many Requests", 2 * time.Minute},
		{429, "Retry-After: " + in(time.Hour), export.Refused, "429", time.Hour},
		{429, "Retry-After: " + in(-time.Hour), export.Refused, "429", 0},
		{429, "Retry-After: " + in(48*time.Hour), export.Refused, "429", day},
		{503, "Retry-After: 99999999999999999999999999", export.Refused, "503 Service Unavailable", day},
		{503, "Retry-After: -1", export.Refused, "503", 0},
		{503, "Retry-After: soon", export.Refused, "503", 0},
		{500, "", export.Refused, "The endpoint answered 500 Internal Server Error", 0},
		{599, "", export.Refused, "The endpoint answered 599", 0},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if key, value, ok := strings.Cut(tc.header, ": "); ok {
				w.Header().Set(key, value)
			}
			w.WriteHeader(tc.status)
		}))
		a := send(t, leaf(t, Options{Policy: local}), srv.URL, late)
		srv.Close()
		if location := a.Headers.Get("Location"); location != "" && location != redacted || a.Headers.Get("Date") == "" && tc.status != 304 {
			t.Errorf("%d %s: kept %v", tc.status, tc.header, a.Headers)
		}
		class := map[export.Result]string{export.Refused: "http"}[tc.result]
		if a.Result != tc.result || a.Status != tc.status || a.Class != class || !strings.Contains(a.Error, tc.says) || a.Gone != (tc.status == 410) {
			t.Errorf("%d %s: got %+v, want %q", tc.status, tc.header, a, tc.says)
		}
		if early := tc.wait - a.RetryAfter; early < 0 || early > 5*time.Second { // the date has seconds only
			t.Errorf("%d %s: asked to wait %v, want %v", tc.status, tc.header, a.RetryAfter, tc.wait)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}
