package movie

import (
	"slices"
	"strings"
)

// strayTextKeys are settings that real documents write on the element itself
// (section 17 of the contract); they read as if they stood in settings.
var strayTextKeys = []string{
	"font-family", "font-url", "font-size", "font-weight", "font-style", "font-color", "color", "background-color", "padding",
	"border-radius", "text-align", "line-height", "letter-spacing", "text-transform", "text-decoration", "text-shadow",
	"vertical-position", "horizontal-position", "vertical-align", "horizontal-align",
}

// animated are the text styles that move, which this version cannot make.
var animated = []string{"002", "003", "004", "005", "006", "007", "008", "009", "010", "012"}

func (r reader) textPart(e *Element) *TextPart {
	t := &TextPart{Text: r.text("text", ""), Style: "001", Settings: map[string]string{}}
	if strings.TrimSpace(t.Text) == "" {
		r.warn("text", "%s has no text", e.Name)
	}
	for _, key := range strayTextKeys {
		if s, ok := scalar(r.get(key)); ok {
			t.Settings[key] = s
		}
	}
	if style, ok := r.get("style").(*object); ok {
		reader{style, r.m, r.at("style")}.settings(t.Settings)
	} else {
		t.Style = r.textStyle(e)
	}
	if settings, ok := r.part("settings"); ok {
		settings.settings(t.Settings)
	}
	return t
}

func (r reader) textStyle(e *Element) string {
	style := strings.TrimSpace(r.text("style", "001"))
	switch {
	case style == "" || style == "001" || style == "1":
	case slices.Contains(animated, style):
		r.fault("style", "%s: the animated text style '%s' is not supported by this version of Reelhook; use 001", e.Name, style)
	case style == "011":
		r.fault("style", "%s: the text style '011' is not supported by this version of Reelhook; use 001 with a background-color", e.Name)
	default:
		r.warn("style", "Unknown text style %q; 001 was used", style)
	}
	return "001"
}

// settings adds every scalar of an object to a bag of settings.
func (r reader) settings(bag map[string]string) {
	for _, key := range r.keys {
		if s, ok := scalar(r.values[key]); ok {
			bag[key] = s
		} else if r.values[key] != nil {
			r.warn(key, "%s should be text or a number; it was ignored", key)
		}
	}
}
