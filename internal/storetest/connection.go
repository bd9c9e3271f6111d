package storetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/reelhook/reelhook/internal/connection"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/seal"
	"github.com/reelhook/reelhook/internal/signing"
)

var connectionRules = []rule{
	{"ConnectionsAreKept", connectionsAreKept},
	{"ConnectionsAreReplaced", connectionsAreReplaced},
	{"ConnectionsAreDeleted", connectionsAreDeleted},
	{"BoxesOfAllPurposes", boxesOfAllPurposes},
	{"BoxesPageByPage", boxesPageByPage},
	{"ReplaceLeavesWhatHasChanged", replaceLeavesWhatHasChanged},
	{"ReplaceIsAllOrNothing", replaceIsAllOrNothing},
	{"Reseal", reseal},
	{"FirstHostKeyStays", firstHostKeyStays},
}

// hostKeys is what keeps the keys of SSH servers; see sftp.Trust.
type hostKeys interface {
	HostKey(ctx context.Context, address string) (key string, ok bool, err error)
	Remember(ctx context.Context, address, key string) error
}

// newConnection is one full of bytes that are easily lost.
func newConnection(account, id string, made time.Duration) connection.Sealed {
	return connection.Sealed{Account: account, ID: id, Type: "sftp", Shown: []byte(`{"host" : "<&>é\u2028", "port":22.0}`),
		Sealed: []byte("\x01a\x00\xff" + account + id), CreatedAt: after(made).UTC(), UpdatedAt: after(made + 1).UTC()}
}

func (f *fixture) putConnections(all ...connection.Sealed) {
	f.Helper()
	for _, c := range all {
		f.must(f.PutConnection(f.ctx, c))
	}
}

// connections must be these, in this order, and each the same by itself.
func (f *fixture) connections(when, account string, want ...connection.Sealed) {
	f.Helper()
	got, err := f.Connections(f.ctx, account)
	f.must(err)
	for i := range want {
		one, err := f.Connection(f.ctx, account, want[i].ID)
		f.must(err)
		f.equal(when+", by itself", one, want[i])
		want[i].Sealed = nil
	}
	f.equal(when, got, want)
}

func connectionsAreKept(f *fixture) {
	f.connections("at first", "")
	a, b, other := newConnection("", "a-1", 0), newConnection("", "B.2", 1), newConnection("acme", "a-1", 2)
	other.Sealed = nil
	f.putConnections(a, b, other)
	f.connections("of the default account", "", b, a)
	f.connections("of another", "acme", other)
	f.connections("of one that has none", "none")
	for _, c := range []connection.Sealed{{Account: "acme", ID: "B.2"}, {ID: "A-1"}, {ID: ""}, {Account: "acme/a-1"}} {
		f.is("no such connection", connection.ErrNotFound, second(f.Connection(f.ctx, c.Account, c.ID)))
	}
}

func connectionsAreReplaced(f *fixture) {
	a, b := newConnection("acme", "a", 0), newConnection("acme", "b", 0)
	f.putConnections(a, b)
	next := newConnection("acme", "a", 100)
	next.Type, next.Shown, next.Sealed = "ftp", []byte(`{}`), []byte("new")
	f.putConnections(next)
	next.CreatedAt = a.CreatedAt
	f.connections("replaced", "acme", next, b)
}

func connectionsAreDeleted(f *fixture) {
	a, b, other := newConnection("acme", "a", 0), newConnection("acme", "b", 0), newConnection("", "a", 0)
	f.putConnections(a, b, other)
	f.must(f.DeleteConnection(f.ctx, "acme", "a"))
	f.connections("of the account", "acme", b)
	f.connections("of another", "", other)
	f.is("again", connection.ErrNotFound, f.DeleteConnection(f.ctx, "acme", "a"))
	f.is("deleted", connection.ErrNotFound, second(f.Connection(f.ctx, "acme", "a")))
}

