package draw

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/sandbox"
	"github.com/reelhook/reelhook/internal/text"
)

// TestDrawsAsInProcess holds that a child, with its view of this machine, finds
// the fonts that we find: its pictures are equal to the bit. The child is this
// test itself, started as a server starts itself.
func TestDrawsAsInProcess(t *testing.T) {
	d, err := New(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	if !d.box.Isolates() {
		t.Fatal("the sandbox does not start on this machine; install bubblewrap")
	}
	fonts, err := text.Open(filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	var texts []Text
	for _, s := range []string{"Hello world", "مرحبا بالعالم", "这是一个没有空格的很长的中文句子", "Hi 👨‍👩‍👧‍👦 🇫🇷 👍🏽", ""} {
		texts = append(texts, Text{s, style(t, nil)}, Text{s, style(t, map[string]string{
			"font-family": "No Such Font", "font-size": "90px", "text-shadow": "3px 3px 8px black", "-webkit-text-stroke": "4px black", "margin-top": "5%"})})
	}
	dir := t.TempDir()
	list, err := d.Draw(t.Context(), dir, texts)
	if err != nil || len(list) != len(texts) {
		t.Fatal(len(list), err)
	}
	for i, got := range list {
		want, err := fonts.Draw(texts[i].Text, texts[i].Style)
		if err != nil || got.Err != nil {
			t.Fatal(err, got.Err)
		}
		pixels, err := os.ReadFile(got.Path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(pixels, want.Image.Pix) || got.Size != want.Image.Rect.Size() || got.Block.Box != want.Box {
			t.Errorf("text %d differs", i)
		}
		if strings.Join(got.Block.Warnings, "\n") != strings.Join(want.Warnings, "\n") {
			t.Errorf("text %d warns %v, want %v", i, got.Block.Warnings, want.Warnings)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "fonts-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNothingToDraw(t *testing.T) {
	nowhere := with(func(d *Drawer) { d.program = "/nonexistent" })
	if list, err := nowhere.Draw(t.Context(), t.TempDir(), nil); len(list) > 0 || err != nil {
		t.Error(list, err)
	}
	if _, err := nowhere.Draw(t.Context(), t.TempDir(), []Text{{"x", style(t, nil)}}); err == nil {
		t.Error("a program that does not start drew a text")
	}
}

// TestFaultsAreEachTextsOwn holds that what a text alone is to blame for keeps
// no other from being drawn, and that the words are those of internal/text.
func TestFaultsAreEachTextsOwn(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "f.ttf")
	if err := os.WriteFile(broken, []byte("\x00\x01\x00\x00garbage that is no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := style(t, nil)
	bad.FontFile = broken
	list, err := plain.Draw(t.Context(), t.TempDir(), []Text{{"x", style(t, map[string]string{"font-size": "5000px"})}, {"x", bad}, {"x", style(t, nil)}})
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	for i, want := range []string{"the font size is 5000 pixels", "the font is not a TTF", ""} {
		if got := list[i].Err; (got == nil) != (want == "") || got != nil && !strings.HasPrefix(got.Error(), want) {
			t.Errorf("text %d: %v", i, got)
		}
	}
}

// TestMissingFontFile is our own fault, not the text's.
func TestMissingFontFile(t *testing.T) {
	st := style(t, nil)
	st.FontFile = filepath.Join(t.TempDir(), "gone.ttf")
	if list, err := plain.Draw(t.Context(), t.TempDir(), []Text{{"x", st}}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(list, err)
	}
}

// TestUnwritableFile is, like a full disk, this machine's fault too, and says so
// by its number.
func TestUnwritableFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, name(0)), 0o700); err != nil { // stands where the picture goes
		t.Fatal(err)
	}
	if list, err := plain.Draw(t.Context(), dir, []Text{{"x", style(t, nil)}}); !errors.Is(err, syscall.EISDIR) {
		t.Error(list, err)
	}
}

func TestBudget(t *testing.T) {
	small := with(func(d *Drawer) { d.budget = 1 << 20 })
	st := style(t, map[string]string{"font-size": "40px", "width": "1000px"})
	list, err := small.Draw(t.Context(), t.TempDir(), []Text{{"one", st}, {"two\nlines\nof\ntext\nor five", st}, {"three", st}, {"four", st}})
	if err != nil || len(list) < 2 || len(list) > 3 || !strings.Contains(list[len(list)-1].Err.Error(), "more than 2 GB") {
		t.Error(list, err)
	}
}

// TestManyShadows holds that a style's cost is bounded before it comes to the
// child's limits.
func TestManyShadows(t *testing.T) {
	shadows := strings.Repeat("1px 1px 9px black, ", 4999) + "1px 1px 9px black"
	st, problems := text.ParseStyle(map[string]string{"text-shadow": shadows, "-webkit-text-stroke": "90000px black"}, image.Pt(1280, 720), black)
	if len(problems) != 2 || len(st.Shadows) != 16 {
		t.Errorf("%d shadows, problems %v", len(st.Shadows), problems)
	}
	began := time.Now()
	list, err := plain.Draw(t.Context(), t.TempDir(), []Text{{"Hello world", st}})
	if err != nil || list[0].Err != nil {
		t.Fatal(list, err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	} else {
		t.Log(took)
	}
}

func TestBombsEnd(t *testing.T) {
	good := style(t, nil)
	cpuBomb, memoryBomb := good, good
	cpuBomb.FontFile, memoryBomb.FontFile = bomb(t, false), bomb(t, true)
	for _, tc := range []struct {
		name   string
		style  text.Style
		change func(*Drawer)
	}{
		{"processor time", cpuBomb, func(d *Drawer) { d.limits.CPU = time.Second }},
		{"wall clock", cpuBomb, func(d *Drawer) { d.limits.Wall = 2 * time.Second }},
		{"memory", memoryBomb, func(d *Drawer) { d.limits.Memory = 5 << 29 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			began := time.Now()
			list, err := with(tc.change).Draw(t.Context(), t.TempDir(), []Text{{"before", good}, {"A", tc.style}, {"after", good}})
			fault(t, list, err, 1)
			t.Log(time.Since(began))
		})
	}
}

// TestBareMachine holds that where there is no sandbox and no prlimit, texts are
// drawn, and a bomb still ends by the clock.
func TestBareMachine(t *testing.T) {
	bare := with(func(d *Drawer) { d.box, d.limits.Wall = &sandbox.Sandbox{}, 2*time.Second })
	st := style(t, nil)
	st.FontFile = bomb(t, false)
	list, err := bare.Draw(t.Context(), t.TempDir(), []Text{{"before", style(t, nil)}, {"A", st}})
	fault(t, list, err, 1)
}

// TestCancelEndsADrawing holds that DELETE and SIGTERM, which end the context,
// are obeyed in the middle of a glyph.
func TestCancelEndsADrawing(t *testing.T) {
	dir, stop := t.TempDir(), errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	st := style(t, nil)
	st.FontFile = bomb(t, false)
	var cancelled time.Time
	when(t, dir, func() { cancelled = time.Now(); cancel(stop) })
	list, err := plain.Draw(ctx, dir, []Text{{"before", style(t, nil)}, {"A", st}})
	if !errors.Is(err, stop) {
		t.Fatal(list, err)
	}
	if took := time.Since(cancelled); took > time.Second {
		t.Errorf("took %v to end", took)
	}
	if pids := children(t, dir); len(pids) > 0 {
		t.Errorf("still running: %v", pids)
	}
}

// TestKilledChild is kill -9, by the kernel's memory killer or by hand.
func TestKilledChild(t *testing.T) {
	dir := t.TempDir()
	st := style(t, nil)
	st.FontFile = bomb(t, false)
	when(t, dir, func() {
		for _, pid := range children(t, dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	list, err := plain.Draw(t.Context(), dir, []Text{{"before", style(t, nil)}, {"A", st}})
	fault(t, list, err, 1)
}

// when calls do in the background once the first text in dir is drawn.
func when(t *testing.T, dir string, do func()) {
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		for range time.Tick(10 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, name(0))); err == nil || t.Context().Err() != nil {
				do()
				return
			}
		}
	}()
}

// TestChildThatTalks holds that a child in the hands of a font cannot fill our
// memory with what it says.
func TestChildThatTalks(t *testing.T) {
	talks := with(func(d *Drawer) { d.box, d.program = &sandbox.Sandbox{}, filepath.Join(t.TempDir(), "child") })
	if err := os.WriteFile(talks.program, []byte("#!/bin/sh\nulimit -t 60\nexec yes '{}'"), 0o700); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	list, err := talks.Draw(t.Context(), t.TempDir(), []Text{{"x", style(t, nil)}})
	runtime.ReadMemStats(&after)
	if err == nil && (len(list) != 1 || list[0].Err == nil) {
		t.Error(list, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*longestAnswer {
		t.Errorf("it took %d MB", took>>20)
	}
}

// children are the processes of ours that draw in dir.
func children(t *testing.T, dir string) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if cwd, _ := os.Readlink(filepath.Join("/proc", e.Name(), "cwd")); cwd == dir && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// BenchmarkHelloWorld is what a movie with one text pays.
func BenchmarkHelloWorld(b *testing.B) {
	dir, st := b.TempDir(), style(b, nil)
	for b.Loop() {
		if list, err := plain.Draw(b.Context(), dir, []Text{{"Hello world", st}}); err != nil || list[0].Err != nil {
			b.Fatal(list, err)
		}
	}
}
