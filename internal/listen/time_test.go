package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a network within a bubble.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p pipes) Close() error { close(p); return nil }

// client gives up after a time.
func (p pipes) client(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			p <- there
			return here, nil
		},
	}}
}

// TestTime holds how long an answer takes, and what is shown when the sender does
// not wait.
func TestTime(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fail    string
		delay   time.Duration
		app     appThat
		timeout time.Duration
		took    time.Duration
		status  int
		answer  string
	}{
		{"delay", "200", 2 * time.Second, "", 0, 2 * time.Second, 200, "200 OK"},
		{"delay of a failure", "503", 2 * time.Second, "", 0, 2 * time.Second, 503, "503 Service Unavailable"},
		{"too long a delay", "200", time.Minute, "", 15 * time.Second, 15 * time.Second, 0, "none: given up after 15s"},
		{"the app first", "200", 2 * time.Second, "201", 0, 2120 * time.Millisecond, 201, "201 Created, from the app in 120ms"},
		{"too long a delay after the app", "200", time.Minute, "200", 15 * time.Second, 15 * time.Second, 0, "none: given up after 15s"},
		{"too slow an app", "200", 0, "200", 50 * time.Millisecond, 50 * time.Millisecond, 0, "none: given up after 50ms"},
		{"the app is down", "200", time.Second, "down", 0, 1120 * time.Millisecond, 502, "502 Bad Gateway"},
		{"drip", "slow", 0, "", 0, time.Duration(len(rawAnswer)) * time.Second, 200, "a byte a second"},
		{"drip for too long", "slow", 0, "", 15 * time.Second, 15 * time.Second, 0, "a byte a second"},
		{"hang", "hang", 0, "", time.Hour, time.Hour, 0, "none, on purpose (hang)"},
		{"delay, then hang", "hang", time.Minute, "", 15 * time.Second, 15 * time.Second, 0, "none: given up after 15s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := Options{Fail: steps(t, tc.fail), Delay: tc.delay, Count: 1}
			synctest.Test(t, func(t *testing.T) {
				network := make(pipes)
				if tc.app != "" {
					o.Forward = &url.URL{Scheme: "http", Host: "app.test"}
				}
				r := serve(t, o, network)
				if tc.app != "" {
					r.transport = tc.app
				}
				before, status := time.Now(), 0
				resp, err := network.client(tc.timeout).Post(r.url, "text/plain", strings.NewReader("x"))
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					status = resp.StatusCode
				}
				took := time.Since(before)
				if (err != nil) != (status == 0) || status != tc.status || took != tc.took {
					t.Errorf("%d %v after %v, want %d after %v", status, err, took, tc.status, tc.took)
				}
				<-r.ended // Count was reached: the handler has ended as well
				if text := r.out.String(); !strings.Contains(text, "answer     "+tc.answer) || strings.Count(text, "answer     ") != 1 {
					t.Errorf("it showed\n%s", text)
				}
			})
		})
	}
}
