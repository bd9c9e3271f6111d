package main

import (
	"context"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"time"
)

// receiveCommand makes this program a receiver, which is told what to do on its
// standard input.
const receiveCommand = "receive-webhooks"

// remote is a receiver in another process.
type remote struct {
	process *exec.Cmd
	client  *rpc.Client
	// urls are its endpoints.
	urls []string
}

// pipe is a process's standard input and output.
type pipe struct {
	io.Reader
	io.WriteCloser
}

// receiver starts one. It ends with close, and with this process.
func (b *bench) receiver(ctx context.Context, o Receiving) (*remote, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, program, receiveCommand)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &remote{process: cmd, client: rpc.NewClient(pipe{out, in})}
	if err := r.call(ctx, "Open", o, &r.urls); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *remote) close() {
	_ = r.client.Close() // the pipe may have gone before
	_ = r.process.Wait() // what it found wrong it has said
}

// call calls a method of the receiver.
func (r *remote) call(ctx context.Context, method string, arg, reply any) error {
	done := r.client.Go("Receiver."+method, arg, reply, make(chan *rpc.Call, 1))
	select {
	case <-done.Done:
		return done.Error
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *remote) expect(ctx context.Context, n int) error {
	return r.call(ctx, "Expect", n, new(bool))
}

func (r *remote) wait(ctx context.Context) error { return r.call(ctx, "Wait", false, new(bool)) }

// arrivals are those since expect. They are by the clock that all processes of
// a machine share.
func (r *remote) arrivals(ctx context.Context) (at map[string]time.Time, err error) {
	return at, r.call(ctx, "Arrivals", false, &at)
}

func (r *remote) sample(ctx context.Context) (s Sample, err error) {
	return s, r.call(ctx, "Sample", false, &s)
}

func (r *remote) cpu(ctx context.Context) (used time.Duration, err error) {
	return used, r.call(ctx, "CPU", false, &used)
}

// pairMeter measures this process and a receiver.
type pairMeter struct {
	meter
	receiver time.Duration
}

// pairSpent is what both used: spent is this process's.
type pairSpent struct {
	spent
	receiver time.Duration
}

func (r *remote) start(ctx context.Context) (m pairMeter, err error) {
	m.receiver, err = r.cpu(ctx)
	m.meter = start()
	return m, err
}

func (r *remote) stop(ctx context.Context, m pairMeter) (pairSpent, error) {
	used, err := r.cpu(ctx)
	used -= m.receiver
	return pairSpent{m.stop(used), used}, err
}