// fill keeps a box of every purpose, made by how, and what is none beside them. It
// returns them in order.
func (f *fixture) fill(how func(purpose, id string) []byte) []seal.Box {
	f.Helper()
	box := func(purpose, id string) seal.Box { return seal.Box{Purpose: purpose, ID: id, Sealed: how(purpose, id)} }
	boxes := []seal.Box{box(seal.Connection, "/a"), box(seal.Connection, "acme/a"), box(seal.Delivery, deliveryID(t0, 1)),
		box(seal.Project, "p1"), box(seal.Project, "p2"), box(seal.Signing, "key_1")}
	own, acme := newConnection("", "a", 0), newConnection("acme", "a", 0)
	own.Sealed, acme.Sealed = boxes[0].Sealed, boxes[1].Sealed
	empty := newConnection("acme", "empty", 0)
	empty.Sealed = nil
	f.putConnections(own, acme, empty)

	for i, id := range []string{"p1", "p2"} {
		p := newProject(id, t0)
		p.Sealed = boxes[3+i].Sealed
		f.must(third(f.Create(f.ctx, p, webhooks(2), nil)))
	}
	f.create("unsealed", t0, 1)
	hidden, plain := newDelivery(deliveryID(t0, 1), "p1", 0, t0), newDelivery(deliveryID(t0, 2), "p1", 1, t0)
	hidden.Sealed, hidden.Headers = boxes[2].Sealed, nil
	f.must(f.End(f.ctx, done("p1"), export.Step{Deliveries: []export.Delivery{hidden, plain}}))

	sealed, clear := signingKey("key_1", signing.V1, 0, 0), signingKey("key_2", signing.V1a, 0, 0)
	sealed.Text = "sealed:" + base64.StdEncoding.EncodeToString(boxes[5].Sealed)
	f.must(f.AddSigningKeys(f.ctx, "", []signing.Key{sealed, clear}, time.Time{}))
	return boxes
}

func (f *fixture) boxes(prefix string, after seal.Box, limit int) []seal.Box {
	f.Helper()
	got, err := f.Boxes(f.ctx, []byte(prefix), after, limit)
	f.must(err)
	return got
}

func boxesOfAllPurposes(f *fixture) {
	f.equal("at first", f.boxes("\x01abcd", seal.Box{}, 10), []seal.Box{})
	boxes := f.fill(func(purpose, id string) []byte { return []byte("\x01abc" + purpose[:1] + "\x00\xff" + id) })
	f.equal("all", f.boxes("\x01", seal.Box{}, 10), []seal.Box{})
	f.equal("none of which begins so", f.boxes("\x01abcx", seal.Box{}, 10), boxes)
	f.equal("but for those that do", f.boxes("\x01abcp", seal.Box{}, 10), append(boxes[:3:3], boxes[5]))
	f.equal("but for signing keys", f.boxes("\x01abcs", seal.Box{}, 10), boxes[:5])
	for i := range boxes {
		f.equal(fmt.Sprintf("up to %d", i+1), f.boxes("\x02", seal.Box{}, i+1), boxes[:i+1])
		f.equal("behind "+boxes[i].ID, f.boxes("\x02", boxes[i], 10), boxes[i+1:])
	}
	f.equal("behind one that is gone", f.boxes("\x02", seal.Box{Purpose: seal.Delivery, ID: "e"}, 1), boxes[3:4])
}

// What is large comes in several pages, none of which is empty before the end.
func boxesPageByPage(f *fixture) {
	const each = 1_500_000
	for i := range 8 {
		p := newProject(fmt.Sprintf("p%d", i), t0)
		p.Sealed = bytes.Repeat([]byte{1}, each)
		f.must(third(f.Create(f.ctx, p, nil, nil)))
	}
	found, pages := 0, 0
	for at := (seal.Box{}); ; pages++ {
		page := f.boxes("\x02", at, 100)
		if len(page) == 0 {
			break
		}
		if len(page) > 4 {
			f.Errorf("a page of %d bytes", len(page)*each)
		}
		found, at = found+len(page), page[len(page)-1]
	}
	f.equal("boxes", found, 8)
}

