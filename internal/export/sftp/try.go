package sftp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// errStalled ends a try whose server answers nothing any more.
var errStalled = errors.New("stalled")

// try is one try of a parcel or a probe.
type try struct {
	*destination
	carrier *Carrier
	ctx     context.Context
	cancel  context.CancelCauseFunc
	export.Steps

	client *ssh.Client
	files  *sftp.Client
	// watch ends the try unless the server answers from time to time.
	watch *time.Timer
	// methods are the ways to log in that the server offers.
	methods []string
}

// begin reads the settings; the error is a Fault.
func (c *Carrier) begin(ctx context.Context, s export.Settings, name string, note func(string)) (*try, error) {
	d, err := c.read(s, name)
	if err != nil {
		return nil, export.BadSettings(err)
	}
	t := &try{destination: d, carrier: c, Steps: export.Steps{Note: note}}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	return t, nil
}

// end hangs up and waits until nothing of the try is left.
func (t *try) end() {
	t.cancel(nil)
	if t.watch != nil {
		t.watch.Stop()
	}
	if t.client != nil {
		_ = t.client.Close()
	}
	if t.files != nil {
		_ = t.files.Close()
	}
}

// connect connects, checks the host key, logs in and begins to speak SFTP.
func (t *try) connect() error {
	keys, err := t.carrier.expect(t.ctx, t.destination)
	if err != nil {
		t.Enter(export.StepHostKey)
		return err
	}
	var refused error
	for _, algorithms := range keys.rounds() {
		err := t.login(keys, algorithms)
		var fault *export.Fault
		var unlike *ssh.AlgorithmNegotiationError
		switch {
		case err == nil:
			return t.openFiles()
		case errors.As(err, &fault) && fault.Class == classHostKey:
			if refused == nil || errors.As(refused, &unlike) {
				refused = err
			}
		case errors.As(err, &unlike) && unlike.What == "host key":
			if refused == nil {
				refused = err
			}
		default:
			return err
		}
	}
	return refused
}

// login makes one connection, on which the server can show a key only of the
// kinds in algorithms.
func (t *try) login(keys *hostKeys, algorithms []string) error {
	t.Enter(export.StepConnect)
	ctx, cancel := context.WithTimeout(t.ctx, t.carrier.connecting)
	defer cancel()
	way := safehttp.Options{Resolver: t.carrier.Resolver, ConnectTimeout: t.carrier.connecting}
	conn, err := t.carrier.Policy.Dial(ctx, t.address(), way)
	if err != nil {
		return err
	}
	context.AfterFunc(t.ctx, func() { conn.Close() })
	hurry := context.AfterFunc(ctx, func() { conn.Close() })
	t.Enter(export.StepHostKey)
	var trusted atomic.Bool
	c, channels, requests, err := ssh.NewClientConn(conn, t.address(), t.config(keys, algorithms, &trusted))
	if trusted.Load() {
		t.Enter(export.StepLogin)
	}
	if !hurry() && t.ctx.Err() == nil {
		err = errors.Join(errSlow, err)
	}
	if err != nil {
		conn.Close()
		return err
	}
	t.client = ssh.NewClient(c, channels, requests)
	return nil
}

// config is how SSH is spoken: with what the library holds to be sound, which is
// less than its defaults. trusted is set once the server's key is known to be
// right, on another goroutine.
func (t *try) config(keys *hostKeys, algorithms []string, trusted *atomic.Bool) *ssh.ClientConfig {
	sound := ssh.SupportedAlgorithms()
	return &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: sound.KeyExchanges, Ciphers: sound.Ciphers, MACs: sound.MACs},
		HostKeyAlgorithms: algorithms,
		User:              t.user,
		Auth:              t.auth(),
		// It is called again whenever keys are exchanged anew, in the midst of a file.
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			err := keys.check(key)
			trusted.CompareAndSwap(false, err == nil)
			return err
		},
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			t.Enter(export.StepLogin)
			t.methods = c.AllowedMethods
			return nil, nil
		},
	}
}

var errAsked = errors.New("the server asks for more than a password")

// auth are the ways to log in. The password is offered once, also when the server
// takes it in two ways (RFC 4252, RFC 4256): a second wrong one may lock a user
// out.
func (t *try) auth() (ways []ssh.AuthMethod) {
	if t.key != nil {
		ways = append(ways, ssh.PublicKeys(t.key))
	}
	if t.password == "" {
		return ways
	}
	offered := false
	offer := func() (string, error) {
		if offered {
			return "", errAsked
		}
		offered = true
		return t.password, nil
	}
	return append(ways, ssh.PasswordCallback(offer), ssh.KeyboardInteractive(
		func(_, _ string, questions []string, echos []bool) ([]string, error) {
			if len(questions) == 0 {
				return nil, nil
			}
			if len(questions) > 1 || echos[0] { // what is shown while it is typed is no password
				return nil, errAsked
			}
			password, err := offer()
			return []string{password}, err
		}))
}

// openFiles begins SFTP on the connection, and to watch whether it is answered.
func (t *try) openFiles() error {
	t.watch = time.AfterFunc(t.carrier.stall, func() { t.cancel(errStalled) })
	session, err := t.client.NewSession()
	if err != nil {
		return err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return errors.Join(errNoSFTP, err)
	}
	t.files, err = sftp.NewClientPipe(answers{out, t.alive}, in, sftp.MaxConcurrentRequestsPerFile(inFlight))
	return err
}

func (t *try) alive() { t.watch.Reset(t.carrier.stall) }

// answers is what comes from an SFTP server. Only there is progress seen as it
// should be: what is sent may wait in a buffer, and a connection may be kept alive
// by nothing.
type answers struct {
	io.Reader
	alive func()
}

func (a answers) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.alive()
	}
	return n, err
}

// url is a path on the server as a URL, without user name.
func (t *try) url(path string) string {
	host := t.address()
	if t.port == 22 {
		host = strings.TrimSuffix(host, ":22")
	}
	u := url.URL{Scheme: "sftp", Host: host, Path: shown(path)}
	return u.String()
}
