package exporttest

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"sync"
)

// proxy stands between a carrier and its server. It can stop forwarding, or cut
// every connection, once so many bytes went to the server.
type proxy struct {
	listener net.Listener
	server   string

	mu     sync.Mutex
	moved  *sync.Cond // what is below has changed
	conns  []net.Conn
	dialed int   // how many connections were made
	passed int64 // how many bytes went to the server
	limit  int64 // and how many may, below 0 for any number
	cuts   bool  // rather than stops, at the limit
	closed bool
}

// before puts a proxy in front of the server that the settings name, and returns
// settings that lead through it.
func (u *suite) before(all map[string]any) (*proxy, map[string]any, error) {
	server, err := u.address(all)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	p := &proxy{listener: listener, server: server, limit: -1}
	p.moved = sync.NewCond(&p.mu)
	u.t.Cleanup(p.close)
	go p.serve()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return p, u.elsewhere(all, "127.0.0.1", port), nil
}

// address is where settings lead, as host:port.
func (u *suite) address(all map[string]any) (string, error) {
	if u.Port != "" {
		return net.JoinHostPort(fmt.Sprint(all[u.Host]), fmt.Sprint(all[u.Port])), nil
	}
	at, err := url.Parse(fmt.Sprint(all[u.Host]))
	if err != nil || at.Port() == "" {
		return "", fmt.Errorf("the suite needs a URL with a port in the setting %q", u.Host)
	}
	return at.Host, nil
}

// elsewhere is settings as they were, but for where they lead; port "" leaves that
// as it is.
func (u *suite) elsewhere(all map[string]any, host, port string) map[string]any {
	all = maps.Clone(all)
	if u.Port != "" {
		all[u.Host] = host
		if n, err := strconv.Atoi(port); err == nil {
			all[u.Port] = n
		}
		return all
	}
	at, err := url.Parse(fmt.Sprint(all[u.Host]))
	if err != nil {
		return all
	}
	if port == "" {
		port = at.Port()
	}
	at.Host = net.JoinHostPort(host, port)
	all[u.Host] = at.String()
	return all
}

// holdAfter stops forwarding, in both directions, after so many bytes more.
func (p *proxy) holdAfter(bytes int64) { p.set(bytes, false) }

// cutAfter cuts every connection after so many bytes more, those to come at once.
func (p *proxy) cutAfter(bytes int64) { p.set(bytes, true) }

// heal makes it a good proxy again.
func (p *proxy) heal() { p.set(-1, false) }

func (p *proxy) set(bytes int64, cuts bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit, p.cuts = -1, cuts
	if bytes >= 0 {
		p.limit = p.passed + bytes
	}
	p.moved.Broadcast()
}

// forwarded is how many bytes went to the server, reached how many connections
// were made.
func (p *proxy) forwarded() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed
}

func (p *proxy) reached() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialed
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.cut()
	p.moved.Broadcast()
}

// cut closes every connection; p.mu is held.
func (p *proxy) cut() {
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		// What the kernel takes in is not forwarded yet; let that be little.
		_ = client.(*net.TCPConn).SetReadBuffer(64 << 10)
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.dialed++
		p.conns = append(p.conns, client, server)
		if p.closed || p.cuts && p.passed == p.limit {
			p.cut()
		}
		p.mu.Unlock()
		go p.forward(server, client, p.admit)
		go p.forward(client, server, p.answer)
	}
}

// forward copies in one direction what may pass.
func (p *proxy) forward(to, from net.Conn, may func(int) int) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			pass := may(len(rest))
			if pass == 0 {
				return
			}
			if _, err := to.Write(rest[:pass]); err != nil {
				from.Close()
				return
			}
			rest = rest[pass:]
		}
		if err != nil {
			_ = to.(*net.TCPConn).CloseWrite()
			return
		}
	}
}

// admit waits until some of so many bytes may go to the server, and returns how
// many; 0 when the connections are cut.
func (p *proxy) admit(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed {
		if p.limit < 0 {
			p.passed += int64(n)
			return n
		}
		if pass := min(int64(n), p.limit-p.passed); pass > 0 {
			p.passed += pass
			return int(pass)
		}
		if p.cuts {
			p.cut()
			return 0
		}
		p.moved.Wait()
	}
	return 0
}

// answer waits until so many bytes may go to the client.
func (p *proxy) answer(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && !p.cuts && p.limit >= 0 && p.passed >= p.limit {
		p.moved.Wait()
	}
	return n
}
