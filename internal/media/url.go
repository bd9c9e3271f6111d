package media

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/reelhook/reelhook/internal/safehttp"
)

// address is where a source comes from.
type address struct {
	how how
	// written is the URL as its author wrote it, repaired; url is where the file
	// itself is.
	written, url string
}

type how int

const (
	remote how = iota
	inFolder
	inline
)

// resolve understands a URL of a movie. With folder, what has no scheme is a
// path.
func resolve(raw string, folder bool) address {
	raw = strings.TrimFunc(raw, func(r rune) bool {
		return r <= ' ' || r == '\ufeff' || r == '\u200b' || r == '\u00a0'
	})
	switch {
	case len(raw) >= 5 && strings.EqualFold(raw[:5], "data:"):
		return address{inline, raw, raw}
	case folder && !strings.Contains(raw, "://"):
		return address{inFolder, raw, raw}
	}
	raw = repair(raw)
	return address{remote, raw, direct(raw)}
}

// longestShown bounds what an error or a log line shows of a URL.
const longestShown = 500

// shown is the address as it can be shown.
func (a address) shown() string {
	s := a.written
	switch a.how {
	case remote:
		s = safehttp.Redact(s)
	case inline:
		s, _, _ = strings.Cut(s, ",")
		s += ",…"
	}
	if len(s) > longestShown {
		s = strings.ToValidUTF8(s[:longestShown], "") + "…"
	}
	return s
}

// host is what a remote address connects to first.
func (a address) host() string {
	if u, err := url.Parse(a.url); err == nil && a.how == remote {
		return strings.ToLower(u.Host)
	}
	return ""
}

// repair encodes what stands raw in many a URL but must not be sent so: spaces,
// letters beyond ASCII, lone percent signs. Scheme and host stay as they are, and
// so do control characters and backslashes: the policy refuses them.
func repair(raw string) string {
	_, rest, ok := strings.Cut(raw, "://")
	slash := strings.IndexAny(rest, "/?#")
	if !ok || slash < 0 {
		return raw
	}
	from := len(raw) - len(rest) + slash
	var b strings.Builder
	b.WriteString(raw[:from])
	for i := from; i < len(raw); i++ {
		c := raw[i]
		escape := c == ' ' || c >= 0x80 || strings.IndexByte("\"<>^`{|}", c) >= 0
		if c == '%' {
			escape = i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2])
		}
		if escape {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// direct leads from a share link, which shows a page, to the file that is shared.
func direct(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return raw
	}
	switch strings.ToLower(u.Host) {
	case "www.dropbox.com", "dropbox.com":
		if strings.HasPrefix(u.Path, "/s/") || strings.HasPrefix(u.Path, "/scl/") {
			q := u.Query() // rlkey and st in it are what grants access
			q.Del("raw")
			q.Set("dl", "1")
			return "https://" + u.Host + u.EscapedPath() + "?" + q.Encode()
		}
	case "drive.google.com", "docs.google.com":
		return driveFile(u, raw)
	case "drive.usercontent.google.com":
		if !u.Query().Has("confirm") {
			return driveFile(u, raw)
		}
	}
	return raw
}

var (
	drivePath = regexp.MustCompile(`^/(?:a/[^/]+/)?file/(?:u/[0-9]+/)?d/([A-Za-z0-9_-]+)`)
	driveID   = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// driveFile goes to the host that drive.google.com/uc itself redirects to, with
// the confirmation that files too big for Google's virus scan need: without it
// they come as a page of HTML that asks whether one is sure.
func driveFile(u *url.URL, raw string) string {
	q := u.Query()
	var id string
	if m := drivePath.FindStringSubmatch(u.Path); m != nil {
		id = m[1]
	} else if strings.HasSuffix(u.Path, "/open") || strings.HasSuffix(u.Path, "/uc") || u.Path == "/download" {
		id = q.Get("id")
	}
	if !driveID.MatchString(id) {
		return raw
	}
	to := url.Values{"id": {id}, "export": {"download"}, "confirm": {"t"}}
	if key := q.Get("resourcekey"); key != "" { // links from before 2021 need it
		to.Set("resourcekey", key)
	}
	return "https://drive.usercontent.google.com/download?" + to.Encode()
}
