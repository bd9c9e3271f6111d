package export

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path"
	"strings"

	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// macros are the values that stand for names such as __yyyy__ in a destination's
// settings (section 23 of the contract). They are the same at every destination
// of a movie and on every try: they follow from when the movie was accepted, in
// UTC, and from its file's name.
type macros struct {
	plain *strings.Replacer
	// escaped fills in what stands in a URL.
	escaped *strings.Replacer
}

// macrosOf makes them for a movie. ext is the extension of what is exported, with
// its dot.
func macrosOf(pr project.Project, ext, videoURL string) macros {
	at := pr.CreatedAt.UTC()
	stem := strings.TrimSuffix(path.Base(pr.FileKey), path.Ext(pr.FileKey))
	pairs := []string{
		"__yyyy__", at.Format("2006"), "__mm__", at.Format("01"), "__dd__", at.Format("02"),
		"__hh__", at.Format("15"), "__nn__", at.Format("04"), "__ss__", at.Format("05"),
		"__random__", stem[strings.LastIndexByte(stem, '-')+1:],
		"__filename__", stem + ext, "__filename_without_extension__", stem, "__filename_extension__", strings.TrimPrefix(ext, "."),
		"__video_url__", videoURL,
	}
	m := macros{plain: strings.NewReplacer(pairs...)}
	for i := 1; i < len(pairs); i += 2 {
		pairs[i] = strings.ReplaceAll(url.QueryEscape(pairs[i]), "+", "%20")
	}
	m.escaped = strings.NewReplacer(pairs...)
	return m
}

// mark is in every macro's name.
var mark = []byte("__")

// fill returns settings with their macros filled in, in every text but secrets: a
// password is meant as it is.
func (m macros) fill(s Settings) Settings {
	filled, changed := make(Settings, len(s)), false
	for name, raw := range s {
		filled[name] = raw
		if !bytes.Contains(raw, mark) || movie.Secret(name) {
			continue
		}
		replacer := m.plain
		if name == "endpoint" || name == "url" {
			replacer = m.escaped
		}
		if text, err := json.Marshal(within(raw, replacer.Replace)); err == nil {
			filled[name], changed = text, true
		}
	}
	if !changed {
		return s
	}
	return filled
}

// within applies a change to every text of a JSON value, but not to secrets.
func within(raw json.RawMessage, change func(string) string) any {
	var text string
	var list []json.RawMessage
	var members map[string]json.RawMessage
	switch {
	case string(raw) == "null":
	case json.Unmarshal(raw, &text) == nil:
		return change(text)
	case json.Unmarshal(raw, &list) == nil:
		all := make([]any, len(list))
		for i := range list {
			all[i] = within(list[i], change)
		}
		return all
	case json.Unmarshal(raw, &members) == nil:
		all := make(map[string]any, len(members))
		for name, member := range members {
			if all[name] = member; !movie.Secret(name) {
				all[name] = within(member, change)
			}
		}
		return all
	}
	return raw
}
