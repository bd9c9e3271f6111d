package exporttest

import (
	"bufio"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ask is one command to the fake server, in a line of JSON; put is followed by
// Size bytes. The answer is a line of JSON too.
type ask struct {
	Password, Do, Path, To string
	Size                   int64
	New                    bool // rename only to what is not there
}

type answer struct {
	Class string // of what went wrong, "" for nothing
}

const password = "s3cret/word+"

// memory is a server that keeps files in memory, and shows each while it grows.
type memory struct {
	mu    sync.Mutex
	files map[string]*[]byte
	puts  int // that came whole
}

func startMemory(t *testing.T) (*memory, int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m := &memory{files: map[string]*[]byte{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go m.serve(c)
		}
	}()
	return m, l.Addr().(*net.TCPAddr).Port
}

func (m *memory) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadBytes('\n')
		var a ask
		if err != nil || json.Unmarshal(line, &a) != nil {
			return
		}
		if json.NewEncoder(c).Encode(m.do(a, r)) != nil {
			return
		}
	}
}

func (m *memory) do(a ask, r io.Reader) answer {
	if a.Password != password {
		return answer{Class: "login"}
	}
	switch a.Do {
	case "hello":
		return answer{}
	case "put":
		return m.put(a, r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.files[a.Path]
	_, taken := m.files[a.To]
	switch {
	case !ok:
		return answer{Class: "denied"}
	case a.Do == "rename" && a.New && taken:
		return answer{Class: "exists"}
	case a.Do == "rename":
		m.files[a.To] = content
		delete(m.files, a.Path)
	case a.Do == "remove":
		delete(m.files, a.Path)
	}
	return answer{}
}

func (m *memory) put(a ask, r io.Reader) answer {
	file := m.write(a.Path, nil) // another put to the path has one of its own
	buf := make([]byte, 64<<10)
	for left := a.Size; left > 0; {
		n, err := r.Read(buf[:min(left, int64(len(buf)))])
		if err != nil {
			return answer{Class: "error"}
		}
		m.mu.Lock()
		*file = append(*file, buf[:n]...)
		m.mu.Unlock()
		left -= int64(n)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.puts++
	return answer{}
}

func (m *memory) write(at string, content []byte) *[]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[at] = &content
	return &content
}

// delivered is how many puts came whole since it was last called.
func (m *memory) delivered() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.puts
	m.puts = 0
	return n
}

func (m *memory) read(at string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.files[at]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(*content), nil
}

func (m *memory) names(folder string) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := range m.files {
		if dir := path.Dir(at); dir == folder || dir == "." && folder == "" {
			names = append(names, strings.TrimPrefix(path.Base(at), "/"))
		}
	}
	return names
}
