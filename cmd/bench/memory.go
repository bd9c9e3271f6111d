package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// memory measures a real server, which renders nothing: every movie has an image
// at an address that media may not be fetched from, so it fails at once, and its
// webhook is sent.
func (b *bench) memory(ctx context.Context) (err error) {
	program, err := b.build(ctx)
	if err != nil {
		return err
	}
	r, err := b.receiver(ctx, Receiving{Endpoints: b.Endpoints})
	if err != nil {
		return err
	}
	defer r.close()
	server, err := b.serve(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	t := table{title: fmt.Sprintf("memory: reelhook serve, %d movies that fail, each with a webhook", b.Movies)}
	t.add("when", "RSS", "largest RSS")
	row := func(when string) { t.add(when, mib(server.memory("VmRSS")), mib(server.memory("VmHWM"))) }
	row("ready, idle")
	if err := r.expect(ctx, b.Movies); err != nil {
		return err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: b.Clients}
	defer transport.CloseIdleConnections()
	if err := parallel(b.Movies, b.Clients, func(i int) error {
		return submit(ctx, transport, server.url+"/v2/movies", failing(r.urls[i%len(r.urls)]))
	}); err != nil {
		return err
	}
	row("all movies accepted")
	if err := r.wait(ctx); err != nil {
		return err
	}
	row("all webhooks received")
	t.print(b.out)
	return nil
}

// failing is a movie that cannot be made.
func failing(endpoint string) []byte {
	const before = `"elements":[`
	return bytes.Replace(submission(endpoint), []byte(before), []byte(before+`{"type":"image","src":"https://10.1.2.3/image.png"},`), 1)
}

// server is a process of reelhook serve.
type server struct {
	*exec.Cmd
	url string
}

// serve starts one on a free port and waits until it answers.
func (b *bench) serve(ctx context.Context, program string) (*server, error) {
	cmd := command(ctx, program, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(b.dir, "serve"), "--api-key", apiKey,
		"--allow-http-endpoints", "--allow-networks", "127.0.0.0/8", "--log-format", "json")
	cmd.Dir = b.dir // and no reelhook.yaml of somebody's
	logs, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{Cmd: cmd}
	lines := bufio.NewScanner(logs)
	for s.url == "" && lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			s.url = line.URL
		}
	}
	if s.url == "" {
		return nil, errors.Join(errors.New("reelhook serve did not come up"), lines.Err(), cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, logs) }() // ends with the process
	return s, nil
}

func (s *server) memory(name string) int64 { return memory(strconv.Itoa(s.Process.Pid), name) }

func (s *server) stop() error {
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.Wait()
}
