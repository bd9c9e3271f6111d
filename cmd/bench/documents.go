package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

//go:embed movies/*.json
var written embed.FS

// warmupName is the movie that is rendered before anything is measured.
const warmupName = "warmup"

// documents are all movies, in Movie JSON: those written by hand, and those whose
// many like scenes or elements are written by the program.
func documents() map[string][]byte {
	all := map[string][]byte{}
	files, _ := written.ReadDir("movies")
	for _, f := range files {
		all[strings.TrimSuffix(f.Name(), ".json")], _ = written.ReadFile(path.Join("movies", f.Name()))
	}
	for name, made := range map[string]object{
		"slideshow": slideshow(slides, slideShown, ""), changedName: slideshow(slides, slideShown, "slide7.jpg"),
		longName: slideshow(longSlides, longShown, ""), minuteName: slideshow(minuteSlides, longShown, ""),
		"collage": collage(), "vertical": vertical(), driftName: clicking(),
	} {
		all[name], _ = json.Marshal(made) // always has a JSON form
	}
	return all
}

// object is one of Movie JSON.
type object map[string]any

// fullHD is a movie as most of those here are.
func fullHD(scenes []object) object {
	return object{"resolution": "full-hd", "quality": "medium", "fps": fps, "scenes": scenes}
}

// captioned is a text in a box above the lower edge, as caption draws it.
func captioned(text string) object {
	return object{"type": "text", "text": text, "fade-in": 0, "fade-out": 0, "settings": object{
		"font-family": "Inter", "font-size": "72px", "font-weight": "700", "background-color": "rgba(0,0,0,0.5)", "padding": "24px",
		"text-shadow": "none", "vertical-position": "bottom", "margin-bottom": "150px",
	}}
}

// vertical is a video cropped to a telephone's shape, with a caption for each of
// its twenty seconds.
func vertical() object {
	elements := []object{{"type": "video", "src": "footage.mp4", "resize": "cover", "duration": -2, "muted": true}}
	for i := range verticalTexts {
		text := captioned(verticalText(i))
		text["start"], text["duration"] = i, 1
		text["settings"].(object)["font-size"] = "64px"
		elements = append(elements, text)
	}
	return object{"width": 1080, "height": 1920, "resolution": "custom", "quality": "medium", "fps": fps,
		"scenes":   []object{{"duration": verticalTexts, "elements": elements}},
		"elements": []object{{"type": "audio", "src": "music.m4a", "duration": -2, "fade-out": 2}}}
}

const verticalTexts = 20

func verticalText(i int) string { return fmt.Sprintf("Caption %d of %d", i+1, verticalTexts) }
