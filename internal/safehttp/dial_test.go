package safehttp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// always answers every question alike.
func always(a dnstest.Answer) func(dnstest.Question) dnstest.Answer {
	return func(dnstest.Question) dnstest.Answer { return a }
}

// families answers questions for IPv4 and for IPv6.
func families(v4, v6 dnstest.Answer) func(dnstest.Question) dnstest.Answer {
	return func(q dnstest.Question) dnstest.Answer {
		if q.V6 {
			return v6
		}
		return v4
	}
}

// rounds answers the first question, of each family, and then the later ones.
func rounds(first, later dnstest.Answer) func(dnstest.Question) dnstest.Answer {
	return func(q dnstest.Question) dnstest.Answer {
		if q.Number == 1 {
			return first
		}
		return later
	}
}

// TestDNSZoo looks names up at servers that mean harm, or mean nothing. Loopback
// stands for the public where networks has it, for the inside where not. The
// number of requests that the server gets says what was dialled.
func TestDNSZoo(t *testing.T) {
	const open = "127.0.0.1/32"
	refused, silent := dnstest.Answer{Code: dnsmessage.RCodeRefused}, dnstest.Answer{Silent: true}
	servfail, nxdomain := dnstest.Answer{Code: dnsmessage.RCodeServerFailure}, dnstest.Answer{Code: dnsmessage.RCodeNameError}
	var none dnstest.Answer
	many := dnstest.Addrs("127.0.0.1")
	for i := range 60 {
		many.Addrs = append(many.Addrs, netip.AddrFrom4([4]byte{93, 184, 216, byte(i)}))
	}
	alias := dnstest.Answer{CNAME: "inside.internal", Addrs: dnstest.Addrs("127.0.0.1").Addrs}
	for _, tc := range []struct {
		name     string
		answer   func(dnstest.Question) dnstest.Answer
		networks string
		first    string // the class of the first request's error, empty for success
		second   string // of the second's
		hits     int32
	}{
		{"public", always(dnstest.Addrs("127.0.0.1")), open, "", "", 2},
		{"inside", always(dnstest.Addrs("127.0.0.1")), "", "blocked", "blocked", 0},
		{"alias of a name inside", always(alias), "", "blocked", "blocked", 0},
		{"alias that is public", always(alias), open, "", "", 2},
		{"mixed, public first", always(dnstest.Addrs("127.0.0.1", "10.0.0.1")), open, "blocked", "blocked", 0},
		{"mixed, private first", always(dnstest.Addrs("10.0.0.1", "127.0.0.1")), open, "blocked", "blocked", 0},
		{"mixed, loopback among public", always(dnstest.Addrs("93.184.216.34", "127.0.0.1")), "", "blocked", "blocked", 0},
		{"A private, AAAA public", always(dnstest.Addrs("10.0.0.1", "2606:4700:4700::1111")), open, "blocked", "blocked", 0},
		{"A public, AAAA private", always(dnstest.Addrs("127.0.0.1", "fd00::1")), open, "blocked", "blocked", 0},
		{"AAAA mapped, inside", always(dnstest.Addrs("::ffff:127.0.0.1")), "", "blocked", "blocked", 0},
		{"AAAA mapped, public", always(dnstest.Addrs("::ffff:127.0.0.1")), open, "", "", 2},
		{"AAAA compatible", always(dnstest.Addrs("::127.0.0.1")), open, "blocked", "blocked", 0},
		{"AAAA NAT64", always(dnstest.Addrs("64:ff9b::127.0.0.1")), open, "blocked", "blocked", 0},
		{"one of many inside", always(many), "", "blocked", "blocked", 0},
		{"rebinding to inside", rounds(dnstest.Addrs("127.0.0.1"), dnstest.Addrs("10.0.0.1")), open, "", "blocked", 1},
		{"rebinding from inside", rounds(dnstest.Addrs("10.0.0.1"), dnstest.Addrs("127.0.0.1")), open, "blocked", "", 1},
		{"rebinding to a mixture", rounds(dnstest.Addrs("127.0.0.1"), dnstest.Addrs("127.0.0.1", "::1")), open, "", "blocked", 1},
		{"NXDOMAIN", always(nxdomain), open, "dns", "dns", 0},
		{"NXDOMAIN, then there", rounds(nxdomain, dnstest.Addrs("127.0.0.1")), open, "dns", "", 1},
		{"NXDOMAIN, then inside", rounds(nxdomain, dnstest.Addrs("127.0.0.1")), "", "dns", "blocked", 0},
		{"no addresses", always(none), open, "dns", "dns", 0},
		{"SERVFAIL", always(servfail), open, "dns", "dns", 0},
		{"REFUSED", always(refused), open, "dns", "dns", 0},
		{"A there, AAAA SERVFAIL", families(dnstest.Addrs("127.0.0.1"), servfail), open, "", "", 2},
		{"A inside, AAAA SERVFAIL", families(dnstest.Addrs("127.0.0.1"), servfail), "", "blocked", "blocked", 0},
		{"A SERVFAIL, AAAA inside", families(servfail, dnstest.Addrs("::1")), open, "blocked", "blocked", 0},
		{"silence", always(silent), open, "timeout", "timeout", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var hits atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
			defer srv.Close()
			_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
			p := Policy{AllowHTTP: true, AllowHosts: []string{"inside.internal"}}
			if tc.networks != "" {
				p.AllowNetworks = nets(tc.networks)
			}
			o := Options{Resolver: dnstest.Serve(t, tc.answer)}
			if tc.first == "timeout" {
				o.ConnectTimeout = 50 * time.Millisecond
			}
			client := p.Client(o)
			client.Transport.(*http.Transport).DisableKeepAlives = true
			for i, want := range []string{tc.first, tc.second} {
				class := ""
				err := get(client, "http://zoo.test:"+port+"/")
				if err != nil {
					class = Classify(err)
				}
				if class != want {
					t.Errorf("request %d: %q, %v; want %q", i+1, class, err, want)
				}
			}
			if hits.Load() != tc.hits {
				t.Errorf("the server got %d requests, want %d", hits.Load(), tc.hits)
			}
		})
	}
}

