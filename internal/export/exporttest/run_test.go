package exporttest

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// post is a server without files.
func post(t *testing.T) Server {
	m, port := startMemory(t)
	return Server{
		Carrier: fake{}, Host: "host", Port: "port", Delivered: m.delivered, Secrets: []string{password},
		Settings: func() map[string]any {
			return map[string]any{"host": "127.0.0.1", "port": port, "password": password}
		},
	}
}

func server(t *testing.T, wrong string) Server {
	m, port := startMemory(t)
	settings := func() map[string]any {
		return map[string]any{"host": "127.0.0.1", "port": port, "password": password}
	}
	write := func(at string, content []byte) { m.write(at, content) }
	return Server{
		Carrier: fake{wrong}, Settings: settings, Secrets: []string{password}, Host: "host", Port: "port",
		Read: m.read, Names: m.names, Write: write, Renames: true, IfExists: true,
		Faults: map[string]Fault{"wrong password": {
			Settings: func(*testing.T) map[string]any {
				all := settings()
				all["password"] = "wrong"
				return all
			},
			Step: "login", Class: "login", Permanent: true,
		}},
	}
}

func TestMain(m *testing.M) {
	soon = 5 * time.Second // these carriers notice no stall
	os.Exit(m.Run())
}

// TestRight has a carrier that keeps every rule.
func TestRight(t *testing.T) {
	unseen := server(t, "")
	unseen.Parallel = true
	for name, s := range map[string]Server{"files": server(t, ""), "files on other connections": unseen, "messages": post(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Run(t, s)
		})
	}
}

// TestWrong has carriers that keep all rules but one, which must be seen.
func TestWrong(t *testing.T) {
	broken := map[string]string{
		"dials anything":            "an address that is not allowed",
		"lets .. through":           "names that leave the folder are refused",
		"shows the password":        "plan shows where",
		"does not see its context":  "ends with its context",
		"blames the password aloud": "nobody listens",
		"gives up at a cut":         "goes on after a cut",
		"names no class":            "nobody listens",
		"writes in place":           "half a file has no name",
		"forgets to close":          "files of every size arrive",
		"counts backwards":          "files of every size arrive",
		"drops the last byte":       "files of every size arrive",
		"reads it whole":            "a file streams",
		"overwrites always":         "fail leaves what is there",
		"leaves its part":           "fail leaves what is there",
		"probes in the wrong order": "probe leaves nothing",
		"leaves its probe":          "probe leaves nothing",
	}
	for _, wrong := range slices.Sorted(maps.Keys(broken)) {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			s := server(t, wrong)
			all := rules(s)
			at := slices.IndexFunc(all, func(r rule) bool { return r.name == broken[wrong] })
			if at < 0 {
				t.Fatalf("there is no rule %q", broken[wrong])
			}
			err := all[at].check(newSuite(t, s))
			if err == nil {
				t.Errorf("%q did not see it", broken[wrong])
			}
			t.Log(err)
		})
	}
}
