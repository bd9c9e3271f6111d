package exporttest

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

// fake is a carrier to memory. It keeps every rule but the one that wrong names.
type fake struct{ wrong string }

func (k fake) policy() safehttp.Policy {
	prefix := "127.0.0.0/8"
	if k.wrong == "dials anything" {
		prefix = "0.0.0.0/0"
	}
	return safehttp.Policy{AllowNetworks: []netip.Prefix{netip.MustParsePrefix(prefix)}}
}

func (k fake) place(s export.Settings, name string) (export.Place, string, error) {
	port, err := s.Port(0)
	if err != nil || s.Text("host") == "" {
		return export.Place{}, "", export.Refusal("it needs a host and a port")
	}
	if k.wrong == "lets .. through" {
		s["file"] = json.RawMessage(strings.ReplaceAll(string(s["file"]), "..", "x"))
	}
	p, err := s.Place(name)
	return p, net.JoinHostPort(s.Text("host"), fmt.Sprint(port)), err
}

func (k fake) Plan(s export.Settings) (export.Plan, error) {
	_, at, err := k.place(s, "movie.mp4")
	p := export.Plan{Target: "fake://" + at, Group: "fake://" + at}
	if k.wrong == "shows the password" {
		p.Target = "fake://user:" + s.Secret("password") + "@" + at
	}
	return p, err
}

// session is a connection on which commands are made.
type session struct {
	net.Conn
	answers  *bufio.Reader
	password string
}

func (k fake) connect(ctx context.Context, s export.Settings, at string) (*session, func(), error) {
	c, err := k.policy().Dial(ctx, at, safehttp.Options{})
	if err != nil {
		return nil, nil, k.fault(export.StepConnect, safehttp.Classify(err), s)
	}
	hangUp := context.AfterFunc(ctx, func() {
		if k.wrong != "does not see its context" {
			_ = c.SetDeadline(time.Unix(1, 0))
		}
	})
	in := &session{c, bufio.NewReader(c), s.Secret("password")}
	if _, class := in.ask(ask{Do: "hello"}, nil); class != "" {
		c.Close()
		return nil, nil, k.fault(export.StepLogin, class, s)
	}
	return in, func() { hangUp(); c.Close() }, nil
}

func (k fake) fault(step, class string, s export.Settings) *export.Fault {
	f := &export.Fault{Step: step, Class: class, Message: "it failed"}
	f.Permanent = class == "blocked" || class == "exists" || class == "login"
	switch k.wrong {
	case "blames the password aloud":
		f.Message += ": " + s.Secret("password")
	case "gives up at a cut":
		f.Permanent = true
	case "names no class":
		f.Class = "oops"
	}
	return f
}

func (c *session) ask(a ask, body io.Reader) (answer, string) {
	a.Password = c.password
	var got answer
	err := json.NewEncoder(c).Encode(a)
	if err == nil && body != nil {
		_, err = io.Copy(c, body)
	}
	if err == nil {
		var line []byte
		if line, err = c.answers.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &got)
		}
	}
	if err != nil {
		return got, safehttp.Classify(err)
	}
	return got, got.Class
}

func (k fake) Carry(ctx context.Context, p export.Parcel) (export.Receipt, error) {
	place, at, err := k.place(p.Settings, cmp.Or(p.Name, "message"))
	if err != nil {
		return export.Receipt{}, &export.Fault{Step: export.StepSettings, Class: "error", Message: err.Error(), Permanent: true}
	}
	c, done, err := k.connect(ctx, p.Settings, at)
	if err != nil {
		return export.Receipt{}, err
	}
	defer done()
	part := place.Part(p.Part)
	if k.wrong == "writes in place" {
		part = place.Path()
	}
	if class := k.upload(c, p, part); class != "" {
		return export.Receipt{}, k.fault(export.StepWrite, class, p.Settings)
	}
	final, class := k.rename(c, part, place)
	if class != "" {
		return export.Receipt{}, k.fault(export.StepRename, class, p.Settings)
	}
	return export.Receipt{Path: final.Path()}, nil
}

func (k fake) upload(c *session, p export.Parcel, part string) string {
	if p.Open == nil {
		_, class := c.ask(ask{Do: "put", Path: part}, nil)
		return class
	}
	f, err := p.Open()
	if err != nil {
		return "error"
	}
	if k.wrong != "forgets to close" {
		defer f.Close()
	}
	body := io.TeeReader(f, &progress{sent: p.Sent, backwards: k.wrong == "counts backwards"})
	size := p.Size
	switch k.wrong {
	case "reads it whole":
		whole, _ := io.ReadAll(body)
		body = strings.NewReader(string(whole))
	case "drops the last byte":
		size = max(0, size-1)
		body = io.LimitReader(body, size)
	}
	_, class := c.ask(ask{Do: "put", Path: part, Size: size}, body)
	return class
}

func (k fake) rename(c *session, part string, place export.Place) (export.Place, string) {
	to := place
	for n := 1; ; n++ {
		_, class := c.ask(ask{Do: "rename", Path: part, To: to.Path(), New: place.IfExists != export.Overwrite && k.wrong != "overwrites always"}, nil)
		switch {
		case class == "exists" && place.IfExists == export.Unique:
			to = place.Another(n)
			continue
		case class != "" && k.wrong != "leaves its part":
			_, _ = c.ask(ask{Do: "remove", Path: part}, nil)
		}
		return to, class
	}
}

func (k fake) Probe(ctx context.Context, s export.Settings, note func(string)) error {
	note(export.StepSettings)
	place, at, err := k.place(s, "movie.mp4")
	if err != nil {
		return &export.Fault{Step: export.StepSettings, Class: "error", Message: err.Error(), Permanent: true}
	}
	note(export.StepConnect)
	c, done, err := k.connect(ctx, s, at)
	if err != nil {
		return err
	}
	defer done()
	note(export.StepLogin)
	note(export.StepWrite)
	probe := place.Part("probe")
	if _, class := c.ask(ask{Do: "put", Path: probe, Size: 1}, strings.NewReader("x")); class != "" {
		return k.fault(export.StepWrite, class, s)
	}
	if k.wrong == "probes in the wrong order" {
		note(export.StepLogin)
	}
	note(export.StepRemove)
	if k.wrong != "leaves its probe" {
		_, _ = c.ask(ask{Do: "remove", Path: probe}, nil)
	}
	return nil
}

type progress struct {
	sent      func(int64)
	n         int64
	backwards bool
}

func (p *progress) Write(b []byte) (int, error) {
	p.n += int64(len(b))
	p.sent(p.n)
	if p.backwards {
		p.sent(p.n - 1)
	}
	return len(b), nil
}
