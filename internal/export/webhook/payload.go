package webhook

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// The types of a body, as they are sent in Content-Type.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// field is a member of a body. Its value is nil, bool, string, json.Number,
// json.RawMessage (the client's own data), fields, or []any of these.
type field struct {
	name  string
	value any
}

// fields are a body. Their order is part of what we promise.
type fields []field

// payload is what a destination is told.
func payload(n export.Notice, dest export.Destination) fields {
	if n.Event != export.MovieCompleted && n.Event != export.MovieFailed {
		return onTheWay(n)
	}
	if is(dest, "payload", "strict") {
		return contract(n)
	}
	body := append(fields{{"success", done(n)}, {"status", string(n.Outcome.Status)}, {"message", message(n)}}, contract(n)...)
	if is(dest, "payload", "nested") {
		body = append(body, field{movieKey, nested(n)})
	}
	return body
}

// movieKey holds what a form has not: the same once more.
const movieKey = "movie"

// contract are the eight fields of the original (section 24 of the contract):
// strings, but for the client's own data. The measures are empty when there
// never was a file.
func contract(n export.Notice) fields {
	r := n.Outcome.Result
	var width, height, duration, size string
	if done(n) {
		width, height = strconv.Itoa(r.Width), strconv.Itoa(r.Height)
		duration, size = decimal(r.Duration), strconv.FormatInt(r.Size, 10)
	}
	return fields{
		{"width", width}, {"height", height}, {"duration", duration}, {"size", size},
		{"url", n.FileURL}, {"project", n.Project.ID}, {"id", n.Project.MovieID}, {"client-data", clientData(n)},
	}
}

// nested is the movie as receivers look for it that were written to the original's
// guide for production: as GET shows it, with numbers and null.
func nested(n export.Notice) fields {
	var url, thumbnail, duration, size any
	if n.FileURL != "" {
		url = n.FileURL
	}
	if n.ThumbnailURL != "" {
		thumbnail = n.ThumbnailURL
	}
	if done(n) {
		r := n.Outcome.Result
		duration, size = json.Number(decimal(r.Duration)), json.Number(strconv.FormatInt(r.Size, 10))
	}
	m := fields{
		{"success", done(n)}, {"status", string(n.Outcome.Status)}, {"project", n.Project.ID}, {"url", url}, {"thumbnail", thumbnail},
		{"duration", duration}, {"size", size}, {"client-data", clientData(n)}, {"exports", fared(n.Destinations)},
	}
	if !done(n) {
		m = append(m, field{"message", message(n)})
	}
	return m
}

// onTheWay is the body of the events that the original does not have.
func onTheWay(n export.Notice) fields {
	body := fields{{"event", n.Event}, {"timestamp", stamp(n.At)}}
	ended := n.Event == export.ExportCompleted
	if ended {
		body = append(body, field{"success", done(n)}, field{"status", string(n.Outcome.Status)}, field{"url", n.FileURL})
	} else {
		body = append(body, field{"status", string(project.Running)})
	}
	if n.Event == export.MovieProgress {
		body = append(body, field{"progress", number(n.Percent)})
	}
	body = append(body, field{"project", n.Project.ID}, field{"id", n.Project.MovieID}, field{"client-data", clientData(n)})
	if ended {
		body = append(body, field{"exports", fared(n.Destinations)})
	}
	return body
}

// fared tells how destinations stand, in the words of GET.
func fared(destinations []project.Destination) []any {
	list := []any{}
	for _, d := range destinations {
		one := fields{
			{"export", number(d.Export)}, {"position", number(d.Position)}, {"type", d.Type}, {"status", d.Status},
			{"attempts", number(d.Attempts)}, {"last_status", number(d.LastStatus)}, {"message", d.Message}, {"delivery", d.Delivery},
		}
		list = append(list, append(one, arrived(d.Receipt)...))
	}
	return list
}

// arrived tells what is known of what arrived at a destination, if anything is.
func arrived(r project.Receipt) (known fields) {
	for _, f := range (fields{{"remote_path", r.Path}, {"url", r.URL}, {"remote_id", r.ID}, {"sha256", r.SHA256}}) {
		if f.value != "" {
			known = append(known, f)
		}
	}
	if r.SHA256 != "" {
		known = append(known, field{"bytes", json.Number(strconv.FormatInt(r.Bytes, 10))})
	}
	if r.Seconds > 0 {
		known = append(known, field{"seconds", json.Number(strconv.FormatFloat(r.Seconds, 'f', 3, 64))})
	}
	return known
}

func operatorBody(e export.OperatorEvent) fields {
	data := fields{}
	for _, f := range (fields{{"endpoint", e.Endpoint}, {"address", e.Address}, {"delivery", e.Delivery}, {"project", e.Project}}) {
		if f.value != "" {
			data = append(data, f)
		}
	}
	if e.Attempts != 0 {
		data = append(data, field{"attempts", number(e.Attempts)})
	}
	if e.Reason != "" {
		data = append(data, field{"reason", e.Reason})
	}
	return fields{{"type", e.Type}, {"timestamp", stamp(e.At)}, {"data", data}}
}

func done(n export.Notice) bool { return n.Outcome.Status == project.Done }

// message is why a rendering failed.
func message(n export.Notice) string {
	if done(n) {
		return ""
	}
	return n.Outcome.Message
}

func clientData(n export.Notice) json.RawMessage {
	if len(n.Project.ClientData) == 0 {
		return json.RawMessage("{}")
	}
	return n.Project.ClientData
}

// decimal prints seconds to the microsecond, which is all that a probe knows,
// without trailing zeros.
func decimal(x float64) string {
	return strconv.FormatFloat(math.Round(x*1e6)/1e6, 'f', -1, 64)
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// stamp is a time in RFC 3339, in UTC, to the millisecond.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// MarshalJSON writes a body as it is signed and sent. The client's data goes
// through as it was written; nothing is escaped for HTML.
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, member := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(member.name)) // names are ours, and plain
		b.WriteByte(':')
		if err := enc.Encode(member.value); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // Encode ends the line
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// form writes a body in the same order as fields of a form.
func (f fields) form() ([]byte, error) {
	var out form
	for _, member := range f {
		if member.name != movieKey {
			out.add(member.name, member.value)
		}
	}
	return out.bytes()
}
