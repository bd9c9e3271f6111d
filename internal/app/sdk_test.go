package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	cryptorand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
)

// Clients and receivers as their makers publish them: json2video-sdk and
// standardwebhooks from npm, and curl.

// sdkFolder holds the programs that Node runs, and the packages they use.
const sdkFolder = "testdata/sdk"

// node is a run of one of sdkFolder's programs.
func node(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(filepath.Join(sdkFolder, "node_modules")); err != nil {
		t.Fatalf("%v: run scripts/deps test first", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = sdkFolder
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	cmd.Stderr = t.Output()
	return cmd
}

// front is what people put before a server for its https: it ends TLS, with a
// certificate of a private CA, and passes the bytes on, as stunnel does. It
// keeps what clients sent.
type front struct {
	net.Listener
	URL   string
	host  string
	CAs   *x509.CertPool
	env   []string // for Node
	args  []string
	conns sync.WaitGroup

	mu   sync.Mutex
	sent []*bytes.Buffer
}

// newFront takes port 443, the only one that the SDK calls, of an address of
// this machine that nobody else uses. Where that is not permitted Node gets a
// preload that knows another port.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	l, err := net.Listen("tcp", host+":443")
	f.URL = "https://" + host
	if err != nil {
		host = "127.0.0.1"
		t.Logf("%v: the SDK runs with %s/port.js, which leads its connections to another port", err, sdkFolder)
		if l, err = net.Listen("tcp", host+":0"); err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		f.URL = "https://" + l.Addr().String()
		f.env, f.args = []string{"TEST_PORT=" + port}, []string{"--require", "./port.js"}
	}
	f.host = host
	config, ca := certificate(t, net.ParseIP(host))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	f.env = append(f.env, "NODE_EXTRA_CA_CERTS="+file)
	f.CAs = x509.NewCertPool()
	f.CAs.AppendCertsFromPEM(ca)
	f.Listener = tls.NewListener(l, config)
	return f
}

// certificate makes a CA and a certificate of its own for one address.
func certificate(t *testing.T, ip net.IP) (_ *tls.Config, ca []byte) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Reelhook"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{ip}, DNSNames: []string{"localhost"},
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rootDER, err := x509.CreateCertificate(cryptorand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(cryptorand.Reader, leaf, root, leafKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	// Small first records would reach the SDK as chunks of a reply.
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}}, DynamicRecordSizingDisabled: true}
	return config, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
}

// serve passes connections to app until the test ends.
func (f *front) serve(t *testing.T, app string) {
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := f.Accept()
			if err != nil {
				ended <- err
				return
			}
			sent := &bytes.Buffer{}
			f.mu.Lock()
			f.sent = append(f.sent, sent)
			f.mu.Unlock()
			f.conns.Go(func() { pass(conn, app, sent) })
		}
	}()
	t.Cleanup(func() {
		f.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		f.conns.Wait()
	})
}

// pass carries one connection until either side ends it.
func pass(client net.Conn, app string, sent io.Writer) {
	defer client.Close()
	server, err := net.Dial("tcp", app)
	if err != nil {
		return
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(server, io.TeeReader(client, sent))
	server.Close()
	<-back
}

// requests reads what clients have sent, once they have hung up.
func (f *front) requests(t *testing.T) (all []*http.Request) {
	t.Helper()
	f.conns.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, sent := range f.sent {
		for in := bufio.NewReader(sent); ; {
			r, err := http.ReadRequest(in)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			all = append(all, r)
		}
	}
	return all
}

// withSDK runs a program of the SDK against a server behind a front and returns
// what it printed: the reply to render() and the last status.
func withSDK(t *testing.T, program string) (f *front, a *app.App, accepted api.Accepted, last api.MovieReply) {
	t.Helper()
	f = newFront(t)
	a, _ = server(t, func(o *app.Options) { o.PublicURL = f.URL })
	f.serve(t, a.Addr().String())
	out, err := node(t, f.env, append(f.args, program, f.URL+"/v2/movies", key)...).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	if err := errors.Join(d.Decode(&accepted), d.Decode(&last)); err != nil || d.More() {
		t.Fatalf("%v in\n%s", err, out)
	}
	return f, a, accepted, last
}

// TestSDK renders the movie of the SDK's README with the SDK.
func TestSDK(t *testing.T) {
	f, a, accepted, last := withSDK(t, "hello.js")
	m := last.Movie
	if !accepted.Success || !last.Success || m.Status != "done" || m.Project != accepted.Project || m.URL == nil {
		t.Fatalf("%+v\n%+v", accepted, last)
	}
	if *m.Width != 640 || *m.Height != 360 || *m.Duration != 3 {
		t.Errorf("%dx%d, %g s", *m.Width, *m.Height, *m.Duration)
	}
	if q := last.RemainingQuota; q.Movies == 0 || q.Drafts == 0 {
		t.Errorf("the README prints %+v", q)
	}
	checkRequests(t, f, accepted.Project)

	path, ok := strings.CutPrefix(*m.URL, f.URL)
	if !ok {
		t.Fatalf("url %s is not of %s", *m.URL, f.URL)
	}
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: f.CAs}, DisableKeepAlives: true}}
	resp, err := https.Get(*m.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 || n != *m.Size {
		t.Errorf("%s: %v %s, %d bytes, want %d", *m.URL, err, resp.Status, n, *m.Size)
	}
	if v := probe(t, "http://"+a.Addr().String()+path).Streams[0]; v.CodecName != "h264" || v.Width != 640 || v.Height != 360 || v.NbFrames != "75" {
		t.Errorf("picture: %+v", v)
	}
}

