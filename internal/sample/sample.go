// Package sample is the movie that `reelhook demo` renders: its Movie JSON and
// the media in it, made by the project itself (generate). It must not know how
// anything is rendered or delivered.
package sample

import (
	"bytes"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
)

//go:generate go run ./generate -out media

//go:embed movie.json
var document []byte

//go:embed media
var files embed.FS

// What movie.json has in place of the addresses that are not known before a
// server runs.
const (
	mediaToken    = "https://sample.invalid/"
	endpointToken = "https://endpoint.invalid/"
)

// Movie is the sample's Movie JSON. Its media are at mediaBase, where Handler or
// Media is served; the webhook goes to endpoint.
func Movie(mediaBase, endpoint string) []byte {
	base := quoted(strings.TrimRight(mediaBase, "/") + "/")
	out := bytes.ReplaceAll(document, []byte(mediaToken), base)
	return bytes.ReplaceAll(out, []byte(endpointToken), quoted(endpoint))
}

// quoted is what stands between the quotes of a JSON string.
func quoted(s string) []byte {
	text, _ := json.Marshal(s) // a string always has a JSON form
	return text[1 : len(text)-1]
}

// Media holds the sample's media: dusk.jpg, music.m4a and so on.
func Media() fs.FS {
	media, err := fs.Sub(files, "media")
	if err != nil {
		panic(err) // the name is a constant, and valid
	}
	return media
}

// Handler serves Media at its root.
func Handler() http.Handler { return http.FileServerFS(Media()) }
