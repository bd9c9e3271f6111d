package movie

// kinds are all kinds of objects, by name.
var kinds = byName(movieKinds, elementKinds, lookKinds, settingKinds, exportKinds)

func byName(lists ...[]kind) map[string]kind {
	all := map[string]kind{}
	for _, list := range lists {
		for _, k := range list {
			all[k.name] = k
		}
	}
	return all
}

// The keys that a movie, its scenes and its elements have in common.
var (
	idKey      = key{"id", text(), "A name of your own. Movies: comes back in webhooks. Scenes: for import. Elements: for times such as {{ intro_end }}."}
	commentKey = key{"comment", free(), "A note to yourself; it is passed over."}
	cacheKey   = key{"cache", flag().or(true), "false: make it anew, from sources that are fetched anew."}
	varsKey    = key{"variables", free("object", "null").eg(map[string]any{"name": "Ada", "price": 12.5}),
		"Values for {{ name }} in texts of this object and what is in it. Names begin with a letter."}
	conditionKey = key{"condition", text().eg("{{ price > 10 }}"),
		"Kept only when this is true: false, 0, \"\", \"false\" and null drop it."}
	elementsKey = key{"elements", many("element", maxElements), "What is seen and heard, painted in this order: later ones on top, unless their z-index says otherwise."}
)

// movieKinds are the movie, its scenes and what is in them but elements (sections 12
// to 14 of the contract).
var movieKinds = []kind{
	{name: "movie", plural: "movies", about: "A movie in the JSON2Video v2 format, as Reelhook renders it.", keys: []key{
		{"$schema", free("string"), "The schema of this document, for editors; it is passed over."},
		idKey, commentKey, cacheKey, varsKey, elementsKey,
		{"scenes", many("scene", maxScenes), "Played one after another. They may be left out when the movie has elements of its own."},
		{"resolution", size().or("custom"), "The size of the picture: a preset, or custom for width and height."},
		{"width", number(50, 3840).or(640), "With the resolution custom: the picture's width in pixels, 50 to 3840, made even."},
		{"height", number(50, 3840).or(360), "With the resolution custom: the picture's height in pixels, 50 to 3840, made even."},
		{"fps", number(1, 120).or(25).eg(25, 29.97, 30, 60), "Frames per second, 1 to 120; 29.97 means 30000/1001."},
		{"quality", words("low", "medium", "high", "very-high").or("high"), "The encoder's trade-off: low is fast and small, high is best."},
		{"draft", flag().or(false), "Accepted; drafts have no watermark here."},
		{"client-data", free().eg(map[string]any{"order": "A-17"}), "Data of your own, up to 256 KiB, repeated in replies and webhooks."},
		{"exports", many("export", maxDestinations), "Where the finished movie goes, and who is told: pipelines that run one after another."},
		{"template", refused(), "Not supported yet: the id of a stored movie to start from."},
		{"templateid", refused(), "Not supported yet: the same as template."},
		{"settings", free(), "Data of the editor that wrote the document; it is passed over."},
		{"project", free(), "Written by the SDKs after a rendering; it is passed over."},
		{"preload", free(), "Not supported: media are fetched when the movie is rendered. It is passed over."},
	}},
	{name: "scene", plural: "scenes", about: "A span of the movie with its own background and elements.", keys: []key{
		idKey, commentKey, cacheKey, varsKey, conditionKey, elementsKey,
		{"duration", length().or(-1).eg(-1, 5), "Seconds; -1 fits the scene to its elements."},
		{"background-color", colour().or("#000000"), "The colour under the elements; transparent shows movie elements with a z-index below 0."},
		{"transition", entering(), "How this scene enters: it overlaps with the end of the one before. A style alone will do."},
		{"iterate", text().eg("slides"), "The name of a variable that is a list: the scene is repeated for each item, whose fields are variables, with {{ item }} and {{ index }}."},
		{"iterate-as", text().or("item"), "The name of the loop's variable."},
		{"import", text(), "The id of another scene whose elements are added behind this one's."},
	}},
	{name: "transition", about: "How a scene enters.", keys: []key{
		{"style", words(transitionStyles...).or("fade"), "Which blend, by FFmpeg's names of xfade."},
		{"duration", number(0, maxSeconds).or(1), "Seconds; no longer than either scene."},
		{"type", words("xfade"), "Only xfade; it is passed over."},
	}},
}

// size is a preset, or a size written as 640x360.
func size() value {
	v := words("custom", "sd", "hd", "full-hd", "squared", "instagram-story", "instagram-feed", "instagram-portrait",
		"twitter-landscape", "twitter-portrait", "720p", "1080p", "4k", "uhd")
	v.AnyOf[1].Pattern = patterns(v.AnyOf[1].Pattern, `^\s*[0-9]{2,5}\s*[x×X]\s*[0-9]{2,5}\s*$`)
	return v.eg("full-hd", "instagram-story", "640x360")
}

// entering is a transition, or its style alone.
func entering() value {
	n := words(transitionStyles...).node
	n.AnyOf = append(n.AnyOf, node{Type: types{"object"}})
	n.Ref = ref("transition").Ref
	return value{n, "transition"}
}
