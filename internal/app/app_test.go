package app_test

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/app"
)

// TestMovies renders the movies people start with and looks at the files.
func TestMovies(t *testing.T) {
	host := media(t)
	_, c := server(t, nil)
	for _, tc := range []struct {
		name, movie   string
		width, height int
		seconds       float64
	}{
		{"hello world of the SDKs", `{"resolution":"full-hd","quality":"high","scenes":[{"elements":[{"type":"text","style":"001","text":"Hello world","duration":5}]}]}`, 1920, 1080, 5},
		{"slideshow of three images", `{"resolution":"sd","scenes":[{"duration":2,"elements":[{"type":"image","src":"HOST/red.png","resize":"cover"}]},
			{"duration":2,"transition":{"style":"fade","duration":0.5},"elements":[{"type":"image","src":"HOST/green.jpg","resize":"cover"}]},
			{"duration":2,"transition":{"style":"circleopen","duration":0.5},"elements":[{"type":"image","src":"HOST/blue.webp","resize":"contain"}]}]}`, 640, 480, 5},
		{"video with text and watermark", `{"width":640,"height":360,"scenes":[{"elements":[{"type":"video","src":"HOST/clip.mp4"},{"type":"text","text":"Over it"}]}],
			"elements":[{"type":"image","src":"HOST/logo.png","position":"bottom-right","width":80}]}`, 640, 360, 3},
		{"empty scene under a movie-level video", `{"width":"640","height":"360","scenes":[{"elements":[]}],"elements":[{"type":"video","src":"HOST/clip.mp4"}]}`, 640, 360, 3},
		{"music to the end", `{"resolution":"640x360","fps":30,"scenes":[{"duration":4,"background_color":"#224466"}],"elements":[{"type":"audio","src":"HOST/music.mp3","duration":-2}]}`, 640, 360, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := rendered(t, c, submit(t, c, strings.ReplaceAll(tc.movie, "HOST", host)))
			if m.Status != "done" || m.URL == nil {
				t.Fatalf("%s: %s", m.Status, m.Message)
			}
			if *m.Width != tc.width || *m.Height != tc.height || math.Abs(*m.Duration-tc.seconds) > 0.06 || m.Progress != 100 {
				t.Errorf("got %dx%d, %g s, %d %%", *m.Width, *m.Height, *m.Duration, m.Progress)
			}
			p := probe(t, *m.URL)
			v, a := p.Streams[0], p.Streams[1]
			if v.CodecName != "h264" || v.PixFmt != "yuv420p" || v.Width != tc.width || v.Height != tc.height {
				t.Errorf("picture: %+v", v)
			}
			if a.CodecName != "aac" || a.SampleRate != "48000" || a.Channels != 2 {
				t.Errorf("sound: %+v", a)
			}
			fps := 25.0
			if strings.Contains(tc.movie, `"fps":30`) {
				fps = 30
			}
			if n, _ := strconv.Atoi(v.NbFrames); n != int(tc.seconds*fps) {
				t.Errorf("%d frames, want %g", n, tc.seconds*fps)
			}
		})
	}
}

// TestFailingMedia holds that a bad source ends the movie with a message that
// names the element, and that its webhook tells of it.
func TestFailingMedia(t *testing.T) {
	host := media(t)
	_, c := server(t, nil)
	for _, tc := range []struct{ name, kind, src, want string }{
		{"not found", "image", host + "/none.png", "Scene #1, element #1: Failed to download '" + host + "/none.png' (404)"},
		{"a page instead of an image", "image", host + "/page.png", "is not an image file"},
		{"corrupt video", "video", host + "/corrupt.mp4", "Scene #1, element #1: "},
		{"more than fits", "video", host + "/huge.mp4", "Scene #1, element #1: Failed to download '" + host + "/huge.mp4'"},
		{"nowhere public", "image", "http://10.255.255.1/x.png", "--allow-networks"},
		{"a local file", "image", "file:///etc/passwd", "Scene #1, element #1: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rc := receive(t, nil)
			id := submit(t, c, fmt.Sprintf(`{"id":"mine","scenes":[{"duration":2,"elements":[{"type":%q,"src":%q}]}],
				"exports":[{"destinations":[{"type":"webhook","endpoint":%q}]}]}`, tc.kind, tc.src, rc.URL+"/hook"))
			m := exported(t, c, id)
			if m.Status != "error" || m.Success || m.URL != nil || !strings.Contains(m.Message, tc.want) {
				t.Errorf("%s: %s\nwant it to hold %s", m.Status, m.Message, tc.want)
			}
			got := rc.got()
			if len(got) != 1 {
				t.Fatalf("%d webhooks", len(got))
			}
			body := verified(t, got[0])
			for field, want := range map[string]any{"success": false, "status": "error", "message": m.Message, "url": "", "width": "", "height": "",
				"duration": "", "size": "", "project": id, "id": "mine"} {
				if body[field] != want {
					t.Errorf("%s is %v, want %v", field, body[field], want)
				}
			}
		})
	}
}

