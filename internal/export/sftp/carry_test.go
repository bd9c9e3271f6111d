package sftp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func parcel(t testing.TB, s export.Settings, content []byte) export.Parcel {
	last := int64(0)
	return export.Parcel{
		Settings: s, Size: int64(len(content)), Name: "movie.mp4", Type: "video/mp4", Part: "p1",
		Open: func() (io.ReadSeekCloser, error) { return nopCloser{bytes.NewReader(content)}, nil },
		Sent: func(n int64) {
			if n < last || n > int64(len(content)) {
				t.Errorf("sent went from %d to %d", last, n)
			}
			last = n
		},
	}
}

func TestCarryToOpenSSH(t *testing.T) {
	srv := sshd.Start(t, []string{"ed25519"})
	c := patient(Options{Policy: loopback()})
	old, content := []byte("old"), random(3<<20+17)
	for _, tc := range []struct {
		name  string
		with  with
		there []string // files of old
		path  string   // where it must be, relative to home; "" when it must fail
		want  export.Fault
	}{
		{"home", with{}, nil, "movie.mp4", export.Fault{}},
		{"folders are made", with{"remote-path": "./in/2026/", "file": "a b ü.mp4"}, nil, "in/2026/a b ü.mp4", export.Fault{}},
		{"folders in file", with{"remote-path": "x", "file": "/y/z.mp4"}, nil, "x/y/z.mp4", export.Fault{}},
		{"absolute", with{"remote-path": srv.Home + "/abs"}, nil, "abs/movie.mp4", export.Fault{}},
		{"overwrite", with{"file": "o.mp4"}, []string{"o.mp4"}, "o.mp4", export.Fault{}},
		{"unique", with{"file": "u.mp4", "if-exists": "unique"}, []string{"u.mp4", "u-1.mp4"}, "u-2.mp4", export.Fault{}},
		{"unique and free", with{"file": "v.mp4", "if-exists": "unique"}, nil, "v.mp4", export.Fault{}},
		{"fail", with{"file": "f.mp4", "if-exists": "fail"}, []string{"f.mp4"}, "", export.Fault{Step: "rename", Class: "exists", Permanent: true}},
		{"fail and free", with{"file": "g.mp4", "if-exists": "fail"}, nil, "g.mp4", export.Fault{}},
		{"a folder has the name", with{"file": "d"}, []string{"d/in.mp4"}, "", export.Fault{Step: "rename", Class: "exists", Permanent: true}},
		{"a part is too long", with{"file": "l.mp4"}, []string{".l.mp4.p1.part"}, "l.mp4", export.Fault{}},
	} {
		for _, name := range tc.there {
			srv.Write(t)(name, slices.Concat(old, bytes.Repeat([]byte{1}, 4<<20)))
		}
		r, err := c.Carry(t.Context(), parcel(t, settings(t, srv.Settings(t), tc.with), content))
		if f := asFault(t, err); kind(f) != tc.want {
			t.Errorf("%s: %+v", tc.name, f)
			continue
		}
		if tc.path == "" {
			continue
		}
		if got, err := srv.Read(r.Path); err != nil || !bytes.Equal(got, content) || r.Path != srv.Path(tc.path) {
			t.Errorf("%s: at %s: %v", tc.name, r.Path, err)
		}
		if !strings.HasPrefix(r.URL, "sftp://"+srv.Addr.String()+"/") {
			t.Errorf("%s: URL %s", tc.name, r.URL)
		}
	}
	for _, name := range srv.Names("") {
		if strings.HasSuffix(name, ".part") && name != ".d.p1.part" {
			t.Errorf("left %s", name)
		}
	}
}