func replaceLeavesWhatHasChanged(f *fixture) {
	boxes := f.fill(func(_, id string) []byte { return []byte("old " + id) })
	next := make([]seal.Box, len(boxes))
	for i, b := range boxes {
		next[i] = seal.Box{Purpose: b.Purpose, ID: b.ID, Sealed: []byte("new\x00 " + b.ID)}
	}
	changed := newConnection("acme", "a", 0)
	changed.Sealed = []byte("changed")
	f.putConnections(changed)
	gone := seal.Box{Purpose: seal.Delivery, ID: "dlv_gone", Sealed: []byte("old")}
	f.must(f.Replace(f.ctx, append(boxes, gone), append(next, gone)))
	next[1].Sealed = changed.Sealed
	f.equal("replaced", f.boxes("old", seal.Box{}, 10), next)
	f.equal("the project's", string(f.get("p1").Sealed), "new\x00 p1")
	f.equal("the delivery's", string(f.delivery(deliveryID(t0, 1)).Sealed), "new\x00 "+deliveryID(t0, 1))
	f.equal("its neighbour's", string(f.delivery(deliveryID(t0, 2)).Sealed), "")
	for _, b := range next {
		was, will := b, b
		was.Sealed, will.Sealed = []byte("something else"), []byte("newer")
		f.must(f.Replace(f.ctx, []seal.Box{was}, []seal.Box{will}))
	}
	f.equal("none is as it was thought to be", f.boxes("old", seal.Box{}, 10), next)
}

func replaceIsAllOrNothing(f *fixture) {
	boxes := f.fill(func(_, id string) []byte { return []byte("old " + id) })
	unknown := seal.Box{Purpose: "what is that", ID: "p1"}
	err := f.Replace(f.ctx, []seal.Box{boxes[0], unknown}, []seal.Box{{Purpose: seal.Connection, ID: "/a", Sealed: []byte("new")}, unknown})
	if err == nil || strings.Contains(err.Error(), "old") {
		f.Errorf("an unknown purpose: got %v", err)
	}
	f.equal("after that", f.boxes("new", seal.Box{}, 10), boxes)
}

// What was sealed with one key is opened with the next, and the old one is not
// needed any more.
func reseal(f *fixture) {
	old, current := seal.New(), seal.New()
	keys := func(texts ...string) *seal.Keys {
		k, err := seal.Parse(texts)
		f.must(err)
		return k
	}
	before := keys(old)
	boxes := f.fill(func(purpose, id string) []byte { return before.Seal(purpose, id, []byte("secret of "+id)) })
	n, err := keys(current, old).Reseal(f.ctx, f)
	f.must(err)
	f.equal("sealed anew", n, len(boxes))
	got := f.boxes("\x02", seal.Box{}, 10)
	f.equal("boxes", len(got), len(boxes))
	for _, b := range got {
		plain, err := keys(current).Open(b.Purpose, b.ID, b.Sealed)
		if f.must(err); string(plain) != "secret of "+b.ID {
			f.Errorf("%s %s holds %q", b.Purpose, b.ID, plain)
		}
	}
}

func firstHostKeyStays(f *fixture) {
	s := f
	known := func(address string) string {
		key, ok, err := s.HostKey(f.ctx, address)
		f.must(err)
		f.equal("known is "+address, ok, key != "")
		return key
	}
	f.equal("at first", known("h:22"), "")
	f.must(s.Remember(f.ctx, "h:22", "SHA256:a+/"))
	f.must(s.Remember(f.ctx, "h:22", "SHA256:other"))
	f.must(s.Remember(f.ctx, "h:2222", "SHA256:b"))
	f.equal("first", known("h:22"), "SHA256:a+/")
	f.equal("of another port", known("h:2222"), "SHA256:b")
	f.equal("of another host", known("H:22"), "")
}
