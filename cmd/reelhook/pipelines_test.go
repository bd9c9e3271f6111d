package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reelhook/reelhook/internal/api"
	"github.com/reelhook/reelhook/internal/export/exporttest"
	"github.com/reelhook/reelhook/internal/export/exporttest/mailbox"
	"github.com/reelhook/reelhook/internal/export/exporttest/sshd"
	"github.com/reelhook/reelhook/webhook"
)

// transferPoints are where a process can be told to kill itself around an upload
// or an email: when it is logged and about to be made, and when it was made and is
// not yet recorded.
var transferPoints = []string{"transfer.before", "transfer.after"}

// pipelines is what TestCrashPipelines watches: a file server, a mail server and
// an endpoint.
type pipelines struct {
	*process
	files *sshd.Server
	mails *mailbox.Box
	hooks *httptest.Server

	mu sync.Mutex
	// taken counts webhooks by project; early are those that came before the file
	// and the mail.
	taken map[string]int
	early []string
}

// TestCrashPipelines kills the real process while movies are uploaded, mailed and
// announced. Whatever happens every destination is served, in order; nothing that
// was confirmed is done again; and what was done twice was under way at a kill.
func TestCrashPipelines(t *testing.T) {
	seed := cmp.Or(*crashSeed, uint64(time.Now().UnixNano()))
	chance := rand.New(rand.NewPCG(seed, 3))
	w := newPipelines(t)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	w.mustStart(t)
	t.Cleanup(func() { w.kill() })
	if err := w.connect(ctx, t); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan []string)
	go func() { accepted <- w.submit(ctx, t) }()
	for kill := range *crashKills {
		if kill%3 == 2 { // from outside, at any moment
			wait(ctx, time.Duration(200+chance.IntN(1800))*time.Millisecond)
			w.kill()
		} else { // at the worst moments
			w.kill()
			w.fault = fmt.Sprint(transferPoints[chance.IntN(2)], " ", 1+chance.IntN(3))
			w.mustStart(t)
			select {
			case <-w.exited:
			case <-time.After(5 * time.Second): // not so many were left
				w.kill()
			}
		}
		w.fault = ""
		w.mustStart(t)
	}
	w.judge(ctx, t, <-accepted, seed)
}

func newPipelines(t *testing.T) *pipelines {
	text := webhook.NewSecret()
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	certificate, authority := exporttest.Certificate(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &pipelines{files: sshd.Start(t, sshd.HostKeys), mails: mailbox.Start(t, certificate), taken: map[string]int{}}
	w.hooks = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.announce(rw, r, secret) }))
	t.Cleanup(w.hooks.Close)
	smtp := fmt.Sprintf("smtp://%s:%s@localhost:%d", mailbox.User, mailbox.Password, w.mails.Addr.Port)
	w.process = &process{listen: freePort(t), data: t.TempDir(), secret: text, log: t.Output(),
		args: append([]string{"--smtp", smtp, "--smtp-from", "videos@example.org", "--ca-file", ca}, crashArgs...)}
	return w
}

// announce takes a webhook, and looks whether it comes in its turn.
func (w *pipelines) announce(rw http.ResponseWriter, r *http.Request, secret webhook.Secret) {
	body, err := io.ReadAll(r.Body)
	var hook struct {
		Success     bool
		Project, ID string
	}
	if err != nil || webhook.Verify(r.Header, body, secret) != nil || json.Unmarshal(body, &hook) != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	if !hook.Success { // it was being rendered at three kills
		return
	}
	_, missing := w.files.Read("in/" + hook.ID + ".mp4")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken[hook.Project]++
	if missing != nil || w.mailed(hook.ID) == 0 || r.Header.Get("webhook-export") != "complete" {
		w.early = append(w.early, fmt.Sprintf("%s: file %v, %d mails, %s", hook.ID, missing, w.mailed(hook.ID), r.Header.Get("webhook-export")))
	}
}

// mailed counts the mails about a movie.
func (w *pipelines) mailed(id string) (n int) {
	for _, m := range w.mails.Mails() {
		if m.Header.Get("Subject") == id+" is ready" {
			n++
		}
	}
	return n
}

func (w *pipelines) client() api.Client {
	return api.Client{BaseURL: "http://" + w.listen, Key: crashKey, HTTP: &http.Client{Timeout: 5 * time.Second}}
}

// connect keeps the settings of the file server.
func (w *pipelines) connect(ctx context.Context, t *testing.T) error {
	if err := w.ready(ctx); err != nil {
		return err
	}
	settings := w.files.Settings(t)
	settings["id"], settings["type"], settings["remote-path"] = "files", "sftp", "in"
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	_, err = w.client().CreateConnection(ctx, text)
	return err
}

