package movie

import (
	"math"
	"strings"
)

// Look is how a picture is changed before it is put in its place. The zero value
// of each part leaves it alone.
type Look struct {
	Crop       Crop
	Rotate     Rotate
	Pan        Pan
	ChromaKey  ChromaKey
	Correction Correction
	// Zoom is the Ken Burns amount, -10 to 10, 0 for none.
	Zoom float64
	// Mask is the address of a grey picture or video, whose white shows and whose
	// black hides.
	Mask string
}

// Crop is the rectangle of a source that is kept, in its pixels. A Width or
// Height of 0 reaches to the edge.
type Crop struct{ X, Y, Width, Height int }

// Rotate turns an element about its middle.
type Rotate struct {
	// Angle in degrees, clockwise, -360 to 360; 0 is no turn at all.
	Angle float64
	// Seconds is how long the turn to Angle takes, 0 for one that stands from the
	// start.
	Seconds float64
}

// Pan moves the view over a picture.
type Pan struct {
	// X and Y say towards which side: -1 left or top, 1 right or bottom, 0 neither.
	X, Y int
	// Distance is how far, as a fraction of the size.
	Distance float64
	// Crop enlarges the picture so that no edge shows; without it the element
	// itself moves over the canvas.
	Crop bool
}

// ChromaKey makes a colour transparent.
type ChromaKey struct {
	Color Color
	// Tolerance is 1, the colour alone, to 100, every colour.
	Tolerance float64
}

// Correction changes the colours, on the scales of FFmpeg's eq filter: 0, 1, 1
// and 1 change nothing, and so does the zero value.
type Correction struct{ Brightness, Contrast, Gamma, Saturation float64 }

// look reads how a picture is changed (section 15.2 of the contract).
func (r reader) look(e *Element) Look {
	var l Look
	if e.Type == Text {
		for _, key := range []string{"crop", "pan", "mask", "zoom"} {
			if r.effective(key) {
				r.fault(key, "%s: '%s' on text is not supported by this version of Reelhook; remove it", e.Name, key)
			}
		}
	} else {
		l.Crop, l.Pan, l.Mask, l.Zoom = r.crop(), r.pan(), r.mask(), r.zoom()
	}
	l.Rotate, l.ChromaKey, l.Correction = r.rotate(), r.chromaKey(e), r.correction()
	return l
}

// effective tells whether a property asks for anything: false, "", "none" and
// empty objects do not.
func (r reader) effective(key string) bool {
	switch v := r.get(key).(type) {
	case nil:
		return false
	case *object:
		return len(v.keys) > 0
	}
	s, _ := scalar(r.get(key))
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "none", "false", "0":
		return false
	}
	return true
}

// effectivePart is an object inside this one that asks for anything.
func (r reader) effectivePart(key string) (reader, bool) {
	if !r.effective(key) {
		return reader{}, false
	}
	return r.part(key)
}

func (r reader) crop() Crop {
	c, ok := r.effectivePart("crop")
	if !ok {
		return Crop{}
	}
	for _, key := range []string{"width", "height"} {
		if c.number(key, 0) <= 0 {
			c.warn(key, "crop needs a %s; all that is left of the picture was used", key)
		}
	}
	side := func(key string) int { return int(math.Round(min(max(c.number(key, 0), 0), maxOffset))) }
	for _, key := range []string{"x", "y"} {
		c.within(key, 0, 0, maxOffset)
	}
	return Crop{X: side("x"), Y: side("y"), Width: side("width"), Height: side("height")}
}

// rotate reads an object, or the angle alone.
func (r reader) rotate() Rotate {
	if s, ok := scalar(r.get("rotate")); ok {
		if !r.effective("rotate") || strings.EqualFold(s, "true") {
			return Rotate{}
		}
		return Rotate{Angle: r.within("rotate", 0, -360, 360)}
	}
	t, ok := r.effectivePart("rotate")
	if !ok {
		return Rotate{}
	}
	turn := Rotate{t.within("angle", 0, -360, 360), t.within("speed", 0, 0, maxSeconds)}
	if turn.Angle == 0 {
		return Rotate{}
	}
	return turn
}

// zoom is the Ken Burns amount.
func (r reader) zoom() float64 {
	if _, ok := r.get("zoom").(*object); ok {
		r.warn("zoom", "zoom should be a number from -10 to 10; it was ignored")
		return 0
	}
	z := r.number("zoom", 0)
	if math.Abs(z) > 10 { // documents of 2022 count in per cent
		z /= 10
	}
	return min(max(z, -10), 10)
}

// pan reads the name of a side or corner, which may be written with either part
// first.
func (r reader) pan() Pan {
	if !r.effective("pan") {
		return Pan{}
	}
	name := r.text("pan", "")
	p := Pan{Distance: r.within("pan-distance", 0.1, 0.01, 0.5), Crop: r.boolean("pan-crop", true)}
	for part := range strings.FieldsFuncSeq(strings.ToLower(name), func(c rune) bool { return c == '-' || c == '_' || c == ' ' }) {
		switch part {
		case "left":
			p.X = -1
		case "right":
			p.X = 1
		case "top":
			p.Y = -1
		case "bottom":
			p.Y = 1
		default:
			r.warn("pan", "Unknown pan %q; it was ignored", name)
			return Pan{}
		}
	}
	return p
}

// mask is the address of a grey picture or video.
func (r reader) mask() string {
	if !r.effective("mask") {
		return ""
	}
	return strings.TrimSpace(r.text("mask", ""))
}

// chromaKey reads an object, or the colour alone.
func (r reader) chromaKey(e *Element) ChromaKey {
	if !r.effective("chroma-key") {
		return ChromaKey{}
	}
	k, name := r, r.text
	key := "chroma-key"
	if _, ok := scalar(r.get(key)); !ok {
		if k, ok = r.part(key); !ok {
			return ChromaKey{}
		}
		key, name = "color", k.text
	}
	text := name(key, "")
	c, ok := ParseColor(text)
	if !ok || c.A == 0 {
		k.fault(key, "%s: 'chroma-key' needs a color to make transparent, such as #00b140; %q is none", e.Name, text)
	}
	tolerance := 25.0
	if key == "color" {
		tolerance = k.within("tolerance", tolerance, 1, 100)
	}
	return ChromaKey{c, tolerance}
}

func (r reader) correction() Correction {
	c, ok := r.effectivePart("correction")
	if !ok {
		return Correction{}
	}
	read := Correction{
		Brightness: c.within("brightness", 0, -1, 1), Contrast: c.within("contrast", 1, -1000, 1000),
		Gamma: c.within("gamma", 1, 0.1, 10), Saturation: c.within("saturation", 1, 0, 3),
	}
	if read == (Correction{0, 1, 1, 1}) {
		return Correction{}
	}
	return read
}
