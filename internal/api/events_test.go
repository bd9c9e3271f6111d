package api_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/project"
)

// booth is where renderings are watched; leave ends one, as a worker does.
type booth struct {
	mu       sync.Mutex
	now      project.Progress
	watching []chan project.Progress
}

func (b *booth) watch(string) (<-chan project.Progress, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ch := make(chan project.Progress, 1)
	if b.watching = append(b.watching, ch); b.now.Stage != "" {
		ch <- b.now
	}
	return ch, func() {}
}

func (b *booth) show(now project.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = now
	for _, ch := range b.watching {
		select {
		case <-ch:
		default:
		}
		ch <- now
	}
}

func (b *booth) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ch := range b.watching {
		close(ch)
	}
	b.now, b.watching = project.Progress{}, nil
}

// stage is a world with a booth, in a bubble, and a server that may stop.
type stage struct {
	*world
	booth
	stopping chan struct{}
	began    time.Time
}

func newStage(t *testing.T, change func(*api.Options)) *stage {
	s := &stage{world: newWorld(t), stopping: make(chan struct{}), began: time.Now()}
	s.options.Watch, s.options.Stopping = s.watch, s.stopping
	if change != nil {
		change(&s.options)
	}
	s.bare = api.New(s.options)
	return s
}

// reader is a client of one stream.
type reader struct {
	*stage
	conn net.Conn
	resp *http.Response
	in   *bufio.Reader
}

// follow opens a stream over a connection as internal/app serves it.
func (s *stage) follow(t *testing.T, id string, headers ...string) *reader {
	t.Helper()
	conn, _ := connected(t, s.world)
	fmt.Fprintf(conn, "GET /v2/movies/%s/events HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\n%s\r\n", id, key, strings.Join(append(headers, ""), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{s, conn, resp, bufio.NewReader(resp.Body)}
}

// next is the next block of the stream: when it came, and its lines without what
// varies or is long, "EOF" at the end.
func (r *reader) next(t *testing.T) string {
	t.Helper()
	var lines []string
	for {
		line, err := r.in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return r.at("EOF")
		}
		if err != nil {
			return r.at("broken")
		}
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			return r.at(strings.Join(lines, " "))
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			line = summary(t, data)
		}
		lines = append(lines, line)
	}
}

func (r *reader) at(text string) string { return time.Since(r.began).String() + " " + text }

// summary is what matters of an event's data, all of which must be known.
func summary(t *testing.T, data string) string {
	t.Helper()
	var m api.Movie
	var p api.MovieProgress
	if strict(data, &p) == nil {
		return fmt.Sprintf("%s %d%% %s %d/%d %v", p.Status, p.Progress, p.Stage, p.Frames, p.TotalFrames, p.Scenes)
	}
	if err := strict(data, &m); err != nil || m.JSON != "" {
		t.Errorf("%v: %s", err, data)
	}
	return strings.TrimSpace(fmt.Sprint(m.Status, " ", m.Message))
}

func strict(data string, into any) error {
	d := json.NewDecoder(strings.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// expect reads blocks, which must be these.
func (r *reader) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if diff := cmp.Diff(w, r.next(t)); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	}
}

func (s *stage) set(t *testing.T, id string, status project.Status) {
	t.Helper()
	if _, err := s.store.change(id, func(p *project.Project) {
		if p.Status = status; status == project.Failed {
			p.Message = "a\nb"
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// lose has the store fail from now on, or no more.
func (s *stage) lose(err error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.err = err
}

// TestEventsOfALife follows a movie from its queue to its end, in the process that
// renders it: progress at most every 250 ms, always the latest.
func TestEventsOfALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		id := s.submit(t, "{\"client-data\":{\"a\":\n1}}")
		r := s.follow(t, id)
		for header, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
			if got := r.resp.Header.Get(header); got != want {
				t.Errorf("%s: %s", header, got)
			}
		}
		r.expect(t, "0s retry: 2000", "0s event: status pending", "15s : still here")
		s.set(t, id, project.Running)
		s.show(project.Progress{Percent: 1, Stage: project.Fetching})
		r.expect(t, "15s event: progress running 1% fetching 0/0 []")
		go func() {
			for i := range 10 {
				s.show(project.Progress{Percent: 10 + i, Stage: project.Rendering, Frames: i, TotalFrames: 50, Scenes: []int{i, 0}})
				<-time.After(60 * time.Millisecond)
			}
		}()
		r.expect(t, "15.25s event: progress running 14% rendering 4/50 [{1 4} {2 0}]",
			"15.5s event: progress running 18% rendering 8/50 [{1 8} {2 0}]",
			"15.75s event: progress running 19% rendering 9/50 [{1 9} {2 0}]")
		s.show(project.Progress{Percent: 100, Stage: project.Storing, Frames: 50, TotalFrames: 50, Scenes: []int{100, 100}})
		s.set(t, id, project.Done)
		s.leave()
		r.expect(t, "16s event: progress running 99% storing 50/50 [{1 100} {2 100}]", "16.25s event: done id: end done", "16.25s EOF")
	})
}

