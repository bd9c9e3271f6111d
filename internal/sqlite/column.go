package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// text reads a column of text.
func text(src any) (string, error) {
	s, ok := src.(string)
	if !ok {
		return "", fmt.Errorf("%T is no text", src)
	}
	return s, nil
}

// messageID is a delivery's message id in its column: "" when it is the
// delivery's own id in other words, as nearly all are. The id is scanned first.
type messageID export.Delivery

func (d *messageID) own() string { return "msg_" + strings.TrimPrefix(d.ID, "dlv_") }

// Value leaves out what the id says.
func (d *messageID) Value() (driver.Value, error) {
	if d.MessageID == d.own() {
		return "", nil
	}
	return d.MessageID, nil
}

// Scan reads what Value made.
func (d *messageID) Scan(src any) (err error) {
	if d.MessageID, err = text(src); d.MessageID == "" {
		d.MessageID = d.own()
	}
	return err
}

// groupColumn is a delivery's group in its column: "" when it is the origin of the
// target, as it is of every webhook. The target is scanned first.
type groupColumn export.Delivery

// Value leaves out what the target says.
func (d *groupColumn) Value() (driver.Value, error) {
	if d.Group == export.Origin(d.Target) {
		return "", nil
	}
	return d.Group, nil
}

// Scan reads what Value made.
func (d *groupColumn) Scan(src any) (err error) {
	if d.Group, err = text(src); d.Group == "" {
		d.Group = export.Origin(d.Target)
	}
	return err
}

// delays are durations in a column, in seconds with commas between; usualDelays
// is written as usual, since nearly all deliveries have those.
type delays []time.Duration

// usualDelays are those that export.DefaultSchedule gave when the column was
// defined. What is stored must go on meaning the same.
const (
	usualDelays = "5,300,1800,7200,18000,36000,50400,72000,86400"
	usual       = "usual"
)

// Value writes them.
func (d delays) Value() (driver.Value, error) {
	b := make([]byte, 0, len(usualDelays))
	for i, delay := range d {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, delay.Seconds(), 'f', -1, 64)
	}
	if string(b) == usualDelays {
		return usual, nil
	}
	return string(b), nil
}

// Scan reads what Value made.
func (d *delays) Scan(src any) error {
	s, err := text(src)
	if err != nil || s == "" {
		*d = nil
		return err
	}
	if s == usual {
		s = usualDelays
	}
	list := make(delays, 0, strings.Count(s, ",")+1)
	for part := range strings.SplitSeq(s, ",") {
		seconds, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return err
		}
		list = append(list, time.Duration(math.Round(seconds*float64(time.Second))))
	}
	*d = list
	return nil
}

// mediaType is a Content-Type in a column, with a short word for JSON, which
// nearly all are.
type mediaType string

const (
	jsonType  = "application/json"
	shortJSON = "json"
)

// Value writes it.
func (m *mediaType) Value() (driver.Value, error) {
	if *m == jsonType {
		return shortJSON, nil
	}
	return string(*m), nil
}

// Scan reads what Value made.
func (m *mediaType) Scan(src any) error {
	s, err := text(src)
	if s == shortJSON {
		s = jsonType
	}
	*m = mediaType(s)
	return err
}

// fields are a delivery's own headers in a column, as JSON, "" when there are
// none.
type fields map[string]string

// Value writes them.
func (f fields) Value() (driver.Value, error) {
	if len(f) == 0 {
		return "", nil
	}
	return document{map[string]string(f)}.Value()
}

// Scan reads what Value made.
func (f *fields) Scan(src any) error {
	s, err := text(src)
	if err != nil || s == "" {
		*f = nil
		return err
	}
	return json.Unmarshal([]byte(s), (*map[string]string)(f))
}

// headers are those of a request or an answer in a column, one on a line. The
// names that every attempt has are one byte each: their place in headerNames,
// counted from 1. Others are written out.
type headers http.Header

// headerNames may only ever be added to, and must stay shorter than a line feed.
var headerNames = [...]string{"Content-Type", "User-Agent", "Traceparent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
	"Webhook-Event", "Webhook-Attempt", "Webhook-Export"}

// Value writes them in the order of their names.
func (h headers) Value() (driver.Value, error) {
	var names [32]string
	sorted := names[:0]
	for name := range h {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	b := make([]byte, 0, 512)
	for _, name := range sorted {
		code := slices.Index(headerNames[:], name)
		for _, value := range h[name] {
			if code >= 0 {
				b = append(b, byte(code+1))
			} else {
				b = append(append(b, name...), ": "...)
			}
			b = append(append(b, value...), '\n')
		}
	}
	return string(b), nil
}

// Scan reads what Value made.
func (h *headers) Scan(src any) error {
	s, err := text(src)
	if err != nil || s == "" {
		*h = nil
		return err
	}
	found := headers{}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ": ")
		if code := int(line[0]); code <= len(headerNames) {
			name, value = headerNames[code-1], line[1:]
		}
		found[name] = append(found[name], value)
	}
	*h = found
	return nil
}

// receipt is what is known of what arrived, in a column: JSON, "" for nothing.
type receipt project.Receipt

// Value writes it.
func (r receipt) Value() (driver.Value, error) {
	if r == (receipt{}) {
		return "", nil
	}
	return document{r}.Value()
}

// Scan reads what Value made.
func (r *receipt) Scan(src any) error {
	s, err := text(src)
	*r = receipt{}
	if err != nil || s == "" {
		return err
	}
	return json.Unmarshal([]byte(s), r)
}

// timing is how long an attempt's connection took, in a column: microseconds
// with spaces between, and a + when the connection was used again.
type timing export.Peer

// Value writes it, "" when nothing was measured.
func (t *timing) Value() (driver.Value, error) {
	if t.DNS|t.Connect|t.Handshake|t.FirstByte == 0 && !t.Reused {
		return "", nil
	}
	b := make([]byte, 0, 32)
	for i, d := range []time.Duration{t.DNS, t.Connect, t.Handshake, t.FirstByte} {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, d.Microseconds(), 10)
	}
	if t.Reused {
		b = append(b, " +"...)
	}
	return string(b), nil
}

// Scan reads what Value made.
func (t *timing) Scan(src any) error {
	s, err := text(src)
	if err != nil || s == "" {
		return err
	}
	s, t.Reused = strings.CutSuffix(s, " +")
	parts := strings.Fields(s)
	for i, d := range []*time.Duration{&t.DNS, &t.Connect, &t.Handshake, &t.FirstByte} {
		if i >= len(parts) {
			return fmt.Errorf("%q is no timing", s)
		}
		us, err := strconv.ParseInt(parts[i], 10, 64)
		if err != nil {
			return err
		}
		*d = time.Duration(us) * time.Microsecond
	}
	return nil
}
