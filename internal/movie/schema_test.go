package movie

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/reelhook/reelhook/internal/golden"
)

// compiled is the schema as a validator reads it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaID) // checks it against its meta-schema too
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// complaints are the places of a document that the schema objects to, as paths.
func complaints(t *testing.T, s *jsonschema.Schema, source string) []string {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Validate(doc)
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		t.Fatal(err)
	}
	all := map[string]bool{}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			all[pathOf(e.InstanceLocation)] = true
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(invalid)
	return slices.Sorted(maps.Keys(all))
}

var index = regexp.MustCompile(`^\d+$`)

func pathOf(location []string) string {
	var b strings.Builder
	for i, part := range location {
		switch {
		case index.MatchString(part):
			b.WriteString("[" + part + "]")
			continue
		case i > 0:
			b.WriteString(".")
		}
		b.WriteString(part)
	}
	return b.String()
}

// TestSchemaIsAsTolerantAsTheReader holds that the schema objects to nothing in the
// parser's own cases but where the parser has something to say too; where it has
// not, the document is valid.
func TestSchemaIsAsTolerantAsTheReader(t *testing.T) {
	s := compiled(t)
	valid, invalid := 0, 0
	for _, source := range parsedCases(t) {
		m, err := Parse([]byte(source))
		if err != nil {
			continue
		}
		wrong := complaints(t, s, source)
		for _, path := range wrong {
			if strings.HasSuffix(path, ".type") && !strings.Contains(fmt.Sprint(m.Faults), "html") {
				continue // nobody looks at an element that its condition drops
			}
			if !slices.ContainsFunc(slices.Concat(m.Faults, m.Warnings), func(f Fault) bool { return strings.HasPrefix(f.Path, path) }) {
				t.Errorf("the schema objects to %q, the reader to nothing there, in\n%s\n%v\n%v", path, source, m.Faults, m.Warnings)
			}
		}
		if len(wrong) == 0 {
			valid++
		} else {
			invalid++
		}
	}
	if valid < 20 || invalid < 5 {
		t.Errorf("%d valid and %d invalid cases are too few to tell", valid, invalid)
	}
}

// parsedCases are the documents of the parser's golden files.
func parsedCases(t *testing.T) (all []string) {
	for _, file := range golden.Files(t, "testdata/*.txt") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for block := range strings.SplitSeq(strings.TrimPrefix(string(text), "# "), "\n# ") {
			_, rest, _ := strings.Cut(block, "\n")
			source, _, _ := strings.Cut("\n"+rest, "\n->")
			all = append(all, source)
		}
	}
	return all
}

