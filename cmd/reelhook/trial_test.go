package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/webhook"
)

const (
	// patience is how long a process that serves may take to come to the point where
	// it kills itself; after that it is killed like any other.
	patience = time.Second
	// submitters is how many clients submit at once.
	submitters = 4
)

// trial is one seed being tried: a short life of a real server, with deaths.
type trial struct {
	plan
	process
	*receivers
	disk disk
	// started and served tell when each run was started and, unless it was killed
	// before, served.
	started, served []time.Time
	kills           map[string]int
	torn, probes    int
	// serving is of the run there is, output what all of them logged.
	serving *servingLine
	output  bytes.Buffer
	clients sync.WaitGroup

	// mu guards what the clients share with the trial.
	mu   sync.Mutex
	base string
	// accepted has the movies' ids, "" before a client has read one.
	accepted []string
}

// newTrial prepares a seed in a folder of its own. It is closed in the end.
func newTrial(p plan, folder string) (*trial, error) {
	text := webhook.NewSecret()
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	t := &trial{plan: p, kills: map[string]int{}, accepted: make([]string, len(p.movies)), receivers: newReceivers(secret)}
	t.process = process{listen: "127.0.0.1:0", secret: text, args: []string{"--webhook-retries", "50ms,50ms,100ms,200ms,500ms,1s,1s,1s", "--webhook-timeout", "20s"}}
	t.disk = newDisk(&t.plan, folder, &t.process)
	return t, nil
}

// Close ends what is left of it.
func (t *trial) Close() error {
	if t.cmd != nil && t.cmd.Process != nil {
		t.kill()
	}
	return errors.Join(t.disk.Close(), t.receivers.Close())
}

// run lives all lives, the last until everything is settled.
func (t *trial) run(ctx context.Context) error {
	for n, l := range t.lives {
		if err := t.live(ctx, n, l); err != nil {
			return fmt.Errorf("life %d: %w", n, err)
		}
	}
	if err := t.begin(""); err != nil {
		return err
	}
	if err := t.awaitServing(ctx); err != nil {
		return err
	}
	t.clients.Wait()
	if err := t.settled(ctx); err != nil {
		return fmt.Errorf("not settled: %w", err)
	}
	return nil
}

// live is one run of the server, to its death.
func (t *trial) live(ctx context.Context, n int, l life) error {
	fault := t.disk.fault()
	if l.kill != randomKill {
		fault = fmt.Sprint(l.kill, " ", l.nth)
	}
	if err := t.begin(fault); err != nil {
		return err
	}
	t.submit(ctx, n)
	if n == 0 && t.full != noDisk {
		if err := t.fillUp(ctx, l); err != nil {
			return fmt.Errorf("a full disk: %w", err)
		}
	}
	if err := t.await(ctx, l); err != nil {
		return err
	}
	if err := t.disk.room(); err != nil {
		return err
	}
	if l.torn {
		return t.tear(rand.New(rand.NewPCG(t.seed, uint64(n))))
	}
	return nil
}

// begin starts the process. It does not wait for it to serve.
func (t *trial) begin(fault string) error {
	t.receivers.began(len(t.started))
	t.fault, t.serving = fault, &servingLine{seen: make(chan struct{}), tell: t.serves}
	t.log = io.MultiWriter(&t.output, t.serving)
	t.started, t.served = append(t.started, time.Now()), append(t.served, time.Time{})
	return t.start()
}

// serves is told the address when the process serves.
func (t *trial) serves(address string) {
	t.served[len(t.served)-1] = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.base = "http://" + address
}

var errKilled = errors.New("the process is dead")

// awaitServing waits until the process serves, and no longer than it lives.
func (t *trial) awaitServing(ctx context.Context) error {
	select {
	case <-t.serving.seen:
		return nil
	case <-t.exited:
		return errKilled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits for a process to end as it should and helps it to.
func (t *trial) await(ctx context.Context, l life) error {
	if !l.early {
		if err := t.awaitServing(ctx); err != nil && !errors.Is(err, errKilled) {
			return err
		}
	}
	kind, after := l.kill, l.after
	if kind != randomKill {
		after = patience
	}
	select {
	case <-t.exited:
	case <-time.After(after):
		kind = randomKill
	}
	t.kill()
	if status := t.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("the process ended by itself: %v", t.cmd.ProcessState)
	}
	t.kills[kind]++
	return nil
}

// submit has clients submit the movies of a wave, each until it reads a 200. Its
// idempotency key makes a movie whose answer was lost the same one.
func (t *trial) submit(ctx context.Context, wave int) {
	movies := make(chan int, len(t.movies))
	for i, o := range t.movies {
		if o.wave == wave {
			movies <- i
		}
	}
	close(movies)
	for range submitters {
		t.clients.Go(func() {
			for i := range movies {
				_ = retry(ctx, func() error { // a movie that is never accepted shows in the verdict
					id, err := t.client(fmt.Sprint("movie-", i)).Submit(ctx, t.movies[i].document(i, t.urls))
					if err == nil {
						t.mu.Lock()
						t.accepted[i] = id
						t.mu.Unlock()
					}
					return err
				})
			}
		})
	}
}

// client calls the process that there is, with an idempotency key.
func (t *trial) client(key string) api.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	return api.Client{BaseURL: t.base, Key: crashKey, HTTP: &http.Client{Transport: keyed(key), Timeout: 5 * time.Second}}
}

// settled waits until every movie has ended and every delivery is final.
func (t *trial) settled(ctx context.Context) error {
	client := t.client("")
	return retry(ctx, func() error {
		movies, err := t.list(ctx)
		if err != nil {
			return err
		}
		for _, m := range movies {
			if m.Status != "done" && m.Status != "error" {
				return fmt.Errorf("movie %s is %s", m.Project, m.Status)
			}
		}
		open, err := client.Deliveries(ctx, api.Query{Status: []string{"pending", "running", "retrying", "unknown", "held"}, Limit: 1})
		if err == nil && len(open.Deliveries) > 0 {
			d := open.Deliveries[0]
			return fmt.Errorf("delivery %s is %s: %s", d.ID, d.Status, d.Message)
		}
		return err
	})
}

// tear puts behind the log's end what a power cut may leave there: bytes that
// were never written, or a frame that came only in part or with another's content.
func (t *trial) tear(chance *rand.Rand) error {
	const header, frame = 32, 24 + 4096
	path := filepath.Join(t.data, "reelhook.db-wal")
	wal, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it died before it made its database
	} else if err != nil {
		return err
	}
	torn := make([]byte, 1+chance.IntN(2*frame))
	switch last := len(wal) - frame; {
	case last >= header && chance.IntN(3) > 0: // looks like the last commit once more
		copy(torn, wal[last:])
	default:
		for i := range torn {
			torn[i] = byte(chance.Uint32())
		}
	}
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	if _, err := log.Write(torn); err != nil {
		return err
	}
	t.torn++
	return nil
}

// servingLine finds the address in the line of a log that says that the server
// serves.
type servingLine struct {
	text bytes.Buffer
	seen chan struct{}
	tell func(address string)
}

var serving = regexp.MustCompile(`serving address=(\S+) `)

func (l *servingLine) Write(p []byte) (int, error) {
	if l.tell == nil {
		return len(p), nil
	}
	l.text.Write(p)
	if found := serving.FindSubmatch(l.text.Bytes()); found != nil {
		l.tell(string(found[1]))
		l.tell = nil
		close(l.seen)
	}
	return len(p), nil
}
