package main

import (
	"strings"
	"sync"
)

// watcher is a writer that tells when a word was written.
type watcher struct {
	word string
	seen chan struct{}
	once sync.Once

	mu  sync.Mutex
	buf strings.Builder
}

func newWatcher(word string) *watcher { return &watcher{word: word, seen: make(chan struct{})} }

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if strings.Contains(w.buf.String(), w.word) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
