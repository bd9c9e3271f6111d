package movie

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxElements and maxScenes bound what one document may ask for.
const (
	maxElements = 2000
	maxScenes   = 1000
)

// maxOffset and maxPixels bound what is told of places and of sizes, in pixels.
const (
	maxOffset = 100_000
	maxPixels = 20_000
)

// later are the element types of the contract that this version cannot render.
var later = []string{"html", "component", "voice", "audiogram", "subtitles"}

// elements reads the elements of a scene or of the movie; name is what messages
// call the i-th one.
func (r reader) elements(name func(int) string) []Element {
	var list []Element
	for i, item := range r.list("elements", maxElements, "scene") {
		if e, ok := item.element(item.name(name, i)); ok {
			list = append(list, e)
		}
	}
	return list
}

// name is what messages call the element.
func (r reader) name(otherwise func(int) string, i int) string {
	if r.origin != nil {
		return r.origin.name
	}
	return otherwise(i)
}

// element reads one element; ok is false when its type leaves nothing to read.
func (r reader) element(name string) (e Element, ok bool) {
	e = Element{Path: r.path, Name: name, Type: Type(strings.ToLower(strings.TrimSpace(r.plain("type")))), ID: r.plain("id")}
	if !r.knownType(e) {
		return e, false
	}
	for _, key := range timeKeys {
		r.time(&e, key)
	}
	e.ZIndex = int(r.within("z-index", 0, -99, 99))
	e.NoCache = !r.boolean("cache", true)
	r.parts(&e)
	return e, true
}

// parts reads what only some types have.
func (r reader) parts(e *Element) {
	if e.Type != Text {
		r.source(e)
	}
	if e.Type != Audio {
		e.Visual = r.visual(e)
	}
	if e.Type == Video || e.Type == Audio {
		e.Sound = r.sound()
	}
	if e.Type == Text {
		e.Text = r.textPart(e)
	}
}

func (r reader) knownType(e Element) bool {
	switch e.Type {
	case Image, Video, Audio, Text:
		return true
	case "":
		r.fault("type", "%s: every element must have a type: image, video, audio or text", e.Name)
	case "template":
		r.fault("type", "%s: the element type 'template' is deprecated; put the template's id into the movie's 'template'", e.Name)
	default:
		for _, t := range later {
			if string(e.Type) == t {
				r.fault("type", "%s: the element type '%s' is not supported by this version of Reelhook; remove the element", e.Name, t)
				return false
			}
		}
		r.fault("type", "%s: unknown element type '%s'; use image, video, audio or text", e.Name, e.Type)
	}
	return false
}

func (r reader) start() float64 {
	s := r.number("start", 0)
	if s == AtEnd {
		return s
	}
	return r.within("start", 0, 0, maxSeconds)
}

// source reads the address of a medium, in the contract's words when it is
// missing (section 25).
func (r reader) source(e *Element) {
	e.Src = strings.TrimSpace(r.text("src", ""))
	switch {
	case e.Src != "":
	case r.plain("prompt") != "":
		r.fault("prompt", "%s: generating media from a prompt is not supported by this version of Reelhook; give a 'src'", e.Name)
	default:
		r.fault("src", "Source URL is required for %s element in %s", e.Type, strings.ReplaceAll(e.Name, "element #", "Element #"))
	}
}

func (r reader) visual(e *Element) *Visual {
	v := &Visual{
		Position: r.position(), X: r.coord("x"), Y: r.coord("y"),
		Width: r.pixels("width"), Height: r.pixels("height"),
		Opacity:        r.within("opacity", 1, 0, 1),
		FlipHorizontal: r.boolean("flip-horizontal", false), FlipVertical: r.boolean("flip-vertical", false),
	}
	if s, ok := r.part("scale"); ok { // the form of 2022
		if v.Width == -1 && v.Height == -1 {
			v.Width, v.Height = s.pixels("width"), s.pixels("height")
		}
	}
	fit := strings.ToLower(r.text("resize", r.text("fit", "")))
	switch fit {
	case "cover", "fill":
		v.Resize = Cover
	case "contain", "fit":
		v.Resize = Contain
	case "", "none":
	default:
		r.warn("resize", "Unknown resize %q; it was ignored", fit)
	}
	v.Look = r.look(e)
	return v
}

func (r reader) position() Position {
	p := Position(normalKey(r.text("position", string(Custom))))
	switch p {
	case TopLeft, TopRight, BottomRight, BottomLeft, Center, Custom:
		return p
	case "center":
		return Center
	case "":
		return Custom
	}
	r.warn("position", "Unknown position %q; custom was used", p)
	return Custom
}

var coordinate = regexp.MustCompile(`^(-?\d+(?:\.\d+)?)\s*(px|%)?$`)

// coord is an x or y, which real documents also write "center", "85%" or "50px".
func (r reader) coord(key string) Coord {
	s, ok := r.get(key).(string)
	if !ok {
		return Coord{Value: r.within(key, 0, -maxOffset, maxOffset)}
	}
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "center" {
		return Coord{Unit: Centered}
	}
	found := coordinate.FindStringSubmatch(s)
	if found == nil {
		if s != "" {
			r.warn(key, "%s should be a number of pixels; 0 was used", key)
		}
		return Coord{}
	}
	x, _ := strconv.ParseFloat(found[1], 64)
	x = min(max(x, -maxOffset), maxOffset)
	if found[2] == "%" {
		return Coord{x, Percent}
	}
	return Coord{Value: x}
}

// pixels is a width or height, -1 when it follows from elsewhere.
func (r reader) pixels(key string) int {
	x := r.number(key, -1)
	if x <= 0 {
		return -1
	}
	return int(math.Round(r.within(key, -1, 1, maxPixels)))
}

func (r reader) sound() *Sound {
	s := &Sound{
		Muted: r.boolean("muted", false), Volume: r.within("volume", 1, 0, 10),
		Seek: r.within("seek", 0, -maxSeconds, maxSeconds), Loop: 1,
	}
	switch v := r.get("loop").(type) {
	case bool:
		if v {
			s.Loop = Endless
		}
	case string:
		if strings.EqualFold(strings.TrimSpace(v), "true") {
			s.Loop = Endless
			break
		}
		s.Loop = r.plays()
	default:
		s.Loop = r.plays()
	}
	if speed := r.number("speed", 1); speed != 1 {
		r.warn("speed", "speed is not supported; the medium plays at its own speed")
	}
	return s
}

func (r reader) plays() int {
	n := r.number("loop", 1)
	if n < 0 {
		return Endless
	}
	return int(min(max(n, 1), 1_000_000))
}
