package app

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
)

// freeMemory is how many bytes this machine, or the control group it is divided
// by, has to give; 0 when that is not known.
func freeMemory() int64 {
	free := memAvailable()
	limit, err := os.ReadFile("/sys/fs/cgroup/memory.max") // "max" when there is none
	if n, perr := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil && perr == nil && (free == 0 || n < free) {
		return n
	}
	return free
}

func memAvailable() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
