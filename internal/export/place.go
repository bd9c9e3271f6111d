package export

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// What is done when the file is there already.
const (
	Overwrite = "overwrite"
	Unique    = "unique" // movie.mp4 becomes movie-1.mp4
	Fail      = "fail"
)

// Place is where a file is to go on a server that has folders: the contract's
// remote-path and file (section 23), and what to do when it is there already.
type Place struct {
	// Folder is absolute, or relative to where the login leads ("" is that); no part
	// of it is "..". Name is the file's.
	Folder, Name string
	// IfExists is Overwrite, Unique or Fail.
	IfExists string
}

// Place reads "remote-path", "file" and "if-exists". name is the file's when
// "file" says nothing. What would leave the remote folder, or what servers
// understand differently, is a Refusal.
func (s Settings) Place(name string) (Place, error) {
	folder, file := s.Text("remote-path"), s.Text("file")
	if file == "" {
		file = name
	}
	if err := inside("remote-path", folder); err != nil {
		return Place{}, err
	}
	if err := inside("file", file); err != nil {
		return Place{}, err
	}
	if strings.HasSuffix(file, "/") || strings.HasSuffix(file, `\`) || path.Clean("./"+file) == "." {
		return Place{}, Refusal(fmt.Sprintf(`"file" must end in a file's name, which "%s" does not`, cut(file)))
	}
	whole := path.Join(folder, "./"+file) // a slash in front of file is inside the folder too
	p := Place{Folder: path.Dir(whole), Name: path.Base(whole), IfExists: strings.ToLower(s.Text("if-exists"))}
	if p.Folder == "." {
		p.Folder = ""
	}
	if first, _, found := strings.Cut(p.Name, `\`); found && strings.TrimSpace(first) == "." { // Part would make ".." of it
		return Place{}, Refusal(fmt.Sprintf(`"file" begins with a dot and a backslash: "%s"`, cut(p.Name)))
	}
	switch p.IfExists {
	case "":
		p.IfExists = Overwrite
	case Overwrite, Unique, Fail:
	default:
		return Place{}, Refusal(fmt.Sprintf(`"if-exists" must be overwrite, unique or fail, not "%s"`, cut(p.IfExists)))
	}
	return p, nil
}

// Target is Place, and its path as it may be shown before the file has a name: then
// it is a folder, and ends in a slash.
func (s Settings) Target(name string) (place Place, target string, err error) {
	if s.Text("file") != "" || name != "" {
		place, err = s.Place(name)
		return place, place.Path(), err
	}
	const unknown = "file"
	place, err = s.Place(unknown)
	return place, strings.TrimSuffix(place.Path(), unknown), err
}

// longestPath in bytes is more than any server takes.
const longestPath = 4096

// inside refuses a path that leads out of its folder, or that a server may take
// for something else: some split at backslashes, and FTP ends a command at a line
// break.
func inside(field, text string) error {
	if len(text) > longestPath {
		return Refusal(fmt.Sprintf(`"%s" is longer than %d bytes`, field, longestPath))
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return Refusal(fmt.Sprintf(`"%s" holds a line break or another control character`, field))
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == '\\' }) {
		if strings.TrimSpace(part) == ".." {
			return Refusal(fmt.Sprintf(`"%s" leaves the remote folder: ".." is not allowed in "%s"`, field, cut(text)))
		}
	}
	return nil
}

// Path is folder and name together.
func (p Place) Path() string { return path.Join(p.Folder, p.Name) }

// maxName in bytes is how much of a file's name is in the name of its part: servers
// take 255 in all.
const maxName = 180

// Part is the path under which a file stands until it is complete.
func (p Place) Part(mark string) string {
	name := p.Name
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return path.Join(p.Folder, "."+name+"."+mark+".part")
}

// Another is the n-th other name, for Unique: n counts from 1.
func (p Place) Another(n int) Place {
	ext := path.Ext(p.Name)
	p.Name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(p.Name, ext), n, ext)
	return p
}
