package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jlaffaye/ftp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	// errStalled ends a try whose server does nothing any more.
	errStalled = errors.New("stalled")
	// errData is a data connection that cannot be made, errLocal the file on this side.
	errData  = errors.New("no data connection")
	errLocal = errors.New("the file cannot be read")
)

// try is one try of a parcel or a probe. It is one goroutine's.
type try struct {
	*destination
	carrier *Carrier
	ctx     context.Context
	cancel  context.CancelCauseFunc
	export.Steps

	tls  *tls.Config // nil for none
	conn *ftp.ServerConn
	// peer is where the control connection leads.
	peer netip.AddrPort
	// progress is when the server took something last, replied the code of its last
	// reply.
	progress time.Time
	replied  int
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

// end hangs up, and closes what is open yet.
func (t *try) end() {
	t.hangUp()
	t.cancel(nil)
}

func (t *try) hangUp() {
	if t.conn != nil {
		_ = t.conn.Quit()
	}
	t.conn = nil
}

// patience is how long the server may do nothing.
func (t *try) patience() time.Duration {
	if t.Step == export.StepTLS {
		return export.ConnectTimeout
	}
	return t.carrier.stall
}

// stalled ends the whole try when err says that the server did nothing in time:
// what else it was to be asked would only wait as long again.
func (t *try) stalled(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.cancel(errStalled)
	}
	return err
}

// connect connects and logs in. TLS is 1.2 unless the server insists on 1.3: of
// servers that demand a data connection to be the control connection's session
// many know only how 1.2 resumes one.
func (t *try) connect() error {
	err := t.login(tls.VersionTLS12)
	if err != nil && t.Step == export.StepTLS && strings.Contains(err.Error(), "protocol version not supported") {
		t.hangUp()
		err = t.login(tls.VersionTLS13)
	}
	return err
}

func (t *try) login(version uint16) error {
	// Whatever is said is heard here too: the library drops the codes of some replies.
	options := []ftp.DialOption{ftp.DialWithDebugOutput(hearing{t})}
	if t.secure != noTLS {
		t.tls = t.config(version)
	}
	switch t.secure {
	case explicitTLS:
		options = append(options, ftp.DialWithExplicitTLS(t.tls))
	case implicitTLS:
		options = append(options, ftp.DialWithTLS(t.tls))
	}
	conn, err := ftp.Dial(t.address(), append(options, ftp.DialWithDialFunc(t.dial))...)
	if err != nil {
		return err
	}
	t.conn = conn
	if t.secure == noTLS {
		t.Enter(export.StepLogin)
	}
	return t.conn.Login(t.user, t.password)
}

// config is TLS of one version. The sessions are the try's own: no other
// destination's are resumed, but a data connection resumes the control
// connection's, without which some servers refuse it.
func (t *try) config(version uint16) *tls.Config {
	return &tls.Config{
		ServerName: t.host, RootCAs: t.roots,
		MinVersion: tls.VersionTLS12, MaxVersion: version,
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		VerifyConnection: func(state tls.ConnectionState) error {
			if t.Step == export.StepTLS { // else it is a data connection's
				safehttp.Secured(t.ctx, state)
				t.Enter(export.StepLogin)
			}
			return nil
		},
	}
}

// hearing hears both sides of the control connection.
type hearing struct{ *try }

func (h hearing) Write(said []byte) (int, error) {
	if h.Step == export.StepConnect && strings.HasPrefix(string(said), "SSH-") {
		return 0, &export.Fault{
			Step: h.Step, Class: "protocol", Permanent: true,
			Message: `It is an SSH server that answers; if files are to go there by SFTP, set "type" to sftp, else set another "port"`,
		}
	}
	if code, err := strconv.Atoi(string(said[:min(3, len(said))])); err == nil {
		h.replied = code
	}
	if h.conn == nil && strings.HasPrefix(string(said), "AUTH ") {
		h.Enter(export.StepTLS)
	}
	return len(said), nil
}

// dial makes the control connection first, and then those for data.
func (t *try) dial(_, address string) (net.Conn, error) {
	if t.conn == nil {
		return t.dialControl(address)
	}
	return t.dialData(address)
}

func (t *try) dialControl(address string) (net.Conn, error) {
	t.Enter(export.StepConnect)
	raw, err := t.carrier.Policy.Dial(t.ctx, address, t.way())
	if err != nil {
		return nil, err
	}
	t.peer = raw.RemoteAddr().(*net.TCPAddr).AddrPort()
	conn := t.link(raw)
	if t.secure != implicitTLS {
		return conn, nil
	}
	t.Enter(export.StepTLS)
	secure := tls.Client(conn, t.tls)
	if err := secure.HandshakeContext(t.ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// dialData believes the server's word on the port only. The host is the control
// connection's: a server that could name another would have us connect, and send,
// anywhere (FTP bounce, RFC 2577).
func (t *try) dialData(address string) (net.Conn, error) {
	_, port, _ := net.SplitHostPort(address)
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("%w: the server names the port %s", errData, port)
	}
	addr := t.peer.Addr().Unmap()
	policy := t.carrier.Policy // an address that a name led to may be reached again, without the name
	policy.AllowNetworks = append(slices.Clip(policy.AllowNetworks), netip.PrefixFrom(addr, addr.BitLen()))
	ctx, _ := safehttp.WithTrace(t.ctx) // the try's own trace is of the control connection
	raw, err := policy.Dial(ctx, netip.AddrPortFrom(addr, uint16(n)).String(), t.way())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errData, err)
	}
	conn := t.link(raw)
	if t.tls == nil {
		return conn, nil
	}
	return sealed{tls.Client(conn, t.tls)}, nil
}

func (t *try) way() safehttp.Options {
	return safehttp.Options{Resolver: t.carrier.Resolver, ConnectTimeout: export.ConnectTimeout}
}

// link makes a connection end with the try.
func (t *try) link(raw net.Conn) *link {
	context.AfterFunc(t.ctx, func() { raw.Close() })
	t.progress = time.Now()
	return &link{Conn: raw, try: t}
}
