package webhook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/reelhook/reelhook/internal/export"
	standard "github.com/reelhook/reelhook/webhook"
)

// What headers a client may have sent along.
const (
	maxHeaders     = 32
	maxHeaderBytes = 8 << 10
)

// reserved are headers that are ours or the connection's, with those that begin
// with webhook- or proxy-.
var reserved = []string{
	"content-type", "content-length", "content-encoding", "host", "user-agent", "traceparent", "connection", "keep-alive",
	"transfer-encoding", "te", "trailer", "upgrade", "expect", "accept-encoding",
}

func isReserved(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "webhook-") || strings.HasPrefix(name, "proxy-") || slices.Contains(reserved, name)
}

// ownHeaders reads a destination's headers. Reserved ones and those that are null
// are passed over; what HTTP cannot carry is a Refusal, for without the header
// that it was meant to have, a webhook is most likely turned away for days. Values
// are not shown: they are secrets.
func ownHeaders(raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var given map[string]json.RawMessage
	if json.Unmarshal(raw, &given) != nil {
		return nil, export.Refusal(`The webhook's "headers" must be an object of names and their values`)
	}
	own, size := map[string]string{}, 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text := given[name]
		value := export.Text(text)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, export.Refusal(`A name in the webhook's "headers" cannot be sent; names have letters, digits and hyphens`)
		case isReserved(name), string(text) == "null":
			continue
		case value == "" && text[0] != '"':
			return nil, export.Refusal(fmt.Sprintf("The webhook's header '%s' must be a text or a number", cut(name)))
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, export.Refusal(fmt.Sprintf("The webhook's header '%s' holds a line break or another control character", cut(name)))
		}
		own[name] = value
		size += len(name) + len(value)
	}
	if len(own) > maxHeaders || size > maxHeaderBytes {
		return nil, export.Refusal(fmt.Sprintf("The webhook may have at most %d headers of %d bytes together", maxHeaders, maxHeaderBytes))
	}
	return own, nil
}

// Names as net/http wants them.
var (
	headerID        = http.CanonicalHeaderKey(standard.HeaderID)
	headerTimestamp = http.CanonicalHeaderKey(standard.HeaderTimestamp)
	headerSignature = http.CanonicalHeaderKey(standard.HeaderSignature)
	headerEvent     = http.CanonicalHeaderKey(standard.HeaderEvent)
	headerAttempt   = http.CanonicalHeaderKey(standard.HeaderAttempt)
	headerExport    = http.CanonicalHeaderKey(standard.HeaderExport)
)

// header makes the headers of an attempt. The id stays the same, timestamp and
// signature are of this moment.
func (l *Leaf) header(d export.Delivery, number int, keys []standard.Signer) (http.Header, error) {
	if len(keys) == 0 {
		return nil, errNoKey
	}
	const ours = 9
	h, values, now := make(http.Header, ours+len(d.Headers)), make([]string, 0, ours+len(d.Headers)), time.Now()
	set := func(name, value string) {
		values = append(values, value) // one array for all
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	for name, value := range d.Headers {
		set(name, value) // in the client's own spelling, which Set would change
	}
	set("Content-Type", d.ContentType)
	set("User-Agent", l.agent)
	set("Traceparent", traceparent(d, number))
	set(headerID, d.MessageID)
	set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	set(headerSignature, standard.Sign(d.MessageID, now, d.Body, keys...))
	set(headerEvent, d.Event)
	set(headerAttempt, strconv.Itoa(number))
	if d.Exported != "" {
		set(headerExport, d.Exported)
	}
	return h, nil
}

// traceparent makes all webhooks of a movie one trace, with an attempt as the
// parent of what the receiver does (W3C Trace Context, section 3.2).
func traceparent(d export.Delivery, number int) string {
	trace := sha256.Sum256([]byte(cmp.Or(d.Project, d.MessageID)))
	parent := sha256.Sum256(strconv.AppendInt([]byte(d.ID+"/"), int64(number), 10))
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(hex.AppendEncode(b, trace[:16]), '-')
	b = append(hex.AppendEncode(b, parent[:8]), "-01"...)
	return string(b)
}

const redacted = "(redacted)"

// sent is the headers of an attempt as they may be shown.
func sent(h http.Header, own map[string]string) http.Header {
	if len(own) == 0 {
		return h
	}
	h = maps.Clone(h) // the transport may still be reading the other one
	for name := range own {
		h[name] = []string{redacted}
	}
	return h
}

// came is the headers of an answer as they may be kept: up to 8 KiB of them,
// without cookies, and without addresses, which often repeat the endpoint's own:
// where a redirect leads is told, free of secrets, by the error.
func came(h http.Header) http.Header {
	size := 0
	for name, values := range h {
		hide := name == "Set-Cookie" || name == "Location" || name == "Content-Location"
		for i := range values {
			if hide {
				values[i] = redacted
			}
			size += len(name) + len(values[i])
		}
	}
	if size <= maxHeaderBytes {
		return h
	}
	kept, left := http.Header{}, maxHeaderBytes
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if cost := len(name) + len(value); cost <= left {
				left -= cost
				kept[name] = append(kept[name], value)
			}
		}
	}
	return kept
}
