package ftp

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/jlaffaye/ftp"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

const (
	// chunk is how much of a file is read at once.
	chunk = 256 << 10
	// mostNames is how many names are tried for the policy unique.
	mostNames = 1000
)

var (
	errNone   = errors.New("no such file")
	errUntold = errors.New("the server cannot tell what files there are")
)

// carry uploads a parcel and returns its path.
func (t *try) carry(p export.Parcel) (string, error) {
	if err := t.connect(); err != nil {
		return "", err
	}
	if err := t.enterFolder(); err != nil {
		return "", err
	}
	if t.place.IfExists == export.Fail {
		if there, err := t.exists(t.place.Name); err != nil {
			return "", err
		} else if there {
			return "", export.Taken(export.StepRename, t.place.Name)
		}
	}
	part := path.Base(t.place.Part(p.Part))
	if err := t.send(part, p); err != nil {
		return "", err
	}
	t.Enter(export.StepRename)
	if err := t.ctx.Err(); err != nil {
		return "", err
	}
	return t.rename(part)
}

// enterFolder makes the folder current, and makes what is missing of it. Names
// alone follow then: every server understands those.
func (t *try) enterFolder() error {
	t.Enter(export.StepFolder)
	folder := t.place.Folder
	if folder == "" {
		return nil
	}
	if err := t.conn.ChangeDir(folder); reply(err) == nil {
		return err
	}
	if path.IsAbs(folder) {
		if err := t.conn.ChangeDir("/"); err != nil {
			return err
		}
	}
	for part := range strings.SplitSeq(strings.Trim(folder, "/"), "/") {
		if err := t.enterOrMake(part); err != nil {
			return err
		}
	}
	return nil
}

// enterOrMake makes a folder that cannot be entered. That may fail because another
// try has just made it, so only entering it counts.
func (t *try) enterOrMake(part string) error {
	if err := t.conn.ChangeDir(part); reply(err) == nil {
		return err
	}
	made := t.conn.MakeDir(part)
	err := t.conn.ChangeDir(part)
	if reply(err) != nil && made != nil {
		return made // tells more
	}
	return err
}

// send writes a parcel to a file and sees to it that all of it is there.
func (t *try) send(part string, p export.Parcel) error {
	t.Enter(export.StepWrite)
	sent := p.Sent
	if sent == nil {
		sent = func(int64) {}
	}
	if from := t.left(part, p.Size); from > 0 && from == p.Size {
		sent(from)
	} else if err := t.sendFrom(part, from, p, sent); err != nil {
		return err
	}
	err := t.checkSize(part, p.Size)
	if err != nil && t.ctx.Err() == nil {
		t.discard(part) // nothing to go on with
	}
	return err
}

func (t *try) sendFrom(part string, from int64, p export.Parcel, sent func(int64)) error {
	file, err := p.Open()
	if err != nil {
		return errors.Join(errLocal, err)
	}
	defer file.Close()
	err = t.upload(part, &source{ReadSeeker: file, size: p.Size, sent: sent}, from)
	if r := reply(err); r != nil && full(r) {
		t.discard(part) // it fills the disk
	}
	return err
}

// left is how much of a file an earlier try has brought. FTP writes from its start
// to its end, so what is there has no holes.
func (t *try) left(part string, size int64) int64 {
	n, err := t.size(part)
	if err != nil || n < 0 || n > size {
		return 0
	}
	return n
}

// upload writes a source to a file from an offset on, or from its start when the
// server cannot go on.
func (t *try) upload(name string, src *source, from int64) error {
	t.Enter(export.StepWrite)
	err := t.store(name, src, from)
	if from > 0 && !src.began && reply(err) != nil {
		err = t.store(name, src, 0)
	}
	return err
}

func (t *try) store(name string, src *source, from int64) error {
	if _, err := src.Seek(from, io.SeekStart); err != nil {
		return errors.Join(errLocal, err)
	}
	src.at = from
	return t.conn.StorFrom(name, src, uint64(from))
}

// source is a file on this side. sent is told what the kernel has taken to bring
// to the server; FTP says nothing of what the server has until all is over.
type source struct {
	io.ReadSeeker
	size, at int64
	sent     func(int64)
	began    bool
}

