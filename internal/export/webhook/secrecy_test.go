package webhook

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/reelhook/reelhook/internal/export"
)

// TestSecrecy plants secrets in the endpoint's path and query and in a header,
// and has the endpoint say them back in every way that could end up in what is
// kept of an attempt. Only the answer's own words, its body and the headers that
// say nothing of an address, are shown as they came.
func TestSecrecy(t *testing.T) {
	var says atomic.Value
	address := listen(t, func(c net.Conn) { answer(says.Load().(string))(c) })
	l := leaf(t, Options{Policy: local})
	// No word of ours has a q and a digit.
	secret := rapid.StringMatching(`q[0-9][a-z0-9._~-]{5,20}`)
	rapid.Check(t, func(t *rapid.T) {
		path, query, value := secret.Draw(t, "path"), secret.Draw(t, "query"), secret.Draw(t, "value")
		secrets := []string{path, query, value}
		piece := rapid.OneOf(rapid.SampledFrom(secrets), rapid.SampledFrom([]string{"/", "//", "?", ":", "&t=", "#", " ", "a", "http://", "https://h.test/", "%2F", "..", "@", "\x01", "\r\n"}))
		text := func(label string) string { return strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, label), "") }
		line := func(label string) string { return strings.NewReplacer("\r\n", "", "\x01", "").Replace(text(label)) }
		says.Store(rapid.SampledFrom([]string{
			text("garbage"),
			"HTTP/1.1 " + line("status") + "\r\n\r\n",
			"HTTP/1.1 500 " + line("reason") + "\r\n" + text("header") + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nContent-Length: " + line("length") + "\r\n\r\n",
			"HTTP/1.1 429 Slow\r\nRetry-After: " + line("wait") + "\r\nSet-Cookie: " + line("cookie") + "\r\n\r\n",
			"HTTP/1.1 307 Go\r\nLocation: " + rapid.SampledFrom([]string{"", "/", "http://", "https://h.test/"}).Draw(t, "where") + line("location") + "\r\nContent-Location: " + line("content") + "\r\n\r\n",
			"HTTP/1.1 103 Hint\r\nLink: " + line("hint") + "\r\n\r\n",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + line("coding") + "\r\n\r\n",
		}).Draw(t, "answer"))
		d := export.Delivery{ID: "dlv_1", MessageID: "msg_1", ContentType: jsonType, Timeout: late, Headers: map[string]string{"Authorization": "Bearer " + value},
			Target: "http://" + address + "/" + path + "/x?t=" + url.QueryEscape(query)}
		a := l.Attempt(context.Background(), d, export.Attempt{Number: 1})
		// What the endpoint says in headers of its own is its own business.
		for name := range a.Headers {
			if name != "Set-Cookie" && name != "Location" && name != "Content-Location" {
				delete(a.Headers, name)
			}
		}
		shown := fmt.Sprint(a.Delivery, a.Result, a.Class, a.Error, a.Peer, a.Request, a.Headers)
		for _, s := range secrets {
			if strings.Contains(shown, s) {
				t.Errorf("%q in %s", s, shown)
			}
		}
	})
}
