// Package dnstest is a DNS server for tests that says what they want. It is for
// tests alone and must know nothing of what asks it.
package dnstest

import (
	"context"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Resolver asks a server of its own, over UDP on loopback, that answers every
// question for an IPv4 address with answers, and ends with the test.
func Resolver(t *testing.T, answers ...[4]byte) *net.Resolver {
	t.Helper()
	return Rebinding(t, answers)
}

// Rebinding is a Resolver whose answers change: the first question has the first
// round, and those behind the last round have that.
func Rebinding(t *testing.T, rounds ...[][4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				answers := rounds[0]
				rounds = rounds[min(1, len(rounds)-1):]
				for _, a := range answers {
					m.Answers = append(m.Answers, dnsmessage.Resource{
						Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
						Body:   &dnsmessage.AResource{A: a},
					})
				}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}
