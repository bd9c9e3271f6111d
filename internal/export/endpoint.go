package export

import (
	"crypto/sha256"
	"encoding/base32"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/safehttp"
)

// EndpointState tells whether an endpoint is sent anything.
type EndpointState string

// The states. Deliveries to an endpoint that is paused (by hand) or disabled (by
// its own failing, or by hand) are kept until it is enabled.
const (
	Enabled  EndpointState = "enabled"
	Paused   EndpointState = "paused"
	Disabled EndpointState = "disabled"
)

// Endpoint is an address that webhooks go to, and how it has been doing. It is
// known by its URL without the query, which often differs from movie to movie.
type Endpoint struct {
	// ID is EndpointID of its address; URL is the address as it may be shown.
	// Account is whose deliveries are meant: two accounts that send to one address
	// have an endpoint each.
	ID, URL, Group, Account string
	State                   EndpointState
	// Reason says why it is in this state, since ChangedAt.
	Reason    string
	ChangedAt time.Time

	FirstAt, LastSuccess, LastFailure time.Time
	// FailingSince is when the first of Failures attempts failed, with no success
	// since; zero when the last attempt succeeded.
	FailingSince time.Time
	Failures     int
	LastStatus   int
	LastError    string

	// Traffic is what was counted in the time that was asked for.
	Traffic Traffic
	// Held is how many deliveries wait for it to be enabled.
	Held int
}

// EndpointChange is a decision about an endpoint.
type EndpointChange struct {
	ID, URL, Group, Account string
	State                   EndpointState
	Reason                  string
	At                      time.Time
}

// Tally is what happened at one endpoint since the last was written.
type Tally struct {
	// Endpoint holds ID, URL and Group and, as they stand now, LastSuccess,
	// LastFailure, FailingSince, Failures, LastStatus and LastError.
	Endpoint Endpoint
	// Hour is when it happened, cut to the hour.
	Hour    time.Time
	Traffic Traffic
}

// EndpointID is EndpointOf the default account.
func EndpointID(target string) string { return EndpointOf("", target) }

// EndpointOf names the endpoint of an account's address: ep_ and 16 characters
// that say nothing of it. Query and fragment do not count.
func EndpointOf(account, target string) string {
	name := plain(target)
	if account != "" {
		name = account + " " + name
	}
	sum := sha256.Sum256([]byte(name))
	return "ep_" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// address is a target as an endpoint is shown.
func address(target string) string { return safehttp.Redact(plain(target)) }

// plain is a target without query and fragment.
func plain(target string) string {
	if end := strings.IndexAny(target, "?#"); end >= 0 {
		return target[:end]
	}
	return target
}

// Origin is the scheme, host and port of a URL, with the port written out: what
// shares a connection, and so a group. It is "" for what is no URL.
func Origin(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
