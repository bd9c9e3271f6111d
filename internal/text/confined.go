package text

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-text/typesetting/fontscan"
)

// Folders are where the fonts of this machine lie.
func Folders() ([]string, error) {
	folders, err := fontscan.DefaultFontDirectories(silent{})
	if err != nil {
		return nil, fmt.Errorf("find fonts: %w", err)
	}
	return folders, nil
}

// OpenConfined is Open for a process that sees nothing of this machine but the
// folders given and must leave cacheDir alone. scratch is a folder of its own.
func OpenConfined(cacheDir, scratch string, folders []string) (*Library, error) {
	// The scanner writes its index back whether it changed or not.
	for _, name := range indexes(cacheDir) {
		content, err := os.ReadFile(filepath.Join(cacheDir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(scratch, name), content, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("copy the index of fonts: %w", err)
		}
	}
	// The scanner asks fontconfig's settings for folders, so they say ours: those
	// of this machine, and the home folder the user's fonts are found by, are out
	// of sight.
	settings := filepath.Join(scratch, "fonts.conf")
	if err := errors.Join(os.WriteFile(settings, fontconfig(folders), 0o600), os.Setenv("FONTCONFIG_FILE", settings)); err != nil {
		return nil, fmt.Errorf("name the fonts' folders: %w", err)
	}
	return Open(scratch)
}

// KeepIndex moves the index that OpenConfined left in scratch to cacheDir, for
// the next one to begin with. Whoever reads there meanwhile sees a whole one.
func KeepIndex(cacheDir, scratch string) error {
	for _, name := range indexes(scratch) {
		if err := os.Rename(filepath.Join(scratch, name), filepath.Join(cacheDir, name)); err != nil {
			return fmt.Errorf("keep the index of fonts: %w", err)
		}
	}
	return nil
}

// indexes are the scanner's files in a folder, none where there is no folder.
func indexes(dir string) []string {
	names, _ := fs.Glob(os.DirFS(dir), "font_index_*.cache")
	return names
}

// fontconfig is a configuration file that names folders.
func fontconfig(folders []string) []byte {
	var b bytes.Buffer
	b.WriteString("<fontconfig>")
	for _, dir := range folders {
		b.WriteString("<dir>")
		_ = xml.EscapeText(&b, []byte(dir)) // a buffer in memory takes everything
		b.WriteString("</dir>")
	}
	b.WriteString("</fontconfig>")
	return b.Bytes()
}