// TestSchemaTakes what people write, and refuses what is wrong at the place named.
func TestSchema(t *testing.T) {
	s := compiled(t)
	element := func(more string) string { return `{"scenes":[{"elements":[{` + more + `}]}]}` }
	const at = "scenes[0].elements[0]"
	for _, tc := range []struct {
		name, source string
		wrong        []string
	}{
		{"a lone object in place of a list", `{"scenes":{"elements":{"type":"text","text":"a"}},"exports":{"destinations":{"type":"webhook","endpoint":"e"}}}`, nil},
		{"wrong things in a lone object", `{"scenes":{"elements":{"type":"text"}}}`, []string{"scenes.elements"}},
		{"texts for numbers and flags", `{"width":"1080","fps":" 25 ","draft":"no","scenes":[{"duration":"auto","elements":[{"type":"video","src":"v","volume":".5","muted":1,"loop":true,"fade-in":"","seek":"1e1","x":"50px","y":"85%","width":"-1"}]}]}`, nil},
		{"placeholders anywhere", `{"width":"{{w}}","scenes":"{{all}}","elements":["{{one}}",{"type":"{{t}}","start":"{{a_end}}","rotate":"{{r}}","loop":"{{l}}"},{"type":"text","text":"a","settings":"{{s}}","zoom":"{{z}}","opacity":"{{o}}"}]}`, nil},
		{"null is nothing", `{"width":null,"scenes":[{"transition":null,"background-color":null,"elements":null}],"template":null,"exports":null}`, nil},
		{"other spellings", `{"resolution":"Full_HD","quality":"HIGH","scenes":[{"background-color":"RebeccaPurple","elements":[{"TYPE":"image","src":"i","type":"IMAGE","position":"Center_Center"}]}]}`, nil},
		{"keys nobody knows", `{"nonsense":{"a":1},"client_data":7,"scenes":[{"colour":"red"}]}`, nil},
		{"alone in place of an object", element(`"type":"image","src":"i","rotate":90,"chroma-key":"#00b140","crop":false,"correction":"none"`), nil},
		{"the size alone", `{"resolution":"640x360","scenes":[{"transition":"wipeleft"}]}`, nil},
		{"settings on the element, and as style", element(`"type":"text","text":1,"font-size":80,"style":{"color":"red"},"settings":{"made-up":true}`), nil},
		{"connections without a type", `{"scenes":[{}],"exports":[{"destinations":[{"id":"mine","file":"a.mp4"}]}]}`, nil},

		{"no object", `[]`, []string{""}},
		{"no list", `{"scenes":7,"elements":"abc"}`, []string{"elements", "scenes"}},
		{"no object in a list", `{"scenes":[7],"elements":[null]}`, []string{"elements[0]", "scenes[0]"}},
		{"no type", element(`"text":"a"`), []string{at}},
		{"a type nobody knows", element(`"type":"hologram"`), []string{at + ".type"}},
		{"a type of later", element(`"type":"html","html":"<b>"`), []string{at + ".type"}},
		{"no source", element(`"type":"image"`), []string{at}},
		{"an empty source", element(`"type":"audio","src":"  "`), []string{at + ".src"}},
		{"no text", element(`"type":"text"`), []string{at}},
		{"words for numbers", `{"fps":"fast","scenes":[{"duration":"long"}]}`, []string{"fps", "scenes[0].duration"}},
		{"out of range", `{"fps":121,"width":49,"scenes":[{"duration":90000,"elements":[{"type":"audio","src":"a","volume":11}]}]}`, []string{"fps", "scenes[0].duration", at + ".volume", "width"}},
		{"words that are none of those", `{"quality":"best","resolution":"huge","scenes":[{"transition":{"style":"spin"},"background-color":"nocolour"}]}`,
			[]string{"quality", "resolution", "scenes[0].background-color", "scenes[0].transition.style"}},
		{"what texts cannot do", element(`"type":"text","text":"a","crop":{"width":1},"zoom":2,"mask":"m","style":"004"`), []string{at + ".crop", at + ".mask", at + ".style", at + ".zoom"}},
		{"deep inside", element(`"type":"image","src":"i","correction":{"gamma":11},"rotate":{"angle":"far"},"chroma-key":{"tolerance":0}`),
			[]string{at + ".chroma-key.tolerance", at + ".correction.gamma", at + ".rotate.angle"}},
		{"a list as a setting", element(`"type":"text","text":"a","settings":{"color":["red"],"other":{}}`), []string{at + ".settings.color", at + ".settings.other"}},
		{"a stored movie", `{"template":"abcdefghijklmnopqrst"}`, []string{"template"}},
		{"a destination nobody knows", `{"scenes":[{}],"exports":[{"destinations":[{"type":"pigeon"}]}]}`, []string{"exports[0].destinations[0].type"}},
		{"speed", element(`"type":"audio","src":"a","speed":2`), []string{at + ".speed"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.wrong, complaints(t, s, tc.source)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// passedOver are the keys that documents may have although nobody reads them.
var passedOver = map[string][]string{
	"movie":      {"$schema", "comment", "settings", "project", "preload"},
	"scene":      {"comment"},
	"transition": {"type"},
	"image":      {"comment"}, "video": {"comment"}, "audio": {"comment"}, "text": {"comment"},
}

// TestSchemaNamesWhatIsRead reads documents that have everything in them, and holds
// that the schema names, for every kind of object, the keys that the reader looked
// for and no others. Settings and destinations are read elsewhere, and held there.
func TestSchemaNamesWhatIsRead(t *testing.T) {
	asked := map[string]map[string]bool{}
	for _, source := range []string{
		`{"variables":{"list":[1]},"scenes":[{"iterate":"list","import":"b","transition":{"style":"fade"},"elements":[{"type":"image","prompt":"p","scale":{"width":1},"crop":{"x":1},"rotate":{"angle":1},"chroma-key":{"color":"red"},"correction":{"gamma":2}}]},
			{"id":"b","elements":[{"type":"video"},{"type":"audio"},{"type":"text","style":{},"settings":{}}]}],"exports":[{"destinations":[{"type":"webhook"}]}]}`,
		`{"scenes":[{"elements":[{"type":"image","src":"i"},{"type":"text"},{"type":"video","src":"v","chroma-key":"red","rotate":3,"pan":"left"}]}]}`,
		`{"elements":[{"type":"video","pan":"left"},{"type":"image","pan":"left"}]}`,
	} {
		doc, unfilled, err := document([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		watch(asked, "movie", doc)
		read([]byte(source), doc, unfilled)
	}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		want := slices.Sorted(maps.Keys(asked[name]))
		want = slices.Compact(slices.Sorted(slices.Values(append(want, passedOver[name]...))))
		var got []string
		for _, key := range keysOf(name) {
			got = append(got, key.name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%s: -read +named by the schema\n%s", name, diff)
		}
	}
	if got := len(asked); got != 13 {
		t.Errorf("%d kinds of objects were read: %q", got, slices.Sorted(maps.Keys(asked)))
	}
}

// keysOf are the keys of a kind, or of elements of a type.
func keysOf(name string) []key {
	if k, ok := kinds[name]; ok {
		return k.names("")
	}
	return kinds["element"].names(name)
}

// watch has an object and those in it note what they are asked for, by their kind.
func watch(asked map[string]map[string]bool, name string, o *object) {
	if kinds[name].open {
		return
	}
	as := name
	if name == "element" {
		as = fmt.Sprint(o.values["type"])
	}
	if asked[as] == nil {
		asked[as] = map[string]bool{}
	}
	o.asked = asked[as]
	for _, key := range keysOf(as) {
		for _, item := range listed(o.values[key.name]) {
			if inner, ok := item.(*object); ok && key.value.kind != "" {
				watch(asked, key.value.kind, inner)
			}
		}
	}
}

// TestSchemaExplainsItself: every key says what it does.
func TestSchemaExplainsItself(t *testing.T) {
	for name, k := range kinds {
		if !strings.HasSuffix(k.about, ".") {
			t.Errorf("%s is not explained", name)
		}
		for _, key := range k.keys {
			if !strings.HasSuffix(key.about, ".") || key.name != normalKey(key.name) {
				t.Errorf("%s.%s is not explained, or not written as the reader reads it", name, key.name)
			}
		}
	}
	if !bytes.Equal(Schema(), Schema()) {
		t.Error("it is not the same twice")
	}
	for name := range transitionNames() {
		if !bytes.Contains(Schema(), []byte(`"`+name+`"`)) {
			t.Errorf("it lacks the transition %s", name)
		}
	}
	for name := range resolutions {
		if !bytes.Contains(Schema(), []byte(`"`+name+`"`)) {
			t.Errorf("it lacks the resolution %s", name)
		}
	}
}

func transitionNames() map[string]bool {
	all := map[string]bool{}
	for _, name := range transitionStyles {
		all[name] = true
	}
	return all
}

// asking are the ways in which exports read a setting by its name.
var asking = regexp.MustCompile(`(?:\.(?:Text|Bool|List|Has|Secret)\(|Settings\[|\bis\(dest, |s\[)"([a-z-]+)"`)

// TestSchemaNamesDestinations holds the keys of destinations against the sources of
// those who read them: what a destination is asked for is named, and what is named
// stands somewhere.
func TestSchemaNamesDestinations(t *testing.T) {
	named := map[string]bool{}
	for _, key := range kinds["destination"].names("") {
		named[key.name] = true
	}
	files, err := filepath.Glob("../export/*.go")
	more, err2 := filepath.Glob("../export/*/*.go")
	if err != nil || err2 != nil || len(more) < 20 {
		t.Fatal(err, err2, len(more))
	}
	var all strings.Builder
	for _, file := range append(files, more...) {
		if strings.HasSuffix(file, "_test.go") || strings.Contains(file, "exporttest") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, found := range asking.FindAllStringSubmatch(all.String(), -1) {
		// tls is asked for only to be refused: secure is meant.
		if !named[found[1]] && found[1] != "tls" {
			t.Errorf("a destination is asked for %q, which the schema does not name", found[1])
		}
	}
	for name := range named {
		if !strings.Contains(all.String(), `"`+name+`"`) {
			t.Errorf("the schema names %q, which nobody reads", name)
		}
	}
}

// TestShippedSchema holds docs/movie.schema.json to what the program prints.
func TestShippedSchema(t *testing.T) {
	const file = "../../docs/movie.schema.json"
	shipped, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(shipped, Schema()) {
		t.Errorf("%s is not what the program prints (%v); write it anew: go run ./cmd/reelhook schema > docs/movie.schema.json", file, err)
	}
	var any map[string]json.RawMessage
	if err := json.Unmarshal(shipped, &any); err != nil {
		t.Error(err)
	}
}
