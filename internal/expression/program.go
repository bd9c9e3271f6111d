package expression

import (
	"errors"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// program is an expression that was read, or why it cannot be.
type program struct {
	root ast.Node
	err  *file.Error
}

// grammar has expr-lang read every call as one of a function, none as a builtin.
func grammar() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	for name := range c.Builtins {
		c.Disabled[name] = true
	}
	return c
}

// program reads an expression, each once. Reading costs memory, so it is paid for
// by the byte.
func (r *run) program(source string) (program, error) {
	if p, ok := r.programs[source]; ok {
		return p, nil
	}
	if err := r.pay(100 + 4*len(source)); err != nil {
		return program{}, err
	}
	if r.grammar == nil {
		r.grammar = grammar()
	}
	p := parse(source, r.grammar)
	r.programs[source] = p
	return p, nil
}

// parse calls the parser, which strangers feed: should it ever panic, the expression
// is one that cannot be read.
func parse(source string, grammar *conf.Config) (p program) {
	defer func() {
		if recover() != nil {
			p = program{err: &file.Error{}}
		}
	}()
	tree, err := parser.ParseWithConfig(source, grammar)
	switch {
	case err == nil:
		p.root = tree.Node
	case !errors.As(err, &p.err):
		p.err = &file.Error{}
	}
	return p
}

// source is the value of an expression.
func (r *run) source(source string) (any, error) {
	if strings.TrimSpace(source) == "" {
		return nil, r.refuse(0, errors.New("there is nothing between the braces"))
	}
	source, err := r.joinNames(source)
	if err != nil {
		return nil, r.refuse(0, err)
	}
	p, err := r.program(source)
	switch {
	case err != nil:
		return nil, r.refuse(0, err)
	case p.err != nil:
		return nil, r.refuse(p.err.From, errors.New(complaint(p.err.Message)))
	}
	return r.eval(p.root)
}

var (
	tokens = regexp.MustCompile(`unexpected token EOF|unexpected token \w+\("(.{1,20})"\)`)
	plain  = regexp.MustCompile(`^[\pL\pN\pP\pS ]{1,120}$`)
)

// complaint is what the parser says, in words for people who do not write Go.
func complaint(message string) string {
	found := tokens.FindStringSubmatch(message)
	switch {
	case found != nil && found[1] == "":
		return "the expression ends too early"
	case found != nil:
		return "'" + dashed(found[1]) + "' cannot stand here"
	case strings.Contains(message, "maximum allowed nodes"):
		return "the expression has too many parts"
	case strings.Contains(message, "literal:"), strings.Contains(message, "number syntax"):
		return "this is no number"
	case plain.MatchString(message):
		return dashed(message)
	}
	return "this cannot be read"
}

// Names may have dashes, which expr-lang reads as subtraction. Where a variable of
// the whole name exists its dashes become a letter that nobody writes, of one
// character, so that positions stay as they are.
const dash = "ˍ"

func dashed(name string) string { return strings.ReplaceAll(name, dash, "-") }

// joined finds what may be a name with dashes, or a path of them; quoted texts so
// that what is in them is left alone.
var joined = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\pL_$][\pL\pN_$]*(?:[.-][\pL\pN_$]+)+`)

func (r *run) joinNames(source string) (string, error) {
	if !strings.Contains(source, "-") {
		return source, nil
	}
	var failed error
	return joined.ReplaceAllStringFunc(source, func(s string) string {
		for name := s; s[0] != '"' && s[0] != '\''; {
			last := strings.LastIndexByte(name, '-')
			if last < 0 || failed != nil {
				break
			}
			if failed = r.pay(1 + len(name)/64); failed == nil && r.exists(name) {
				return strings.ReplaceAll(name, "-", dash) + s[len(name):]
			}
			name = name[:last]
		}
		return s
	}), failed
}

// exists tells whether a path leads to something.
func (r *run) exists(path string) bool {
	name, rest, more := strings.Cut(path, ".")
	v, ok, err := r.scope(name)
	for ok && err == nil && more {
		name, rest, more = strings.Cut(rest, ".")
		var fields map[string]any
		if fields, ok = v.(map[string]any); ok {
			v, ok = fields[name]
		}
	}
	return ok || err != nil
}
