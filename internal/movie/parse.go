package movie

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxClientData is how many bytes of client-data are carried along: every reply
// and every webhook repeats them.
const maxClientData = 256 << 10

func (r reader) clientData() {
	v, ok := r.get("client-data").(raw)
	if !ok || v.value == nil {
		return
	}
	text := compact(v.text)
	if len(text) > maxClientData {
		r.fault("client-data", "client-data may have at most %d KiB; it has %d bytes and was left out", maxClientData>>10, len(text))
		return
	}
	r.m.ClientData = text
}

// compact takes white space out of a JSON value that is known to be valid,
// leaving keys and numbers as they were written.
func compact(text json.RawMessage) json.RawMessage {
	var b strings.Builder
	quoted, escaped := false, false
	for _, c := range text {
		switch {
		case quoted:
			quoted = escaped || c != '"'
			escaped = !escaped && c == '\\'
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		default:
			quoted = c == '"'
		}
		b.WriteByte(c)
	}
	return json.RawMessage(b.String())
}

// resolutions are the presets of section 13 of the contract, with the choices
// of its section 27.
var resolutions = map[string][2]int{
	"sd": {640, 480}, "hd": {1280, 720}, "full-hd": {1920, 1080}, "squared": {1080, 1080},
	"instagram-story": {1080, 1920}, "instagram-feed": {1080, 1080}, "instagram-portrait": {1080, 1350},
	"twitter-landscape": {1600, 900}, "twitter-portrait": {1080, 1350},
	"720p": {1280, 720}, "1080p": {1920, 1080}, "4k": {3840, 2160}, "uhd": {3840, 2160},
}

var widthByHeight = regexp.MustCompile(`^(\d{2,5})\s*[x×]\s*(\d{2,5})$`)

func (r reader) size() {
	width, height := 640.0, 360.0
	name := strings.ToLower(strings.TrimSpace(r.text("resolution", "custom")))
	if wh, ok := resolutions[normalKey(name)]; ok {
		r.m.Width, r.m.Height = wh[0], wh[1]
		return
	}
	if found := widthByHeight.FindStringSubmatch(name); found != nil {
		width, _ = strconv.ParseFloat(found[1], 64)
		height, _ = strconv.ParseFloat(found[2], 64)
	} else if name != "custom" && name != "" {
		r.warn("resolution", "Unknown resolution %q; width and height were used", name)
	}
	r.m.Width = r.side("width", width)
	r.m.Height = r.side("height", height)
}

// side is one side of the picture: H.264 in yuv420p needs even numbers.
func (r reader) side(key string, otherwise float64) int {
	x := int(math.Round(r.within(key, otherwise, 50, 3840)))
	if x%2 == 1 {
		r.warn(key, "%s must be even; %d became %d", key, x, x+1)
		x++
	}
	return x
}

func (r reader) quality() {
	switch q := strings.ReplaceAll(strings.ToLower(r.text("quality", "high")), "_", "-"); q {
	case "low", "medium", "high":
		r.m.Quality = Quality(q)
	case "very-high":
		r.m.Quality = High
	default:
		r.m.Quality = High
		r.warn("quality", "Unknown quality %q; high was used", q)
	}
}

// rate makes an exact fraction of the frame rate: 29.97 means 30000/1001.
func (r reader) rate() {
	fps := r.within("fps", 25, 1, 120)
	for _, ntsc := range []int{24, 30, 48, 60, 120} {
		if math.Abs(fps-float64(ntsc)/1.001) < 0.006 && fps != float64(ntsc) {
			r.m.FPS = Rate{ntsc * 1000, 1001}
			return
		}
	}
	num, den := int(math.Round(fps*100)), 100
	for _, p := range []int{2, 2, 5, 5} {
		if num%p == 0 && den%p == 0 {
			num, den = num/p, den/p
		}
	}
	r.m.FPS = Rate{num, den}
}

// maxDestinations bounds what one document may ask for, over all exports; what
// comes behind is not read.
const maxDestinations = 1000

func (r reader) exports() {
	count := 0
	items := r.items("exports")
	for i, e := range r.objects("exports", items[:min(len(items), maxDestinations+1)]) {
		export := Export{Path: e.path}
		destinations := e.items("destinations")
		if count += 1 + len(destinations); count > maxDestinations {
			r.fault("exports", "At most %d exports and destinations fit into one movie; exports[%d] and what follows was not read", maxDestinations, i)
			return
		}
		for _, d := range e.objects("destinations", destinations) {
			export.Destinations = append(export.Destinations, d.destination())
		}
		r.m.Exports = append(r.m.Exports, export)
	}
}

func (r reader) destination() Destination {
	d := Destination{Path: r.path, Type: strings.ToLower(r.plain("type")), Fields: map[string]json.RawMessage{}}
	for _, key := range r.keys {
		if text, err := encode(r.values[key]); err == nil {
			d.Fields[key] = text
		}
	}
	return d
}

// encode writes what was read as JSON again. It leaves <, > and & alone, which
// json.Marshal would make six times as long.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(plainJSON(v))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// plain is a text value without any judgement of it.
func (r reader) plain(key string) string {
	s, _ := scalar(r.get(key))
	return s
}

// plainJSON turns what was read back into what encoding/json writes.
func plainJSON(v any) any {
	switch v := v.(type) {
	case *object:
		m := map[string]any{}
		for k, item := range v.values {
			m[k] = plainJSON(item)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plainJSON(item)
		}
		return list
	case raw:
		return v.text
	}
	return v
}

// unsupported reports keys whose effect on the picture this version cannot make.
func (r reader) unsupported(keys ...string) {
	for _, key := range keys {
		switch v := r.get(key).(type) {
		case nil:
		case string:
			if v != "" {
				r.fault(key, "%s is not supported by this version of Reelhook; remove it", r.label(key))
			}
		case *object:
			if len(v.keys) > 0 {
				r.fault(key, "%s is not supported by this version of Reelhook; remove it", r.label(key))
			}
		default:
			r.fault(key, "%s is not supported by this version of Reelhook; remove it", r.label(key))
		}
	}
}

func (r reader) label(key string) string {
	if r.path == "" {
		return "'" + key + "'"
	}
	return "'" + key + "' (" + r.at(key) + ")"
}
