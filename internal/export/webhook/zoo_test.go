package webhook

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// soon is a timeout that is meant to pass, late one that is not.
const (
	soon = 150 * time.Millisecond
	late = 20 * time.Second
)

// silent keeps the servers' own complaints out of the tests' output.
var silent = log.New(io.Discard, "", 0)

// listen serves every connection with what an animal of the zoo does, until the
// test ends. Connections are closed when it returns.
func listen(t *testing.T, animal func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				animal(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// answer reads a request and writes some text.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		_, _ = io.WriteString(c, text)
	}
}

// then waits for the other side to hang up after what came before.
func then(first func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		first(c)
		_, _ = io.Copy(io.Discard, c)
	}
}

// drip writes a head and then a byte at a time until nobody listens.
func drip(head string) func(net.Conn) {
	return func(c net.Conn) {
		answer(head)(c)
		for {
			if _, err := io.WriteString(c, "."); err != nil {
				return
			}
			<-time.After(10 * time.Millisecond)
		}
	}
}

// echo answers with the request's own first line: what it says must not leak.
func echo(c net.Conn) {
	line, _ := bufio.NewReader(c).ReadString('\n')
	_, _ = io.WriteString(c, line)
}

func reset(c net.Conn) {
	_, _ = http.ReadRequest(bufio.NewReader(c))
	_ = c.(*net.TCPConn).SetLinger(0)
}

