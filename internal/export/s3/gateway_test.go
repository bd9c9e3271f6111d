package s3

import (
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
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	store "github.com/reelhook/reelhook/internal/export/exporttest/gateway"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Who may do all, and who may do what a policy says.
const (
	rootAccess, rootSecret = store.Access, store.Secret
	userAccess, userSecret = "USER4ACCESS", "user-Secret/with+signs=="
	gatewayRegion, bucket  = store.Region, store.Bucket
)

// gateway is a running store.
type gateway struct {
	*store.Server
	url, dir string
}

// startGateway runs a gateway over a folder, with TLS when it is given a
// certificate, and makes the bucket.
func startGateway(t testing.TB, dir string, certificate *certificate, more ...string) *gateway {
	t.Helper()
	cert, key := "", ""
	if certificate != nil {
		cert, key = certificate.cert, certificate.key
	}
	s := store.Start(t, dir, cert, key, more...)
	return &gateway{s, s.URL, s.Dir}
}

// addUser makes an account that has no rights but what a bucket's policy gives it.
func (g *gateway) addUser(t testing.TB) {
	t.Helper()
	program, _ := store.Program()
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
	all := g.Settings()
	for _, m := range more {
		maps.Copy(all, m)
	}
	return all
}

func (g *gateway) path(key string) string { return g.Path(key) }

func (g *gateway) read(key string) ([]byte, error) { return g.Read(key) }

func (g *gateway) names(folder string) []string { return g.Names(folder) }

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
