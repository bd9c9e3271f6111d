package safehttp

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

func TestParseHosts(t *testing.T) {
	got, err := ParseHosts([]string{"n8n.internal", " N8N.Internal. ", "*.Example.internal", "n8n", "bücher.example", "*.internal", "my_host", "localhost"})
	want := []string{"n8n.internal", "n8n.internal", "*.example.internal", "n8n", "xn--bcher-kva.example", "*.internal", "my_host", "localhost"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if again, err := ParseHosts(got); err != nil || cmp.Diff(got, again) != "" {
		t.Errorf("read again: %v, %v", again, err)
	}
	for text, says := range map[string]string{
		"":                        "empty",
		" ":                       "empty",
		"*":                       "every name",
		"*.":                      "every name",
		"10.0.0.1":                "--allow-networks",
		"10.0.0.0/8":              "--allow-networks",
		"::1":                     "--allow-networks",
		"[::1]":                   "--allow-networks",
		"2130706433":              "--allow-networks",
		"0x7f.1":                  "--allow-networks",
		"n8n.internal:5678":       "port",
		"http://n8n.internal":     "URL",
		"http://u:s3cret@n8n":     "URL",
		"n8n.internal/path":       "URL",
		"a.*.internal":            "misplaced",
		"*n8n.internal":           "misplaced",
		"*.*.internal":            "misplaced",
		"n8n internal":            "not a host name",
		"-n8n.internal":           "not a host name",
		"n8n..internal":           "not a host name",
		"①②⑦.⓪.⓪.①":               "not a host name",
		"*.127.0.0.1":             "--allow-networks",
		"*.com":                   "anyone can register",
		"*.co.uk":                 "anyone can register",
		"*.github.io":             "anyone can register",
		strings.Repeat("a.", 200): "not a host name",
	} {
		_, err := ParseHosts([]string{"fine.internal", text})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "allowed host 2: ") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestAllows(t *testing.T) {
	p := Policy{AllowHosts: []string{"n8n.internal", "*.Example.internal.", "bücher.test", "*", "*.", "", "10.0.0.1", "*.com"}}
	for host, want := range map[string]bool{
		"n8n.internal": true, "N8N.INTERNAL": true, "n8n.internal.": true, "n8n。internal": true, "ⓝ8n.internal": true,
		"a.example.internal": true, "a.b.example.internal": true, "bücher.test": true, "xn--bcher-kva.test": true,
		"example.internal": false, ".example.internal": false, "xexample.internal": false, "example.internal.evil.test": false,
		"x.n8n.internal": false, "n8n.internal.evil.test": false, "evil-n8n.internal": false, "": false, ".": false,
		"10.0.0.1": false, "com": false, "evil.com": false, "*": false, "a..example.internal": true, // which nobody can look up
	} {
		if got := p.allows(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
}

// TestAllowHosts reaches a server on loopback by names, with the names allowed.
func TestAllowHosts(t *testing.T) {
	var hits atomic.Int32
	var port string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if to, ok := strings.CutPrefix(r.URL.Path, "/to/"); ok {
			http.Redirect(w, r, "http://"+to+":"+port+"/", http.StatusFound)
		}
	}))
	defer srv.Close()
	_, port, _ = net.SplitHostPort(srv.Listener.Addr().String())
	resolver := dnstest.Serve(t, func(q dnstest.Question) dnstest.Answer {
		a := dnstest.Addrs("127.0.0.1")
		if q.Name == "alias.test" {
			a.CNAME = "n8n.internal"
		}
		return a
	})
	for _, tc := range []struct {
		url, allowed string
		hits         int32
		says         string
	}{
		{"n8n.internal", "n8n.internal", 1, ""},
		{"N8N.internal.", "n8n.internal", 1, ""},
		{"a.b.internal", "*.internal", 1, ""},
		{"bücher.test", "xn--bcher-kva.test", 1, ""},
		{"localhost", "localhost", 1, ""},
		{"n8n.internal", "", 0, "n8n.internal leads inside: the address 127.0.0.1 is not public; if it is meant to be reached, start the server with --allow-hosts n8n.internal or --allow-networks 127.0.0.1/32"},
		{"localhost", "n8n.internal", 0, "--allow-hosts localhost or --allow-networks 127.0.0.0/8"},
		{"evil.test", "n8n.internal", 0, "--allow-hosts evil.test"},
		{"alias.test", "n8n.internal", 0, "alias.test leads inside"},
		{"internal", "*.internal", 0, "internal leads inside"},
		{"127.0.0.1", "127.0.0.1", 0, "--allow-networks 127.0.0.1/32"},
		{"127.0.0.1", "*.0.0.1", 0, "--allow-networks 127.0.0.1/32"},
		{"n8n.internal/to/n8n.internal", "n8n.internal", 2, ""},
		{"n8n.internal/to/N8N.internal.", "n8n.internal", 2, ""},
		{"n8n.internal/to/other.internal", "n8n.internal", 1, "other.internal leads inside"},
		{"n8n.internal/to/127.0.0.1", "n8n.internal", 1, "the address 127.0.0.1 is not public"},
		{"n8n.internal/to/auth.internal", "*.internal", 1, "a redirect from n8n.internal leads to auth.internal, a host of --allow-hosts"},
	} {
		hits.Store(0)
		p := Policy{AllowHTTP: true, AllowHosts: []string{tc.allowed}}
		host, path, _ := strings.Cut(tc.url, "/")
		raw := fmt.Sprintf("http://%s:%s/%s", host, port, path)
		_, err := p.CheckURL(raw)
		if err == nil {
			err = get(p.Client(Options{Resolver: resolver, Redirects: 5}), raw)
		}
		if hits.Load() != tc.hits || tc.says == "" && err != nil || tc.says != "" && (!IsBlocked(err) || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s with %q allowed: %d hits, %v", tc.url, tc.allowed, hits.Load(), err)
		}
	}
	// A stranger's server that is reached by its network must not lead on to it.
	hits.Store(0)
	p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.1/32"), AllowHosts: []string{"n8n.internal"}}
	if err := get(p.Client(Options{Resolver: resolver, Redirects: 5}), "http://evil.test:"+port+"/to/n8n.internal"); !IsBlocked(err) || hits.Load() != 1 {
		t.Errorf("from evil.test: %d hits, %v", hits.Load(), err)
	}
}
