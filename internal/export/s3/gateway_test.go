package s3

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/reelhook/reelhook/internal/safehttp"
)

// A region that Amazon has not, so that settings without an endpoint are wrong.
const (
	rootAccess, rootSecret = "ROOT4ACCESS", "root-Secret/with+signs=="
	userAccess, userSecret = "USER4ACCESS", "user-Secret/with+signs=="
	gatewayRegion, bucket  = "here", "movies"
)

// versitygw is the real store of these tests: it keeps objects as files and checks
// signatures. It is built once, by the module of tools.
var versitygw = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-modfile=../../../tools/go.mod", "-n", "versitygw").Output()
	return strings.TrimSpace(string(out)), err
})

// gateway is a running one.
type gateway struct {
	url, dir string
	log      bytes.Buffer
}

// startGateway runs a gateway over a folder, with TLS when it is given a
// certificate, and makes the bucket.
func startGateway(t testing.TB, dir string, certificate *certificate, more ...string) *gateway {
	t.Helper()
	program, err := versitygw()
	if err != nil {
		t.Fatalf("versitygw cannot be built; see tools/go.mod: %v", err)
	}
	at := freePort(t)
	g := &gateway{url: "http://" + at, dir: dir}
	args := []string{"--port", at, "--access", rootAccess, "--secret", rootSecret, "--region", gatewayRegion, "--iam-dir", t.TempDir(), "--keep-alive", "--quiet"}
	if certificate != nil {
		g.url = "https://" + at
		args = append(args, "--cert", certificate.cert, "--key", certificate.key)
	}
	args = append(args, more...)
	cmd := exec.Command(program, append(args, "posix", dir)...)
	cmd.Stdout, cmd.Stderr = &g.log, &g.log
	must(t, cmd.Start())
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
		if t.Failed() {
			said := g.log.Bytes()
			t.Logf("versitygw says:\n…%s", said[max(0, len(said)-4<<10):])
		}
	})
	listens(t, at, done)
	must(t, os.MkdirAll(filepath.Join(dir, bucket), 0o755))
	return g
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// listens waits until somebody does.
func listens(t testing.TB, at string, done <-chan struct{}) {
	t.Helper()
	ready, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if conn, err := net.Dial("tcp", at); err == nil {
			conn.Close()
			return
		}
		select {
		case <-done:
			t.Fatal("versitygw ended")
		case <-ready.Done():
			t.Fatal("versitygw does not listen")
		case <-tick.C:
		}
	}
}

// addUser makes an account that has no rights but what a bucket's policy gives it.
func (g *gateway) addUser(t testing.TB) {
	t.Helper()
	program, _ := versitygw()
	out, err := exec.Command(program, "admin", "--access", rootAccess, "--secret", rootSecret, "--region", gatewayRegion, "--endpoint-url", g.url,
		"create-user", "--access", userAccess, "--secret", userSecret, "--role", "user").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// root is a client without a carrier.
func (g *gateway) root(t testing.TB) *minio.Client {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(g.url, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(rootAccess, rootSecret, ""), Region: gatewayRegion, MaxRetries: 1,
	})
	must(t, err)
	return client
}

func (g *gateway) settings(more ...with) with {
	all := with{"endpoint": g.url, "region": gatewayRegion, "bucket": bucket, "access-key": rootAccess, "secret-key": rootSecret}
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

func (g *gateway) path(key string) string { return filepath.Join(g.dir, bucket, key) }

func (g *gateway) read(key string) ([]byte, error) { return os.ReadFile(g.path(key)) }

// names lists a folder, without that where the gateway keeps parts.
func (g *gateway) names(folder string) (names []string) {
	entries, _ := os.ReadDir(g.path(folder))
	for _, e := range entries {
		if e.Name() != ".sgwtmp" {
			names = append(names, e.Name())
		}
	}
	return names
}

func (g *gateway) write(t testing.TB) func(string, []byte) {
	return func(key string, content []byte) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(g.path(key)), 0o755))
		must(t, os.WriteFile(g.path(key), content, 0o644))
	}
}

// loopback permits what these tests need.
func loopback() safehttp.Policy {
	return safehttp.Policy{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
}

// certificate is one for 127.0.0.1 that is its own authority.
type certificate struct {
	cert, key string // files
	own       *x509.Certificate
	pool      *x509.CertPool
}

// trust adds another one's authority to the pool.
func (c *certificate) trust(other *certificate) { c.pool.AddCert(other.own) }

func newCertificate(t testing.TB, until time.Time) *certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	parsed, err := x509.ParseCertificate(der)
	must(t, err)
	c := &certificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), parsed, x509.NewCertPool()}
	must(t, os.WriteFile(c.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(c.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	c.pool.AddCert(parsed)
	return c
}

type with = map[string]any

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
