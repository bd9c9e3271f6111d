package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a listener of one connection that holds no byte by itself: nothing of
// a reply is written before it is read.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { close(p.closed); return nil }
func (p *pipe) Addr() net.Addr { return &net.TCPAddr{} }

// connected serves a world, within a bubble, and returns the client's end of a
// connection and what tells that the server has closed its own.
func connected(t *testing.T, w *world) (client net.Conn, closed <-chan struct{}) {
	gone := make(chan struct{})
	p := &pipe{make(chan net.Conn), make(chan struct{})}
	// As internal/app sets it, for a body that does not come.
	srv := &http.Server{Handler: w.bare, ReadTimeout: time.Minute, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(gone)
		}
	}}
	served := make(chan error)
	go func() { served <- srv.Serve(p) }()
	client, server := net.Pipe()
	p.conns <- server
	t.Cleanup(func() {
		client.Close()
		srv.Close()
		<-served
	})
	return client, gone
}

// A client that reads nothing holds no connection for longer than the stall, or
// than its body may take.
func TestRepliesDoNotWaitForEver(t *testing.T) {
	for name, request := range map[string]string{
		"a status":          "GET /v2/movies?project=ID HTTP/1.1\r\n",
		"a list":            "GET /v2/movies?format=full HTTP/1.1\r\n",
		"a document":        "GET /v2/movies?format=full&project=ID HTTP/1.1\r\n",
		"a refusal":         "GET /nonsense HTTP/1.1\r\n",
		"health":            "GET /healthz HTTP/1.1\r\n",
		"a file":            "GET /files/TOKEN/x.mp4 HTTP/1.1\r\n",
		"headers of a file": "HEAD /files/TOKEN/x.mp4 HTTP/1.1\r\n",
		"a body not called": "POST /v2/movies HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n",
		"a submission":      "POST /v2/movies HTTP/1.1\r\nContent-Length: 2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.files.put("TOKEN/x.mp4", strings.Repeat("x", 1<<20), w.clock.Now())
				id := w.submit(t, `{"comment":"`+strings.Repeat("x", 1<<20)+`"}`)
				client, closed := connected(t, w)
				fmt.Fprintf(client, "%sHost: x\r\nx-api-key: %s\r\n\r\n", strings.ReplaceAll(request, "ID", id), key)
				longest := 31 * time.Second
				if strings.Contains(request, "Expect") {
					longest = time.Minute + 31*time.Second
				} else if strings.Contains(request, "POST") {
					fmt.Fprint(client, "{}")
				}
				began := time.Now()
				<-closed
				if took := time.Since(began); took < 30*time.Second || took > longest {
					t.Errorf("the connection was held for %v", took)
				}
			})
		})
	}
}

// Whoever is slow but steady gets all of it, however long it takes.
func TestSlowClientsGetEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.submit(t, `{"comment":"`+strings.Repeat("x", 1<<20)+`"}`)
		client, _ := connected(t, w)
		fmt.Fprintf(client, "GET /v2/movies?format=full&project=%s HTTP/1.0\r\nx-api-key: %s\r\n\r\n", id, key)
		began, n := time.Now(), 0
		for buf := make([]byte, 64<<10); ; {
			got, err := io.ReadFull(client, buf)
			if n += got; err != nil {
				break
			}
			<-time.After(20 * time.Second)
		}
		if n < 1<<20 || time.Since(began) < 5*time.Minute {
			t.Errorf("%d bytes in %v", n, time.Since(began))
		}
	})
}

// The deadline of one reply does not hit what is written for the next call on
// the connection before its reply.
func TestDeadlinesAreForOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := connected(t, newWorld(t))
		replies := bufio.NewReader(client)
		for range 3 {
			fmt.Fprintf(client, "POST /v2/movies HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", key)
			for _, want := range []int{100, 200} {
				resp, err := http.ReadResponse(replies, nil)
				if err != nil || resp.StatusCode != want {
					t.Fatalf("got %v, %v, want %d", resp, err, want)
				}
				if want == 100 {
					fmt.Fprint(client, "{}")
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(45 * time.Second) // longer than the stall, shorter than a connection may idle
		}
	})
}
