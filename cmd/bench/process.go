package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// run starts a command in the working folder and measures it with everything it
// starts. peak is the most that all of them held at one moment, shared pages
// counted once (PSS).
func (b *bench) run(ctx context.Context, g *group, argv []string) (spent, error) {
	cmd := command(ctx, argv[0], argv[1:]...)
	if g != nil {
		// The shell joins the group before it becomes the command.
		cmd = command(ctx, "sh", append([]string{"-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs")}, argv...)...)
	}
	cmd.Dir = b.dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	before := g.cpu()
	m := start()
	if err := cmd.Start(); err != nil {
		return spent{}, err
	}
	over := make(chan struct{})
	peak := make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, over) }()
	err := cmd.Wait()
	close(over)
	most := <-peak
	if err != nil {
		return spent{}, fmt.Errorf("%s: %w\n%s", argv[0], err, said.Bytes())
	}
	cpu := g.cpu() - before
	if g == nil {
		cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	used := m.stop(cpu)
	used.cpu, used.peak = cpu, most
	return used, nil
}

// watch looks at a process and its descendants ten times a second until over is
// closed, and returns the most memory that they held.
func watch(pid int, over <-chan struct{}) (most int64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return most
		case <-tick.C:
			var sum int64
			for _, id := range descendants(pid) {
				sum += pss(id)
			}
			most = max(most, sum)
		}
	}
}

// descendants lists a process and all below it.
func descendants(pid int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Behind the name, which is in brackets and may hold anything: state, parent.
		stat := proc(e.Name() + "/stat")
		fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], id)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// pss is a process's memory with its share of shared pages, or its resident size
// where that cannot be read; 0 once it has ended.
func pss(pid int) int64 {
	for line := range strings.Lines(proc(fmt.Sprintf("%d/smaps_rollup", pid))) {
		if kB, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(kB)[0], 10, 64)
			return n << 10
		}
	}
	if fields := strings.Fields(proc(fmt.Sprintf("%d/statm", pid))); len(fields) > 1 {
		pages, _ := strconv.ParseInt(fields[1], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}

// group is a control group that counts the CPU of whatever starts in it. What a
// parent learns of its children would miss those that the sandbox starts: their
// parent inside of it does not pass on what they used.
type group struct {
	dir string
	// counter is the file, and unit what it counts in.
	counter string
	unit    time.Duration
}

// newGroup makes one beside this process, of the first or the second version.
func newGroup() (*group, error) {
	var errs []error
	for line := range strings.Lines(proc("self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) < 3 {
			continue
		}
		g := &group{counter: "cpuacct.usage", unit: time.Nanosecond}
		root := "/sys/fs/cgroup/cpuacct"
		if parts[1] == "" {
			g.counter, g.unit, root = "cpu.stat", time.Microsecond, "/sys/fs/cgroup"
		} else if !strings.Contains(","+parts[1]+",", ",cpuacct,") {
			continue
		}
		g.dir = filepath.Join(root, parts[2], fmt.Sprintf("reelhook-bench-%d", os.Getpid()))
		err := os.Mkdir(g.dir, 0o755)
		if err == nil {
			// Else it is a plain folder where the second version is not mounted.
			if _, err = os.Stat(filepath.Join(g.dir, g.counter)); err == nil {
				return g, nil
			}
			g.close()
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(append(errs, errors.New("no cpuacct group can be made"))...)
}

// cpu is what the group has used; 0 without one.
func (g *group) cpu() time.Duration {
	if g == nil {
		return 0
	}
	data, _ := os.ReadFile(filepath.Join(g.dir, g.counter))
	// cpuacct.usage is one number, cpu.stat begins with "usage_usec N".
	first, _, _ := strings.Cut(string(data), "\n")
	n, _ := strconv.ParseInt(strings.TrimPrefix(first, "usage_usec "), 10, 64)
	return time.Duration(n) * g.unit
}

func (g *group) close() {
	if g != nil {
		os.Remove(g.dir)
	}
}
