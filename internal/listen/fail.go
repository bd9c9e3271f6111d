package listen

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Step is how one request is answered: with a status, or not as it should be.
type Step struct {
	status int
	name   string                                     // "" for a status
	show   string                                     // what is shown as the answer
	do     func(context.Context, http.ResponseWriter) // nil for a status
}

// misbehaviours are the steps that are no status. Each fails whatever the
// sender makes of an answer's body: none gets past the headers in good time.
var misbehaviours = []Step{
	{name: "hang", show: "none, on purpose (hang)", do: hang},
	{name: "reset", show: "a reset, on purpose", do: reset},
	{name: "close", show: "half of the headers, on purpose (close)", do: closeEarly},
	{name: "slow", show: "a byte a second, on purpose (slow)", do: drip},
}

// ParseSteps reads a list of statuses from 200 to 599 and of the words hang (no
// answer until the sender gives up), reset (the connection is reset), close (it
// ends within the headers) and slow (the answer comes a byte a second).
func ParseSteps(texts []string) ([]Step, error) {
	steps := make([]Step, 0, len(texts))
	for _, text := range texts {
		step, err := parseStep(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func parseStep(text string) (Step, error) {
	for _, s := range misbehaviours {
		if s.name == text {
			return s, nil
		}
	}
	status, err := strconv.Atoi(text)
	if err != nil || status < 200 || status > 599 {
		return Step{}, fmt.Errorf("%q is neither a status from 200 to 599 nor hang, reset, close or slow", text)
	}
	return Step{status: status}, nil
}

// misbehave takes a step that is no status. The application is not asked.
func (v *visit) misbehave(step Step, which string) {
	v.wait()
	v.show(step.show + which)
	step.do(v.r.Context(), v.w)
}

// hang answers nothing until the sender gives up or the receiver is stopped.
func hang(ctx context.Context, _ http.ResponseWriter) {
	<-ctx.Done()
	panic(http.ErrAbortHandler)
}

// hijack takes the connection from the server.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // not of a server of HTTP/1; to break off is the nearest
		panic(http.ErrAbortHandler)
	}
	return conn
}

// reset ends the connection with a RST: what lingers is thrown away.
func reset(_ context.Context, w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed in any case
	}
}

const rawAnswer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n"

// closeEarly ends the connection within the headers: an answer that ends within
// its body would be a success to a sender that only looks at the status.
func closeEarly(_ context.Context, w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	_, _ = io.WriteString(conn, rawAnswer[:len(rawAnswer)/2])
}

// drip answers a byte a second, from the first of the status line on; the
// whole takes a minute.
func drip(ctx context.Context, w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range len(rawAnswer) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := io.WriteString(conn, rawAnswer[i:i+1]); err != nil {
			return // the sender gave up
		}
	}
}
