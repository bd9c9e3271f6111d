package text

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
)

// compatible are fonts with the same widths as one that is seldom installed:
// text set in them breaks at the same places.
var compatible = map[string][]string{
	"arial":         {"Liberation Sans", "Arimo"},
	"helvetica":     {"Liberation Sans", "Arimo", "Nimbus Sans"},
	"helveticaneue": {"Liberation Sans", "Arimo", "Nimbus Sans"},
	"arialnarrow":   {"Liberation Sans Narrow"},
	"timesnewroman": {"Liberation Serif", "Tinos"},
	"times":         {"Liberation Serif", "Tinos", "Nimbus Roman"},
	"couriernew":    {"Liberation Mono", "Cousine"},
	"courier":       {"Liberation Mono", "Cousine", "Nimbus Mono PS"},
	"calibri":       {"Carlito"},
	"cambria":       {"Caladea"},
	"georgia":       {"Gelasio"},
}

// region is one national form of the Han characters.
type region struct {
	// code is how Google and Debian end the name of a font for it.
	code     string
	language language.Language
}

var (
	japan      = region{"JP", "ja"}
	korea      = region{"KR", "ko"}
	simplified = region{"SC", "zh-cn"}
	taiwan     = region{"TC", "zh-tw"}
	hongKong   = region{"HK", "zh-hk"}
)

var regions = map[string]region{
	"jp": japan, "japanese": japan, "kr": korea, "korean": korea, "sc": simplified, "simplifiedchinese": simplified, "chinesesimplified": simplified,
	"tc": taiwan, "traditionalchinese": taiwan, "chinesetraditional": taiwan, "hk": hongKong, "hongkong": hongKong, "chinesehongkong": hongKong,
}

// hanFonts are the fonts that exist once for each region, by what their names
// begin with. Longer beginnings come first. Noto is Source Han by another name.
var hanFonts = []struct{ start, kind string }{
	{"notosansmonocjk", "Sans Mono"}, {"notosanscjk", "Sans"}, {"notoserifcjk", "Serif"}, {"notosansmono", "Sans Mono"},
	{"notosans", "Sans"}, {"notoserif", "Serif"}, {"sourcehansans", "Sans"}, {"sourcehanserif", "Serif"}, {"", "Sans"},
}

// han tells whether a family's name says that it is for one region, for which,
// and the kind of font it is.
func han(family string) (kind string, r region, ok bool) {
	family = font.NormalizeFamily(family)
	for _, f := range hanFonts {
		if rest, found := strings.CutPrefix(family, f.start); found {
			if r, ok = regions[rest]; ok {
				return f.kind, r, true
			}
		}
	}
	return "", region{}, false
}

// sameFonts lists the names that a font may be installed under, or fonts that
// take the same room. Google names Noto's fonts otherwise than Debian.
func sameFonts(family string) []string {
	if kind, r, ok := han(family); ok {
		return hanFamilies(kind, r)
	}
	name := font.NormalizeFamily(family)
	if rest, ok := strings.CutPrefix(name, "notosans"); ok && strings.HasSuffix(rest, "looped") {
		return []string{"Noto Looped " + strings.TrimSuffix(rest, "looped")}
	}
	return compatible[name]
}

func hanFamilies(kind string, r region) []string {
	return []string{"Noto " + kind + " CJK " + r.code, "Noto " + kind + " " + r.code}
}

// installed replaces each family that is not there by one that stands for it, as
// far as there is one, and tells whether the first can be used.
func installed(families []string, has func(string) bool) (list []string, first bool) {
	for i, family := range families {
		found := has(family)
		if !found {
			for _, other := range sameFonts(family) {
				if found = has(other); found {
					family = other
					break
				}
			}
		}
		list, first = append(list, family), first || i == 0 && found
	}
	return list, first
}

// hanRegion tells which forms of the Han characters a text wants: what its font
// is made for, else what its other characters say.
func hanRegion(text string, families []string) region {
	for _, family := range families {
		if _, r, ok := han(family); ok {
			return r
		}
	}
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			return japan
		case unicode.Is(unicode.Hangul, r):
			return korea
		case unicode.Is(unicode.Bopomofo, r):
			return taiwan
		}
	}
	return simplified
}

// isHan tells whether a font for Han characters should draw a character.
func isHan(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}

// scripts are those that Noto has a font of their own for, by its name.
var scripts = map[string]*unicode.RangeTable{
	"Arabic": unicode.Arabic, "Armenian": unicode.Armenian, "Bengali": unicode.Bengali, "Devanagari": unicode.Devanagari,
	"Ethiopic": unicode.Ethiopic, "Georgian": unicode.Georgian, "Gujarati": unicode.Gujarati, "Gurmukhi": unicode.Gurmukhi,
	"Hebrew": unicode.Hebrew, "Kannada": unicode.Kannada, "Khmer": unicode.Khmer, "Lao": unicode.Lao, "Malayalam": unicode.Malayalam,
	"Myanmar": unicode.Myanmar, "Oriya": unicode.Oriya, "Sinhala": unicode.Sinhala, "Tamil": unicode.Tamil, "Telugu": unicode.Telugu,
	"Thai": unicode.Thai, "Tibetan": unicode.Tibetan,
}

// withFallback adds the fonts that characters fall back to. Left to itself,
// fall-back takes the first font that has a character: Han in the forms of any
// region, Thai and half of Khmer from a display font.
func withFallback(families []string, text string, r region) []string {
	kinds := []string{"Sans"}
	if len(families) > 0 && isSerif(families[0]) {
		kinds = []string{"Serif", "Sans"}
	}
	list := slices.Clone(families)
	for _, kind := range kinds {
		for _, name := range slices.Sorted(maps.Keys(scripts)) {
			if strings.ContainsFunc(text, func(r rune) bool { return r > 0x530 && unicode.Is(scripts[name], r) }) {
				list = append(list, "Noto "+kind+" "+name)
			}
		}
		if strings.ContainsFunc(text, isHan) {
			list = append(list, hanFamilies(kind, r)...)
		}
	}
	return list
}

func isSerif(family string) bool {
	family = strings.ToLower(family)
	return strings.Contains(family, "serif") && !strings.Contains(family, "sans")
}