// TestZoo sends to receivers that keep to no rules.
func TestZoo(t *testing.T) {
	const ok, bad = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 500 Oops\r\n"
	for _, tc := range []struct {
		name    string
		animal  func(net.Conn)
		timeout time.Duration
		result  export.Result
		status  int
		class   string
		says    string
		answer  string
		cut     bool
	}{
		{"never answers", then(answer("")), soon, export.Refused, 0, "timeout", "did not answer within 150ms", "", false},
		{"stops in the head", then(answer(ok + "X-Slow: ")), soon, export.Refused, 0, "timeout", "did not answer within 150ms", "", false},
		{"closes at once", func(net.Conn) {}, late, export.Refused, 0, "reset", "closed the connection before it answered", "", false},
		{"closes before answering", answer(""), late, export.Refused, 0, "reset", "closed the connection", "", false},
		{"resets", reset, late, export.Refused, 0, "reset", "closed the connection", "", false},
		{"200, then closes in the body", answer(ok + "Content-Length: 100\r\n\r\nhalf"), late, export.Succeeded, 200, "", "", "half", true},
		{"500, then closes in the body", answer(bad + "Content-Length: 100\r\n\r\nhalf"), late, export.Refused, 500, "http", "500", "half", true},
		{"200, then silence", then(answer(ok + "Content-Length: 100\r\n\r\nhalf")), soon, export.Succeeded, 200, "", "", "half", true},
		{"500, then silence", then(answer(bad + "Content-Length: 100\r\n\r\nhalf")), soon, export.Refused, 500, "http", "500", "half", true},
		{"200, dripping", drip(ok + "\r\n"), soon, export.Succeeded, 200, "", "", "*", true},
		{"500, dripping", drip(bad + "\r\n"), soon, export.Refused, 500, "http", "500", "*", true},
		{"head dripping", drip(ok + "X-Slow: "), soon, export.Refused, 0, "timeout", "", "", false},
		{"broken chunks", answer(ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz"), late, export.Succeeded, 200, "", "", "ok", true},
		{"no length", answer(ok + "\r\nok"), late, export.Succeeded, 200, "", "", "ok", false},
		{"compressed without being asked", answer(ok + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx"), late, export.Succeeded, 200, "", "", "\x1f\x8bxx", false},
		{"hints first", answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), late, export.Succeeded, 204, "", "", "", false},
		{"hints without end", then(answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100))), soon, export.Refused, 0, "*", "", "", false},
		{"changes protocol and waits", then(answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")), late, export.Refused, 101, "http", "101 Switching Protocols", "", false},
		{"headers without end", answer(ok + strings.Repeat("X-Bomb: "+strings.Repeat("x", 1000)+"\r\n", 1000)), late, export.Refused, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"speaks SSH", answer("SSH-2.0-OpenSSH_9.9\r\n"), late, export.Refused, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"echoes", echo, late, export.Refused, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"status beyond numbers", answer("HTTP/1.1 2x0 OK\r\n\r\n"), late, export.Refused, 0, "error", "did not answer in HTTP", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			a := send(t, leaf(t, Options{Policy: local}), "http://"+listen(t, tc.animal), tc.timeout)
			if took := time.Since(began); took > tc.timeout+5*time.Second {
				t.Errorf("took %v", took)
			}
			if a.Result != tc.result || a.Status != tc.status || tc.class != "*" && a.Class != tc.class || !strings.Contains(a.Error, tc.says) || a.Gone {
				t.Errorf("got %+v", a)
			}
			if tc.answer != "*" && string(a.Answer) != tc.answer || a.Cut != tc.cut {
				t.Errorf("kept %q, cut %v", a.Answer, a.Cut)
			}
		})
	}
}

// TestHugeAnswer holds that we stop reading, and hang up, after 16 KiB.
func TestHugeAnswer(t *testing.T) {
	const size = 10 << 20
	sent := make(chan int, 1)
	address := listen(t, func(c net.Conn) {
		answer(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))(c)
		n, _ := io.Copy(c, io.LimitReader(endless{}, size))
		sent <- int(n)
	})
	a := send(t, leaf(t, Options{Policy: local}), "http://"+address, late)
	if a.Result != export.Succeeded || len(a.Answer) != maxAnswer || !a.Cut {
		t.Errorf("%s, %d bytes, cut %v", a.Result, len(a.Answer), a.Cut)
	}
	if n := <-sent; n == size {
		t.Errorf("all %d bytes were taken", n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestUnreachable has the endpoints that do not even get a request.
func TestUnreachable(t *testing.T) {
	reached := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") })
	secure := httptest.NewUnstartedServer(reached)
	secure.Config.ErrorLog = silent
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewUnstartedServer(reached)
	plain.Config.ErrorLog = silent
	plain.Start()
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	demanding := httptest.NewUnstartedServer(reached)
	demanding.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	demanding.Config.ErrorLog = silent
	demanding.StartTLS()
	defer demanding.Close()
	old := httptest.NewUnstartedServer(reached)
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.Config.ErrorLog = silent
	old.StartTLS()
	defer old.Close()
	onlyHTTPS := safehttp.Policy{AllowNetworks: local.AllowNetworks}
	inside := dnstest.Resolver(t, [4]byte{127, 0, 0, 1})
	for _, tc := range []struct {
		name, server string
		options      Options
		timeout      time.Duration
		class, says  string
		gone         bool
	}{
		{"untrusted certificate", secure.URL, Options{Policy: local}, late, "tls", "certificate signed by unknown authority", false},
		{"certificate of another", "https://other.test:" + port, Options{Policy: local, RootCAs: trusted, Resolver: inside}, late, "tls", "not other.test", false},
		{"plain HTTP where TLS should be", strings.Replace(plain.URL, "http:", "https:", 1), Options{Policy: local}, late, "tls", "does not look like a TLS handshake", false},
		{"wants a client certificate", demanding.URL, Options{Policy: local, RootCAs: trusted}, late, "tls", "certificate required", false},
		{"old TLS", old.URL, Options{Policy: local, RootCAs: trusted}, late, "tls", "protocol version", false},
		{"silent where TLS should be", "https://" + listen(t, then(func(net.Conn) {})), Options{Policy: local}, soon, "timeout", "did not answer within", false},
		{"nobody there", "https://" + closed.Addr().String(), Options{Policy: local}, late, "refused", closed.Addr().String() + " refused the connection", false},
		{"unknown name", "https://nowhere.test", Options{Policy: local, Resolver: dnstest.Resolver(t)}, late, "dns", "The host nowhere.test was not found", false},
		{"name that leads inside", "https://inside.test:" + port, Options{Resolver: inside}, late, "blocked", "the address 127.0.0.1 is not public", true},
		{"address inside", secure.URL, Options{RootCAs: trusted}, late, "blocked", "the address 127.0.0.1 is not public", true},
		{"plain HTTP no longer allowed", plain.URL, Options{Policy: onlyHTTPS}, late, "blocked", "must begin with https://", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := send(t, leaf(t, tc.options), tc.server, tc.timeout)
			if a.Result != export.Refused || a.Status != 0 || a.Class != tc.class || !strings.Contains(a.Error, tc.says) || a.Gone {
				t.Errorf("got %+v", a)
			}
			if a := sendAs(t, 1, leaf(t, tc.options), tc.server, tc.timeout); a.Gone != tc.gone {
				t.Errorf("as the first one: %+v", a)
			}
		})
	}
	if a := send(t, leaf(t, Options{Policy: onlyHTTPS, RootCAs: trusted}), demandNothing(t, secure), late); a.Result != export.Succeeded {
		t.Errorf("trusted: %+v", a)
	}
}

// demandNothing is a server that would be reached with the same certificate.
func demandNothing(t *testing.T, like *httptest.Server) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.TLS = &tls.Config{Certificates: like.TLS.Certificates}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv.URL
}
