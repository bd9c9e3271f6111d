// Package exporttest holds every rule that a carrier of internal/export must
// keep, whatever protocol it speaks. Each leaf runs it against real servers. It
// must not know any protocol.
package exporttest

import (
	"testing"

	"github.com/reelhook/reelhook/internal/export"
)

// Server is a real server that a leaf's test has started on loopback, and what
// the suite needs to know of it.
type Server struct {
	// Carrier is what is tested; its policy permits 127.0.0.0/8 and ::1.
	Carrier export.Carrier
	// Settings returns new settings that work, without "file" and "remote-path".
	Settings func() map[string]any
	// Secrets are values in Settings that may appear in no error, receipt or plan.
	Secrets []string
	// Host and Port are the names of the settings that hold where the server listens.
	// When Port is "" the setting Host is a URL. The suite puts a proxy in between
	// that delays, stalls or cuts connections.
	Host, Port string

	// Read returns a file as the server has it, fs.ErrNotExist for none; path is what
	// Receipt.Path says, or relative to where the login leads. Names lists what is
	// in a folder ("" is where the login leads), hidden files too, none for no folder.
	// Write puts a file there. Nil for a server without files, such as one for mail:
	// then the suite leaves out what is about files, and Delivered is needed.
	Read  func(path string) ([]byte, error)
	Names func(folder string) []string
	Write func(path string, content []byte)
	// Delivered returns how many messages arrived since it was last called.
	Delivered func() int

	// Renames tells that a file has a name of its own until it is complete. IfExists
	// that the policies unique and fail are kept; without it "overwrite" is all.
	Renames, IfExists bool
	// Flat tells that there is no "remote-path". Fixed tells that there is no "file"
	// either: every call of Settings leads to a place of its own, which is the path of
	// Plan.Target.
	Flat, Fixed bool
	// Parallel tells that a parcel may travel on connections that the proxy cannot
	// follow, such as FTP's for data: then cutting in the middle is left to the leaf.
	Parallel bool

	// Faults are ways to make a try fail, by name; see Fault.
	Faults map[string]Fault
}

// Fault is one way in which the other side, or the settings, are at fault. Names
// that every leaf has, as far as the protocol knows them: "wrong password", "no
// space", "read-only folder", "wrong host key", "expired certificate", "lies about
// size".
type Fault struct {
	// Settings returns settings that run into it; set up what it takes with t.
	Settings func(t *testing.T) map[string]any
	// Step, Class and Permanent are what the Fault must say.
	Step, Class string
	Permanent   bool
}
