package email

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/export/exporttest/daemon"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
)

// exim is Exim on loopback, which delivers to a maildir. It needs Debian's package
// exim4-daemon-light, and root: nobody else may give it a configuration.
type exim struct {
	port         int
	home, config string
	t            testing.TB
}

const program = "/usr/sbin/exim4"

const eximConfig = `
primary_hostname = mail.test
spool_directory = %[1]s/spool
log_file_path = %[1]s/log/%%slog
pid_file_path = %[1]s/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = %[2]d
tls_advertise_hosts = *
tls_certificate = %[1]s/certificate.pem
tls_on_connect_ports = %[3]s
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
message_size_limit = 8M
deliver_drop_privilege = true
never_users =
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
smtp_accept_max = 50
smtp_accept_queue_per_connection = 0
log_selector = +all
begin acl
rcpt:
  deny !authenticated = *
       message = log in first
  deny local_parts = nobody
       message = no such user here
  defer local_parts = later
       message = come again
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = %[1]s/box
  create_directory = true
  maildir_format = true
  envelope_to_add = true
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if and{{eq{$auth2}{%[4]s}}{eq{$auth3}{%[5]s}}}}
  server_set_id = $auth2
`

// startExim runs one whose TLS is there from the first byte, or after STARTTLS.
func startExim(t testing.TB, w *world, implicit bool) *exim {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatal("Exim is missing: install Debian's package exim4-daemon-light")
	}
	at := daemon.FreePort(t, "127.0.0.1")
	x := &exim{port: at.Port, home: t.TempDir(), t: t}
	x.config = filepath.Join(x.home, "exim.conf")
	own, err := user.Lookup("Debian-exim")
	must(t, err)
	uid, err := strconv.Atoi(own.Uid)
	must(t, err)
	gid, err := strconv.Atoi(own.Gid)
	must(t, err)
	for dir := x.home; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755)) // Exim gives up being root
	}
	for _, name := range []string{"spool", "log", "box"} {
		must(t, os.Mkdir(filepath.Join(x.home, name), 0o755))
		must(t, os.Chown(filepath.Join(x.home, name), uid, gid))
	}
	key, err := x509.MarshalPKCS8PrivateKey(w.certificate.PrivateKey)
	must(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.certificate.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	must(t, os.WriteFile(filepath.Join(x.home, "certificate.pem"), text, 0o640))
	must(t, os.Chown(filepath.Join(x.home, "certificate.pem"), 0, gid))
	onConnect := ""
	if implicit {
		onConnect = strconv.Itoa(at.Port)
	}
	config := fmt.Sprintf(eximConfig, x.home, at.Port, onConnect, mailbox.User, mailbox.Password)
	must(t, os.WriteFile(x.config, []byte(config), 0o644))
	log := filepath.Join(x.home, "log")
	daemon.Run(t, at, []string{filepath.Join(log, "mainlog"), filepath.Join(log, "paniclog")}, program, "-C", x.config, "-bdf")
	return x
}

// delivered waits until all that was accepted is delivered, and returns it.
func (x *exim) delivered() (mails []string) {
	x.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 { // or some of it is missing
		queue, err := exec.Command(program, "-C", x.config, "-bpc").Output()
		must(x.t, err)
		if strings.TrimSpace(string(queue)) == "0" {
			break
		}
		<-tick.C
	}
	files, err := filepath.Glob(filepath.Join(x.home, "box", "new", "*"))
	must(x.t, err)
	return files
}

// TestExim holds the carrier to exporttest with a server that the world uses.
func TestExim(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("Exim takes a configuration of root alone; the mailbox has to do")
		return
	}
	w := newWorld(t)
	for name, more := range map[string]with{"STARTTLS": {}, "implicit TLS": {"secure": "implicit"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := startExim(t, w, more["secure"] != nil)
			all := func(some with) func(*testing.T) map[string]any {
				return func(*testing.T) map[string]any { return settings(x.port, more, some) }
			}
			exporttest.Run(t, exporttest.Server{
				Carrier: w.carrier, Host: "host", Port: "port",
				Settings:  func() map[string]any { return all(with{"attach": true})(t) },
				Secrets:   []string{mailbox.User, mailbox.Password},
				Delivered: counter(func() int { return len(x.delivered()) }),
				Faults: map[string]exporttest.Fault{
					"wrong password":        {Settings: all(with{"password": "not the password"}), Step: "login", Class: "login", Permanent: true},
					"refuses a recipient":   {Settings: all(with{"to": "a@example.org, nobody@example.org"}), Step: "send", Class: "denied", Permanent: true},
					"greylists a recipient": {Settings: all(with{"to": "later@example.org"}), Step: "send", Class: "protocol"},
					"wants a login":         {Settings: all(with{"username": nil, "password": nil}), Step: "send", Class: "denied", Permanent: true},
				},
			})
			x.letter(t, w, all)
		})
	}
}

// letter has a mail of every kind of part go through, and one that is too large.
func (x *exim) letter(t *testing.T, w *world, all func(with) func(*testing.T) map[string]any) {
	movie := []byte(strings.Repeat("\r\n.\r\nmovie\x00\xff", 100_000))
	more := with{"attach": true, "html": "<p>" + text + "</p>", "message": text, "bcc": "hidden@example.org"}
	want := []part{
		{Type: "multipart/mixed"}, {Type: "multipart/alternative"}, {"text/plain", "", text}, {"text/html", "", "<p>" + text + "</p>"},
		{"video/mp4", "Füße 1.mp4", string(movie)},
	}
	var to []string
	for _, m := range x.carried(t, w, parcel(given(t, all(more)(t)), movie)) {
		to = append(to, m.Header.Get("Envelope-To"))
		if m.Header.Get("To") != "<editor@example.org>" || m.Header.Get("Bcc") != "" {
			t.Errorf("To %s, Bcc %q", m.Header.Get("To"), m.Header.Get("Bcc"))
		}
		if diff := cmp.Diff(want, parts(t, m.Header, m.Body)); diff != "" {
			t.Errorf("parts: %.2000s", diff)
		}
	}
	slices.Sort(to)
	if diff := cmp.Diff([]string{"editor@example.org", "hidden@example.org"}, to); diff != "" {
		t.Error(diff)
	}
	for _, m := range x.carried(t, w, parcel(given(t, all(with{"attach": true})(t)), make([]byte, 9<<20))) { // of 8
		if got := parts(t, m.Header, m.Body); len(got) != 1 || !strings.Contains(got[0].Content, "is not attached") {
			t.Errorf("%.1000v", got)
		}
	}
}

// carried brings a parcel and returns what was delivered, one for each recipient.
func (x *exim) carried(t *testing.T, w *world, p export.Parcel) (mails []*mail.Message) {
	t.Helper()
	before := x.delivered()
	_, err := w.carrier.Carry(t.Context(), p)
	must(t, err)
	for _, name := range x.delivered() {
		if !slices.Contains(before, name) {
			text, err := os.ReadFile(name)
			must(t, err)
			m, err := mail.ReadMessage(bytes.NewReader(text))
			must(t, err)
			mails = append(mails, m)
		}
	}
	if len(mails) == 0 {
		t.Fatal("nothing was delivered")
	}
	return mails
}
