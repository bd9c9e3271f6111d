package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/export"
)

// read finds where a leaf reads a setting by its name.
var read = regexp.MustCompile(`(?:\.(?:Text|Secret|Has|Bool|List)\(|Settings\[|is\(dest, |address(?:es)?\(|secret\()"([a-z-]+)"`)

// TestEverySettingIsKnown holds that no leaf reads a setting that connections are
// warned of, and that the pages of the manual name all of them.
func TestEverySettingIsKnown(t *testing.T) {
	var manual string
	for _, page := range []string{"destinations.md", "webhooks.md", "accounts.md"} {
		text, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		manual += string(text)
	}
	for kind, names := range known() {
		folder := map[string]string{"ftps": "ftp", "http-put": "httpput"}[kind]
		if folder == "" {
			folder = kind
		}
		files, err := filepath.Glob(filepath.Join("../export", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", kind, err)
		}
		found := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range read.FindAllStringSubmatch(string(text), -1) {
				found++
				if name := m[1]; !slices.Contains(names, name) && !slices.Contains(export.Shared(), name) && !(kind[:2] == "ft" && name == "tls") {
					t.Errorf("%s reads %s", filepath.Base(file), name)
				}
			}
		}
		if found < 5 {
			t.Errorf("%s reads %d settings", kind, found)
		}
		for _, name := range names {
			if !strings.Contains(manual, "`"+name+"`") {
				t.Errorf("the manual does not have %s of %s", name, kind)
			}
		}
	}
}
