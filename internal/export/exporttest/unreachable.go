package exporttest

import (
	"errors"
	"fmt"
	"net"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/safehttp"
)

var unreachable = []rule{
	{"nobody listens", nobodyListens},
	{"an address that is not allowed", notAllowed},
	{"a name that is not known", unknownName},
	{"a server that hangs up", hangsUp},
	{"a server that is silent", isSilent},
}

// fails makes a try and a probe that must fail alike.
func (u *suite) fails(all map[string]any, step, class string) (*export.Fault, error) {
	_, f, err := u.carry(u.ctx, all, newCargo(100))
	switch {
	case err != nil:
		return f, err
	case f == nil:
		return f, errors.New("it succeeded")
	case f.Class != class || step != "" && f.Step != step:
		return f, fmt.Errorf("not a fault of the class %s at the step %s: %+v", class, step, *f)
	}
	_, probed, err := u.probe(all)
	switch {
	case err != nil:
		return f, err
	case probed == nil:
		return f, errors.New("the probe succeeded")
	case probed.Step != f.Step || probed.Class != f.Class:
		return f, fmt.Errorf("Carry says %+v, Probe %+v", *f, *probed)
	}
	return f, nil
}

func nobodyListens(u *suite) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	f, err := u.fails(u.elsewhere(u.to(fresh("x.mp4")), "127.0.0.1", port), export.StepConnect, "refused")
	if err == nil && f.Permanent {
		err = fmt.Errorf("permanent: %+v", *f)
	}
	return err
}

// notAllowed must not even be dialled, which is seen on the trace.
func notAllowed(u *suite) error {
	ctx, trace := safehttp.WithTrace(u.ctx)
	u.ctx = ctx
	f, err := u.fails(u.elsewhere(u.to(fresh("x.mp4")), "10.255.255.1", ""), export.StepConnect, "blocked")
	if err != nil {
		return err
	}
	if !f.Permanent {
		return fmt.Errorf("not permanent: %+v", *f)
	}
	if at := trace.Record().Addr; at.IsValid() {
		return fmt.Errorf("%s was dialled", at)
	}
	return nil
}

func unknownName(u *suite) error {
	_, err := u.fails(u.elsewhere(u.to(fresh("x.mp4")), "nothing.invalid", ""), export.StepConnect, "dns")
	return err
}

func hangsUp(u *suite) error {
	through, all, err := u.before(u.to(fresh("x.mp4")))
	if err != nil {
		return err
	}
	through.cutAfter(0)
	_, f, err := u.carry(u.ctx, all, newCargo(100))
	switch {
	case err != nil:
		return err
	case f == nil:
		return errors.New("it succeeded")
	case f.Permanent:
		return fmt.Errorf("permanent: %+v", *f)
	}
	return nil
}

func isSilent(u *suite) error {
	through, all, err := u.before(u.to(fresh("x.mp4")))
	if err != nil {
		return err
	}
	through.holdAfter(0)
	return u.timesOut(all, newCargo(100))
}
