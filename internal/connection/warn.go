package connection

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
)

// own are the settings that a webhook connection has beside those of a webhook.
func own() []string {
	return []string{"secret", "token", "authorization", "username", "password", "client-cert", "client-key", "ca"}
}

// Warnings names the settings of a connection that nobody reads, each with the one
// that may be meant. They are kept all the same: a later release may know them.
func (v *Vault) Warnings(c Connection) (all []movie.Fault) {
	known, ok := v.Known[c.Type]
	if !ok {
		return nil
	}
	known = append(export.Shared(), known...)
	known = append(known, allowOverride)
	if c.Type == export.Webhook {
		known = append(known, own()...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		if slices.Contains(known, name) {
			continue
		}
		if len(all) == maxWarnings {
			return append(all, movie.Fault{Message: "There are more settings that nobody reads"})
		}
		message := fmt.Sprintf("Destinations of type %s have no setting '%s'; it does nothing", c.Type, cut(name))
		if near := nearest(name, known); near != "" {
			message += ". Is it meant to be '" + near + "'?"
		}
		all = append(all, movie.Fault{Path: cut(name), Message: message})
	}
	return all
}

// maxWarnings is how many settings are named.
const maxWarnings = 20

// nearest is the name that another one was probably meant to be, "" when none is like
// it: a slip of the pen away, or the longer or shorter form of it.
func nearest(name string, known []string) string {
	if name = cut(name); name == "" {
		return ""
	}
	near := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if distance(name, near) <= max(len(name)/3, min(2, len(name)/2)) {
		return near
	}
	for _, k := range known {
		short, long := min(len(k), len(name)), max(len(k), len(name))
		if short > 3 && long <= 3*short && (strings.Contains(k, name) || strings.Contains(name, k)) {
			return k
		}
	}
	return ""
}

// distance is how many letters have to be written, taken away or changed to make one
// word of another (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0]++
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
