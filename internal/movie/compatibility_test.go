package movie_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contractKeys are the keys of the contract's tables, by the heading they stand
// under in docs/compatibility.md: sections 12 and 14 to 17.
var contractKeys = map[string]string{
	"Movie": `scenes elements resolution width height quality fps draft cache id comment client-data variables exports template
		preload settings project`,
	"Scene":      "elements duration background-color transition condition variables iterate iterate-as import cache comment id",
	"Transition": "style duration type",
	"Every element": `type id start duration extra-time z-index fade-in fade-out cache condition variables
		comment`,
	"What shows": `position x y width height resize crop rotate zoom pan pan-distance pan-crop chroma-key correction
		flip-horizontal flip-vertical mask scale fit opacity`,
	"What sounds":               "muted volume seek loop speed",
	"Image, video, audio, text": "image video audio text src prompt model aspect-ratio connection model-settings style settings",
	"Other elements":            "html component voice audiogram subtitles template",
	"Text settings": `font-family font-url font-size font-weight font-color color background-color padding border-radius margin
		margin-top width text-align line-height letter-spacing text-transform text-decoration text-shadow white-space word-break
		overflow-wrap opacity -webkit-text-stroke vertical-position horizontal-position`,
}

const compatibilityPage = "../../docs/compatibility.md"

var (
	codeOnPage = regexp.MustCompile("`([^`]+)`")
	linkOnPage = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)
	statuses   = map[string]bool{"works": true, "ignored": true, "warning": true, "refused": true, "not yet": true}
)

// row is one line of the page's tables.
type row struct{ heading, keys, status, tests string }

func compatibilityRows(t *testing.T) (rows []row, page string) {
	t.Helper()
	text, err := os.ReadFile(compatibilityPage)
	if err != nil {
		t.Fatal(err)
	}
	var heading string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = title
		}
		if cells := strings.Split(line, " | "); heading != "" && strings.HasPrefix(line, "| `") && len(cells) == 4 {
			rows = append(rows, row{heading, cells[0], cells[1], cells[3]})
		}
	}
	return rows, string(text)
}

// TestCompatibility holds that docs/compatibility.md has a row for every key of the
// contract, with a status and at least one test, and that every link leads to what
// it names.
func TestCompatibility(t *testing.T) {
	rows, page := compatibilityRows(t)
	found := map[string]bool{}
	for _, r := range rows {
		if !statuses[r.status] || !linkOnPage.MatchString(r.tests) {
			t.Errorf("%s, %s: the status is %q, the tests are %q", r.heading, r.keys, r.status, r.tests)
		}
		for _, key := range codeOnPage.FindAllStringSubmatch(r.keys, -1) {
			found[r.heading+" "+key[1]] = true
		}
	}
	for heading, keys := range contractKeys {
		for _, key := range strings.Fields(keys) {
			if !found[heading+" "+key] {
				t.Errorf("%s has no row for %s", heading, key)
			}
		}
	}
	for _, link := range linkOnPage.FindAllStringSubmatch(page, -1) {
		if err := leadsTo(link[1], link[2]); err != nil {
			t.Errorf("[%s](%s): %v", link[1], link[2], err)
		}
	}
}

// leadsTo tells what is wrong with a link, whose text is the name of a test in a
// file, a case in a golden one, a title of the gallery, or anything for a page.
func leadsTo(name, to string) error {
	file, anchor, _ := strings.Cut(to, "#")
	if file == "" {
		file = filepath.Base(compatibilityPage)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(compatibilityPage), file))
	if err != nil {
		return err
	}
	has := func(wanted ...string) error {
		for _, w := range wanted {
			if strings.Contains("\n"+string(text), w) {
				return nil
			}
		}
		return fmt.Errorf("the file has no %q", wanted)
	}
	switch {
	case path.Ext(file) == ".txt":
		return has("\n# " + name + "\n")
	case path.Ext(file) == ".go":
		return has("\nfunc "+name+"(", fmt.Sprintf("%q", name))
	case anchor != "" && anchor != slug(name):
		return fmt.Errorf("GitHub calls that heading #%s", slug(name))
	case anchor != "":
		return has("\n### "+name+"\n", "\n## "+name+"\n")
	}
	return nil
}

var notInSlugs = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// slug is what GitHub calls a heading.
func slug(heading string) string {
	return strings.ReplaceAll(notInSlugs.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
