package sandbox

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sh is a run of the shell.
func sh(script string) Process {
	return Process{Program: "/bin/sh", Args: []string{"-c", script}}
}

func find(t *testing.T) *Sandbox {
	t.Helper()
	s := Find(t.Context(), sh("exit 0"))
	if !s.Isolates() {
		t.Fatal("the sandbox does not start on this machine; install bubblewrap")
	}
	return s
}

func TestHides(t *testing.T) {
	s, dir, given, hidden := find(t), t.TempDir(), t.TempDir(), t.TempDir()
	for _, d := range []string{dir, given, hidden} {
		if err := os.WriteFile(filepath.Join(d, "f"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SECRET", "x")
	for script, works := range map[string]bool{
		"cat " + dir + "/f":                       true,
		"cat f && echo y > g":                     true,
		"cat " + given + "/f":                     true,
		"echo y > " + given + "/g":                false,
		"cat " + hidden + "/f":                    false,
		"cat /etc/passwd":                         false,
		`test -z "$SECRET"`:                       true,
		"test $(ls /proc | grep -c ^[0-9]) -lt 6": true, // none of ours
	} {
		p := sh(script)
		p.Dir, p.ReadOnly = dir, []string{given, "/usr/share"}
		if err := s.Run(t.Context(), p); (err == nil) != works {
			t.Errorf("%s: %v", script, err)
		}
	}
}

// TestDevices holds that a device is there only for who was given it.
func TestDevices(t *testing.T) {
	s := find(t)
	for _, given := range []string{"", "/dev/fuse", "/dev/kmsg"} {
		for _, device := range []string{"/dev/fuse", "/dev/kmsg"} {
			if _, err := os.Stat(device); err != nil {
				continue
			}
			p := sh("test -c " + device)
			p.Devices = []string{given, "/dev/no-such-device"}
			if given == "" {
				p.Devices = nil
			}
			if err := s.Run(t.Context(), p); (err == nil) != (given == device) {
				t.Errorf("%s, given %q: %v", device, given, err)
			}
		}
	}
}

// TestNoNetwork holds that not even this machine's own ports are reached.
func TestNoNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strings.TrimPrefix(l.Addr().String(), "127.0.0.1:")
	p := Process{Program: "/bin/bash", Args: []string{"-c", "exec 3<>/dev/tcp/127.0.0.1/" + port}}
	if err := (&Sandbox{}).Run(t.Context(), p); err != nil {
		t.Fatalf("outside it is not reached either: %v", err)
	}
	if err := find(t).Run(t.Context(), p); err == nil {
		t.Error("a port was reached")
	}
}

// TestDirWithinReadOnly holds that the folder to write to may lie in one that is
// only read.
func TestDirWithinReadOnly(t *testing.T) {
	outer := t.TempDir()
	p := sh("echo x > f && ! echo x > ../f")
	p.Dir, p.ReadOnly = filepath.Join(outer, "d"), []string{outer}
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := find(t).Run(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	s := find(t)
	for name, tc := range map[string]struct {
		script string
		limits Limits
	}{
		"CPU":       {"while :; do :; done", Limits{CPU: time.Second}},
		"memory":    {"head -c 300M /dev/zero | tail -c 300M >/dev/null", Limits{Memory: 200 << 20}},
		"file size": {"head -c 2M /dev/zero > f", Limits{FileSize: 1 << 20}},
	} {
		p := sh(tc.script)
		p.Dir, p.Limits = t.TempDir(), tc.limits
		if err := s.Run(t.Context(), p); err == nil {
			t.Errorf("%s was not limited", name)
		} else if errors.Is(err, ErrKilled) != (name == "CPU") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "CPU" {
			continue // without a limit it never ends
		}
		p.Limits = Limits{}
		if err := s.Run(t.Context(), p); err != nil {
			t.Errorf("%s: without a limit: %v", name, err)
		}
	}
}

// TestEnds holds that a run ends with its context or its time, whatever the
// program left behind, in the sandbox and out of it.
func TestEnds(t *testing.T) {
	gone, late := errors.New("no longer wanted"), errors.New("late")
	for name, s := range map[string]*Sandbox{"sandboxed": find(t), "bare": {}} {
		for _, tc := range []struct {
			name    string
			limits  Limits
			tooLong error
			want    error
		}{
			{"cancelled", Limits{}, nil, gone},
			{"too long", Limits{Wall: 100 * time.Millisecond}, nil, ErrTooLong},
			{"too long, named", Limits{Wall: 100 * time.Millisecond}, late, late},
		} {
			t.Run(name+" "+tc.name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if errors.Is(tc.want, gone) {
					time.AfterFunc(100*time.Millisecond, func() { cancel(gone) })
				}
				p := sh("sleep 100 & sleep 100; wait") // grandchildren hold the pipe
				p.Stdout, p.Limits, p.TooLong = &bytes.Buffer{}, tc.limits, tc.tooLong
				began := time.Now()
				if err := s.Run(ctx, p); !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %v to end", took)
				}
			})
		}
	}
}

func TestErrorIsTheLastWord(t *testing.T) {
	for _, tc := range []struct{ said, want string }{
		{"first\\nlast\\n\\n", "last"},
		{"cannot open /var/lib/secret/place/a.mp4: no\\nNoise 1\\n", "cannot open a.mp4: no"},
		{"", "exit status 3"},
	} {
		p := sh("printf '" + tc.said + "' >&2; exit 3")
		p.Says = func(line string) bool { return !strings.HasPrefix(line, "Noise") }
		err := (&Sandbox{}).Run(t.Context(), p)
		var failed *Error
		if !errors.As(err, &failed) || err.Error() != tc.want {
			t.Errorf("got %q, want %q", err, tc.want)
		}
	}
	p := sh("yes | head -c 1000000 >&2; echo end >&2; exit 1")
	if err := (&Sandbox{}).Run(t.Context(), p); err == nil || err.Error() != "end" {
		t.Errorf("after much noise: %v", err)
	}
}
