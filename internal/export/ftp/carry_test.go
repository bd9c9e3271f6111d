package ftp

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
	"github.com/reelhook/reelhook/internal/safehttp/dnstest"
)

// movie is a file of n bytes.
func movie(n int) []byte {
	return bytes.Repeat([]byte("movie\n\r\x00\xff"), n/9+1)[:n]
}

type readSeeker struct{ io.ReadSeeker }

func (readSeeker) Close() error { return nil }

func parcel(t testing.TB, content []byte, settings map[string]any) export.Parcel {
	t.Helper()
	s := export.Settings{}
	for name, value := range settings {
		raw, err := json.Marshal(value)
		must(t, err)
		s[name] = raw
	}
	return export.Parcel{
		Settings: s, Size: int64(len(content)), Name: "movie.mp4", Part: "mark",
		Open: func() (io.ReadSeekCloser, error) { return readSeeker{bytes.NewReader(content)}, nil },
	}
}

// arrives carries a movie and finds it under a name.
func arrives(t *testing.T, c *Carrier, srv *vsftpd, settings map[string]any, content []byte, name string) {
	t.Helper()
	r, err := c.Carry(t.Context(), parcel(t, content, settings))
	if err != nil {
		t.Fatalf("%v: %+v", err, err)
	}
	got, err := srv.read(name)
	must(t, err)
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived of %d", len(got), len(content))
	}
	if r.Path != name {
		t.Errorf("the receipt says %q, not %q", r.Path, name)
	}
}

func failed(t *testing.T, c *Carrier, p export.Parcel) *export.Fault {
	t.Helper()
	_, err := c.Carry(t.Context(), p)
	var f *export.Fault
	if !errors.As(err, &f) {
		t.Fatalf("no fault but %v", err)
	}
	return f
}

// TestOddServers are servers that cannot do everything, or lie, where a file must
// arrive all the same.
func TestOddServers(t *testing.T) {
	srv := startVSFTPD(t, "127.0.0.1")
	for _, tc := range []struct {
		name    string
		answers map[string]string
		says    func(string) string
	}{
		{"no EPSV", map[string]string{"EPSV": "500 what?"}, nil},
		{"PASV leads elsewhere", map[string]string{"EPSV": "502 no"}, func(line string) string {
			return strings.Replace(line, "(127,0,0,1,", "(10,255,255,1,", 1)
		}},
		{"no SIZE", map[string]string{"SIZE": "502 not implemented"}, nil},
		{"SIZE makes no sense", map[string]string{"SIZE": "213 large"}, nil},
		{"only writing", map[string]string{"SIZE": "550 permission denied", "LIST": "550 permission denied"}, nil},
		{"neither SIZE nor LIST", map[string]string{"SIZE": "500 what?", "LIST": "502 no"}, nil},
		{"no FEAT", map[string]string{"FEAT": "500 what?"}, nil},
		{"no UTF8", map[string]string{"OPTS UTF8 ON": "501 what?"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := meddle(t, &meddler{server: srv, answers: tc.answers, says: tc.says})
			settings := merged(m.settings(), with{"remote-path": "odd/" + tc.name})
			for range 2 { // new, and over the first
				arrives(t, New(Options{Policy: loopback()}), srv, settings, movie(100_000), "odd/"+tc.name+"/movie.mp4")
			}
		})
	}
}

// TestGoesOn cuts an upload in its midst. What is there is not sent again, if the
// server can go on with it.
func TestGoesOn(t *testing.T) {
	srv, c := startVSFTPD(t, "127.0.0.1"), New(Options{Policy: loopback()})
	content := movie(30 << 20) // more than fits into buffers
	for name, answers := range map[string]map[string]string{"REST": nil, "no REST": {"REST": "502 no"}} {
		t.Run(name, func(t *testing.T) {
			m := meddle(t, &meddler{server: srv, answers: answers})
			settings := merged(m.settings(), with{"file": name + ".mp4"})
			m.most.Store(3 << 20)
			f := failed(t, c, parcel(t, content, settings))
			if f.Class != "reset" || f.Permanent || f.Step != export.StepWrite {
				t.Errorf("the cut is %+v", *f)
			}
			part, err := srv.read("." + name + ".mp4.mark.part")
			if err != nil || len(part) == 0 || len(part) >= len(content) {
				t.Fatalf("%d bytes are there: %v", len(part), err)
			}
			m.uploads.Wait()
			m.most.Store(-1)
			p, first := parcel(t, content, settings), int64(-1)
			p.Sent = func(n int64) {
				if first < 0 {
					first = n
				}
			}
			want := int64(len(part))
			if answers != nil {
				want = 0
			}
			if _, err := c.Carry(t.Context(), p); err != nil || first != want {
				t.Errorf("it began at %d of %d: %v", first, want, err)
			}
			if got, err := srv.read(name + ".mp4"); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes arrived: %v", len(got), err)
			}
		})
	}
}

// TestPartsOfAnEarlierTry has what may be there under the mark.
func TestPartsOfAnEarlierTry(t *testing.T) {
	srv, c, content := startVSFTPD(t, "127.0.0.1"), New(Options{Policy: loopback()}), movie(1000)
	for name, part := range map[string][]byte{"whole": content, "more": movie(2000), "half": content[:500], "none": {}} {
		t.Run(name, func(t *testing.T) {
			srv.write(t)("."+name+".mp4.mark.part", part)
			arrives(t, c, srv, merged(srv.settings(), with{"file": name + ".mp4"}), content, name+".mp4")
		})
	}
}

