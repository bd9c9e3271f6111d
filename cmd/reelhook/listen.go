package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/reelhook/reelhook/internal/listen"
)

type listenCmd struct {
	Addr    string        `help:"Address to listen on; port 0 is any free one." default:"127.0.0.1:4242"`
	Forward string        `help:"URL of your app, used as it is, such as localhost:3000/webhook. It gets each request and gives the answer." placeholder:"URL"`
	Secret  []string      `help:"Secrets (whsec_...) or public keys (whpk_...), one of which must have signed; what is forged is answered 401 and not forwarded." placeholder:"whsec_..."`
	Fail    []string      `help:"Answers to give in order and over again: statuses, or hang, reset, close, slow." placeholder:"503,200"`
	Delay   time.Duration `help:"How long to wait before each answer; your app is asked before the wait." placeholder:"2s"`
	Count   int           `help:"End after this many requests. 0 goes on until Ctrl-C." placeholder:"N"`
}

// Help is shown below the flags.
func (listenCmd) Help() string {
	return `Put the endpoint that it prints into a Movie JSON. --fail takes statuses, of which only a 2xx is forwarded, and:

hang never answers;
reset resets the connection;
close ends the connection within the headers;
slow answers a byte a second, which takes a minute.

What is answered 401 (forged) or 413 (over 1 MiB) takes no step of it.

Example:  reelhook listen --secret "$(reelhook secret)" --forward localhost:3000/webhook --fail 503,hang,200`
}

// Validate refuses what would fail later. kong calls it before anything is opened.
func (c listenCmd) Validate() error {
	_, err := c.options()
	return err
}

// options are the flags as the receiver takes them.
func (c listenCmd) options() (o listen.Options, err error) {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return o, errors.New("--addr must be a host and a port, such as 127.0.0.1:4242")
	}
	if c.Delay < 0 {
		return o, fmt.Errorf("--delay must not be negative, but is %v", c.Delay)
	}
	if c.Count < 0 {
		return o, fmt.Errorf("--count must be 0 or more, not %d", c.Count)
	}
	if o.Keys, err = listen.ParseKeys(c.Secret); err != nil {
		return o, fmt.Errorf("--secret cannot be used: %w", err)
	}
	if o.Fail, err = listen.ParseSteps(c.Fail); err != nil {
		return o, fmt.Errorf("--fail cannot be used: %w", err)
	}
	if o.Forward, err = c.forward(); err != nil {
		return o, err
	}
	o.Delay, o.Count, o.Out, o.Colour = c.Delay, c.Count, os.Stdout, isatty.IsTerminal(os.Stdout.Fd())
	return o, nil
}

// forward is the app's URL, http where no scheme is given; nil is none.
func (c listenCmd) forward() (*url.URL, error) {
	text := c.Forward
	if text == "" {
		return nil, nil
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text holds the URL, which may hold a password
		return nil, errors.New("--forward is no URL; it should look like http://localhost:3000/webhook")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("--forward must be http or https with a host, such as http://localhost:3000/webhook")
	}
	if _, port, _ := net.SplitHostPort(c.Addr); port == u.Port() && isLocal(u.Hostname()) {
		return nil, fmt.Errorf("--forward leads back to %s, where this command listens; choose another --addr", c.Addr)
	}
	return u, nil
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// Run receives until it is told to stop, or --count requests came.
func (c listenCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("something listens on %s already; choose another --addr, such as 127.0.0.1:0 for any free port", c.Addr)
	} else if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another --addr", c.Addr, err)
	}
	c.welcome(l.Addr().(*net.TCPAddr).AddrPort(), o)
	h := listen.New(o)
	err = h.Serve(ctx, l)
	fmt.Println(h.Summary())
	return err
}

// welcome says what to put where.
func (c listenCmd) welcome(at netip.AddrPort, o listen.Options) {
	ip := at.Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	network := netip.PrefixFrom(ip, ip.BitLen())
	if ip.Is4() && ip.IsLoopback() {
		network = netip.MustParsePrefix("127.0.0.0/8")
	}
	signatures := "not verified: no --secret; the server's is printed by: reelhook secret"
	if len(o.Keys) > 0 {
		signatures = "verified; what is forged is answered 401"
	}
	fmt.Printf(`Listening   %s
Movie JSON  "exports": [{"destinations": [{"type": "webhook", "endpoint": "http://%s/"}]}]
Server      reelhook serve --allow-http-endpoints --allow-networks %s
Signatures  %s
`, at, netip.AddrPortFrom(ip, at.Port()), network, signatures)
	if o.Forward != nil {
		fmt.Printf("Forward     %s\n", o.Forward.Redacted())
	}
	if len(o.Fail) > 0 {
		fmt.Printf("Answers     %s, and over again\n", strings.Join(c.Fail, ", "))
	}
	if o.Delay > 0 {
		fmt.Printf("Delay       %v\n", o.Delay)
	}
	fmt.Print("\nCtrl-C ends it.\n\n")
}
