package ffmpeg

import (
	"fmt"
	"strconv"
	"strings"
)

// Arg is one named option of a filter.
type Arg struct{ Key, Value string }

// Filter is one filter with its options.
type Filter struct {
	Name string
	Args []Arg
}

// F makes a filter from its name and pairs of option name and value. Values may
// be strings, integers or floats; whatever they hold, they stay one value.
func F(name string, pairs ...any) Filter {
	filter := Filter{Name: name}
	for i := 0; i+1 < len(pairs); i += 2 {
		filter.Args = append(filter.Args, Arg{pairs[i].(string), format(pairs[i+1])})
	}
	return filter
}

func format(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// Chain is filters one after another between input and output pads.
type Chain struct {
	In      []string
	Filters []Filter
	Out     []string
}

// Graph is a filtergraph.
type Graph []Chain

// String is the graph as FFmpeg's -filter_complex takes it, one chain a line.
func (g Graph) String() string {
	var b strings.Builder
	for i, c := range g {
		if i > 0 {
			b.WriteString(";\n")
		}
		for _, pad := range c.In {
			b.WriteString("[" + pad + "]")
		}
		for j, f := range c.Filters {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(f.String())
		}
		for _, pad := range c.Out {
			b.WriteString("[" + pad + "]")
		}
	}
	return b.String()
}

// String is the filter as it stands in a graph.
func (f Filter) String() string {
	var b strings.Builder
	b.WriteString(f.Name)
	for i, a := range f.Args {
		b.WriteByte("=:"[min(i, 1)])
		b.WriteString(a.Key + "=" + Escape(a.Value))
	}
	return b.String()
}

// Escape makes any string one option value in a filtergraph. FFmpeg reads a
// value twice: once to cut the graph into filters, once to cut a filter into
// options, so it is escaped twice (FFmpeg's manual, "Notes on filtergraph
// escaping").
func Escape(s string) string {
	option := escape(s, `\':`)
	return escape(option, `\'[],;`)
}

func escape(s, special string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(special, s[i]) >= 0 || isEdgeSpace(s, i) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isEdgeSpace tells whether the byte is white space at either end, which FFmpeg
// would trim.
func isEdgeSpace(s string, i int) bool {
	const space = " \n\t\r"
	return strings.IndexByte(space, s[i]) >= 0 &&
		(strings.Trim(s[:i], space) == "" || strings.Trim(s[i:], space) == "")
}