// submit has movies accepted and rendered one after another, through crashes: what
// is to be killed is what comes after.
func (w *pipelines) submit(ctx context.Context, t *testing.T) (ids []string) {
	for i := range *crashMovies {
		id := fmt.Sprintf("movie-%d", i)
		body := fmt.Sprintf(`{"id":%q,"width":160,"height":90,"scenes":[{"duration":1,"background-color":"#224466"}],"exports":[{"destinations":[
			{"id":"files","file":"%s.mp4"},
			{"type":"email","to":"editor@example.org","subject":"%[2]s is ready","message":"See __video_url__"},
			{"type":"webhook","endpoint":%[3]q}]}]}`, id, id, w.hooks.URL)
		c := w.client()
		c.HTTP.Transport = keyed("pipeline-" + id)
		if err := retry(ctx, func() error {
			project, err := c.Submit(ctx, []byte(body))
			if err == nil {
				ids = append(ids, project)
			}
			return err
		}); err != nil {
			t.Errorf("%s was not accepted: %v", id, err)
			return ids
		}
		if err := retry(ctx, func() error {
			m, err := c.Movie(ctx, ids[i])
			if err == nil && m.Status != "done" && m.Status != "error" {
				err = errors.New("it is " + m.Status)
			}
			return err
		}); err != nil {
			t.Errorf("%s was not rendered: %v", id, err)
		}
	}
	return ids
}

// judge holds what became of everything against what was promised.
func (w *pipelines) judge(ctx context.Context, t *testing.T, ids []string, seed uint64) {
	if err := w.ready(ctx); err != nil {
		t.Fatal(err)
	}
	done, repeated := 0, 0
	for i, project := range ids {
		m := settled(ctx, t, w.listen, project)
		if m.Status != "done" {
			continue
		}
		done++
		n, err := w.verify(ctx, m, fmt.Sprintf("movie-%d", i))
		repeated += n
		if err != nil {
			t.Errorf("seed %d, %s: %v\n%+v", seed, project, err, m.Exports)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	t.Logf("seed %d: %d accepted, %d rendered, %d steps were made again after a kill", seed, len(ids), done, repeated)
	if len(ids) != *crashMovies || len(w.early) > 0 {
		t.Errorf("%d accepted; out of turn: %q", len(ids), w.early)
	}
}

// verify looks at one movie: the file, the mails, the webhook, and the log of each.
// It returns how many steps were made more than once.
func (w *pipelines) verify(ctx context.Context, m api.Movie, id string) (repeated int, err error) {
	resp, err := http.Get(*m.URL)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	want, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if got, err := w.files.Read("in/" + id + ".mp4"); err != nil || !bytes.Equal(got, want) {
		return 0, fmt.Errorf("the file on the server has %d of %d bytes, %w", len(got), len(want), err)
	}
	w.mu.Lock()
	served := []int{0, w.mailed(id), w.taken[m.Project]}
	w.mu.Unlock()
	for i, d := range m.Exports[0].Destinations {
		if want := []string{"uploaded", "sent", "delivered"}[i]; d.Status != want {
			return repeated, fmt.Errorf("destination %d is %s and not %s", i, d.Status, want)
		}
		detail, err := w.client().Delivery(ctx, d.Delivery)
		if err != nil {
			return repeated, err
		}
		cut := 0
		for n, a := range detail.Log {
			switch last := n == len(detail.Log)-1; {
			case (a.Result == "succeeded") != last:
				return repeated, fmt.Errorf("destination %d: attempt %d of %d %s", i, n+1, len(detail.Log), a.Result)
			case a.Result == "unknown":
				cut++
			}
		}
		if i > 0 && (served[i] < 1 || served[i] > 1+cut) {
			return repeated, fmt.Errorf("destination %d was served %d times, and %d attempts were cut off", i, served[i], cut)
		}
		repeated += max(0, served[i]-1)
		if i == 0 && cut == 0 {
			if err := w.tidy(id); err != nil {
				return repeated, err
			}
		}
	}
	return repeated, nil
}

// tidy holds that nothing half done of a movie is left. It may be after a kill: the
// server works off what the dead client had asked for, also when the next one has
// renamed the part already.
func (w *pipelines) tidy(id string) error {
	for _, name := range w.files.Names("in") {
		if strings.HasPrefix(name, "."+id+".") {
			return errors.New(name + " was left on the server")
		}
	}
	return nil
}