// checkRequests holds that the SDK sent what we think it does: one POST, then
// nothing but questions for the status.
func checkRequests(t *testing.T, f *front, project string) {
	t.Helper()
	sent := f.requests(t)
	if len(sent) < 2 {
		t.Fatalf("%d requests", len(sent))
	}
	for i, r := range sent {
		want := "GET /v2/movies?project=" + project
		if i == 0 {
			want = "POST /v2/movies"
		}
		if got := r.Method + " " + r.RequestURI; got != want || r.Header.Get("x-api-key") != key || r.Host != f.host {
			t.Errorf("request %d is %s to %s with %v, want %s", i, got, r.Host, r.Header, want)
		}
	}
	var movie struct {
		Resolution, Quality, Comment string
		Draft                        bool
		Scenes                       []map[string]any
	}
	body, _ := io.ReadAll(sent[0].Body)
	if err := json.Unmarshal(body, &movie); err != nil || sent[0].Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v, %v in %s", sent[0].Header, err, body)
	}
	if movie.Resolution != "custom" || movie.Quality != "high" || !movie.Draft || len(movie.Comment) < 4096 || movie.Scenes[0]["background-color"] != "#4392F1" {
		t.Errorf("movie %s", body)
	}
}

// TestSDKFailingMovie tells the SDK of a movie that cannot be rendered.
func TestSDKFailingMovie(t *testing.T) {
	_, _, accepted, last := withSDK(t, "failing.js")
	m := last.Movie
	if !accepted.Success || !last.Success || m.Project != accepted.Project || m.Success || m.Status != "error" || m.URL != nil ||
		m.Message != "Source URL is required for image element in Scene #1, Element #1" {
		t.Errorf("%+v\n%+v", accepted, last)
	}
}

// TestStandardWebhooksInNode delivers a webhook to a receiver that verifies with
// the official library.
func TestStandardWebhooksInNode(t *testing.T) {
	_, c := server(t, nil)
	cmd := node(t, nil, "receiver.js", secret)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("no receiver: %v", errors.Join(lines.Err(), cmd.Wait()))
	}
	id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":%q,"content-type":"json"}`, lines.Text())))
	m := exported(t, c, id)
	if d := m.Exports[0].Destinations[0]; d.Status != "delivered" || d.Attempts != 1 || d.LastStatus != 204 {
		t.Errorf("destination %+v", d)
	}
	in.Close() // ends the receiver
	type outcome struct {
		Payload map[string]any
		Error   string
	}
	var got []struct{ Right, Changed, Other outcome }
	for lines.Scan() {
		got = append(got, struct{ Right, Changed, Other outcome }{})
		if err := json.Unmarshal(lines.Bytes(), &got[len(got)-1]); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil || len(got) != 1 {
		t.Fatalf("%v, %d requests", err, len(got))
	}
	if r := got[0].Right; r.Error != "" || r.Payload["status"] != "done" || r.Payload["project"] != id || r.Payload["id"] != "mine" || r.Payload["url"] != *m.URL {
		t.Errorf("verify: %+v", r)
	}
	const refusal = "No matching signature found"
	if got[0].Changed.Error != refusal || got[0].Other.Error != refusal {
		t.Errorf("anything verifies: %+v", got[0])
	}
}

// TestCurl sends what n8n workflows do: a content type that is none, JSON with
// CRLF, and an id with a space behind it.
func TestCurl(t *testing.T) {
	_, c := server(t, nil)
	curl := func(reply any, args ...string) {
		t.Helper()
		args = append([]string{"-sS", "--fail-with-body", "--max-time", "20", "-H", "x-api-key: " + key}, args...)
		out, err := exec.CommandContext(t.Context(), "curl", args...).CombinedOutput()
		if err == nil {
			err = json.Unmarshal(out, reply)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	file := filepath.Join(t.TempDir(), "movie.json")
	movie := "{\r\n  \"width\": 320,\r\n  \"height\": 180,\r\n  \"scenes\": [\r\n    { \"duration\": 1 }\r\n  ]\r\n}\r\n"
	if err := os.WriteFile(file, []byte(movie), 0o600); err != nil {
		t.Fatal(err)
	}
	var accepted api.Accepted
	curl(&accepted, "-H", "Content-Type: scenes", "--data-binary", "@"+file, c.BaseURL+"/v2/movies")
	rendered(t, c, accepted.Project)
	for _, query := range [][]string{
		{"-G", "--data-urlencode", "id=" + accepted.Project + " ", c.BaseURL + "/v2/movies"},
		{c.BaseURL + "/v2/movies?id=" + accepted.Project + "%20"},
		{c.BaseURL + "/v2/movies/?id=" + accepted.Project + "+"},
	} {
		var status api.MovieReply
		curl(&status, query...)
		if m := status.Movie; m.Status != "done" || m.Project != accepted.Project || *m.Width != 320 {
			t.Errorf("%v: %+v", query, m)
		}
	}
}
