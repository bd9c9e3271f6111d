package ftp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export/exporttest"
)

// with are settings that are set; one that is nil is taken away.
type with map[string]any

func merged(all ...map[string]any) map[string]any {
	sum := map[string]any{}
	for _, some := range all {
		maps.Copy(sum, some)
	}
	maps.DeleteFunc(sum, func(_ string, value any) bool { return value == nil })
	return sum
}

// TestRules holds the carrier to exporttest with vsftpd, for each way to TLS.
func TestRules(t *testing.T) {
	for name, way := range map[string]struct {
		host   string
		config []string
		more   with
	}{
		"plain":                {"127.0.0.1", nil, nil},
		"plain, IPv6":          {"::1", nil, nil},
		"explicit, sessions":   {"127.0.0.1", encrypted(t, "good", "require_ssl_reuse=YES"), with{"secure": true, "ca": authority()}},
		"explicit, no session": {"127.0.0.1", encrypted(t, "good", "require_ssl_reuse=NO", "strict_ssl_read_eof=YES"), with{"type": "ftps", "ca": authority()}},
		"implicit":             {"127.0.0.1", encrypted(t, "good", "require_ssl_reuse=YES", "implicit_ssl=YES"), with{"secure": "implicit", "ca": authority()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			srv := startVSFTPD(t, way.host, way.config...)
			exporttest.Run(t, exporttest.Server{
				Carrier: New(Options{Policy: loopback()}), Host: "host", Port: "port", Renames: true, IfExists: true, Parallel: true,
				Settings: func() map[string]any { return merged(srv.settings(), way.more) },
				Secrets:  []string{testPassword},
				Read:     srv.read, Names: srv.names, Write: srv.write(t),
				Faults: faults(t, srv, way.more),
			})
		})
	}
}

// faults are what can be wrong with vsftpd.
func faults(t *testing.T, srv *vsftpd, way with) map[string]exporttest.Fault {
	settings := func(more with) func(*testing.T) map[string]any {
		return func(*testing.T) map[string]any { return merged(srv.settings(), way, more) }
	}
	all := map[string]exporttest.Fault{
		"read-only folder": {Settings: func(t *testing.T) map[string]any {
			srv.folder(t, "closed", 0o555)
			return settings(with{"remote-path": "closed"})(t)
		}, Step: "write", Class: "denied", Permanent: true},
		"folder that cannot be made": {Settings: func(t *testing.T) map[string]any {
			srv.folder(t, "closed", 0o555)
			return settings(with{"remote-path": "closed/new"})(t)
		}, Step: "folder", Class: "denied", Permanent: true},
	}
	if os.Geteuid() == 0 { // others may not mount, nor ask for passwords
		srv.mount(t, "full", "size=64k")
		all["no space"] = exporttest.Fault{Settings: settings(with{"remote-path": "full"}), Step: "write", Class: "space"}
		all["wrong password"] = exporttest.Fault{Settings: settings(with{"password": "wrong password"}), Step: "login", Class: "login", Permanent: true}
	}
	if way["ca"] == nil {
		all["lies about size"] = exporttest.Fault{Settings: func(t *testing.T) map[string]any {
			return merged(meddle(t, &meddler{server: srv, answers: map[string]string{"SIZE": "213 7"}}).settings(), way)
		}, Step: "size", Class: "size"}
		all["no TLS"] = exporttest.Fault{Settings: settings(with{"secure": true}), Step: "tls", Class: "tls", Permanent: true}
		return all
	}
	all["unknown authority"] = exporttest.Fault{Settings: settings(with{"ca": nil}), Step: "tls", Class: "tls", Permanent: true}
	all["expired certificate"] = exporttest.Fault{Settings: func(t *testing.T) map[string]any {
		config := encrypted(t, "expired")
		if way["secure"] == "implicit" {
			config = append(config, "implicit_ssl=YES")
		}
		other := startVSFTPD(t, srv.host, config...)
		return merged(other.settings(), way)
	}, Step: "tls", Class: "tls", Permanent: true}
	return all
}

// certificate is a certificate with its key and who signed it, in PEM.
type certificate struct{ cert, key, by []byte }

// certificates are made once; all are signed by the same authority.
var certificates = sync.OnceValue(func() map[string]certificate {
	caKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Reelhook's tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	by, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		panic(err)
	}
	all := map[string]certificate{}
	for name, ends := range map[string]time.Duration{"good": time.Hour, "expired": -time.Minute} {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), DNSNames: []string{"localhost", "ftp.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(ends),
		}
		raw, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
		if err != nil {
			panic(err)
		}
		secret, _ := x509.MarshalPKCS8PrivateKey(key)
		all[name] = certificate{encode("CERTIFICATE", raw), encode("PRIVATE KEY", secret), encode("CERTIFICATE", by)}
	}
	return all
})

func encode(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

func authority() string { return string(certificates()["good"].by) }

// encrypted is vsftpd's configuration for TLS with one of the certificates.
func encrypted(t testing.TB, name string, more ...string) []string {
	t.Helper()
	c, file := certificates()[name], filepath.Join(t.TempDir(), "pem")
	must(t, os.WriteFile(file, append(c.key, c.cert...), 0o600))
	return append([]string{
		"ssl_enable=YES", "rsa_cert_file=" + file, "rsa_private_key_file=" + file, "ssl_ciphers=HIGH", "allow_anon_ssl=YES",
		"force_local_logins_ssl=YES", "force_local_data_ssl=YES", "force_anon_logins_ssl=YES", "force_anon_data_ssl=YES", "debug_ssl=YES",
	}, more...)
}
