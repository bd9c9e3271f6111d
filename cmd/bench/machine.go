package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticks is how many clock ticks /proc counts in a second, on every Linux there is.
const ticks = 100

// machine says on what the figures were taken: without that they say nothing.
func (b *bench) machine(ctx context.Context) error {
	var err error
	if b.syncs, err = b.disk(ctx); err != nil {
		return err
	}
	version, err := command(ctx, "ffmpeg", "-version").Output()
	if err != nil {
		version = []byte("no FFmpeg")
	}
	first, _, _ := strings.Cut(string(version), " Copyright")
	t := table{title: "Machine, " + time.Now().UTC().Format(time.DateOnly)}
	t.add("what", "here")
	t.add("CPU", cpuModel())
	t.add("cores", strconv.Itoa(runtime.NumCPU()))
	t.add("kernel", runtime.GOOS+" "+proc("sys/kernel/osrelease"))
	t.add("Go", runtime.Version())
	t.add("FFmpeg", strings.TrimPrefix(first, "ffmpeg version "))
	t.add("fdatasync/s of 8 kB", fmt.Sprintf("%.0f, in %s", b.syncs, filepath.Dir(b.dir)))
	t.add("load before", proc("loadavg"))
	t.print(b.out)
	return nil
}

// disk counts what every durable change pays: 8 kB written over what is there,
// as SQLite writes its log once that has its size, and fdatasync.
func (b *bench) disk(ctx context.Context) (perSecond float64, err error) {
	const block, blocks = 8 << 10, 1 << 10
	f, err := os.Create(filepath.Join(b.dir, "disk"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(make([]byte, block*blocks)); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	data := []byte(strings.Repeat("reelhook", block/8))
	began := time.Now()
	n := 0
	for ; time.Since(began) < min(time.Second, b.For) && ctx.Err() == nil; n++ {
		if _, err := f.WriteAt(data, int64(n%blocks)*block); err != nil {
			return 0, err
		}
		if err := datasync(f); err != nil {
			return 0, fmt.Errorf("fdatasync: %w", err)
		}
	}
	return float64(n) / time.Since(began).Seconds(), ctx.Err()
}

func cpuModel() string {
	for line := range strings.Lines(proc("cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// proc reads a file below /proc; "" where there is none.
func proc(name string) string {
	data, _ := os.ReadFile("/proc/" + name)
	return strings.TrimSpace(string(data))
}

// meter measures a stretch of this process: how long, how much CPU, and how much
// others used meanwhile, which is what spoils a benchmark.
type meter struct {
	began time.Time
	own   time.Duration
	all   time.Duration
}

type spent struct {
	wall, cpu time.Duration
	// strangers is the share of the machine's CPU that others used.
	strangers float64
	// peak is this process's largest resident size, in bytes.
	peak int64
}

func start() meter {
	debug.FreeOSMemory() // what a part before left over is not this one's
	// 5 resets the peak (proc(5)); where it cannot, the peak is of the whole run.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return meter{time.Now(), ownCPU(), allCPU()}
}

// stop ends the stretch. children is the CPU of measured children, who are no
// strangers.
func (m meter) stop(children time.Duration) spent {
	s := spent{wall: time.Since(m.began), cpu: ownCPU() - m.own, peak: peak()}
	whole := s.wall.Seconds() * float64(runtime.NumCPU())
	s.strangers = max(0, (allCPU()-m.all-s.cpu-children).Seconds()/whole)
	return s
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// allCPU is what all processes of the machine used, without idling and waiting.
func allCPU() time.Duration {
	first, _, _ := strings.Cut(proc("stat"), "\n")
	var sum int64
	for i, field := range strings.Fields(first) {
		n, err := strconv.ParseInt(field, 10, 64)
		// user nice system (idle iowait) irq softirq steal; guests are in user.
		if err == nil && i <= 8 && i != 4 && i != 5 {
			sum += n
		}
	}
	return time.Duration(sum) * time.Second / ticks
}

// peak is this process's largest resident size, in bytes.
func peak() int64 { return memory("self", "VmHWM") }

// memory is a figure of a process's memory in bytes (proc_pid_status(5)), 0 where
// there is none.
func memory(process, name string) int64 {
	for line := range strings.Lines(proc(process + "/status")) {
		if kB, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(kB)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
