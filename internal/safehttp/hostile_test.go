package safehttp

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// witness is a listener that nobody is to reach.
type witness struct {
	net.Listener
	port string
	came chan net.Conn
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w := &witness{l, port, make(chan net.Conn, 4096)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
			w.came <- c
		}
	}()
	return w
}

// reached counts who came: all that were there before a visitor of its own.
func (w *witness) reached(t *testing.T) (n int) {
	t.Helper()
	own, err := net.Dial("tcp", w.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for c := range w.came {
		if c.RemoteAddr().String() == own.LocalAddr().String() {
			return n
		}
		n++
	}
	return n
}

// example is a line of testdata.
type example struct {
	line     int
	url, why string
	answer   dnstest.Answer
	to       string
}

var exampleLine = regexp.MustCompile(`^("(?:[^"\\]|\\.)*"|\S+)(?: +=> +(\S+))?(?: +-> +(\S+))? +# (.+)$`)

// readExamples reads the lines of a file, PORT in their URLs replaced.
func readExamples(t *testing.T, file, port string) (list []example) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		m := exampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%s:%d cannot be read: %s", file, i+1, line)
		}
		e := example{line: i + 1, url: m[1], to: m[3], why: m[4]}
		if m[1][0] == '"' {
			if e.url, err = strconv.Unquote(m[1]); err != nil {
				t.Fatalf("%s:%d: %v", file, i+1, err)
			}
		}
		e.url = strings.ReplaceAll(e.url, "PORT", port)
		for a := range strings.SplitSeq(m[2], ",") {
			if name, ok := strings.CutPrefix(a, "CNAME:"); ok {
				e.answer.CNAME = name
			} else if a != "" && a != "-" {
				e.answer.Addrs = append(e.answer.Addrs, netip.MustParseAddr(a))
			}
		}
		list = append(list, e)
	}
	return list
}

// get asks for a URL without CheckURL, as a caller would that forgot it.
func get(client *http.Client, raw string) error {
	resp, err := client.Get(raw)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// TestHostile holds that none of the URLs is reached, neither directly nor by
// asking a proxy: by CheckURL, and by the dialer alone where CheckURL was left out.
func TestHostile(t *testing.T) {
	w := newWitness(t)
	list := readExamples(t, "testdata/hostile.txt", w.port)
	if len(list) < 200 {
		t.Errorf("only %d lines", len(list))
	}
	var answer atomic.Pointer[dnstest.Answer]
	resolver := dnstest.Serve(t, func(dnstest.Question) dnstest.Answer { return *answer.Load() })
	p := Policy{AllowHTTP: true, AllowHosts: []string{"allowed.test", "*.allowed.test", "*", "*.", "", "127.0.0.1", "*.0.0.1", "::1"}}
	direct := p.Client(Options{Resolver: resolver, ConnectTimeout: time.Minute})
	proxied := p.Client(Options{Resolver: resolver, ConnectTimeout: time.Minute, Proxy: &url.URL{Scheme: "http", Host: w.Addr().String()}})
	for _, e := range list {
		if len(e.answer.Addrs) == 0 {
			e.answer = dnstest.Addrs("127.0.0.1")
		}
		answer.Store(&e.answer)
		_, checked := p.CheckURL(e.url)
		if checked != nil && !IsBlocked(checked) {
			t.Errorf("line %d: %T is no refusal", e.line, checked)
		}
		for how, client := range map[string]*http.Client{"directly": direct, "by proxy": proxied} {
			err := get(client, e.url)
			if err == nil || checked == nil && Classify(err) != "blocked" {
				t.Errorf("line %d (%s), %s: %s was not refused: %v", e.line, e.why, how, e.url, err)
			}
			if class := Classify(err); class == "proxy" || class == "reset" || class == "refused" {
				t.Errorf("line %d (%s), %s: %s was dialled: %v", e.line, e.why, how, e.url, err)
			}
		}
	}
	if n := w.reached(t); n > 0 {
		t.Errorf("reached %d times", n)
	}
}

// TestFriendly holds that what is public passes, and what is dialled for it. A
// proxy stands for the world: it is asked for the address, and has it not.
func TestFriendly(t *testing.T) {
	var answer atomic.Pointer[dnstest.Answer]
	resolver := dnstest.Serve(t, func(dnstest.Question) dnstest.Answer { return *answer.Load() })
	proxy := httpProxy(t, nil, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
	client := Policy{AllowHTTP: true}.Client(Options{Resolver: resolver, ConnectTimeout: time.Minute, Proxy: proxy.url})
	for _, e := range readExamples(t, "testdata/friendly.txt", "") {
		answer.Store(&e.answer)
		if _, err := (Policy{AllowHTTP: true}).CheckURL(e.url); err != nil {
			t.Errorf("line %d (%s): %v", e.line, e.why, err)
		}
		err := get(client, e.url)
		asked := proxy.requests()
		if Classify(err) != "refused" || len(asked) != max(1, len(e.answer.Addrs)) {
			t.Errorf("line %d (%s): %v, asked for %q", e.line, e.why, err, asked)
			continue
		}
		u, _ := url.Parse(e.url)
		port := u.Port()
		if port == "" {
			port = "80"
		}
		want := []string{e.to}
		if e.to == "*" {
			want = nil
			for _, a := range e.answer.Addrs {
				want = append(want, net.JoinHostPort(a.String(), port))
			}
			slices.Sort(want)
			slices.Sort(asked)
		}
		if !slices.Equal(asked, want) {
			t.Errorf("line %d (%s): asked for %q, want %q", e.line, e.why, asked, want)
		}
	}
}
