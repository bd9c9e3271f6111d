package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/api"
)

// TestValidateCommand checks movies with media beside the JSON.
func TestValidateCommand(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", filepath.Join(dir, "red.png")).CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	write(t, dir, "right.json", `{"width":160,"height":90,"scenes":[
 {"duration":2,"id":"one","elements":[{"type":"image","src":"red.png","x":8,"y":-4}]},
 {"duration":1.5,"transition":{"style":"fade","duration":0.5},"elements":[{"type":"text","text":"Hi","colour":"red"}]}],
 "exports":[{"destinations":[{"type":"ftp","host":"h","password":"hunter2"}]}]}`)
	write(t, dir, "wrong.json", "{\"scenes\": [{\"elements\": [\n  {\"type\": \"image\", \"src\": \"gone\\u001b.png\"},\n  {\"type\": \"voice\"}\n]}]}")
	write(t, dir, "broken.json", "{\n \"scenes\": [x]}")
	write(t, dir, "unknown.json", `{"scenes":[{"elements":[{"type":"video","src":"gone.mp4"}]}]}`)
	const summary = "right.json  160x90  25 frames a second  75 frames  3 s\n\n"
	for _, tc := range []struct {
		name           string
		args           []string
		stdout, stderr string
		code           int
	}{
		{"right", []string{"right.json"}, summary + `START  END  TYPE               WHAT                   ID   BOX
0      2    scene              scenes[0]              one
0      2    image              scenes[0].elements[0]       64x64+8-4
1.52   3    scene (fade 0.48)  scenes[1]
1.52   3    text               scenes[1].elements[0]       160x90+0+0
`, "right.json:3:102: warning: 'colour' is no key of text elements and is ignored; did you mean 'color'?\n", 0},
		{"without media", []string{"unknown.json", "--no-media"}, "unknown.json has no faults that show without its media\n",
			"unknown.json:1:1: warning: Media were not looked at: whether they can be had, how long and large they are, and whether they sound, is not known\n" +
				"unknown.json:1:25: warning: Scene #1, element #1: it lasts as long as its medium, which was not looked at; the timeline cannot be told\n", 0},
		{"wrong", []string{"wrong.json"}, "", "wrong.json:3:4: Scene #1, element #2: the element type 'voice' is not supported by this version of Reelhook; remove the element\n" +
			`wrong.json:2:21: Scene #1, element #1: Failed to read 'gone\x1b.png' (there is no such file in the movie's folder)` + "\nwrong.json cannot be rendered\n", 1},
		{"not JSON", []string{"broken.json"}, "", "broken.json:2:13: invalid character 'x' looking for beginning of value\n", 1},
		{"not there", []string{"none.json"}, "", "reelhook: open none.json: no such file or directory\n", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stdout, stderr, code := reelhook(t, dir, []string{"XDG_CACHE_HOME=" + dir}, append([]string{"validate"}, tc.args...)...)
			if diff := cmp.Diff([]string{tc.stdout, tc.stderr}, []string{stdout, stderr}); diff != "" || code != tc.code {
				t.Errorf("status %d, want %d; -want +got\n%s", code, tc.code, diff)
			}
		})
	}
	t.Run("JSON", func(t *testing.T) {
		stdout, stderr, code := reelhook(t, dir, nil, "validate", "right.json", "--json", "--no-media")
		var v api.Validation
		if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != 0 || stderr != "" || !v.Valid || v.Timeline.Frames != 75 || len(v.Warnings) != 2 {
			t.Errorf("status %d, %v\n%s\n%s", code, err, stdout, stderr)
		}
		if strings.Contains(stdout, "hunter2") {
			t.Errorf("a secret shows in\n%s", stdout)
		}
		if _, _, code := reelhook(t, dir, nil, "validate", "wrong.json", "--json", "--no-media"); code != 1 {
			t.Errorf("status %d of one that is wrong", code)
		}
	})
}

// TestSchemaCommand holds docs/movie.schema.json to what the program prints.
func TestSchemaCommand(t *testing.T) {
	shipped, err := os.ReadFile("../../docs/movie.schema.json")
	stdout, stderr, code := reelhook(t, t.TempDir(), nil, "schema")
	if err != nil || code != 0 || stdout != string(shipped) {
		t.Errorf("status %d %s %v; write it anew: go run ./cmd/reelhook schema > docs/movie.schema.json", code, stderr, err)
	}
}
