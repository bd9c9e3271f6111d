// Package sftp is the leaf of internal/export that brings a movie to an SFTP
// server: version 3 of the protocol (draft-ietf-secsh-filexfer-02) with OpenSSH's
// extensions where a server has them. No password or key leaves before the
// server's own key is known to be right. It must not know stores, queues, or when
// a try is made.
package sftp

import (
	"context"
	"crypto/rand"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// Trust remembers the host keys of servers that were trusted at first use. It
// may be used by many goroutines.
type Trust interface {
	// HostKey returns the fingerprint ("SHA256:…") that is remembered for an address
	// (host:port, the host in lower case), and whether there is one.
	HostKey(ctx context.Context, address string) (key string, ok bool, err error)
	// Remember keeps the fingerprint of an address. One that is kept already stays.
	Remember(ctx context.Context, address, key string) error
}

// Options are what a carrier is made of.
type Options struct {
	// Policy is where uploads may go.
	Policy safehttp.Policy
	// Resolver looks names up; nil is the system's.
	Resolver *net.Resolver
	// Trust remembers host keys; nil when none can be trusted at first use.
	Trust Trust
	// FirstUse trusts a server at first use also when its destination does not ask
	// for that. It takes Trust.
	FirstUse bool
	// KnownHosts is the operator's text of known_hosts lines (sshd(8)), "" for none;
	// see CheckKnownHosts.
	KnownHosts string
}

// Carrier brings files to SFTP servers. It may be used by many goroutines.
type Carrier struct {
	Options
	known func() (*knownHosts, error)
	// connecting bounds that, stall waiting for an answer.
	connecting, stall time.Duration
}

var _ export.Carrier = (*Carrier)(nil)

// New makes a carrier.
func New(o Options) *Carrier {
	known := sync.OnceValues(func() (*knownHosts, error) { return parseKnownHosts(o.KnownHosts) })
	return &Carrier{Options: o, known: known, connecting: export.ConnectTimeout, stall: export.Stall}
}

// Plan reads the settings of a destination: host, username and password or
// private-key (with passphrase) are needed, port is 22 unless said otherwise,
// remote-path and file are as section 23 of the contract has them. The server's
// key is pinned by host-key or known-hosts, or trusted at first use when
// trust-host-key is "first-use".
func (c *Carrier) Plan(s export.Settings) (export.Plan, error) {
	d, err := c.read(s, "")
	if err != nil {
		return export.Plan{}, err
	}
	// What the policy checks of a URL's host holds for any protocol's.
	if _, err := c.Policy.CheckURL("https://" + d.address()); err != nil {
		return export.Plan{}, export.Refusal("The SFTP server cannot be used: " + err.Error())
	}
	group := "sftp://" + d.address()
	return export.Plan{Target: group + shown(d.target), Group: group}, nil
}

// shown is a path as a URL has it: one that begins where the login leads begins
// with ~, as curl has it.
func shown(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/~/" + path
}

// Carry uploads the parcel under the name of Place.Part, compares sizes and
// renames. What an earlier try left is gone on with.
func (c *Carrier) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	t, err := c.begin(ctx, p.Settings, p.Name, nil)
	if err != nil {
		return export.Receipt{}, err
	}
	defer t.end()
	if p.Open == nil {
		return export.Receipt{}, export.BadSettings(export.ErrNoFile)
	}
	path, err := t.carry(p)
	if err != nil {
		return export.Receipt{}, t.fault(err)
	}
	return export.Receipt{Path: path, URL: t.url(path)}, nil
}

// Probe connects, logs in, writes a file of a few bytes to the folder and removes
// it.
func (c *Carrier) Probe(ctx context.Context, s export.Settings, note func(step string)) error {
	note(export.StepSettings)
	t, err := c.begin(ctx, s, "", note)
	if err != nil {
		return err
	}
	defer t.end()
	if err := t.probe(); err != nil {
		return t.fault(err)
	}
	return nil
}

func (t *try) probe() error {
	const text = "Reelhook tried this folder out and may remove this file.\n"
	if err := t.connect(); err != nil {
		return err
	}
	folder, err := t.folder()
	if err != nil {
		return err
	}
	file := export.Place{Folder: folder, Name: ".reelhook-probe-" + strings.ToLower(rand.Text())}.Path()
	written := t.upload(file, 0, source{strings.NewReader(text), int64(len(text)), func(int64) {}})
	if written == nil {
		written = t.checkSize(file, int64(len(text)))
	}
	if written != nil {
		_ = t.files.Remove(file) // it may not be there
		return written
	}
	t.Enter(export.StepRemove)
	return t.files.Remove(file)
}
