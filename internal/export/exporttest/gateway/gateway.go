// Package gateway runs versitygw on loopback, for tests and benchmarks of what
// speaks S3: a store that keeps objects as files and checks signatures. It must
// not know any client.
package gateway

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
)

// What a gateway is started with.
const (
	Access = "ROOT4ACCESS"
	Secret = "root-Secret/with+signs=="
	Region = "here" // Amazon has none of this name
	Bucket = "movies"
)

// Program is built once, by the module of tools.
var Program = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.Command("go", "tool", "-modfile="+filepath.Join(filepath.Dir(here), "../../../../tools/go.mod"), "-n", "versitygw")
	cmd.Dir = filepath.Dir(here)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("versitygw cannot be built, see tools/go.mod: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
})

// Server is a running one.
type Server struct {
	URL string
	// Dir has a folder for each bucket.
	Dir  string
	Addr *net.TCPAddr
}

// Start runs a gateway over a folder, which must allow extended attributes, until
// the test ends, and makes the bucket. With the files of a certificate and its key
// it speaks TLS; more are other arguments.
func Start(t testing.TB, dir, certificate, key string, more ...string) *Server {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Dir: dir, Addr: daemon.FreePort(t, "127.0.0.1")}
	s.URL = "http://" + s.Addr.String()
	args := []string{"--port", s.Addr.String(), "--access", Access, "--secret", Secret, "--region", Region, "--iam-dir", t.TempDir(), "--keep-alive", "--quiet"}
	if certificate != "" {
		s.URL = "https://" + s.Addr.String()
		args = append(args, "--cert", certificate, "--key", key)
	}
	daemon.Run(t, s.Addr, nil, program, append(append(args, more...), "posix", dir)...)
	if err := os.MkdirAll(filepath.Join(dir, Bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

// Settings are a destination's.
func (s *Server) Settings() map[string]any {
	return map[string]any{"endpoint": s.URL, "region": Region, "bucket": Bucket, "access-key": Access, "secret-key": Secret}
}

// Path is where a key of the bucket is on this disk.
func (s *Server) Path(key string) string { return filepath.Join(s.Dir, Bucket, key) }

// Read returns an object as the store has it.
func (s *Server) Read(key string) ([]byte, error) { return os.ReadFile(s.Path(key)) }

// Names lists a folder of the bucket, without that where the gateway keeps parts.
func (s *Server) Names(folder string) (names []string) {
	entries, _ := os.ReadDir(s.Path(folder))
	for _, e := range entries {
		if e.Name() != ".sgwtmp" {
			names = append(names, e.Name())
		}
	}
	return names
}
