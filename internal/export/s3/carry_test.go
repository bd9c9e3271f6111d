package s3

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest"
)

func TestCarrier(t *testing.T) {
	g := startGateway(t, t.TempDir(), nil)
	g.addUser(t)
	suite := g.suite(t, New(Options{Policy: loopback(), Version: "test"}))
	suite.Faults = map[string]exporttest.Fault{
		"wrong password":     fault(g, with{"secret-key": "another"}, export.StepLogin, "login"),
		"unknown access key": fault(g, with{"access-key": "NOBODY"}, export.StepLogin, "login"),
		"no such bucket":     fault(g, with{"bucket": "nowhere"}, export.StepFolder, "denied"),
		"no rights":          fault(g, with{"access-key": userAccess, "secret-key": userSecret}, export.StepWrite, "denied"),
		"read-only folder": {Step: export.StepWrite, Class: "denied", Permanent: true, Settings: func(t *testing.T) map[string]any {
			g.let(t, "s3:ListBucket", "s3:GetObject")
			return g.settings(with{"access-key": userAccess, "secret-key": userSecret})
		}},
		"lies about size": {Step: export.StepSize, Class: "size", Settings: func(t *testing.T) map[string]any {
			return g.settings(with{"endpoint": liar(t, g)})
		}},
	}
	if os.Geteuid() == 0 { // a disk of its own takes a mount
		suite.Faults["no space"] = exporttest.Fault{Step: export.StepWrite, Class: "space", Settings: func(t *testing.T) map[string]any {
			return startGateway(t, tinyDisk(t), nil, "--quiet").settings()
		}}
	}
	exporttest.Run(t, suite)
}

func TestCarrierTLS(t *testing.T) {
	good, expired := newCertificate(t, time.Now().Add(time.Hour)), newCertificate(t, time.Now().Add(-time.Hour))
	good.trust(expired)
	g := startGateway(t, t.TempDir(), good)
	suite := g.suite(t, New(Options{Policy: loopback(), RootCAs: good.pool, Version: "test"}))
	suite.Faults = map[string]exporttest.Fault{
		"wrong password": fault(g, with{"secret-key": "another"}, export.StepLogin, "login"),
		"expired certificate": {Step: export.StepTLS, Class: "tls", Settings: func(t *testing.T) map[string]any {
			return startGateway(t, t.TempDir(), expired).settings()
		}},
	}
	exporttest.Run(t, suite)
}

func (g *gateway) suite(t *testing.T, c *Carrier) exporttest.Server {
	return exporttest.Server{
		Carrier: c, Settings: func() map[string]any { return g.settings() }, Secrets: []string{rootSecret}, Host: "endpoint",
		Read: g.read, Names: g.names, Write: g.write(t), IfExists: true,
	}
}

// fault is one that settings have.
func fault(g *gateway, more with, step, class string) exporttest.Fault {
	return exporttest.Fault{Step: step, Class: class, Permanent: true, Settings: func(*testing.T) map[string]any { return g.settings(more) }}
}

// let gives the user rights, and takes those away that it had.
func (g *gateway) let(t *testing.T, rights ...string) {
	const policy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": [%q]},
		"Action": ["%s"], "Resource": [%s]}]}`
	resource := fmt.Sprintf(`"arn:aws:s3:::%s/*"`, bucket)
	if slices.Contains(rights, "s3:ListBucket") {
		resource += fmt.Sprintf(`, "arn:aws:s3:::%s"`, bucket)
	}
	must(t, g.root(t).SetBucketPolicy(t.Context(), bucket, fmt.Sprintf(policy, userAccess, strings.Join(rights, `", "`), resource)))
}

// liar is a gateway that says of every object that it is a byte longer.
func liar(t *testing.T, g *gateway) string {
	return front(t, g, nil, func(resp *http.Response) error {
		if resp.Request.Method == http.MethodHead {
			resp.ContentLength++
			resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
		}
		return nil
	})
}

// tinyDisk is one with room for less than the suite's large file.
func tinyDisk(t *testing.T) string {
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "none", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}
