package httpput

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// listen starts a server that does with each connection what it is told, and has
// read a request's head before.
func listen(t testing.TB, do func(c net.Conn, body *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for line := ""; line != "\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				do(c, r)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// TestBroken has servers that fall silent or hang up. The file may have arrived
// only when all of it was sent.
func TestBroken(t *testing.T) {
	movie := make([]byte, 20<<20)
	silent := func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) } // until the other side hangs up
	for _, tc := range []struct {
		name    string
		do      func(c net.Conn, r *bufio.Reader)
		want    export.Fault
		message string
	}{
		{"hangs up after the head", func(net.Conn, *bufio.Reader) {}, export.Fault{Class: "reset"}, "before the upload was complete"},
		{"hangs up in the midst", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, goOn)
			_, _ = io.CopyN(io.Discard, r, 1<<20)
		}, export.Fault{Class: "reset"}, "before the upload was complete"},
		{"hangs up at the end", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, goOn)
			_, _ = io.CopyN(io.Discard, r, int64(len(movie)))
		}, export.Fault{Class: "reset", Unknown: true}, "before it answered; the file may have arrived"},
		{"takes nothing", func(c net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(c, goOn)
			<-t.Context().Done()
		}, export.Fault{Class: "timeout"}, "took nothing for 3s"},
		{"does not answer", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, goOn)
			_, _ = io.CopyN(io.Discard, r, int64(len(movie)))
			silent(c)
		}, export.Fault{Class: "timeout", Unknown: true}, "did not answer within 3s of the file's last byte; the file may"},
		{"answers in another tongue", func(c net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(c, goOn)
			_, _ = io.CopyN(io.Discard, r, int64(len(movie)))
			_, _ = io.WriteString(c, "220 sIgNaTuRe\r\n")
		}, export.Fault{Class: "error", Unknown: true}, "did not answer in HTTP that can be read"},
		{"answers too soon", func(c net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			silent(c)
		}, export.Fault{Class: "protocol", Status: 200}, "answered 200 OK before it had the whole file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := New(Options{Policy: plain})
			c.stall = 3 * time.Second
			p, _ := parcel(settings(t, `{"url":"`+listen(t, tc.do)+`/x?sig=`+testToken+`"}`), movie)
			_, err := c.Carry(t.Context(), p)
			f := asFault(t, err)
			if f == nil {
				t.Fatal("no fault")
			}
			want := tc.want
			want.Step, want.Message = export.StepWrite, f.Message
			if diff := cmp.Diff(want, *f); diff != "" || !strings.Contains(f.Message, tc.message) {
				t.Errorf("%s -want +got\n%s", f.Message, diff)
			}
		})
	}
}

// TestAsksFirst holds that a refused file is not read, that a server which does not
// understand the question gets the file all the same, and one that ignores it too.
func TestAsksFirst(t *testing.T) {
	c := New(Options{Policy: plain})
	movie := bytes.Repeat([]byte("movie"), 1<<20)
	upload := func(url string) (*export.Fault, int64) {
		p, f := parcel(settings(t, `{"url":"`+url+`"}`), movie)
		_, err := c.Carry(t.Context(), p)
		return asFault(t, err), f.reads.Load()
	}
	refuses := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	if f, reads := upload(refuses.URL); f == nil || f.Status != 403 || reads != 0 {
		t.Errorf("read %d times, %+v", reads, f)
	}
	asked := 0
	old := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.Header.Get("Expect") != "" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		if n, _ := io.Copy(io.Discard, r.Body); n != int64(len(movie)) {
			t.Errorf("got %d bytes", n)
		}
	})
	if f, _ := upload(old.URL); f != nil || asked != 2 {
		t.Errorf("after %d requests: %+v", asked, f)
	}
	deaf := listen(t, func(c net.Conn, r *bufio.Reader) {
		_, _ = io.CopyN(io.Discard, r, int64(len(movie)))
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	if f, _ := upload(deaf); f != nil {
		t.Errorf("got %+v", f)
	}
	never := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") == "" {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		w.WriteHeader(http.StatusExpectationFailed)
	})
	if f, _ := upload(never.URL); f == nil || f.Status != 417 || !f.Permanent {
		t.Errorf("got %+v", f)
	}
}

