package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

const (
	// mostStreams is how many streams are open at once when Options do not say.
	mostStreams = 256
	// paced is the least time between two events of progress.
	paced = 250 * time.Millisecond
	// lookAgain is how long a stream trusts that nothing happened which it would not
	// be told: another process may render the movie.
	lookAgain = 2 * time.Second
	// heartbeat is how often something is written, so that nobody on the way takes
	// a stream for dead. It is shorter than the stall.
	heartbeat = 15 * time.Second
	// reconnect is how long a client waits before it opens a broken stream anew.
	reconnect = 2 * time.Second
	// lastEvent is the id of the event behind which nothing comes. Who has it and
	// asks again is told to stop (WHATWG HTML, 9.2.3: status 204).
	lastEvent = "end"
)

// events is GET /v2/movies/<project>/events: server-sent events (WHATWG HTML, 9.2)
// from how the movie stands now to how its rendering ended. A stream may break
// at any time, for a new one begins with all that matters.
func (s *server) events(c *call) (any, error) {
	id := strings.TrimSpace(c.PathValue("project"))
	p, _, err := s.one(c, id)
	if err != nil {
		return nil, err
	}
	if p.Status.Ended() && c.Header.Get("Last-Event-ID") == lastEvent {
		c.out.WriteHeader(http.StatusNoContent)
		return nil, nil
	}
	if !s.streams.TryAcquire(1) {
		c.out.Header().Set("Retry-After", retryAfter)
		return nil, refuse(http.StatusServiceUnavailable, "Too many event streams are open; ask for the movie's status, or try again later")
	}
	defer s.streams.Release(1)
	st := &stream{server: s, call: c, id: id, beat: time.NewTicker(heartbeat)}
	defer st.beat.Stop()
	if st.open(); c.Method != http.MethodHead {
		st.follow()
	}
	return nil, nil
}

// stream is one client that follows one movie.
type stream struct {
	*server
	call *call
	id   string
	beat *time.Ticker
	// told is the status that the client knows, "" for none.
	told project.Status
	// broken tells that nobody reads any more.
	broken bool
}

// open sends the header, and how soon to come back when the stream breaks.
func (st *stream) open() {
	h := st.call.out.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would gather events
	h.Set("X-Content-Type-Options", "nosniff")
	st.call.out.WriteHeader(http.StatusOK)
	st.write(fmt.Appendf(nil, "retry: %d\n\n", reconnect.Milliseconds()))
}

// follow sends events until the rendering has ended, the client is gone, or the
// server stops. Progress is watched before the movie is looked at, so that
// nothing falls between.
func (st *stream) follow() {
	watched, stop := st.Watch(st.id)
	defer func() { stop() }()
	for st.look() {
		if left := st.wait(watched); left {
			stop()
			watched, stop = st.Watch(st.id)
		}
	}
}

// look reads the movie and sends how it stands, when that is news. It returns
// false when there is nothing more to tell, or nobody to tell it to.
func (st *stream) look() bool {
	ctx := st.call.Context()
	if _, known := st.Keys.Caller(st.call.key()); st.broken || !known || st.stopping() {
		return false
	}
	p, err := st.of(st.call).project(ctx, st.id)
	if err == nil && p.Status != st.told {
		err = st.tell(p)
	}
	if err != nil {
		if ctx.Err() == nil {
			st.call.cause = fmt.Errorf("events of %s: %w", st.id, err)
		}
		return false
	}
	return !p.Status.Ended()
}

// tell sends the movie as it stands: every stream begins with that, and when the
// rendering has ended it closes with it.
func (st *stream) tell(p project.Project) error {
	dests, err := st.Projects.Destinations(st.call.Context(), st.id)
	if err != nil {
		return err
	}
	shown := st.show(p, dests[st.id])
	if st.told == "" || !p.Status.Ended() {
		st.send("status", "", shown)
	}
	if p.Status.Ended() {
		st.send(string(p.Status), lastEvent, shown)
	}
	st.told = p.Status
	return nil
}

// wait sends progress until it is worth looking at the movie again. It returns
// true when the rendering that was watched has left this process.
func (st *stream) wait(watched <-chan project.Progress) (left bool) {
	again, pace := time.NewTimer(lookAgain), time.NewTimer(0)
	defer again.Stop()
	defer pace.Stop()
	var ready <-chan project.Progress // watched, but while the pace forbids it
	for !st.broken {
		select {
		case <-st.call.Context().Done():
			st.broken = true
		case <-st.Stopping:
			return false
		case <-again.C:
			return false
		case <-st.beat.C:
			st.write([]byte(": still here\n\n"))
		case <-pace.C:
			ready = watched
		case now, ok := <-ready:
			if !ok {
				return true
			}
			st.told = project.Running
			st.send("progress", "", st.progress(now))
			ready = nil
			pace.Reset(paced)
			again.Reset(lookAgain)
		}
	}
	return false
}

// stopping tells that the server ends.
func (s *server) stopping() bool {
	select {
	case <-s.Stopping:
		return true
	default:
		return false
	}
}

// progress is how far a rendering is, as clients see it.
func (st *stream) progress(now project.Progress) MovieProgress {
	m := MovieProgress{
		Project: st.id, Status: string(project.Running), Progress: min(now.Percent, 99), Stage: string(now.Stage),
		Frames: now.Frames, TotalFrames: now.TotalFrames, Scenes: []SceneProgress{},
	}
	for i, percent := range now.Scenes {
		m.Scenes = append(m.Scenes, SceneProgress{Scene: i + 1, Progress: percent})
	}
	return m
}

// send writes one event. JSON as encode writes it has no line breaks.
func (st *stream) send(event, id string, data any) {
	body, err := encode(data)
	if err != nil { // what is sent always encodes
		st.call.cause, st.broken = err, true
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", event)
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "data: %s\n\n", body)
	st.write(b.Bytes())
}

// write gets text to the client at once.
func (st *stream) write(text []byte) {
	_, err := st.call.out.Write(text)
	if err == nil {
		err = http.NewResponseController(st.call.out.ResponseWriter).Flush()
	}
	st.broken = st.broken || err != nil
}
