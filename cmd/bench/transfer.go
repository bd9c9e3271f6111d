package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/export/ftp"
	"github.com/reelhook/reelhook/internal/export/s3"
	"github.com/reelhook/reelhook/internal/export/sftp"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// carryCommand has the program upload one file and nothing else, so that what it
// takes can be measured as that of any other client.
const carryCommand = "carry"

// cargo is what the command is told on standard input.
type cargo struct {
	Type     string          `json:"type"`
	File     string          `json:"file"`
	Settings export.Settings `json:"settings"`
}

// carry is that command.
func carry(ctx context.Context, in io.Reader) error {
	var c cargo
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		return err
	}
	policy := safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AllowHTTP: true}
	carriers := map[string]export.Carrier{
		"ftp": ftp.New(ftp.Options{Policy: policy}), "sftp": sftp.New(sftp.Options{Policy: policy}), "s3": s3.New(s3.Options{Policy: policy}),
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	_, err = carriers[c.Type].Carry(ctx, export.Parcel{
		Settings: c.Settings, Size: info.Size(), Name: "movie.mp4", Type: "video/mp4", Part: "bench", Sent: func(int64) {},
		Open: func() (io.ReadSeekCloser, error) { return os.Open(c.File) },
	})
	return err
}

// courier is a server and two that bring a file to it.
type courier struct {
	name, theirs string
	// command is the protocol's own client, for a file.
	command  func(file string) []string
	settings map[string]any
	// arrived are the files that must be there, ours first.
	arrived [2]string
}

// transfer measures uploads beside the protocol's own client: to the same server,
// in turns.
func (b *bench) transfer(ctx context.Context) error {
	h := &host{ctx: ctx}
	defer h.close()
	file := filepath.Join(b.dir, "upload.bin")
	if err := writeRandom(file, b.Upload<<20); err != nil {
		return err
	}
	var couriers []courier
	if err := h.run(func() { couriers = b.couriers(h) }); err != nil {
		return err
	}
	t := table{title: fmt.Sprintf("transfer: one file of %d MiB, median of %d", b.Upload, b.Runs)}
	t.add("to", "who", "wall s", "MiB/s", "CPU s", "peak memory (PSS)", "× its own client", "CPU of strangers")
	for _, c := range couriers {
		if err := b.race(ctx, &t, c, file); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	t.print(b.out)
	return nil
}

// race has both bring the file in turns.
func (b *bench) race(ctx context.Context, t *table, c courier, file string) error {
	settings, err := json.Marshal(c.settings)
	if err != nil {
		return err
	}
	order := cargo{Type: c.name, File: file}
	if err := json.Unmarshal(settings, &order.Settings); err != nil {
		return err
	}
	told := filepath.Join(b.dir, c.name+".json")
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	if err := os.WriteFile(told, text, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	commands := [][]string{c.command(file), {"sh", "-c", `exec "$0" ` + carryCommand + ` <"$1"`, self, told}}
	var walls, cpus, peaks, strangers [2][]float64
	for range b.Runs {
		for i, argv := range commands {
			used, err := b.run(ctx, nil, argv)
			if err != nil {
				return err
			}
			walls[i], cpus[i] = append(walls[i], used.wall.Seconds()), append(cpus[i], used.cpu.Seconds())
			peaks[i], strangers[i] = append(peaks[i], float64(used.peak)), append(strangers[i], used.strangers)
		}
	}
	for i, who := range []string{c.theirs, "Reelhook"} {
		if err := same(file, c.arrived[1-i]); err != nil {
			return err
		}
		ratio := ""
		if i == 1 {
			ratio = fmt.Sprintf("%.2f", median(walls[1])/median(walls[0]))
		}
		t.add(c.name, who, fmt.Sprintf("%.2f", median(walls[i])), fmt.Sprintf("%.0f", float64(b.Upload)/median(walls[i])),
			fmt.Sprintf("%.2f", median(cpus[i])), fmt.Sprintf("%.0f MiB", median(peaks[i])/(1<<20)), ratio, fmt.Sprintf("%.0f %%", 100*median(strangers[i])))
	}
	return nil
}

func writeRandom(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(f, rand.Reader, size)
	return err
}

// same holds that two files have as many bytes and the same last ones; the tests
// compare them all.
func same(a, b string) error {
	var ends [2]string
	for i, path := range []string{a, b} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		tail := make([]byte, min(size, 1<<20))
		if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		ends[i] = fmt.Sprint(size) + string(tail)
	}
	if ends[0] != ends[1] {
		return fmt.Errorf("%s is not what was sent: %s bytes", b, strings.SplitN(ends[1], " ", 2)[0][:min(12, len(ends[1]))])
	}
	return nil
}
