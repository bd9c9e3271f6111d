// Package dnstest is a DNS server for tests that says what they want. It is for
// tests alone and must know nothing of what asks it.
package dnstest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Answer is what the server says to a question.
type Answer struct {
	// Addrs are answered where their family is asked for: IPv4 for A, all else,
	// IPv4-mapped addresses included, for AAAA.
	Addrs []netip.Addr
	// CNAME, if any, is a name that the one asked for is an alias of, and that
	// has the addresses in its place.
	CNAME string
	// Code is the answer's, such as NXDOMAIN; zero is success.
	Code dnsmessage.RCode
	// Silent leaves the question without an answer.
	Silent bool
}

// Addrs is an answer of addresses.
func Addrs(list ...string) Answer {
	var a Answer
	for _, s := range list {
		a.Addrs = append(a.Addrs, netip.MustParseAddr(s))
	}
	return a
}

// Question is what the server is asked.
type Question struct {
	// Name is in lower case, without the dot at its end.
	Name string
	// V6 tells that IPv6 addresses are asked for, else it is IPv4.
	V6 bool
	// Number counts the questions for this name and family, from 1.
	Number int
}

// Resolver asks a server of its own, over UDP on loopback, that answers every
// question for an IPv4 address with answers, and ends with the test.
func Resolver(t testing.TB, answers ...[4]byte) *net.Resolver {
	t.Helper()
	return Rebinding(t, answers)
}

// Rebinding is a Resolver whose answers change: the first question has the first
// round, and those behind the last round have that.
func Rebinding(t testing.TB, rounds ...[][4]byte) *net.Resolver {
	t.Helper()
	return Serve(t, func(q Question) (a Answer) {
		if q.V6 {
			return a
		}
		for _, addr := range rounds[0] {
			a.Addrs = append(a.Addrs, netip.AddrFrom4(addr))
		}
		rounds = rounds[min(1, len(rounds)-1):]
		return a
	})
}

// Serve is a Resolver that answers questions for addresses by a function, which
// is called for one at a time.
func Serve(t testing.TB, answer func(Question) Answer) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go serve(server, answer)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func serve(server net.PacketConn, answer func(Question) Answer) {
	asked := map[Question]int{}
	buf := make([]byte, 1500)
	for {
		n, from, err := server.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		raw := m.Questions[0]
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		if raw.Type == dnsmessage.TypeA || raw.Type == dnsmessage.TypeAAAA {
			q := Question{Name: strings.ToLower(strings.TrimSuffix(raw.Name.String(), ".")), V6: raw.Type == dnsmessage.TypeAAAA}
			asked[q]++
			a := answer(Question{q.Name, q.V6, asked[q]})
			if a.Silent {
				continue
			}
			m.RCode, m.Answers = a.Code, a.resources(raw)
		}
		if out, err := m.Pack(); err == nil {
			_, _ = server.WriteTo(out, from)
		}
	}
}

// resources are the records of an answer to a question.
func (a Answer) resources(q dnsmessage.Question) (list []dnsmessage.Resource) {
	name := q.Name
	if a.CNAME != "" {
		name = dnsmessage.MustNewName(a.CNAME + ".")
		list = append(list, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeCNAME, Class: q.Class},
			Body:   &dnsmessage.CNAMEResource{CNAME: name},
		})
	}
	for _, addr := range a.Addrs {
		header := dnsmessage.ResourceHeader{Name: name, Type: q.Type, Class: q.Class}
		switch v6 := q.Type == dnsmessage.TypeAAAA; {
		case v6 && addr.Is6():
			list = append(list, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
		case !v6 && addr.Is4():
			list = append(list, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
		}
	}
	return list
}