// TestGoesOn: only the last stretch of what is there may have holes.
func TestGoesOn(t *testing.T) {
	srv := sshd.Start(t, []string{"ed25519"})
	c := patient(Options{Policy: loopback()})
	content := random(2*stretch + 1000)
	for _, tc := range []struct {
		name          string
		there, intact int // bytes of the part, and how many of them are right
		from          int64
	}{
		{"nothing", 0, 0, 0},
		{"less than a stretch", stretch - 1, 0, 0},
		{"a stretch, which may have holes", stretch, 0, 0},
		{"a byte more", stretch + 1, stretch, stretch},
		{"all of it", len(content), 2 * stretch, 2 * stretch},
	} {
		part := slices.Concat(content[:tc.intact], make([]byte, tc.there-tc.intact))
		srv.Write(t)(".movie.mp4.p1.part", part)
		p := parcel(t, settings(t, srv.Settings(t)), content)
		first, sent := int64(-1), p.Sent
		p.Sent = func(n int64) {
			if first < 0 {
				first = n
			}
			sent(n)
		}
		r, err := c.Carry(t.Context(), p)
		if err != nil || first != tc.from {
			t.Errorf("%s: went on from %d: %v", tc.name, first, err)
			continue
		}
		if got, _ := srv.Read(r.Path); !bytes.Equal(got, content) {
			t.Errorf("%s: what arrived is not what was sent", tc.name)
		}
	}
}

func TestCancelled(t *testing.T) {
	srv := sshd.Start(t, []string{"ed25519"})
	c := patient(Options{Policy: loopback()})
	content := random(2 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	p := parcel(t, settings(t, srv.Settings(t)), content)
	p.Open = func() (io.ReadSeekCloser, error) { cancel(); return nopCloser{bytes.NewReader(content)}, nil }
	_, err := c.Carry(ctx, p)
	if f := asFault(t, err); f.Step != "write" || f.Permanent {
		t.Errorf("got %+v", f)
	}
	if slices.Contains(srv.Names(""), "movie.mp4") {
		t.Error("half a file has the final name")
	}
}

type brokenFile struct{ io.ReadSeeker }

func (brokenFile) Read([]byte) (int, error) { return 0, errors.New("disk error in /var/lib/secret") }
func (brokenFile) Close() error             { return nil }

func TestOwnFileIsBroken(t *testing.T) {
	srv := sshd.Start(t, []string{"ed25519"})
	p := parcel(t, settings(t, srv.Settings(t)), random(100))
	for name, open := range map[string]func() (io.ReadSeekCloser, error){
		"open": func() (io.ReadSeekCloser, error) { return nil, errors.New("gone from /var/lib/secret") },
		"read": func() (io.ReadSeekCloser, error) { return brokenFile{bytes.NewReader(nil)}, nil },
	} {
		p.Open = open
		_, err := patient(Options{Policy: loopback()}).Carry(t.Context(), p)
		if f := asFault(t, err); f.Class != "error" || f.Step != "write" || strings.Contains(f.Message, "secret") {
			t.Errorf("%s: got %+v", name, f)
		}
	}
	p.Open = nil
	if f := asFault(t, carryErr(t, patient(Options{Policy: loopback()}), p)); kind(f) != (export.Fault{Step: "settings", Class: "error", Permanent: true}) {
		t.Errorf("no file: %+v", f)
	}
}

func carryErr(t *testing.T, c *Carrier, p export.Parcel) error {
	t.Helper()
	_, err := c.Carry(t.Context(), p)
	return err
}

// TestAnotherIsFaster: a name that is free when it is looked for and taken when
// the file is renamed is not overwritten.
func TestAnotherIsFaster(t *testing.T) {
	for policy, want := range map[string]struct{ path, class string }{
		export.Unique: {"/movie-1.mp4", ""}, export.Fail: {"", "exists"},
	} {
		srv := newInProcess("ed25519")
		srv.byPassword()
		srv.handlers.FileCmd = &racer{FileCmder: srv.handlers.FileCmd, put: srv.handlers.FilePut}
		s := settings(t, srv.start(t), with{"if-exists": policy})
		r, err := patient(Options{Policy: loopback()}).Carry(t.Context(), parcel(t, s, random(100)))
		if f := asFault(t, err); r.Path != want.path || f.Class != want.class {
			t.Errorf("%s: %q %+v", policy, r.Path, f)
		}
	}
}