// WriteTo spares io.Copy's small buffer.
func (s *source) WriteTo(w io.Writer) (written int64, err error) {
	s.began = true
	s.sent(s.at)
	buf := make([]byte, min(chunk, s.size-s.at))
	for s.at < s.size {
		n, err := s.Read(buf[:min(chunk, s.size-s.at)])
		if n == 0 && err != nil {
			return written, errors.Join(errLocal, err)
		}
		n, err = w.Write(buf[:n])
		written += int64(n)
		if s.at += int64(n); err != nil {
			return written, err
		}
		s.sent(s.at)
	}
	return written, nil
}

// checkSize compares what is there with what was sent. Where the server cannot
// tell, or does not let this user see, its word that the file was taken must do.
func (t *try) checkSize(name string, want int64) error {
	t.Enter(export.StepSize)
	got, err := t.size(name)
	switch {
	case errors.Is(err, errNone) || errors.Is(err, errUntold):
		return nil
	case err == nil && got != want:
		return &export.Fault{Step: t.Step, Class: "size", Message: fmt.Sprintf("The file was sent, but the server has %d of its %d bytes", got, want)}
	}
	return err
}

// size asks for a file's size in the ways that servers know: SIZE and MLST
// (RFC 3659), then a listing. It is errNone when there is no such file, errUntold
// when the server cannot tell.
func (t *try) size(name string) (int64, error) {
	n, err := t.conn.FileSize(name)
	if settled, err := told(err); settled {
		return n, err
	}
	entry, err := t.conn.GetEntry(name)
	if settled, err := told(err); settled {
		return sizeOf(entry, err)
	}
	entries, err := t.conn.List("./" + name) // a name that begins with - is no option
	settled, err := told(err)
	switch {
	case !settled, len(entries) > 1:
		return 0, errUntold
	case err == nil && len(entries) == 0:
		return 0, errNone
	case err != nil:
		return 0, err
	}
	return sizeOf(entries[0], nil)
}

func sizeOf(entry *ftp.Entry, err error) (int64, error) {
	switch {
	case err != nil:
		return 0, err
	case entry.Type != ftp.EntryTypeFile:
		return 0, errUntold
	}
	return int64(entry.Size), nil
}

// told tells whether an answer settles what was asked, and how. 450 and 550 are
// for files that are not there (RFC 959, section 4.2.2); other refusals, and what
// cannot be understood, mean that the server does not know how to tell.
func told(err error) (settled bool, _ error) {
	r := reply(err)
	switch {
	case r == nil:
		return err == nil || safehttp.Classify(err) != "error", err
	case r.Code == ftp.StatusFileUnavailable || r.Code == ftp.StatusFileActionIgnored:
		return true, errNone
	}
	return r.Code == ftp.StatusNotAvailable, err
}

// exists tells whether there is a file, for the policies that must know.
func (t *try) exists(name string) (bool, error) {
	_, err := t.size(name)
	switch {
	case errors.Is(err, errNone):
		return false, nil
	case errors.Is(err, errUntold):
		return false, &export.Fault{
			Step: t.Step, Class: "protocol", Permanent: true,
			Message: fmt.Sprintf(`The server does not tell which files are there, so "if-exists" cannot be %s; set it to overwrite`, t.place.IfExists),
		}
	}
	return err == nil, err
}

// rename gives a complete file its name by the destination's policy. Between the
// look and the renaming another may take the name: FTP has no way around that.
func (t *try) rename(part string) (string, error) {
	place := t.place
	if place.IfExists == export.Overwrite {
		return place.Path(), t.replace(part, place.Name)
	}
	for n := 1; ; n++ {
		there, err := t.exists(place.Name)
		if err != nil {
			return "", err
		}
		if !there {
			return place.Path(), t.conn.Rename(part, place.Name)
		}
		if place.IfExists == export.Fail || n > mostNames {
			t.discard(part)
			return "", export.Taken(export.StepRename, place.Name)
		}
		place = t.place.Another(n)
	}
}

// replace renames, over what is there. Some servers refuse that: there the older
// file is moved aside and not deleted at once, for it must come back if renaming
// is what the server refuses.
func (t *try) replace(part, name string) error {
	err := t.conn.Rename(part, name)
	if reply(err) == nil {
		return err
	}
	aside := part + ".old"
	if there, _ := t.exists(name); !there || t.conn.Rename(name, aside) != nil {
		return err
	}
	if err := t.conn.Rename(part, name); err != nil {
		_ = t.conn.Rename(aside, name)
		return err
	}
	t.discard(aside)
	return nil
}

// discard removes what is of no use, if that can be done.
func (t *try) discard(name string) {
	if t.conn != nil {
		_ = t.conn.Delete(name)
	}
}
