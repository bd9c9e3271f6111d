package exporttest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/reelhook/reelhook/internal/export"
)

// messages are the rules for a server without files.
var messages = []rule{
	{"a message arrives once", arrivesOnce},
	{"a message without a file", withoutFile},
	{"many messages at once", manyMessages},
	{"nothing is sent when it is silent", silentSendsNothing},
}

// delivered holds how many messages arrived.
func (u *suite) delivered(want int, wrong error) error {
	if n := u.Delivered(); n != want {
		wrong = errors.Join(wrong, fmt.Errorf("%d messages arrived, not %d", n, want))
	}
	return wrong
}

func (u *suite) send(c *cargo) error {
	_, f, err := u.carry(u.ctx, u.Settings(), c)
	if f != nil {
		err = errors.Join(err, fmt.Errorf("it was not sent: %+v", *f))
	}
	return err
}

func arrivesOnce(u *suite) error {
	u.Delivered()
	return u.delivered(1, u.send(newCargo(0)))
}

func withoutFile(u *suite) error {
	u.Delivered()
	_, failed := u.Carrier.Carry(u.ctx, export.Parcel{Settings: settings(u.Settings()), Part: newCargo(0).part, Sent: func(int64) {}})
	f, err := u.fault(failed)
	if f != nil {
		err = errors.Join(err, fmt.Errorf("it was not sent: %+v", *f))
	}
	return u.delivered(1, err)
}

func manyMessages(u *suite) error {
	const many = 8
	u.Delivered()
	wrong := make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() { wrong[i] = u.send(newCargo(0)) })
	}
	wg.Wait()
	return u.delivered(many, errors.Join(wrong...))
}

func silentSendsNothing(u *suite) error {
	u.Delivered()
	return u.delivered(0, isSilent(u))
}
