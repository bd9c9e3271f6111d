// Package app wires every part of Reelhook into one server: it opens the
// database, finds FFmpeg, builds renderer, exports and API, and starts and stops
// them in order. It must not hold rules of its own: what it decides is which
// part gets which.
package app

import (
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/media"
	"github.com/reelhook/reelhook/internal/signing"
)

// Options are the server's settings, as flags, environment and reelhook.yaml
// give them.
type Options struct {
	// Listen is the address to serve on.
	Listen string
	// Data is the folder that holds everything Reelhook keeps.
	Data string
	// PublicURL is the base of movie.url; empty is made from the address served on.
	PublicURL string
	// APIKey always works; empty leaves it to the stored keys.
	APIKey string
	// WebhookSecrets sign inline endpoints' webhooks, all of them, the first of a
	// kind being the current one; empty are the stored ones. Signatures are the
	// kinds that are made, both when empty.
	WebhookSecrets []string
	Signatures     []signing.Kind
	// WebhookTimeout bounds one attempt, WebhookRetries are the delays after
	// failed ones; zero values are the exports' own defaults.
	WebhookTimeout time.Duration
	WebhookRetries []time.Duration
	// AllowHTTPEndpoints permits endpoints without TLS; AllowNetworks and AllowHosts
	// are networks and host names that endpoints and media may reach although not
	// public.
	AllowHTTPEndpoints bool
	AllowNetworks      []netip.Prefix
	AllowHosts         []string
	// EgressProxy carries webhooks, nil for none.
	EgressProxy *url.URL
	// DisableAfter is how long an endpoint may do nothing but fail before it is
	// disabled; zero is the exports' own default. OperatorWebhook is told of that
	// and of other events, "" for nobody.
	DisableAfter    time.Duration
	OperatorWebhook string
	// LogRetention and LogSize bound the delivery log, in age and bytes of the
	// database; zero is no bound.
	LogRetention time.Duration
	LogSize      int64
	// MasterKeys seal what is secret, the first of them; empty is the key in the data
	// folder. Connections are those declared beside the stored ones.
	MasterKeys  []string
	Connections []connection.Connection
	// ExportBudget is how long the uploads and emails of one movie may take
	// together; zero is the exports' own default.
	ExportBudget time.Duration
	// SMTP is the server for emails without one of their own, nil for none; see
	// email.ParseServer. SMTPFrom is their sender.
	SMTP     *url.URL
	SMTPFrom string
	// KnownHosts are known_hosts lines of SSH servers; TrustNewHosts has others
	// trusted at first sight.
	KnownHosts    string
	TrustNewHosts bool
	// RenderWorkers is how many movies are rendered at once; zero is half the
	// cores, at least 1.
	RenderWorkers int
	// CacheSize is how many bytes of what movies are made of are kept to be used
	// again; zero is nothing.
	CacheSize int64
	// Encoder is the name of what encodes pictures, or "auto"; see
	// render.ChooseEncoder.
	Encoder string

	// MediaLimits bound what one movie may fetch, zero for the fetcher's own.
	MediaLimits media.Limits

	Version string
	Log     *slog.Logger
	// RootCAs are trusted by outgoing TLS in place of the system's, nil for those.
	RootCAs *x509.CertPool
	// Fault is for tests, which end the process in it: it is called at each of the
	// points that sqlite.Options names, at attempt.before, when an attempt is logged
	// and about to be sent, and at attempt.after, when its answer was read and is
	// not yet recorded. Nil is nobody.
	Fault func(point string)
}

func (o Options) withDefaults() Options {
	if o.RenderWorkers == 0 {
		o.RenderWorkers = max(1, runtime.NumCPU()/2)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// publicURL is the base of links to files, without a slash at its end: as set,
// or the address served on, by the name under which this machine reaches itself
// when it listens everywhere.
func (o Options) publicURL(addr net.Addr) string {
	if o.PublicURL != "" {
		return strings.TrimRight(o.PublicURL, "/")
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
