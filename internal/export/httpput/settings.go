package httpput

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// The bounds of what a destination may ask for, in bytes; presigned URLs with a
// session's token have some 2 KiB, and servers take 8 KiB.
const (
	maxURL     = 8 << 10
	maxHeaders = 16 << 10
)

// everywhere permits every address, so that CheckURL looks at the form alone.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// upload is what a destination asks for.
type upload struct {
	url    *url.URL
	method string
	header http.Header
	// secrets are the parts of the URL's query and of headers' values.
	secrets []string
}

// read reads "url", "method", "headers" and "content-type". Its errors are
// Refusals and show no value that may be secret.
func (c *Carrier) read(s export.Settings) (*upload, error) {
	up := &upload{method: http.MethodPut}
	if err := up.readURL(s.Text("url"), c.policy.AllowHTTP); err != nil {
		return nil, err
	}
	if s.Has("method") {
		up.method = strings.ToUpper(s.Text("method"))
	}
	if up.method != http.MethodPut && up.method != http.MethodPost {
		return nil, export.Refusal(`"method" must be PUT or POST`)
	}
	if s.Has("if-exists") && !strings.EqualFold(s.Text("if-exists"), export.Overwrite) {
		return nil, export.Refusal(`"if-exists" must be overwrite: an upload to a URL replaces what is there`)
	}
	if err := up.readHeaders(s["headers"]); err != nil {
		return nil, err
	}
	if s.Has("content-type") {
		value := s.Text("content-type")
		if value == "" || !httpguts.ValidHeaderFieldValue(value) {
			return nil, export.Refusal(`"content-type" must be a media type such as video/mp4`)
		}
		up.header.Set("Content-Type", value)
	}
	up.header.Set("User-Agent", c.agent)
	return up, nil
}

func (up *upload) readURL(text string, plain bool) error {
	if text == "" {
		return export.Refusal(`"url" is needed: the URL that the file is to be uploaded to`)
	}
	if len(text) > maxURL {
		return export.Refusal(fmt.Sprintf(`"url" is longer than %d bytes`, maxURL))
	}
	u, err := safehttp.Policy{AllowNetworks: everywhere, AllowHTTP: plain}.CheckURL(text)
	if err != nil {
		return export.Refusal(`"url" cannot be used: ` + err.Error())
	}
	if strings.Contains(text, "#") {
		return export.Refusal(`"url" must hold no "#", for what is behind it would not be sent; in a name it is written as %23`)
	}
	up.url = u
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if value == "" { // a token may stand alone
			value = name
		}
		plain, _ := url.QueryUnescape(value)
		up.keep(value, plain)
	}
	return nil
}

// reserved are headers that are the connection's or ours; so are those that begin
// with proxy-.
var reserved = []string{
	"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}

func (up *upload) readHeaders(raw json.RawMessage) error {
	up.header = http.Header{}
	var given map[string]json.RawMessage
	if len(raw) > 0 && json.Unmarshal(raw, &given) != nil {
		return export.Refusal(`"headers" must be an object of names and their values`)
	}
	size := 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, lower := export.Text(given[name]), strings.ToLower(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return export.Refusal(`A name in "headers" cannot be sent; names have letters, digits and hyphens`)
		case slices.Contains(reserved, lower) || strings.HasPrefix(lower, "proxy-"):
			return export.Refusal(fmt.Sprintf(`"headers" must not hold %s, which the upload sets itself`, lower))
		case string(given[name]) == "null":
			continue
		case value == "" && given[name][0] != '"':
			return export.Refusal(fmt.Sprintf(`The header "%s" must be a text or a number`, cut(name)))
		case !httpguts.ValidHeaderFieldValue(value):
			return export.Refusal(fmt.Sprintf(`The header "%s" holds a line break or another control character`, cut(name)))
		}
		up.header.Set(name, value)
		size += len(name) + len(value)
		up.keepHeader(value)
	}
	if size > maxHeaders {
		return export.Refusal(fmt.Sprintf(`"headers" may have at most %d bytes together`, maxHeaders))
	}
	return nil
}

// keepHeader keeps a header's value secret, and what Basic credentials hold.
func (up *upload) keepHeader(value string) {
	parts := strings.Fields(value)
	up.keep(append(parts, value)...)
	for _, part := range parts {
		if plain, err := base64.StdEncoding.DecodeString(part); err == nil {
			user, password, _ := strings.Cut(string(plain), ":")
			up.keep(user, password)
		}
	}
}

func (up *upload) keep(secrets ...string) {
	for _, s := range secrets {
		if len(s) >= 4 { // a shorter one is in any text
			up.secrets = append(up.secrets, strings.ToLower(s))
		}
	}
}

// setType sets the content type unless the client has.
func (up *upload) setType(mediaType string) {
	if up.header.Get("Content-Type") == "" && mediaType != "" {
		up.header.Set("Content-Type", mediaType)
	}
}

// shownURL is where the file goes, without the query.
func (up *upload) shownURL() string {
	shown := *up.url
	shown.User, shown.RawQuery, shown.ForceQuery, shown.Fragment = nil, "", false, ""
	return shown.String()
}

// Settings are the names of those that are read of an upload to a URL, beside export.Shared.
func Settings() []string {
	return []string{"url", "method", "headers", "content-type", "if-exists", "file"}
}
