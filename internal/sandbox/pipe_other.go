//go:build unix && !linux

package sandbox

import "os"

// enlarge does nothing where the system sizes pipes itself.
func enlarge(*os.File) {}
