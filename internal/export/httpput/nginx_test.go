package httpput

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	testUser     = "uploader"
	testPassword = "s3cret/word+"
	testToken    = "sIgNaTuRe/9+=x"
)

// nginx is Debian's, with files that are put below root: /up/ takes them, /large/
// only small ones, /readonly/ none, and /login/ those of who knows the password.
type nginx struct {
	root          string
	port, expired int // the certificate of the latter is over
	roots         *x509.CertPool
	names         atomic.Int64
}

const nginxConfig = `
daemon off;
user root; # if that is who runs it
worker_processes 1;
pid %[1]s/pid;
error_log %[1]s/error.log info;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/t1; fastcgi_temp_path %[1]s/t2; uwsgi_temp_path %[1]s/t3; scgi_temp_path %[1]s/t4;
	client_max_body_size 1g;
	root %[1]s/root;
	dav_methods PUT;
	create_full_put_path on;
	server {
		listen 127.0.0.1:%[2]d ssl;
		ssl_certificate %[1]s/good.crt;
		ssl_certificate_key %[1]s/good.key;
		location /large/ { client_max_body_size 1m; }
		location /readonly/ { deny all; }
		location /login/ { auth_basic "files"; auth_basic_user_file %[1]s/users; }
	}
	server {
		listen 127.0.0.1:%[3]d ssl;
		ssl_certificate %[1]s/expired.crt;
		ssl_certificate_key %[1]s/expired.key;
	}
}
`

// startNginx hands nginx sockets that listen already, as it does to itself when it
// is replaced by a newer one: so no port is lost to others, and none is waited for.
func startNginx(t testing.TB) *nginx {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("nginx is missing: install the Debian package nginx-light")
	}
	dir := t.TempDir()
	n := &nginx{root: filepath.Join(dir, "root")}
	for _, folder := range []string{"up", "login"} {
		must(t, os.MkdirAll(filepath.Join(n.root, folder), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(dir, "users"), []byte(testUser+":{PLAIN}"+testPassword+"\n"), 0o600))
	n.certificates(t, dir)
	var sockets []*os.File
	for _, port := range []*int{&n.port, &n.expired} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		*port = l.Addr().(*net.TCPAddr).Port
		socket, err := l.(*net.TCPListener).File()
		must(t, err)
		l.Close()
		sockets = append(sockets, socket)
	}
	config := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, n.port, n.expired), 0o600))
	cmd := exec.Command(program, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", config)
	cmd.ExtraFiles, cmd.Env = sockets, append(os.Environ(), "NGINX=3;4;")
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	must(t, cmd.Start())
	for _, s := range sockets {
		s.Close()
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("nginx says:\n%s…%s", out, log[max(0, len(log)-4<<10):])
		}
	})
	return n
}

// url is a presigned one, of a file that is not there.
func (n *nginx) url(port int, folder string) string {
	return fmt.Sprintf("https://127.0.0.1:%d/%s/movie-%d%%20%%C3%%BC.mp4?X-Signature=%s", port, folder, n.names.Add(1), strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(testToken))
}

func (n *nginx) read(path string) ([]byte, error) { return os.ReadFile(filepath.Join(n.root, path)) }

func (n *nginx) list(folder string) (names []string) {
	entries, _ := os.ReadDir(filepath.Join(n.root, folder))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (n *nginx) write(t testing.TB) func(string, []byte) {
	return func(path string, content []byte) { must(t, os.WriteFile(filepath.Join(n.root, path), content, 0o644)) }
}

// certificates are of a CA that is made up for this.
func (n *nginx) certificates(t testing.TB, dir string) {
	now := time.Now()
	ca, caKey := certificate(t, nil, nil, now.Add(time.Hour))
	n.roots = x509.NewCertPool()
	n.roots.AddCert(ca)
	for name, until := range map[string]time.Time{"good": now.Add(time.Hour), "expired": now.Add(-time.Minute)} {
		cert, key := certificate(t, ca, caKey, until)
		raw, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600))
		must(t, os.WriteFile(file+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	}
}

// certificate is signed by ca, by itself when that is nil.
func certificate(t testing.TB, ca *x509.Certificate, caKey *ecdsa.PrivateKey, until time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: ca == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ca == nil {
		ca, caKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	must(t, err)
	cert, err := x509.ParseCertificate(raw)
	must(t, err)
	return cert, key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
