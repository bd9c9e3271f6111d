package app

// renderMemory is how much of this machine's memory windows may take together: the
// rest is for the files that are read and written meanwhile.
func renderMemory() int64 { return freeMemory() / 4 * 3 }
