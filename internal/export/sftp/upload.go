package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode"

	"github.com/pkg/sftp"

	"github.com/reelhook/reelhook/internal/export"
)

const (
	// packet is how much one write carries, the most that every server takes
	// (draft-ietf-secsh-filexfer-02, section 3). inFlight is how many wait for their
	// answer: both are OpenSSH's, and make 2 MiB.
	packet   = 32 << 10
	inFlight = 64
	// stretch is after how much of a file every write must have been answered before
	// the next is begun. What is there of an earlier try may have holes in its last
	// stretch only, so the next begins with that.
	stretch = 32 << 20
	// mostNames is how many names are tried for the policy unique.
	mostNames = 1000
)

// carry uploads a parcel and returns its path.
func (t *try) carry(p export.Parcel) (string, error) {
	if err := t.connect(); err != nil {
		return "", err
	}
	folder, err := t.folder()
	if err != nil {
		return "", err
	}
	place := t.place
	place.Folder = folder
	if place.IfExists == export.Fail && t.exists(place.Path()) {
		return "", export.Taken(export.StepRename, place.Name)
	}
	part := place.Part(p.Part)
	if err := t.send(part, p); err != nil {
		return "", err
	}
	t.Enter(export.StepRename)
	return t.rename(part, place)
}

// folder makes the folder if it is missing and returns its absolute path.
func (t *try) folder() (string, error) {
	t.Enter(export.StepFolder)
	if folder := t.place.Folder; folder != "" {
		if err := t.files.MkdirAll(folder); err != nil {
			return "", t.blame(err, folder, 0)
		}
	}
	real, err := t.files.RealPath(path.Clean(t.place.Folder))
	if err != nil {
		return "", err
	}
	if !path.IsAbs(real) || len(real) > 4096 || strings.ContainsFunc(real, unicode.IsControl) {
		return t.place.Folder, nil // a strange answer; what was asked for must do
	}
	return real, nil
}

// send writes a parcel to a path and sees to it that all of it is there.
func (t *try) send(part string, p export.Parcel) error {
	t.Enter(export.StepWrite)
	from := t.left(part, p.Size)
	file, err := p.Open()
	if err != nil {
		return errors.Join(errLocal, err)
	}
	defer file.Close()
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return errors.Join(errLocal, err)
	}
	sent := p.Sent
	if sent == nil {
		sent = func(int64) {}
	}
	if err := t.upload(part, from, source{file, p.Size, sent}); err != nil {
		return err
	}
	if err := t.checkSize(part, p.Size); err != nil {
		_ = t.files.Remove(part) // nothing to go on with
		return err
	}
	return nil
}

// left is how much of a file an earlier try has brought for certain.
func (t *try) left(part string, size int64) int64 {
	info, err := t.files.Lstat(part)
	if err != nil || !info.Mode().IsRegular() || info.Size() > size || info.Size() == 0 {
		return 0
	}
	return (info.Size() - 1) / stretch * stretch
}

// source is a file on this side. sent is told how much the server has.
type source struct {
	io.Reader
	size int64
	sent func(int64)
}

// upload writes what is read to a file, from an offset on. What the server does
// not take is removed again: it may have holes, or fill the disk.
func (t *try) upload(name string, from int64, src source) error {
	t.Enter(export.StepWrite)
	flags := os.O_WRONLY | os.O_CREATE
	if from == 0 {
		flags |= os.O_TRUNC
	}
	remote, err := t.files.OpenFile(name, flags)
	if err != nil {
		return t.blame(err, name, src.size)
	}
	err = stream(remote, from, src)
	if err == nil {
		err = flush(t.files, remote)
	}
	err = errors.Join(err, remote.Close())
	if err == nil || errors.Is(err, errLocal) || t.ctx.Err() != nil {
		return err
	}
	err = t.blame(err, name, src.size)
	_ = t.files.Remove(name) // fails at once when the connection is gone
	return err
}

// stream writes one stretch after the other.
func stream(remote *sftp.File, from int64, src source) error {
	if _, err := remote.Seek(from, io.SeekStart); err != nil {
		return err
	}
	src.sent(from)
	for {
		part := &counted{Reader: io.LimitReader(src, stretch), from: from, sent: src.sent}
		n, err := remote.ReadFromWithConcurrency(part, inFlight)
		if part.err != nil {
			return errors.Join(errLocal, part.err)
		}
		if err != nil {
			return err
		}
		from += n
		src.sent(from)
		if n < stretch {
			return nil
		}
	}
}

// counted counts what is read. When more is asked for, no more than what is in
// flight can be missing on the other side.
type counted struct {
	io.Reader
	from, read int64
	sent       func(int64)
	err        error // the file's own
}

func (c *counted) Read(p []byte) (int, error) {
	if has := c.read - (inFlight+1)*packet; has > 0 {
		c.sent(c.from + has)
	}
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// flush asks the server to put a file on its disk, where it knows how to.
func flush(files *sftp.Client, remote *sftp.File) error {
	if _, ok := files.HasExtension("fsync@openssh.com"); !ok {
		return nil
	}
	err := remote.Sync()
	if status := new(sftp.StatusError); errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported {
		return nil
	}
	return err
}

// checkSize compares what is there with what was sent.
func (t *try) checkSize(name string, want int64) error {
	t.Enter(export.StepSize)
	info, err := t.files.Stat(name)
	if err != nil {
		return err
	}
	if got := info.Size(); got != want {
		return &export.Fault{Step: t.Step, Class: "size", Message: fmt.Sprintf("The file was sent, but the server has %d of its %d bytes", got, want)}
	}
	return nil
}

func (t *try) exists(name string) bool {
	_, err := t.files.Lstat(name)
	return err == nil
}

// rename gives a complete file its name by the destination's policy.
func (t *try) rename(part string, place export.Place) (string, error) {
	if place.IfExists == export.Overwrite {
		return place.Path(), t.replace(part, place.Path())
	}
	name := place
	for n := 1; ; n++ {
		err := t.add(part, name.Path())
		if err == nil {
			return name.Path(), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if place.IfExists == export.Fail || n > mostNames {
			_ = t.files.Remove(part)
			return "", export.Taken(export.StepRename, name.Name)
		}
		name = place.Another(n)
	}
}

// replace renames, over what is there.
func (t *try) replace(part, name string) error {
	if info, err := t.files.Lstat(name); err == nil && info.IsDir() {
		return export.Taken(export.StepRename, path.Base(name))
	}
	if _, ok := t.files.HasExtension("posix-rename@openssh.com"); ok {
		return t.files.PosixRename(part, name)
	}
	err := t.files.Rename(part, name) // some replace, though version 3 does not let them
	if status := new(sftp.StatusError); errors.As(err, &status) && t.exists(name) {
		if err := t.files.Remove(name); err != nil {
			return err
		}
		return t.files.Rename(part, name)
	}
	return err
}

// add renames, and never over what is there: then it is fs.ErrExist. A hard link
// is the way that cannot overwrite on any server; a plain rename must not by the
// protocol, but may by some servers when two come at the same moment.
func (t *try) add(part, name string) error {
	if t.exists(name) {
		return fs.ErrExist
	}
	if _, ok := t.files.HasExtension("hardlink@openssh.com"); ok {
		if err := t.files.Link(part, name); err == nil {
			_ = t.files.Remove(part) // the file is there all the same
			return nil
		}
		if t.exists(name) {
			return fs.ErrExist
		}
	}
	err := t.files.Rename(part, name) // for a disk without hard links
	if err != nil && t.ctx.Err() == nil && t.exists(name) && t.exists(part) {
		return fs.ErrExist
	}
	return err
}
