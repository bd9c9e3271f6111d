// Package draw has the texts of a movie drawn by a child: our own program,
// started anew inside the sandbox. A hostile font or style can then use up the
// child's time and memory but not ours, and a child can be stopped at any
// instant, which a goroutine cannot.
//
// It must not know what a movie is, nor what becomes of the pictures.
package draw

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/reelhook/reelhook/internal/sandbox"
	"github.com/reelhook/reelhook/internal/text"
)

// Text is one text to draw.
type Text struct {
	Text  string
	Style text.Style
}

// Drawn is what became of a text.
type Drawn struct {
	// Path is a file of raw RGBA, not premultiplied, and Size its picture's.
	Path string
	Size image.Point
	// Block is where the box lies within the picture, and the warnings. It has no
	// Image: that is in the file.
	Block *text.Block
	// Err is the text's own fault, for whoever wrote it.
	Err error
}

// ErrLimits is a text that took its child down.
var ErrLimits = errors.New("the text could not be drawn within the limits of time and memory")

// Drawer draws texts. It may be used from several goroutines: each Draw has a
// child of its own.
type Drawer struct {
	program string
	box     *sandbox.Sandbox
	// cache holds the index of fonts, folders are where the fonts lie, fonts tells
	// them from those of another day.
	cache   string
	folders []string
	fonts   string
	limits  sandbox.Limits
	budget  int64
}

// What the texts of one movie may cost at most.
const (
	// A Go program takes 1.2 GB of address space to start, the largest text
	// another.
	memory = 4 << 30
	// The largest picture of a text takes half of it.
	fileSize = 512 << 20
	cpu      = time.Minute
	wall     = 2 * time.Minute
	// budget is the bytes of all pictures together.
	budget = 2 << 30
)

// New makes a drawer and, through a first child, the index of fonts in the
// folder cache. The error tells why texts cannot be drawn on this machine.
func New(ctx context.Context, cache string) (*Drawer, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program: %w", err)
	}
	return newDrawer(ctx, cache, program)
}

func newDrawer(ctx context.Context, cache, program string) (*Drawer, error) {
	if isChild() {
		return nil, errors.New("a child that draws would start another: main and TestMain must call draw.RunIfChild first")
	}
	d := &Drawer{
		program: program, budget: budget,
		limits: sandbox.Limits{Memory: memory, FileSize: fileSize, CPU: cpu, Wall: wall},
	}
	if raced {
		d.limits.Memory = 0
	}
	var err error
	if d.folders, err = text.Folders(); err != nil {
		return nil, err
	}
	d.fonts = fingerprint(d.folders)
	if d.cache, err = filepath.Abs(cache); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.cache, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the fonts' index: %w", err)
	}
	d.box = sandbox.Find(ctx, sandbox.Process{Program: d.program, Args: []string{argument}, ReadOnly: []string{d.program}, Limits: d.limits})
	return d, d.index(ctx)
}

// Fonts tells the fonts of this machine, as they were when the drawer was made,
// from any others: text looks the same only in the same fonts.
func (d *Drawer) Fonts() string { return d.fonts }

// fingerprint goes by names, sizes and times, as the index of fonts does.
func fingerprint(folders []string) string {
	h := sha256.New()
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil // what cannot be read is not drawn with
			}
			if info, err := e.Info(); err == nil {
				fmt.Fprintf(h, "%s %d %d\n", path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// index makes or renews the index of fonts. Only this child's is kept: later
// ones are in the hands of strangers' fonts.
func (d *Drawer) index(ctx context.Context) error {
	dir, err := os.MkdirTemp(d.cache, "index-")
	if err != nil {
		return fmt.Errorf("make the fonts' index: %w", err)
	}
	defer os.RemoveAll(dir)
	if _, err := d.run(ctx, dir, request{Scratch: dir}); err != nil {
		return fmt.Errorf("make the fonts' index: %w", err)
	}
	return text.KeepIndex(d.cache, dir)
}

// Draw draws texts into files in dir, an absolute path and one movie's own. The
// list has one entry for each text, in their order; it ends early with a text
// after which nothing more can be drawn, whose Err is set. The error is this
// machine's fault, or the cause of a context that ended.
func (d *Drawer) Draw(ctx context.Context, dir string, texts []Text) ([]Drawn, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	scratch, err := os.MkdirTemp(dir, "fonts-")
	if err != nil {
		return nil, fmt.Errorf("draw texts: %w", err)
	}
	defer os.RemoveAll(scratch)
	replies, err := d.run(ctx, dir, request{Scratch: scratch, Texts: texts})
	if err != nil && (len(replies) == 0 || len(replies) > len(texts)) { // not by a text
		return nil, fmt.Errorf("draw texts: %w", err)
	}
	return outcome(dir, len(texts), replies, err)
}
