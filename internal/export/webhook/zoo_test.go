package webhook

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
)

// soon is a timeout that is meant to pass, late one that is not.
const (
	soon = time.Second
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

// reset reads a request, writes some text and breaks the connection off.
func reset(text string) func(net.Conn) {
	return func(c net.Conn) {
		answer(text)(c)
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}

// goAway is how an HTTP/2 server takes its leave of somebody who speaks HTTP/1
// (RFC 9113, section 6.8): SETTINGS, then GOAWAY with HTTP_1_1_REQUIRED.
const goAway = "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0d"

// bomb is 8 MiB of nothing, packed.
func bomb() string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, 8<<20))
	_ = w.Close()
	return b.String()
}

// TestZoo sends to receivers that keep to no rules. What arrived there without
// an answer is unknown; TestStatuses has those that answer, TestUnreachable those
// that nothing is sent to.
func TestZoo(t *testing.T) {
	const ok, bad = "HTTP/1.1 200 OK\r\n", "HTTP/1.1 500 Oops\r\n"
	packed := bomb()
	for _, tc := range []struct {
		name    string
		animal  func(net.Conn)
		timeout time.Duration
		result  export.Result // "" when it may be too quick for us to have sent anything
		status  int
		class   string
		says    string
		answer  string
		cut     bool
	}{
		{"never answers", then(answer("")), soon, export.Unknown, 0, "timeout", "did not answer within 1s; the webhook may have arrived", "", false},
		{"stops in the head", then(answer(ok + "X-Slow: ")), soon, export.Unknown, 0, "timeout", "did not answer within 1s; the webhook may have arrived", "", false},
		{"closes at once", func(net.Conn) {}, late, "", 0, "reset", "closed the connection before", "", false},
		{"closes before answering", answer(""), late, export.Unknown, 0, "reset", "closed the connection", "", false},
		{"resets", reset(""), late, export.Unknown, 0, "reset", "closed the connection", "", false},
		{"resets in the head", reset(ok + "X-Slow: 1\r\n"), late, export.Unknown, 0, "reset", "closed the connection", "", false},
		{"200, resets behind the head", reset(ok + "Content-Length: 100\r\n\r\n"), late, export.Succeeded, 200, "", "", "", true},
		{"200, resets in the body", reset(ok + "Content-Length: 100\r\n\r\nhalf"), late, export.Succeeded, 200, "", "", "half", true},
		{"500, resets in the body", reset(bad + "Content-Length: 100\r\n\r\nhalf"), late, export.Refused, 500, "http", "500", "half", true},
		{"200, then closes in the body", answer(ok + "Content-Length: 100\r\n\r\nhalf"), late, export.Succeeded, 200, "", "", "half", true},
		{"500, then closes in the body", answer(bad + "Content-Length: 100\r\n\r\nhalf"), late, export.Refused, 500, "http", "500", "half", true},
		{"200, then silence", then(answer(ok + "Content-Length: 100\r\n\r\nhalf")), soon, export.Succeeded, 200, "", "", "half", true},
		{"500, then silence", then(answer(bad + "Content-Length: 100\r\n\r\nhalf")), soon, export.Refused, 500, "http", "500", "half", true},
		{"200, dripping", drip(ok + "\r\n"), soon, export.Succeeded, 200, "", "", "*", true},
		{"500, dripping", drip(bad + "\r\n"), soon, export.Refused, 500, "http", "500", "*", true},
		{"head dripping", drip(ok + "X-Slow: "), soon, export.Unknown, 0, "timeout", "", "", false},
		{"broken chunks", answer(ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz"), late, export.Succeeded, 200, "", "", "ok", true},
		{"no length", answer(ok + "\r\nok"), late, export.Succeeded, 200, "", "", "ok", false},
		{"compressed without being asked", answer(ok + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bxx"), late, export.Succeeded, 200, "", "", "\x1f\x8bxx", false},
		{"bomb that is to be unpacked", answer(fmt.Sprintf("%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", ok, len(packed), packed)), late, export.Succeeded, 200, "", "", packed, false},
		{"hints first", answer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), late, export.Succeeded, 204, "", "", "", false},
		{"hints without end", then(answer(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100))), soon, export.Unknown, 0, "*", "", "", false},
		{"changes protocol and waits", then(answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")), late, export.Refused, 101, "http", "101 Switching Protocols", "", false},
		{"headers without end", answer(ok + strings.Repeat("X-Bomb: "+strings.Repeat("x", 1000)+"\r\n", 1000)), late, export.Unknown, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"speaks HTTP/2 and goes away", answer(goAway), late, export.Unknown, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"speaks SSH", answer("SSH-2.0-OpenSSH_9.9\r\n"), late, export.Unknown, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"echoes", echo, late, export.Unknown, 0, "error", "did not answer in HTTP that can be read", "", false},
		{"status beyond numbers", answer("HTTP/1.1 2x0 OK\r\n\r\n"), late, export.Unknown, 0, "error", "did not answer in HTTP", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := send(t, leaf(t, Options{Policy: local}), "http://"+listen(t, tc.animal), tc.timeout)
			if a.Result != tc.result && (tc.result != "" || a.Result == export.Succeeded) || a.Status != tc.status || tc.class != "*" && a.Class != tc.class || !strings.Contains(a.Error, tc.says) || a.Gone {
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
	const size = 1 << 30
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
