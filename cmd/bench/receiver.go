package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"sync"
	"time"
)

// receiver is the other side, in a process of its own so that its CPU is not
// taken for the sender's: it reads the body, notes the time and answers 200. Its
// exported methods are called from the process that measures, see remote.
type receiver struct {
	delay time.Duration
	// done is closed when the process is to end; nobody waits any longer.
	done chan struct{}

	mu sync.Mutex
	// at is when each project's webhook came first.
	at   map[string]time.Time
	want int
	full chan struct{}
	once *sync.Once
	err  error
	// sample is one webhook of ours, for the plain client to send.
	sample Sample
}

// Receiving is what a receiver is to do.
type Receiving struct {
	// Endpoints is how many it has, each a port of its own. The first Hanging of
	// them accept and never answer, and note nothing.
	Endpoints, Hanging int
	// Delay is the time the others take for an answer.
	Delay time.Duration
}

// Sample is a webhook as it was received.
type Sample struct {
	Header http.Header
	Body   []byte
}

// answer is the body of every answer; an attempt keeps it.
const answer = "ok"

// receive serves until the measuring process closes conn, also by its own death.
func receive(conn io.ReadWriteCloser) error {
	r := &receiver{done: make(chan struct{})}
	ended := sync.OnceFunc(func() { close(r.done) })
	server := rpc.NewServer()
	if err := server.RegisterName("Receiver", r); err != nil {
		return err
	}
	server.ServeConn(input{conn, ended}) // waits for the calls that are under way
	return nil
}

// input tells when no more is to be read.
type input struct {
	io.ReadWriteCloser
	ended func()
}

func (i input) Read(p []byte) (int, error) {
	n, err := i.ReadWriteCloser.Read(p)
	if err != nil {
		i.ended()
	}
	return n, err
}

// Open starts the endpoints and returns their URLs.
func (r *receiver) Open(o Receiving, urls *[]string) error {
	r.delay = o.Delay
	r.reset(0)
	for i := range o.Endpoints {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		handler := http.Handler(r)
		if i < o.Hanging {
			handler = http.HandlerFunc(r.hang)
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { _ = server.Serve(listener) }() // ends with the process
		*urls = append(*urls, "http://"+listener.Addr().String()+"/hook")
	}
	return nil
}

// Expect forgets what came and sets how many projects Wait waits for.
func (r *receiver) Expect(n int, _ *bool) error {
	r.reset(n)
	return nil
}

func (r *receiver) reset(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.want, r.full, r.once, r.err = make(map[string]time.Time, n), n, make(chan struct{}), new(sync.Once), nil
}

// Wait returns when the expected webhooks have come, or at the first fault.
func (r *receiver) Wait(_ bool, _ *bool) error {
	r.mu.Lock()
	full := r.full
	r.mu.Unlock()
	select {
	case <-full:
	case <-r.done:
		return errors.New("the receiver ends")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Arrivals tells when each project's webhook came.
func (r *receiver) Arrivals(_ bool, at *map[string]time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	*at = r.at
	r.at = nil // it is read beyond the lock
	return nil
}

// Sample returns the first webhook that came.
func (r *receiver) Sample(_ bool, s *Sample) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *s = r.sample; s.Header == nil {
		return errors.New("no webhook came to be copied")
	}
	return nil
}

// CPU is what this process has used.
func (r *receiver) CPU(_ bool, used *time.Duration) error {
	*used = ownCPU()
	return nil
}

// hang accepts a webhook and never answers.
func (r *receiver) hang(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	select {
	case <-req.Context().Done():
	case <-r.done:
	}
}

// ServeHTTP takes one webhook.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	now := time.Now()
	if r.delay > 0 {
		<-time.After(r.delay)
	}
	if err == nil {
		_, err = io.WriteString(w, answer)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sample.Header == nil {
		r.sample = Sample{req.Header.Clone(), body}
	}
	if err == nil {
		err = r.note(body, now)
	}
	if r.err == nil {
		r.err = err
	}
	// Also after an error: nobody is to wait for ever.
	if len(r.at) >= r.want || r.err != nil {
		r.once.Do(func() { close(r.full) })
	}
}

// note is called with mu held.
func (r *receiver) note(body []byte, now time.Time) error {
	id, ok := projectOf(body)
	if !ok {
		return fmt.Errorf("the body names no project: %.200s", body)
	}
	if _, again := r.at[id]; again {
		return fmt.Errorf("project %s came twice", id)
	}
	r.at[id] = now
	return nil
}

// projectOf finds the project a body is about. A JSON reader would cost more
// than all else the receiver does.
func projectOf(body []byte) (id string, ok bool) {
	const before = `"project":"`
	at := bytes.Index(body, []byte(before))
	if at < 0 {
		return "", false
	}
	value, _, ok := bytes.Cut(body[at+len(before):], []byte{'"'})
	return string(value), ok
}