type failing struct{ *source }

func (failing) Read([]byte) (int, error) { return 0, errors.New("input/output error at /secret/path") }

// TestOwnFile has a file that cannot be opened, not be read, or is too short.
func TestOwnFile(t *testing.T) {
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for name, tc := range map[string]struct {
		change func(*export.Parcel)
		want   export.Fault
	}{
		"no file":  {func(p *export.Parcel) { p.Open = nil }, export.Fault{Step: "settings", Class: "error", Permanent: true, Message: "There is no file to upload"}},
		"not open": {func(p *export.Parcel) { p.Open = func() (io.ReadSeekCloser, error) { return nil, io.ErrClosedPipe } }, export.Fault{Step: "write", Class: "error", Message: "The movie's file cannot be read on this side"}},
		"not read": {func(p *export.Parcel) {
			p.Open = func() (io.ReadSeekCloser, error) { return failing{&source{}}, nil }
		}, export.Fault{Step: "write", Class: "error", Message: "The movie's file cannot be read on this side"}},
		"short": {func(p *export.Parcel) { p.Size += 5 }, export.Fault{Step: "write", Class: "size", Message: "The movie's file ended before it was sent whole"}},
	} {
		p, _ := parcel(settings(t, `{"url":"`+srv.URL+`"}`), []byte("a movie"))
		tc.change(&p)
		_, err := New(Options{Policy: plain}).Carry(t.Context(), p)
		if f := asFault(t, err); f == nil || *f != tc.want {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestProbe holds that nothing is sent but the question, and which steps are named.
func TestProbe(t *testing.T) {
	n := startNginx(t)
	for url, want := range map[string][]string{
		n.url(n.port, "up"):    {"settings", "connect", "tls", "login", "write"},
		n.url(n.expired, "up"): {"settings", "connect", "tls"},
		n.url(n.port, "login"): {"settings", "connect", "tls", "login"},
		"https://10.0.0.1/x":   {"settings", "connect"},
		"ftp://10.0.0.1/x":     {"settings"},
		listen(t, func(c net.Conn, r *bufio.Reader) { // asks for the file and gets none
			_, _ = io.WriteString(c, goOn)
			if got, _ := io.ReadAll(r); len(got) > 0 {
				t.Errorf("a probe sent %q", got)
			}
		}): {"settings", "connect", "login", "write"},
	} {
		var got []string
		err := New(Options{Policy: plain, RootCAs: n.roots}).Probe(t.Context(), settings(t, `{"url":"`+url+`"}`), func(step string) { got = append(got, step) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v, -want +got\n%s", url, err, diff)
		}
	}
	if left := n.list("up"); len(left) > 0 {
		t.Errorf("there is %q", left)
	}
}

// TestWay holds that names are looked up, and proxies used, as the options say.
func TestWay(t *testing.T) {
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	inside := dnstest.Resolver(t, [4]byte{127, 0, 0, 1})
	if r, f := carry(t, New(Options{Policy: plain, Resolver: inside}), "http://bucket.test:"+port+"/x", ""); f != nil || r.URL != "http://bucket.test:"+port+"/x" {
		t.Errorf("got %+v, %+v", r, f)
	}
	closed := plain
	closed.AllowNetworks = nil
	if _, f := carry(t, New(Options{Policy: closed, Resolver: inside}), "http://bucket.test:"+port+"/x", ""); f == nil || f.Class != "blocked" || !f.Permanent {
		t.Errorf("a name that leads inside: %+v", f)
	}
	refuses := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	proxy := &url.URL{Scheme: "http", Host: refuses.Listener.Addr().String(), User: url.UserPassword("u", "proxy-s3cret")}
	_, f := carry(t, New(Options{Policy: plain, Proxy: proxy}), srv.URL, "")
	if f == nil || f.Class != "proxy" || f.Step != "connect" || f.Permanent || !strings.Contains(f.Message, "407") || strings.Contains(f.Message, "s3cret") {
		t.Errorf("turned away by the proxy: %+v", f)
	}
}
