package movie

import (
	"bytes"
	"encoding/json"
	"slices"
)

// kind is one kind of object in a document: the keys that mean something there. The
// tables of them are what the JSON Schema, the reader's tests and the hints at
// misspelt keys have in common.
type kind struct {
	// name is what $defs calls it, about what it is; plural is what messages call many
	// of them, "" for what there is one of in each object.
	name, about, plural string
	keys                []key
	// parts are kinds whose keys it has too.
	parts []string
	// types are what an object with a "type" has beside, by that type.
	types []variant
	// needs are the keys without which it is a fault.
	needs []string
	// open tells that its other keys are not ours to judge; other is what may stand
	// there, nil for anything.
	open  bool
	other *node
}

// variant is what an object of one type has: the keys of the kinds in parts.
type variant struct {
	of, about string
	parts     []string
	needs     []string
}

// key is one key of a kind of object.
type key struct {
	name  string
	value value
	// about says in a line or two what it does, with its unit.
	about string
}

// value is what may stand at a key, as the reader takes it: wherever it reads text,
// also a placeholder, and wherever it looks for a key, also null.
type value struct {
	node
	// kind is of the object, or of the objects of the list, that may stand there; ""
	// for none.
	kind string
}

// or is the value with a default.
func (v value) or(otherwise any) value {
	v.Default = otherwise
	return v
}

// eg is the value with examples.
func (v value) eg(examples ...any) value {
	v.Examples = examples
	return v
}

// node is a JSON Schema, draft 2020-12, with the keywords that are used here.
type node struct {
	Schema      string          `json:"$schema,omitempty"`
	ID          string          `json:"$id,omitempty"`
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description,omitempty"`
	Ref         string          `json:"$ref,omitempty"`
	Type        types           `json:"type,omitempty"`
	Const       any             `json:"const,omitempty"`
	Enum        []any           `json:"enum,omitempty"`
	Default     any             `json:"default,omitempty"`
	Examples    []any           `json:"examples,omitempty"`
	Minimum     *float64        `json:"minimum,omitempty"`
	Maximum     *float64        `json:"maximum,omitempty"`
	Pattern     string          `json:"pattern,omitempty"`
	Wanted      string          `json:"patternErrorMessage,omitempty"` // what editors say of the pattern
	MaxLength   *int            `json:"maxLength,omitempty"`
	MaxItems    *int            `json:"maxItems,omitempty"`
	MaxProps    *int            `json:"maxProperties,omitempty"`
	AnyOf       []node          `json:"anyOf,omitempty"`
	AllOf       []node          `json:"allOf,omitempty"`
	If          *node           `json:"if,omitempty"`
	Then        *node           `json:"then,omitempty"`
	Required    []string        `json:"required,omitempty"`
	Properties  map[string]node `json:"properties,omitempty"`
	Other       *node           `json:"additionalProperties,omitempty"`
	Items       *node           `json:"items,omitempty"`
	Defs        map[string]node `json:"$defs,omitempty"`
}

// types are the JSON types that a value may have.
type types []string

// schemaID names the schema, and is where its newest version can be had.
const schemaID = "https://raw.githubusercontent.com/reelhook/reelhook/main/docs/movie.schema.json"

// Schema is the JSON Schema (draft 2020-12) of Movie JSON, for editors and for
// programs that write movies. It complains only where Parse has something to say
// too; keys in another spelling (client_data) it lets pass unseen, as it does all
// others it does not name. Its bytes are the same on every call.
func Schema() []byte {
	root := kinds["movie"].node()
	root.Schema, root.ID, root.Title = "https://json-schema.org/draft/2020-12/schema", schemaID, "Movie JSON"
	root.Type = types{"object"}
	root.Defs = map[string]node{"color": colorNode()}
	for name, k := range kinds {
		if name != "movie" {
			root.Defs[name] = k.node()
		}
		for _, v := range k.types {
			root.Defs[name+"."+v.of] = v.node()
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // it is made of texts and numbers
	}
	return b.Bytes()
}

// node is the schema of a kind. It says nothing of the JSON type, so that it can
// stand beside what a place takes instead of an object.
func (k kind) node() node {
	n := node{Description: k.about, Required: k.needs, Properties: map[string]node{}, Other: k.other}
	for _, key := range k.keys {
		n.Properties[key.name] = key.node()
	}
	for _, name := range k.parts {
		n.AllOf = append(n.AllOf, ref(name))
	}
	for _, v := range k.types {
		is := node{Properties: map[string]node{"type": {Const: v.of}}, Required: []string{"type"}}
		then := ref(k.name + "." + v.of)
		n.AllOf = append(n.AllOf, node{If: &is, Then: &then})
	}
	return n
}

func (v variant) node() node {
	n := node{Description: v.about, Required: v.needs}
	for _, name := range v.parts {
		n.AllOf = append(n.AllOf, ref(name))
	}
	return n
}

func (k key) node() node {
	n := k.value.node
	n.Description = k.about
	return n
}

func ref(name string) node { return node{Ref: "#/$defs/" + name} }

// names are the keys of a kind, those of its parts included. An object that says
// its type has only that type's; one that does not say it, or one that is not
// known, has all.
func (k kind) names(of string) []key {
	all := slices.Clone(k.keys)
	for _, name := range k.parts {
		all = append(all, kinds[name].names("")...)
	}
	known := slices.ContainsFunc(k.types, func(v variant) bool { return v.of == of })
	for _, v := range k.types {
		if v.of != of && known {
			continue
		}
		for _, name := range v.parts {
			all = append(all, kinds[name].names("")...)
		}
	}
	return all
}