// TestStalls has a server that takes half a file, and then nothing.
func TestStalls(t *testing.T) {
	m := meddle(t, &meddler{server: startVSFTPD(t, "127.0.0.1"), holds: true})
	m.most.Store(3 << 20)
	c := New(Options{Policy: loopback()})
	c.stall = 500 * time.Millisecond
	f := failed(t, c, parcel(t, movie(30<<20), m.settings()))
	if f.Class != "timeout" || f.Permanent || f.Step != export.StepWrite {
		t.Errorf("got %+v", *f)
	}
}

// TestNewestTLS has a server that speaks TLS 1.3 only, where a file's end is easily
// lost (see sealed).
func TestNewestTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "openssl.cnf")
	must(t, os.WriteFile(file, []byte("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1.3\n"), 0o600))
	t.Setenv("OPENSSL_CONF", file)
	for name, more := range map[string][]string{"explicit": nil, "implicit": {"implicit_ssl=YES"}} {
		t.Run(name, func(t *testing.T) {
			srv := startVSFTPD(t, "127.0.0.1", encrypted(t, "good", append(more, "strict_ssl_read_eof=YES")...)...)
			settings := merged(srv.settings(), with{"secure": name, "ca": authority()})
			c := New(Options{Policy: loopback()})
			for _, size := range []int{0, 1, 5 << 20} {
				ctx, trace := safehttp.WithTrace(t.Context())
				_, err := c.Carry(ctx, parcel(t, movie(size), settings))
				if err != nil {
					t.Fatalf("%d bytes: %+v", size, err)
				}
				if got, err := srv.read("movie.mp4"); err != nil || !bytes.Equal(got, movie(size)) {
					t.Errorf("%d bytes arrived of %d: %v", len(got), size, err)
				}
				if got := trace.Record().TLSVersion; got != tls.VersionName(tls.VersionTLS13) {
					t.Errorf("it was %q", got)
				}
			}
		})
	}
}

// TestByName reaches a server inside whose name alone is allowed: its connections
// for data too.
func TestByName(t *testing.T) {
	srv := startVSFTPD(t, "127.0.0.1", encrypted(t, "good")...)
	c := New(Options{Policy: safehttp.Policy{AllowHosts: []string{"ftp.test"}}, Resolver: dnstest.Resolver(t, [4]byte{127, 0, 0, 1})})
	settings := merged(srv.settings(), with{"host": "FTP.test.", "secure": "explicit", "ca": authority()})
	ctx, trace := safehttp.WithTrace(t.Context())
	r, err := c.Carry(ctx, parcel(t, movie(1000), settings))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("ftp://ftp.test:%d/movie.mp4", srv.port); r.URL != want {
		t.Errorf("the receipt leads to %q, not %q", r.URL, want)
	}
	seen := trace.Record()
	if int(seen.Addr.Port()) != srv.port || seen.TLSVersion != "TLS 1.2" || seen.Fingerprint == "" {
		t.Errorf("the trace has %+v", seen)
	}
}

// TestRenamesOverOlder has servers that do not rename over what is there, or not
// at all: then what is there must stay.
func TestRenamesOverOlder(t *testing.T) {
	srv, c := startVSFTPD(t, "127.0.0.1"), New(Options{Policy: loopback()})
	const name, part = "movie.mp4", ".movie.mp4.mark.part"
	for what, refuses := range map[string]func(from, line string) bool{
		"not over another":  func(_, line string) bool { _, err := srv.read(name); return line == "RNTO "+name && err == nil },
		"no file":           func(_, line string) bool { return strings.HasPrefix(line, "RNFR") },
		"not what was sent": func(from, line string) bool { return from == part && line == "RNTO "+name },
	} {
		t.Run(what, func(t *testing.T) {
			older := []byte("an older file")
			srv.write(t)(name, older)
			m := &meddler{server: srv}
			m.answer = func(line string) string {
				if refuses(lastRNFR(m.heard), line) {
					return "553 not that"
				}
				return ""
			}
			meddle(t, m)
			if what == "not over another" {
				arrives(t, c, srv, m.settings(), movie(1000), name)
				if names := srv.names(""); len(names) != 1 {
					t.Errorf("there is %q", names)
				}
				return
			}
			f := failed(t, c, parcel(t, movie(1000), m.settings()))
			if f.Step != export.StepRename || f.Class != "denied" || !f.Permanent || f.Unknown {
				t.Errorf("got %+v", *f)
			}
			if got, err := srv.read(name); err != nil || !bytes.Equal(got, older) {
				t.Errorf("the older file has %d bytes: %v", len(got), err)
			}
		})
	}
}

// lastRNFR is what the last one named.
func lastRNFR(heard []string) string {
	for i := len(heard) - 1; i >= 0; i-- {
		if from, ok := strings.CutPrefix(heard[i], "RNFR "); ok {
			return from
		}
	}
	return ""
}

// TestDataHost has the word of a server that names another host for data.
func TestDataHost(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	tr := &try{destination: &destination{}, carrier: New(Options{Policy: loopback()}), peer: netip.MustParseAddrPort("127.0.0.1:21")}
	tr.ctx, tr.cancel = context.WithCancelCause(t.Context())
	defer tr.cancel(nil)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	conn, err := tr.dialData(net.JoinHostPort("10.255.255.1", port))
	if err != nil || conn.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("it led to %v: %v", conn, err)
	}
}

// BenchmarkCarry is to be held against "lftp -c put" to the same server.
func BenchmarkCarry(b *testing.B) {
	content := movie(256 << 20)
	for name, way := range map[string]struct {
		config []string
		more   with
	}{
		"plain": {}, "explicit": {encrypted(b, "good"), with{"secure": true, "ca": authority()}},
	} {
		b.Run(name, func(b *testing.B) {
			srv, c := startVSFTPD(b, "127.0.0.1", way.config...), New(Options{Policy: loopback()})
			p := parcel(b, content, merged(srv.settings(), way.more))
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, err := c.Carry(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
