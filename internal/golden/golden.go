// Package golden runs tests that stand in text files, so that a reviewer reads
// what goes in and what comes out side by side, and compares pictures with those
// that a reviewer has looked at. It is for tests alone and must know nothing of
// what is tested.
//
// A file holds cases of "# name", an input, "->" and what came of it, with empty
// lines between them. go test -update rewrites what came of it.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the wanted parts of testdata")

// Files lists the files that match a pattern; none is a failure.
func Files(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return files
}

// Run gives each case's input to do, in order, and compares what it returns.
// White space around input and output does not count.
func Run(t *testing.T, file string, do func(t *testing.T, input string) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimPrefix(strings.TrimSpace(string(text)), "# "), "\n# ")
	for i, block := range cases {
		name, rest, _ := strings.Cut(block, "\n")
		input, want, _ := strings.Cut("\n"+rest, "\n->")
		input = strings.TrimSpace(input)
		cases[i] = strings.TrimSpace(block) // stays, where a filter passes it over
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
			got := strings.TrimSpace(do(t, input))
			cases[i] = name + "\n" + input + "\n->\n" + got
			if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" && !*update {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, []byte("# "+strings.Join(cases, "\n\n# ")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
