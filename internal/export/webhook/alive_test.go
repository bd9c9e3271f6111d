package webhook

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
)

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// TestKeepAlive has a connection that is kept, and lost under the second request.
// That is not sent again within one attempt, not even where net/http would: it
// takes an Idempotency-Key for leave to do so.
func TestKeepAlive(t *testing.T) {
	for _, own := range []map[string]string{nil, {"Idempotency-Key": "1"}, {"X-Idempotency-Key": "1"}} {
		var requests atomic.Int32
		address := listen(t, func(c net.Conn) {
			for r := bufio.NewReader(c); ; {
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				if requests.Add(1) == 2 {
					return
				}
				_, _ = io.WriteString(c, noContent)
			}
		})
		l, d := leaf(t, Options{Policy: local}), delivery("http://"+address, late)
		d.Headers = own
		for i, want := range []export.Result{export.Succeeded, export.Unknown, export.Succeeded} {
			a := l.Attempt(context.Background(), d, export.Attempt{Number: i + 1})
			class := map[export.Result]string{export.Unknown: "reset"}[want]
			if a.Result != want || a.Class != class || a.Peer.Reused != (want == export.Unknown) || int(requests.Load()) != i+1 {
				t.Errorf("%v, attempt %d, after %d requests: %+v", own, i+1, requests.Load(), a)
			}
		}
	}
}

// TestKeepAliveRace has a server that hangs up behind every answer, while we may
// be about to use the connection again: it is used, or another one is made, but
// no attempt fails by that.
func TestKeepAliveRace(t *testing.T) {
	var requests atomic.Int32
	address := listen(t, func(c net.Conn) {
		if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			requests.Add(1)
			_, _ = io.WriteString(c, noContent)
		}
	})
	l, succeeded := leaf(t, Options{Policy: local}), 0
	const attempts = 50
	for range attempts {
		switch a := send(t, l, "http://"+address, late); a.Result {
		case export.Succeeded:
			succeeded++
		case export.Refused:
			t.Errorf("%+v", a)
		}
	}
	if n := int(requests.Load()); succeeded == 0 || n != succeeded {
		t.Errorf("%d of %d succeeded, %d arrived", succeeded, attempts, n)
	}
}
