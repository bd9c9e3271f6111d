package movie

// elementKinds are the elements and what several types of them have in common
// (sections 15 and 16 of the contract).
var elementKinds = []kind{
	{name: "element", plural: "elements", about: "Something that is seen or heard.", needs: []string{"type"}, keys: []key{
		{"type", options(
			option{"image", "A picture: PNG, JPEG, GIF, WebP, BMP or TIFF."},
			option{"video", "A video, with its sound."},
			option{"text", "A text, drawn with the settings of CSS."},
			option{"audio", "A sound, or the sound of a video."},
		), "What it is. html, component, voice, audiogram and subtitles are not supported yet."},
		idKey, commentKey, cacheKey, varsKey, conditionKey,
		{"start", number(AtEnd, maxSeconds).or(0), "Seconds from the start of the scene (or of the movie); -1 puts it behind what is there so far."},
		{"duration", length().eg(-1, -2, 5), "Seconds; -1 is the medium's own length, -2 until the end of the scene. Images and texts without one last as long as the scene."},
		{"extra-time", number(0, maxSeconds).or(0), "Seconds that the last picture is held after the duration."},
		{"z-index", number(-99, 99).or(0), "Sorts within the scene, higher on top; movie elements below 0 lie under the scenes."},
		{"fade-in", number(0, maxSeconds).or(0), "Seconds in which picture and sound come up."},
		{"fade-out", number(0, maxSeconds).or(0), "Seconds in which picture and sound go away."},
	}, types: []variant{
		{"image", "A picture.", []string{"source", "visual", "picture"}, []string{"src"}},
		{"video", "A video, with its sound.", []string{"source", "visual", "picture", "sound"}, []string{"src"}},
		{"audio", "A sound.", []string{"source", "sound"}, []string{"src"}},
		{"text", "A text.", []string{"words", "visual", "flat"}, []string{"text"}},
	}},
	{name: "source", about: "What comes from elsewhere.", keys: []key{
		{"src", needed().eg("https://example.org/picture.jpg"), "The address of the medium. Links that share a file on Dropbox or Google Drive will do."},
		{"prompt", free(), "Not supported yet: media made by a model. Give a src."},
	}},
	{name: "sound", about: "What is heard.", keys: []key{
		{"volume", number(0, 10).or(1), "A factor, 0 to 10."},
		{"muted", flag().or(false), "true: no sound."},
		{"seek", number(-maxSeconds, maxSeconds).or(0), "Seconds at which the medium starts; negative ones count from its end."},
		{"loop", plays(), "How often it plays; -1 or true: as long as its duration lasts."},
		{"speed", number(1, 1).or(1), "Not supported: media play at their own speed."},
	}},
	{name: "visual", about: "What is seen: where, and how large.", keys: []key{
		{"position", words("custom", "top-left", "top-right", "bottom-right", "bottom-left", "center-center", "center").or("custom"),
			"A place on the canvas that keeps 5 % of it free at the edges; x and y move it from there."},
		{"x", offset().or(0).eg(100, "center", "85%"), "Pixels from the left edge, or from the position; also \"center\" and \"85%\"."},
		{"y", offset().or(0).eg(100, "center", "85%"), "Pixels from the top edge, or from the position; also \"center\" and \"85%\"."},
		{"width", upTo(maxPixels).or(-1), "Pixels; -1 follows from the height. Both -1: the natural size, for text the whole canvas."},
		{"height", upTo(maxPixels).or(-1), "Pixels; -1 follows from the width. Both -1: the natural size, for text the whole canvas."},
		{"scale", one("scale"), "The form of 2022 for width and height."},
		{"resize", words("cover", "fill", "contain", "fit", "none"), "Fits it to the canvas, over width and height: cover (fill) crops, contain (fit) leaves bars."},
		{"fit", words("cover", "fill", "contain", "fit", "none"), "The same as resize."},
		{"opacity", number(0, 1).or(1), "0 is invisible, 1 opaque."},
		{"flip-horizontal", flag().or(false), "true: mirrored, left for right."},
		{"flip-vertical", flag().or(false), "true: upside down, mirrored."},
		{"rotate", turn(), "Turns it about its middle: an angle in degrees, or an object that also says how long the turn takes."},
		{"chroma-key", keyed(), "Makes a colour transparent, as of a green screen; the colour alone will do."},
		{"correction", change("correction"), "Changes the colours."},
	}},
	{name: "picture", about: "How pictures and videos are changed.", keys: []key{
		{"crop", change("crop"), "Keeps only this rectangle of the source."},
		{"zoom", count().eg(3, -3), "The Ken Burns effect over its life: 10 doubles the picture, negative values come from there back."},
		{"pan", unless(words("left", "right", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right", "left-top", "right-top", "left-bottom", "right-bottom", "none")),
			"Moves the view towards a side or corner; beside a zoom, what is zoomed at."},
		{"pan-distance", number(0.01, 0.5).or(0.1), "How far the view moves, as a part of the size."},
		{"pan-crop", flag().or(true), "false: the element itself moves over the canvas, and is not enlarged."},
		{"mask", text(), "The address of a grey picture or video: its white shows, its black hides."},
	}},
	{name: "words", about: "What is written.", keys: append([]key{
		{"text", text(), "The text; <br> and newlines break lines."},
		{"style", textStyles(), "Only 001 is supported yet; an object is read as settings."},
		{"settings", one("settings"), "How it looks, in the words of CSS."},
	}, strays()...)},
	{name: "flat", about: "What texts cannot do yet.", keys: []key{
		{"crop", refused(), "Not supported on text."},
		{"pan", refused(), "Not supported on text."},
		{"mask", refused(), "Not supported on text."},
		{"zoom", refused(), "Not supported on text."},
	}},
}

// lookKinds are the objects that change a picture.
var lookKinds = []kind{
	{name: "scale", about: "A size, in the form of 2022.", keys: []key{
		{"width", upTo(maxPixels).or(-1), "Pixels; -1 follows from the height."},
		{"height", upTo(maxPixels).or(-1), "Pixels; -1 follows from the width."},
	}},
	{name: "crop", about: "The rectangle of a source that is kept.", keys: []key{
		{"width", count(), "Pixels of the source."},
		{"height", count(), "Pixels of the source."},
		{"x", number(0, maxOffset).or(0), "Pixels from the source's left edge."},
		{"y", number(0, maxOffset).or(0), "Pixels from the source's top edge."},
	}},
	{name: "rotate", about: "A turn about the middle.", keys: []key{
		{"angle", number(-360, 360).or(0), "Degrees, clockwise."},
		{"speed", number(0, maxSeconds).or(0), "Seconds that the turn takes; 0: it stands turned from the start."},
	}},
	{name: "chroma-key", about: "A colour that becomes transparent.", keys: []key{
		{"color", colour().eg("#00b140"), "Which colour."},
		{"tolerance", number(1, 100).or(25), "1: the colour alone; 100: every colour."},
	}},
	{name: "correction", about: "Changes of the colours.", keys: []key{
		{"brightness", number(-1, 1).or(0), "-1 to 1; 0 changes nothing."},
		{"contrast", number(-1000, 1000).or(1), "-1000 to 1000; 1 changes nothing."},
		{"gamma", number(0.1, 10).or(1), "0.1 to 10; 1 changes nothing."},
		{"saturation", number(0, 3).or(1), "0, grey, to 3; 1 changes nothing."},
	}},
}

// plays is how often a medium plays.
func plays() value {
	v := count()
	v.Type, v.Pattern = append(v.Type, "boolean"), patterns(v.Pattern, trueText)
	return v.or(1)
}

// turn is a rotate object, or the angle alone.
func turn() value {
	v := change("rotate", digits, trueText)
	v.Minimum, v.Maximum = bound(-360), bound(360)
	return v
}

// unless is a value, or false for none.
func unless(v value) value {
	v.AnyOf = append(v.AnyOf, node{Type: types{"boolean"}})
	return v
}

// keyed is a chroma-key object, or the colour alone.
func keyed() value {
	n := colorNode()
	n.AnyOf = append(n.AnyOf, node{Type: types{"object", "boolean"}}, node{Enum: []any{"none", "false"}})
	n.Ref = ref("chroma-key").Ref
	return value{n, "chroma-key"}
}

// textStyles is the style of a text, by its number, or its settings.
func textStyles() value {
	n := ref("settings")
	n.AnyOf = []node{
		{Const: "001", Description: "A text that stands still."},
		{Const: 1},
		{Type: types{"string"}, Pattern: patterns(filledIn, blank, `^\s*(1|001)\s*$`)},
		{Type: types{"object", "null"}},
	}
	return value{n, "settings"}.or("001")
}