// TestEventsOfAnotherProcess holds that what only the database shows is told too.
func TestEventsOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, func(o *api.Options) { o.Watch = nil })
		id := s.submit(t, `{}`)
		r := s.follow(t, id)
		r.expect(t, "0s retry: 2000", "0s event: status pending")
		<-time.After(3 * time.Second)
		s.set(t, id, project.Running)
		r.expect(t, "4s event: status running Rendering")
		s.set(t, id, project.Failed)
		r.expect(t, "6s event: error id: end error a\nb", "6s EOF")
	})
}

// TestEventsOfWhatIsPutBack: a rendering that leaves without an end begins again.
func TestEventsOfWhatIsPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		id := s.submit(t, `{}`)
		s.set(t, id, project.Running)
		s.show(project.Progress{Percent: 5, Stage: project.Fetching})
		r := s.follow(t, id)
		r.expect(t, "0s retry: 2000", "0s event: status running Rendering", "0s event: progress running 5% fetching 0/0 []")
		s.set(t, id, project.Pending)
		s.leave()
		r.expect(t, "250ms event: status pending")
		s.set(t, id, project.Running)
		s.show(project.Progress{Percent: 2, Stage: project.Fetching})
		r.expect(t, "250ms event: progress running 2% fetching 0/0 []")
		s.set(t, id, project.Done)
		s.leave()
		r.expect(t, "500ms event: done id: end done", "500ms EOF")
	})
}

// TestEventsOfTheEnded come at once, and not again to who has read the last.
func TestEventsOfTheEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		id := s.submit(t, `{}`)
		s.follow(t, id, "Last-Event-ID: end").expect(t, "0s retry: 2000", "0s event: status pending")
		s.set(t, id, project.Done)
		s.follow(t, id, "Last-Event-ID: ").expect(t, "0s retry: 2000", "0s event: status done", "0s event: done id: end done", "0s EOF")
		if r := s.follow(t, id, "Last-Event-ID: end"); r.resp.StatusCode != http.StatusNoContent {
			t.Errorf("again: %s", r.resp.Status)
		}
		if got := s.call("HEAD", "/v2/movies/"+id+"/events", ""); got.Code != 200 || got.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("HEAD: %d %v", got.Code, got.Header())
		}
	})
}

// TestEventsGoOn for longer than a request may take to be read, or a reply to be
// taken.
func TestEventsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		id := s.submit(t, `{}`)
		r := s.follow(t, id)
		r.expect(t, "0s retry: 2000", "0s event: status pending")
		for i := 1; i <= 40; i++ {
			r.expect(t, (time.Duration(i)*15*time.Second).String()+" : still here")
		}
		<-time.After(time.Second)
		s.set(t, id, project.Done)
		r.expect(t, "10m2s event: done id: end done", "10m2s EOF")
	})
}

// TestEventsEnd without the movie's end: with the server, the store, the client's
// key, or the client.
func TestEventsEnd(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *stage, r *reader) (want string){
		"the server stops":  func(_ *testing.T, s *stage, _ *reader) string { close(s.stopping); return "1s EOF" },
		"the store is lost": func(_ *testing.T, s *stage, _ *reader) string { s.lose(errors.New("lost")); return "2s EOF" },
		"the key is revoked": func(_ *testing.T, s *stage, _ *reader) string {
			s.options.Keys.(*moodyKeys).refuse.Store(true)
			return "2s EOF"
		},
		"the client leaves": func(_ *testing.T, _ *stage, r *reader) string { r.conn.Close(); return "1s broken" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, func(o *api.Options) { o.Keys, o.Streams = &moodyKeys{Keys: o.Keys}, 1 })
				id := s.submit(t, `{}`)
				r := s.follow(t, id)
				r.expect(t, "0s retry: 2000", "0s event: status pending")
				<-time.After(time.Second)
				if full := s.follow(t, id); full.resp.StatusCode != http.StatusServiceUnavailable || full.resp.Header.Get("Retry-After") == "" {
					t.Errorf("one more: %s", full.resp.Status)
				}
				r.expect(t, end(t, s, r))
				synctest.Wait()
				if strings.Contains(s.log.String(), "level=ERROR") != (name == "the store is lost") {
					t.Errorf("the log:\n%s", s.log)
				}
				s.lose(nil)
				s.options.Keys.(*moodyKeys).refuse.Store(false)
				s.set(t, id, project.Done)
				if next := s.follow(t, id); next.resp.StatusCode != http.StatusOK {
					t.Errorf("the next one: %s", next.resp.Status)
				}
			})
		})
	}
}

// moodyKeys forget all keys when they are told to.
type moodyKeys struct {
	api.Keys
	refuse atomic.Bool
}

func (k *moodyKeys) Caller(key string) (account.Caller, bool) {
	if k.refuse.Load() {
		return account.Caller{}, false
	}
	return k.Keys.Caller(key)
}
