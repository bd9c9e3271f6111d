package draw

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/reelhook/reelhook/internal/text"
)

var (
	// cache is one index of fonts for all tests.
	cache = filepath.Join(os.TempDir(), "reelhook-test-fonts")
	// plain draws with a program built as it is shipped: without the race
	// detector, within its limits of memory.
	plain *Drawer
)

func TestMain(m *testing.M) {
	RunIfChild()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "draw-*")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program := filepath.Join(dir, "child")
		if out, err := exec.Command("go", "build", "-race=false", "-o", program, "./testdata/child").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("build the child: %v\n%s", err, out))
		}
		if plain, err = newDrawer(context.Background(), cache, program); err != nil {
			panic(err)
		}
		plain.limits.Memory = memory
		return m.Run()
	}())
}

// with is the plain drawer with something changed.
func with(change func(*Drawer)) *Drawer {
	d := *plain
	change(&d)
	return &d
}

func style(t testing.TB, settings map[string]string) text.Style {
	t.Helper()
	st, _ := text.ParseStyle(settings, image.Pt(1280, 720), black)
	return st
}

func black(s string) (color.NRGBA, bool) { return color.NRGBA{A: 255}, s == "black" }

// fault checks that a list ends with a text that took its child down.
func fault(t *testing.T, list []Drawn, err error, at int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != at+1 || !errors.Is(list[at].Err, ErrLimits) || list[at].Err.Error() != ErrLimits.Error() {
		t.Fatalf("got %+v, want entry %d to be %v", list, at, ErrLimits)
	}
	for i, d := range list[:at] {
		if d.Err != nil {
			t.Errorf("text %d: %v", i, d.Err)
		}
	}
	var ended *tooMuch
	if errors.As(list[at].Err, &ended) {
		t.Log(ended.ended)
	}
}
