package movie

import (
	"regexp"
	"strconv"
	"strings"

	"encoding/hex"
)

// color is a colour property; what cannot be read becomes otherwise.
func (r reader) color(key string, otherwise Color) Color {
	s := strings.TrimSpace(r.text(key, ""))
	if s == "" {
		return otherwise
	}
	c, ok := ParseColor(s)
	if !ok {
		r.warn(key, "%q is not a colour; the default was used", s)
		return otherwise
	}
	return c
}

var functional = regexp.MustCompile(`^rgba?\(\s*([\d.]+%?)[\s,]+([\d.]+%?)[\s,]+([\d.]+%?)(?:[\s,/]+([\d.]+%?))?\s*\)$`)

// ParseColor reads a CSS colour: #rgb, #rgba, #rrggbb, #rrggbbaa, a name,
// rgb(), rgba() or transparent.
func ParseColor(s string) (Color, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "transparent" {
		return Color{}, true
	}
	if rgb, ok := colorNames[s]; ok {
		return Color{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 255}, true
	}
	if digits, ok := strings.CutPrefix(s, "#"); ok {
		return hexColor(digits)
	}
	if found := functional.FindStringSubmatch(s); found != nil {
		c := Color{channel(found[1], 255), channel(found[2], 255), channel(found[3], 255), 255}
		if found[4] != "" {
			c.A = channel(found[4], 1)
		}
		return c, true
	}
	return hexColor(s) // seen without the #
}

func hexColor(digits string) (Color, bool) {
	if len(digits) == 3 || len(digits) == 4 {
		var b strings.Builder
		for i := range len(digits) {
			b.WriteByte(digits[i])
			b.WriteByte(digits[i])
		}
		digits = b.String()
	}
	v, err := hex.DecodeString(digits)
	switch {
	case err != nil:
		return Color{}, false
	case len(v) == 3:
		return Color{v[0], v[1], v[2], 255}, true
	case len(v) == 4:
		return Color{v[0], v[1], v[2], v[3]}, true
	}
	return Color{}, false
}

// channel reads one number of rgba(), full being the value of an opaque one.
func channel(s string, full float64) uint8 {
	digits, percent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0
	}
	if percent {
		full = 100
	}
	return uint8(min(max(x/full, 0), 1)*255 + 0.5)
}
