package movie

// settingKinds are the settings of texts (section 17 of the contract). What they say
// is read where texts are drawn; here is which there are.
var settingKinds = []kind{{
	name: "settings", about: "How a text looks, in the words of CSS. Lengths may have the units px, vw, vh, em and %; a number alone is in pixels.",
	open: true, other: &scalarNode,
	keys: []key{
		{"font-family", text().or("Inter"), "The names of fonts, the first that is there being used; or the address of a font file."},
		{"font-url", text().eg("https://example.org/font.ttf"), "The address of a font file."},
		{"font-size", text().or("4vw").eg("48px", "4vw", 80), "The size of the letters."},
		{"font-weight", text().or("400").eg("400", "700", "bold"), "100 to 900, normal or bold."},
		{"font-style", text().or("normal").eg("italic"), "normal or italic."},
		{"color", settingColor().or("#ffffff"), "The colour of the letters."},
		{"font-color", settingColor(), "The same as color."},
		{"background-color", settingColor(), "The colour of the box behind the text."},
		{"background", settingColor(), "The same as background-color."},
		{"border-radius", text().eg("12px", "50%"), "How round the corners of the box are."},
		{"padding", text().eg("10px 20px"), "The room between the text and the edge of its box, one to four lengths."},
		{"padding-top", text(), "The room above the text."},
		{"padding-right", text(), "The room to the right of the text."},
		{"padding-bottom", text(), "The room below the text."},
		{"padding-left", text(), "The room to the left of the text."},
		{"margin", text().eg("20px"), "The room around the box, one to four lengths."},
		{"margin-top", text(), "The room above the box."},
		{"margin-right", text(), "The room to the right of the box."},
		{"margin-bottom", text(), "The room below the box."},
		{"margin-left", text(), "The room to the left of the box."},
		{"text-align", text().or("center").eg("left", "center", "right"), "Where lines stand in the box."},
		{"vertical-position", text().or("center").eg("top", "center", "bottom"), "Where the box stands in the element, from top to bottom."},
		{"vertical-align", text().eg("top", "center", "bottom"), "The same as vertical-position."},
		{"horizontal-position", text().or("center").eg("left", "center", "right"), "Where the box stands in the element, from left to right."},
		{"horizontal-align", text().eg("left", "center", "right"), "The same as horizontal-position."},
		{"line-height", text().eg("1.2", "normal"), "The distance of lines, as a factor of the size or a length."},
		{"letter-spacing", text().eg("0.1em", "normal"), "The room between letters."},
		{"text-transform", text().eg("uppercase", "lowercase", "capitalize", "none"), "Changes the case of the letters."},
		{"text-decoration", text().eg("underline", "line-through", "none"), "Lines under or through the text."},
		{"text-shadow", text().or("2px 2px rgba(33,33,33,.5)").eg("2px 2px 4px #000", "none"), "Shadows, with commas between: right, down, blur, colour."},
		{"width", text().eg("80%", "auto"), "The width of the box."},
		{"max-width", text().eg("80%", "none"), "The most width of the box."},
		{"white-space", text().eg("normal", "nowrap", "pre-wrap"), "Whether lines are broken and spaces kept."},
		{"word-break", text().eg("normal", "break-all"), "Whether words may be broken."},
		{"overflow-wrap", text().eg("normal", "break-word"), "Whether words that are too long are broken."},
		{"word-wrap", text().eg("normal", "break-word"), "The same as overflow-wrap."},
		{"opacity", text().or("1").eg("0.5"), "0 is invisible, 1 opaque."},
		{"-webkit-text-stroke", text().eg("2px black"), "A line around the letters: width and colour."},
		{"-webkit-text-stroke-width", text(), "The width of the line around the letters."},
		{"-webkit-text-stroke-color", settingColor(), "The colour of the line around the letters."},
	},
}}

// scalarNode is what any setting may be.
var scalarNode = text().node

// settingColor is a colour; how it is written is checked where texts are drawn.
func settingColor() value { return text().eg("#ffffff", "rgba(0,0,0,0.5)", "white") }

// strays are the settings that may stand on the element itself.
func strays() []key {
	var all []key
	for _, k := range settingKinds[0].keys {
		for _, name := range strayTextKeys {
			if k.name == name {
				all = append(all, k)
			}
		}
	}
	return all
}

// SettingNames are the settings of texts that the schema names.
func SettingNames() []string {
	var all []string
	for _, k := range settingKinds[0].keys {
		all = append(all, k.name)
	}
	return all
}