// TestEndlessMedia cuts a body that never ends.
func TestEndlessMedia(t *testing.T) {
	host := media(t)
	_, c := server(t, func(o *app.Options) { o.MediaLimits.MaxBytes = 8 << 20 })
	m := rendered(t, c, submit(t, c, fmt.Sprintf(`{"scenes":[{"elements":[{"type":"video","src":"%s/endless.mp4"}]}]}`, host)))
	if m.Status != "error" || !strings.Contains(m.Message, "Failed to download") {
		t.Errorf("%s: %s", m.Status, m.Message)
	}
}

const quick = `{"id":"mine","width":320,"height":180,"client-data":{"order_id":"ord_42","n":1.50},"scenes":[{"duration":1,"background-color":"#123456"}],"exports":[{"destinations":[%s]}]}`

// TestWebhook is the seed page's inline webhook.
func TestWebhook(t *testing.T) {
	a, c := server(t, nil)
	rc := receive(t, nil)
	id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":"%s/hook","content-type":"json"}`, rc.URL)))
	m := exported(t, c, id)
	got := rc.got()
	if len(got) != 1 {
		t.Fatalf("%d webhooks, movie %+v", len(got), m)
	}
	body := verified(t, got[0])
	for field, want := range map[string]any{"success": true, "status": "done", "message": "", "url": *m.URL, "width": "320", "height": "180",
		"duration": "1", "size": strconv.FormatInt(*m.Size, 10), "project": id, "id": "mine"} {
		if body[field] != want {
			t.Errorf("%s is %v, want %v", field, body[field], want)
		}
	}
	if !strings.Contains(string(got[0].body), `"client-data":{"order_id":"ord_42","n":1.50}`) {
		t.Errorf("client-data was changed: %s", got[0].body)
	}
	if h := got[0].header; h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "Reelhook/test" {
		t.Errorf("headers: %v", h)
	}
	if !strings.HasPrefix(*m.URL, a.URL()+"/files/") {
		t.Errorf("url %s", *m.URL)
	}
	d := m.Exports[0].Destinations[0]
	if d.Status != "delivered" || d.Attempts != 1 || d.LastStatus != 200 || !strings.HasPrefix(d.Delivery, "dlv_") {
		t.Errorf("destination %+v", d)
	}
}

func TestWebhookURLEncoded(t *testing.T) {
	_, c := server(t, nil)
	rc := receive(t, nil)
	id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":"%s/hook","content-type":"urlencoded"}`, rc.URL)))
	exported(t, c, id)
	got := rc.got()
	if len(got) != 1 || got[0].header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Fatalf("%d webhooks", len(got))
	}
	form, err := url.ParseQuery(string(got[0].body))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"success": "1", "status": "done", "width": "320", "project": id, "client-data[order_id]": "ord_42"} {
		if form.Get(field) != want {
			t.Errorf("%s is %q, want %q", field, form.Get(field), want)
		}
	}
}

// TestReceivers meets receivers as they are. Each case is one movie; the quick
// receiver that comes second in the pipeline is called whatever the first does.
func TestReceivers(t *testing.T) {
	_, c := server(t, func(o *app.Options) { o.WebhookTimeout = time.Second })
	inside := receive(t, nil)
	for _, tc := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, n int)
		status string
		tries  int
	}{
		{"fails twice", func(w http.ResponseWriter, _ *http.Request, n int) {
			if n < 3 {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}, "delivered", 3},
		{"hangs once", func(_ http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				<-r.Context().Done()
			}
		}, "delivered", 2},
		{"redirects inside", func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, inside.URL+"/admin", http.StatusMovedPermanently)
		}, "failed", 4},
		{"closes mid-answer, then answers", func(w http.ResponseWriter, _ *http.Request, n int) {
			if n == 1 {
				conn, _, _ := http.NewResponseController(w).Hijack()
				_, _ = conn.Write([]byte("HTTP/1.1 20"))
				conn.Close()
			}
		}, "delivered", 2},
		{"sends 10 MiB", func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = w.Write(make([]byte, 10<<20)) }, "delivered", 1},
		{"is gone", func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusGone) }, "failed", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			first, second := receive(t, tc.answer), receive(t, nil)
			id := submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":"%s"},{"type":"webhook","endpoint":"%s"}`, first.URL, second.URL)))
			m := exported(t, c, id)
			d := m.Exports[0].Destinations
			if d[0].Status != tc.status || d[0].Attempts != tc.tries || d[1].Status != "delivered" {
				t.Errorf("destinations %+v", d)
			}
			got := first.got()
			if len(got) != tc.tries || len(second.got()) != 1 {
				t.Fatalf("%d and %d webhooks", len(got), len(second.got()))
			}
			for _, h := range got {
				verified(t, h)
				if h.header.Get("webhook-id") != got[0].header.Get("webhook-id") || string(h.body) != string(got[0].body) {
					t.Error("attempts differ in id or body")
				}
			}
			if second.got()[0].at.Before(got[0].at) {
				t.Error("destinations out of order")
			}
		})
	}
	if n := len(inside.got()); n != 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// TestRefusedEndpoints holds that an endpoint nobody may reach fails by itself,
