package sandbox

import (
	"bytes"
	"regexp"
	"strings"
)

// tail keeps the end of what a program wrote to stderr.
type tail struct{ buf []byte }

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// hostPath matches absolute paths, which say nothing to whoever reads the
// message and too much about this machine.
var hostPath = regexp.MustCompile(`(/[\w.@%+=~-]+)+/([\w.@%+=~-]+)`)

// message is the last line that says why, nil taking any.
func (t *tail) message(says func(line string) bool) string {
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(string(lines[i]))
		if line == "" || says != nil && !says(line) {
			continue
		}
		line = hostPath.ReplaceAllString(line, "$2")
		return line[:min(len(line), 300)]
	}
	return ""
}
