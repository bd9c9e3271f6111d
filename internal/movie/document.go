package movie

import (
	"encoding/json"
	"strconv"
)

// Parse reads a Movie JSON document. The error is ErrEmpty, ErrNoObject or a
// *SyntaxError: the body is no movie at all. Everything else that is wrong is
// in the movie's Faults and Warnings, so that its exports can still run.
func Parse(data []byte) (*Movie, error) {
	d, err := ParseDocument(data)
	if err != nil {
		return nil, err
	}
	return d.Movie, nil
}

// Document is a movie and what it was read from: it tells where in the text
// something stands, what became of its variables, and which keys nobody reads.
type Document struct {
	*Movie
	data []byte
	// source is the document as it was submitted, filled the same with its variables
	// filled in.
	source, filled *object
	places         *textMap
}

// ParseDocument is Parse for who wants to know more of the document, which is kept
// for that.
func ParseDocument(data []byte) (*Document, error) {
	source, unfilled, err := document(data)
	if err != nil {
		return nil, err
	}
	return read(data, source, unfilled), nil
}

// read reads a movie out of its document. unfilled tells that something in it has to
// be filled in before.
func read(data []byte, source *object, unfilled bool) *Document {
	d := &Document{data: data, source: source, filled: source}
	m := &unfinished{Movie: Movie{ClientData: json.RawMessage("{}")}}
	if unfilled {
		d.filled = m.fill(source, len(data))
	}
	r := reader{d.filled, m, ""}
	m.ID = r.text("id", "")
	m.Draft = r.boolean("draft", false)
	m.NoCache = !r.boolean("cache", true)
	r.clientData()
	r.size()
	r.quality()
	r.rate()
	r.exports()
	r.unsupported("template", "templateid")
	for i, s := range r.list("scenes", maxScenes, "movie") {
		m.Scenes = append(m.Scenes, s.scene(i))
	}
	m.Elements = r.elements(func(i int) string { return "Movie element #" + strconv.Itoa(i+1) })
	if len(m.Scenes) == 0 && len(m.Elements) == 0 && m.faults.count == 0 {
		r.fault("scenes", "Movie duration cannot be zero")
	}
	d.Movie = m.finish()
	return d
}
