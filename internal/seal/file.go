package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	fileMode = 0o600
	maxFile  = 64 << 10 // bytes
	preamble = "# Reelhook's master keys: the first seals, all open. Without them no stored secret\n" +
		"# can be read: keep a copy, and not beside the copies of the database.\n"
)

// Load reads the file of master keys, one a line with the current one first, and
// makes it with one random key when there is none. Others may not be able to read
// it. Its errors hold nothing of a key.
func Load(file string) (*Keys, error) {
	texts, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		// Of two processes that find none, one makes it, and both use that.
		if err = writeFile(file, []string{New()}, putFirst); err == nil || errors.Is(err, fs.ErrExist) {
			texts, err = readFile(file)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the file of master keys: %w", err)
	}
	k, err := Parse(texts)
	if err != nil {
		return nil, fmt.Errorf("the file of master keys %s: %w", file, err)
	}
	k.file = file
	return k, nil
}

// readFile reads the keys' texts.
func readFile(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", file)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may read %s, its mode is %04o; take that away with: chmod 600 %s", file, info.Mode().Perm(), file)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var texts []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			texts = append(texts, line)
		}
	}
	return texts, nil
}

// writeFile writes the keys into a new file and has put give it its name: that is
// there whole, or not at all, whenever the power goes.
func writeFile(file string, texts []string, put func(from, to string) error) (err error) {
	dir := filepath.Dir(file)
	f, err := os.CreateTemp(dir, filepath.Base(file)+".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after a rename
	_, err = f.WriteString(preamble + strings.Join(texts, "\n") + "\n")
	if err := errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := put(f.Name(), file); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// putFirst gives a file its name unless there is one of that name. On file systems
// that have no links nobody notices two that come at once.
func putFirst(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(from, to)
}

// Rotate has a new key seal from now on; the others go on opening. The new key is
// durable before anything is sealed with it. Keys that were given by flag cannot
// be rotated from here.
func (k *Keys) Rotate() error {
	return k.rewrite("put a new one before the others in --master-key, comma separated, and start again",
		func(texts []string) ([]string, error) {
			if len(texts) == maxKeys {
				return nil, fmt.Errorf("there are %d master keys, which is the most: repeat this once the old ones are forgotten", maxKeys)
			}
			return slices.Insert(texts, 0, New()), nil
		})
}

// Retire forgets all keys but the current one. What is still sealed with another
// is lost: see Reseal.
func (k *Keys) Retire() error {
	return k.rewrite("take the old ones out of --master-key, and start again",
		func(texts []string) ([]string, error) { return texts[:1], nil })
}

// rewrite changes the file, and then what is used. instead is what to do when
// there is no file.
func (k *Keys) rewrite(instead string, change func([]string) ([]string, error)) error {
	if k.file == "" {
		return errors.New("the master keys were given, not made here: " + instead)
	}
	k.changes.Lock()
	defer k.changes.Unlock()
	texts, err := readFile(k.file)
	if err != nil {
		return fmt.Errorf("the file of master keys: %w", err)
	}
	if stored, err := Parse(texts); err != nil || !sameKeys(stored.keys, k.all()) {
		return fmt.Errorf("the file of master keys %s was changed by somebody else: start again, then repeat this", k.file)
	}
	if texts, err = change(texts); err != nil {
		return err
	}
	next, err := Parse(texts)
	if err != nil {
		return err
	}
	if err := writeFile(k.file, texts, os.Rename); err != nil {
		return fmt.Errorf("write the file of master keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = next.keys
	return nil
}

func sameKeys(a, b []*key) bool {
	return slices.EqualFunc(a, b, func(a, b *key) bool { return bytes.Equal(a.id[:], b.id[:]) })
}