// not the movie, and that nothing is dialled.
func TestRefusedEndpoints(t *testing.T) {
	reached := make(chan struct{}, 10)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			reached <- struct{}{}
			conn.Close()
		}
	}()
	_, c := server(t, func(o *app.Options) { o.AllowNetworks, o.AllowHTTPEndpoints = nil, false })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	id := submit(t, c, fmt.Sprintf(quick, strings.ReplaceAll(`{"type":"webhook","endpoint":"https://127.0.0.1:PORT/"},
		{"type":"webhook","endpoint":"https://localhost:PORT/"},{"type":"webhook","endpoint":"http://example.org/"},{"type":"webhook"},
		{"type":"webhook","endpoint":"https://user:hunter2@example.org/"},{"type":"webhook","endpoint":"https://[::ffff:127.0.0.1]:PORT/"},
		{"type":"webhook","endpoint":"https://2130706433:PORT/"},{"type":"webhook","endpoint":"ftp://example.org/"},
		{"type":"ftp","host":"example.org"},{"id":"saved"}`, "PORT", port)))
	m := exported(t, c, id)
	if m.Status != "done" {
		t.Errorf("the movie is %s: %s", m.Status, m.Message)
	}
	for i, d := range m.Exports[0].Destinations {
		if d.Status != "failed" || d.Message == "" || strings.Contains(d.Message, "hunter2") {
			t.Errorf("destination %d: %+v", i, d)
		}
	}
	select {
	case <-reached:
		t.Error("a refused endpoint was dialled")
	default:
	}
}

// TestRestart stops a server with work in hand and starts another on its data.
func TestRestart(t *testing.T) {
	data := t.TempDir()
	down := receive(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) })
	long := []time.Duration{time.Hour}
	var ids []string
	t.Run("first", func(t *testing.T) {
		_, c := server(t, func(o *app.Options) { o.Data, o.WebhookRetries, o.RenderWorkers = data, long, 1 })
		for range 4 {
			ids = append(ids, submit(t, c, fmt.Sprintf(quick, fmt.Sprintf(`{"type":"webhook","endpoint":"%s"}`, down.URL))))
		}
		until(t, c, ids[0], "retrying", func(m api.Movie) bool { return m.Exports[0].Destinations[0].Status == "retrying" })
	})
	_, c := server(t, func(o *app.Options) { o.Data, o.WebhookRetries = data, long })
	for _, id := range ids {
		m := until(t, c, id, "retrying", func(m api.Movie) bool { return m.Exports[0].Destinations[0].Status == "retrying" })
		if m.Status != "done" || m.Exports[0].Destinations[0].Attempts != 1 {
			t.Errorf("%s is %s with %+v", id, m.Status, m.Exports[0].Destinations)
		}
	}
}

// TestDelete cancels a running movie and takes the file of a finished one away.
func TestDelete(t *testing.T) {
	_, c := server(t, func(o *app.Options) { o.RenderWorkers = 1 })
	remove := func(id string) {
		req, _ := http.NewRequest(http.MethodDelete, c.BaseURL+"/v2/movies?project="+id, nil)
		req.Header.Set("x-api-key", key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("delete: %v %v", err, resp)
		}
		resp.Body.Close()
	}
	long := submit(t, c, `{"resolution":"full-hd","scenes":[{"duration":600,"background-color":"#123","elements":[{"type":"text","text":"long"}]}]}`)
	until(t, c, long, "running", func(m api.Movie) bool { return m.Status == "running" })
	remove(long)
	if m := rendered(t, c, long); m.Status != "error" || m.DeletedAt == "" {
		t.Errorf("%+v", m)
	}
	id := submit(t, c, fmt.Sprintf(quick, ""))
	m := rendered(t, c, id)
	if m.Status != "done" {
		t.Fatal(m.Message)
	}
	remove(id)
	resp, err := http.Get(*m.URL)
	if err != nil || resp.StatusCode != 404 {
		t.Errorf("the file: %v %v", err, resp.Status)
	}
	resp.Body.Close()
	if m := rendered(t, c, id); m.URL != nil {
		t.Errorf("url is still %s", *m.URL)
	}
}

// TestStopBreaksOffClientsThatStandStill holds that a client which never ends its
// request takes no more than a part of the time a stop has.
func TestStopBreaksOffClientsThatStandStill(t *testing.T) {
	var conn net.Conn
	var began time.Time
	t.Run("server", func(t *testing.T) {
		a, _ := server(t, nil)
		var err error
		if conn, err = net.Dial("tcp", a.Addr().String()); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v2/movies HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", key)
		if _, err := conn.Read(make([]byte, 1)); err != nil { // the call has begun
			t.Fatal(err)
		}
		began = time.Now()
	})
	defer conn.Close()
	if took := time.Since(began); took < 4*time.Second || took > 15*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
