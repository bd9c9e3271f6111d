package sftp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var (
	errSlow   = errors.New("connecting took too long")
	errNoSFTP = errors.New("no SFTP")
	errLocal  = errors.New("the file cannot be read")
)

// The status codes of SFTP that later drafts added (draft-ietf-secsh-filexfer-13,
// section 9.1) and that servers of version 3 send too.
const (
	statusNoSpace = 14
	statusQuota   = 15
)

// fault puts an error into words for the client.
func (t *try) fault(err error) *export.Fault {
	var known *export.Fault
	if errors.As(err, &known) {
		return known
	}
	f := &export.Fault{Step: t.Step}
	cause := context.Cause(t.ctx)
	var status *sftp.StatusError
	switch {
	case errors.Is(cause, errStalled):
		f.Class, f.Message = "timeout", fmt.Sprintf("The server has answered nothing for %v", t.carrier.stall)
	case cause != nil:
		f.Class, f.Message = safehttp.Classify(cause), "The upload was given up before it was complete"
	case errors.Is(err, errSlow):
		f.Class, f.Message = "timeout", fmt.Sprintf("Connecting and logging in took longer than %v", t.carrier.connecting)
	case errors.Is(err, errLocal):
		f.Class, f.Message = "error", "The movie's file cannot be read on this side"
	case errors.Is(err, errNoSFTP):
		f.Class, f.Permanent = "denied", true
		f.Message = fmt.Sprintf("The server lets %q log in but offers no SFTP to it", t.user)
	case errors.As(err, &status):
		f.Class, f.Status = "protocol", int(status.Code)
		f.Message = "The server refused: " + t.tidy(status.Error())
	case t.client == nil && t.Step != export.StepConnect:
		t.shaking(f, err)
	default:
		t.moving(f, err)
	}
	lost := f.Class == "reset" || f.Class == "timeout" || cause != nil
	f.Unknown = f.Step == export.StepRename && lost
	return f
}

// moving is a fault of connecting, or of files.
func (t *try) moving(f *export.Fault, err error) {
	f.Class = safehttp.Classify(err)
	var blocked *safehttp.BlockedError
	switch {
	case errors.Is(err, fs.ErrPermission):
		f.Class, f.Status, f.Permanent = "denied", 3, true
		f.Message = fmt.Sprintf("The server does not permit this to %q: check the rights on the folder", t.user)
	case errors.Is(err, fs.ErrNotExist):
		f.Class, f.Status = "protocol", 2
		f.Message = "The server says that there is no such file or folder"
	case errors.Is(err, syscall.ENOTDIR):
		f.Class, f.Permanent = "exists", true
		f.Message = `A file stands where "remote-path" needs a folder`
	case errors.Is(err, sftp.ErrSSHFxConnectionLost), f.Class == "reset":
		f.Class, f.Message = "reset", "The server closed the connection"
	case f.Class == "dns":
		f.Message = fmt.Sprintf("The host %s was not found", t.host)
	case f.Class == "refused":
		f.Message = fmt.Sprintf("%s refused the connection", t.address())
	case errors.As(err, &blocked):
		f.Permanent, f.Message = true, "The SFTP server cannot be used: "+blocked.Reason
	case f.Class == "error":
		f.Class = "protocol"
		f.Message = "The server's answer makes no sense: " + t.tidy(err.Error())
	default:
		f.Message = t.tidy(err.Error())
	}
}

// shaking is a fault of what comes before files: SSH's handshake and the login.
// The library has no types for most of them.
func (t *try) shaking(f *export.Fault, err error) {
	var unlike *ssh.AlgorithmNegotiationError
	said := t.tidy(strings.TrimPrefix(err.Error(), "ssh: handshake failed: "))
	f.Class = safehttp.Classify(err)
	switch {
	case errors.As(err, &unlike) && unlike.What == "host key":
		f.Class, f.Permanent = classHostKey, true
		f.Message = "The server has no host key of the kinds that are pinned: " + said
	case errors.As(err, &unlike):
		f.Class, f.Permanent = "protocol", true
		f.Message = "The server knows only algorithms that are not safe any more: " + said
	case f.Class == "reset":
		f.Message = "The server closed the connection before the login was over"
	case f.Class != "error":
		f.Message = said
	case f.Step == export.StepHostKey:
		f.Class, f.Message = "protocol", "The server does not speak SSH as it should: "+said
	case strings.Contains(said, "disconnect, reason") && !strings.Contains(strings.ToLower(said), "auth"):
		f.Class, f.Message = "protocol", "The server hung up: "+said
	default:
		f.Class, f.Permanent = "login", true
		f.Message = fmt.Sprintf("The server refused the login of %q: check user name, password and key%s", t.user, t.offered(err))
	}
}

// offered says what more there is to say of a refused login.
func (t *try) offered(err error) string {
	switch {
	case errors.Is(err, errAsked):
		return "; it asks for more than a password"
	case len(t.methods) > 0:
		return "; it takes " + t.tidy(strings.Join(t.methods, ", "))
	}
	return ""
}

// blame finds out what is behind an error of writing: OpenSSH says "Failure" to
// everything but a lack of rights. name is the file, need its whole size.
func (t *try) blame(err error, name string, need int64) error {
	var status *sftp.StatusError
	if t.ctx.Err() != nil || !errors.As(err, &status) {
		return err
	}
	f := t.fault(err)
	if saysFull(status) {
		f.Class, f.Message = "space", "The server has no room for the file: "+t.tidy(status.Error())
		return f
	}
	disk, err := t.disk()
	switch {
	case err != nil:
	case disk.Flag&readOnly != 0:
		f.Class, f.Permanent, f.Message = "denied", true, "The folder is on a disk that can only be read"
	case t.full(disk, name, need):
		f.Class, f.Message = "space", fmt.Sprintf("The server has no room for the file: its disk has %d bytes left", disk.Bavail*disk.Frsize)
	}
	return f
}

func saysFull(status *sftp.StatusError) bool {
	if status.Code == statusNoSpace || status.Code == statusQuota {
		return true
	}
	said := strings.ToLower(status.Error())
	return slices.ContainsFunc([]string{"no space", "quota", "disk full", "disk is full"}, func(s string) bool { return strings.Contains(said, s) })
}

// full tells whether a disk has no room for what is missing of a file.
func (t *try) full(disk *sftp.StatVFS, name string, need int64) bool {
	if disk.Blocks == 0 {
		return false // a server that does not know
	}
	if info, err := t.files.Stat(name); err == nil {
		need -= info.Size()
	}
	noFiles := disk.Files > 0 && disk.Favail == 0
	return noFiles || int64(disk.Bavail) < max(1, need/int64(max(1, disk.Frsize)))
}

// readOnly is SSH_FXE_STATVFS_ST_RDONLY of OpenSSH's PROTOCOL, section 4.4.
const readOnly = 1

// disk is the one that the folder is on, or the nearest one above it that is
// there.
func (t *try) disk() (*sftp.StatVFS, error) {
	if _, ok := t.files.HasExtension("statvfs@openssh.com"); !ok {
		return nil, errors.ErrUnsupported
	}
	for folder := path.Clean(t.place.Folder); ; folder = path.Dir(folder) {
		disk, err := t.files.StatVFS(folder)
		if err == nil || folder == path.Dir(folder) || !errors.Is(err, fs.ErrNotExist) {
			return disk, err
		}
	}
}

// tidy makes what a server said fit to be shown: without the client's secrets and
// control characters, and short.
func (t *try) tidy(said string) string { return export.Tidy(said, t.secrets...) }