// TestNextAddress takes a name's other addresses when the first does not answer,
// in turns of both families.
func TestNextAddress(t *testing.T) {
	var tried []string
	d := &dialer{policy: Policy{}, timeout: time.Minute, resolver: dnstest.Serve(t, always(
		dnstest.Addrs("1.1.1.1", "1.1.1.2", "1.1.1.3", "2606:4700:4700::1", "2606:4700:4700::2")))}
	d.dial = func(ctx context.Context, host string, to netip.AddrPort) (net.Conn, error) {
		tried = append(tried, to.String())
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Minute || host != "many.test" {
			t.Errorf("%s of %s until %v", to, host, deadline)
		}
		if len(tried) < 5 {
			return nil, errors.New("fault of " + to.String())
		}
		return nil, context.DeadlineExceeded
	}
	_, err := d.dialPlain(t.Context(), "tcp", "many.test:443")
	if len(tried) != 5 || err == nil || err.Error() != "fault of "+tried[0] {
		t.Errorf("tried %q: %v", tried, err)
	}
	sixes := 0
	for i, address := range tried {
		if address[0] == '[' {
			sixes++
		}
		if i == 3 && sixes != 2 {
			t.Errorf("the families took no turns: %q", tried)
		}
	}
}

func TestTakeTurns(t *testing.T) {
	for in, want := range map[string]string{
		"1.1.1.1":                     "1.1.1.1",
		"1.1.1.1 1.1.1.2 ::1 ::2 ::3": "1.1.1.1 ::1 1.1.1.2 ::2 ::3",
		"::1 ::2 1.1.1.1":             "::1 1.1.1.1 ::2",
	} {
		var addrs []netip.Addr
		for s := range strings.FieldsSeq(in) {
			addrs = append(addrs, netip.MustParseAddr(s))
		}
		var got []string
		for _, a := range takeTurns(addrs) {
			got = append(got, a.String())
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

// TestWall holds that the control of a socket refuses by itself what lookup would
// have, and anything but the address it was told.
func TestWall(t *testing.T) {
	w := newWitness(t)
	to := netip.MustParseAddrPort(w.Addr().String())
	for _, host := range []string{"evil.test", "127.0.0.1", ""} {
		d := &dialer{policy: Policy{AllowHosts: []string{"good.test", "127.0.0.1"}}}
		if _, err := d.direct(t.Context(), host, to); !IsBlocked(err) {
			t.Errorf("%q: got %v", host, err)
		}
	}
	if n := w.reached(t); n > 0 {
		t.Errorf("reached %d times", n)
	}
	d := &dialer{policy: Policy{AllowHosts: []string{"good.test"}}}
	c, err := d.direct(t.Context(), "good.test", to)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, tc := range []struct{ network, address string }{
		{"tcp4", "127.0.0.2:" + w.port}, {"tcp4", "1.1.1.1:80"}, {"tcp4", "127.0.0.1:1"}, {"udp4", w.Addr().String()}, {"unix", "/run/x"}, {"tcp4", ""},
	} {
		if err := d.wall("good.test", to, tc.network, tc.address); !IsBlocked(err) {
			t.Errorf("%s %s: got %v", tc.network, tc.address, err)
		}
	}
}

// TestConnectBudget holds that the one budget covers every stage of connecting,
// and that the error, which is no context.DeadlineExceeded, names the stage.
func TestConnectBudget(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, port, _ := net.SplitHostPort(silent.Addr().String())
	for _, tc := range []struct{ url, says string }{
		{"http://silent.test:" + port, "looking up silent.test took too long"},
		{"https://127.0.0.1:" + port, "the TLS handshake with 127.0.0.1 took too long"},
	} {
		p := Policy{AllowHTTP: true, AllowNetworks: nets("127.0.0.0/8")}
		client := p.Client(Options{ConnectTimeout: 50 * time.Millisecond, Resolver: dnstest.Serve(t, always(dnstest.Answer{Silent: true}))})
		ctx, trace := WithTrace(t.Context())
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, tc.url, nil)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
			t.Fatalf("%s was answered", tc.url)
		}
		if Classify(err) != "timeout" || errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.url, err)
		}
		if r := trace.Record(); r.Sent || r.DNS+r.TLS < 10*time.Millisecond {
			t.Errorf("%s: %+v", tc.url, r)
		}
	}
	d := &dialer{timeout: 50 * time.Millisecond, dial: func(ctx context.Context, _ string, _ netip.AddrPort) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	if _, err := d.dialTLS(t.Context(), "tcp", "1.1.1.1:443"); Classify(err) != "timeout" || err.Error() != "connecting to 1.1.1.1:443 took too long" {
		t.Errorf("got %v", err)
	}
}
