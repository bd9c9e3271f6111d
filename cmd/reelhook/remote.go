package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/mattn/go-isatty"

	"github.com/reelhook/reelhook/internal/api"
)

// defaultServer is where reelhook serve listens when nothing else is said.
const defaultServer = "http://localhost:8080"

// remote is the server that a command asks, and how it shows the reply.
type remote struct {
	Server string `help:"Address of the server, http://localhost:8080 when not given." placeholder:"URL"`
	APIKey string `name:"api-key" help:"Key of the server's API. On the command line other users of this machine can see it."`
	JSON   bool   `name:"json" help:"Print the API's JSON, indented, and nothing else."`
}

// Validate refuses an address that leads nowhere; what is wrong with it may hold
// a password and is not repeated. Commands with a Validate of their own call it.
func (r remote) Validate() error {
	if r.Server == "" {
		return nil
	}
	u, err := url.Parse(r.Server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" {
		return errors.New("--server must be http or https with a host, such as " + defaultServer)
	}
	return nil
}

// client calls the server. It follows no redirect, which would lead the key
// somewhere else and make a POST a GET.
func (r remote) client() api.Client {
	return api.Client{BaseURL: cmp.Or(r.Server, defaultServer), Key: r.APIKey, HTTP: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// explain says what to do about a call that failed.
func (r remote) explain(err error) error {
	failure, answered := errors.AsType[*api.Failure](err)
	failed, called := errors.AsType[*url.Error](err)
	var said exitCode
	advice := ""
	switch {
	case errors.As(err, &said):
		return said
	case errors.Is(err, context.Canceled):
		return exitCode(130)
	case called:
		err = fmt.Errorf("no server answers at %s: %w", r.address(), failed.Err)
		advice = "; start one with: reelhook serve, or name another with --server or REELHOOK_SERVER"
	case !answered:
	case strings.Contains(failure.Message, "API Key"): // the status is 400, as for much else
		advice = "; give the server's key with --api-key or REELHOOK_API_KEY"
	case failure.Status >= 300 && failure.Status <= 399:
		advice = "; redirects are not followed, so give --server the address that answers"
	}
	return errors.New(printable(err.Error()) + advice)
}

// address is the server's, without a password.
func (r remote) address() string {
	u, err := url.Parse(cmp.Or(r.Server, defaultServer))
	if err != nil {
		return "an address that cannot be read"
	}
	return u.Redacted()
}

// poll asks again and again, until that says it is done.
func poll(ctx context.Context, ask func() (done bool, err error)) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return exitCode(130)
		}
	}
}

// screen is where a command shows its results, and errs what is only for the
// eyes of whoever waits.
type screen struct {
	out, errs io.Writer
	colour    bool
	// now is the clock; times are shown in the zone of what it says.
	now func() time.Time
}

func newScreen() *screen {
	return &screen{os.Stdout, os.Stderr, isatty.IsTerminal(os.Stdout.Fd()), time.Now}
}

// json prints a reply of the API. What would move a terminal is escaped: to
// whoever reads JSON that is the same.
func (s *screen) json(reply any) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(reply); err != nil {
		return err
	}
	_, err := io.WriteString(s.out, escapeJSON(b.String()))
	return err
}

// escapeJSON writes what does not print as JSON's escapes. Such characters stand
// inside strings alone.
func escapeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	return b.String()
}

// id names a thing of the server.
type id string

// UnmarshalText refuses what a script wrote that had none: the API takes the
// path without an id as the list of all.
func (i *id) UnmarshalText(text []byte) error {
	if *i = id(strings.TrimSpace(string(text))); *i == "" {
		return errors.New("it is empty")
	}
	return nil
}

// moment is a time as people write it for the API: RFC 3339, a date, or how long
// ago, such as 2h or 7d.
type moment string

// UnmarshalText checks it.
func (m *moment) UnmarshalText(text []byte) error {
	*m = moment(strings.TrimSpace(string(text)))
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if _, err := time.Parse(layout, string(*m)); err == nil {
			return nil
		}
	}
	if err := new(span).UnmarshalText([]byte(*m)); err != nil {
		return fmt.Errorf("%q is no time; write it like 2h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z", string(*m))
	}
	return nil
}

// at is the time as the API takes it.
func (m moment) at(now time.Time) string {
	var ago span
	if m == "" || ago.UnmarshalText([]byte(m)) != nil {
		return string(m)
	}
	return now.Add(-time.Duration(ago)).UTC().Format(time.RFC3339)
}
