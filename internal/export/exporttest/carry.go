package exporttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

// carry makes one try; fault is nil when it succeeded. The error is what no try
// may do, however it ends.
func (u *suite) carry(ctx context.Context, all map[string]any, c *cargo) (r export.Receipt, f *export.Fault, err error) {
	r, failed := u.Carrier.Carry(ctx, c.parcel(settings(all)))
	f, err = u.fault(failed)
	return r, f, errors.Join(err, c.report(failed == nil), u.secret(r))
}

// probe tries settings out, and returns the steps that it went through.
func (u *suite) probe(all map[string]any) (steps []string, f *export.Fault, err error) {
	failed := u.Carrier.Probe(u.ctx, settings(all), func(step string) { steps = append(steps, step) })
	f, err = u.fault(failed)
	return steps, f, errors.Join(err, inOrder(steps))
}

// plan reads settings that are good.
func (u *suite) plan(all map[string]any) (export.Plan, error) {
	p, err := u.Carrier.Plan(settings(all))
	if err != nil {
		return p, fmt.Errorf("Plan refused good settings: %w", errors.Join(err, u.secret(err)))
	}
	return p, u.secret(p)
}

var classes = []string{
	"dns", "refused", "tls", "timeout", "reset", "blocked", "proxy",
	"login", "host-key", "denied", "space", "exists", "size", "protocol", "error",
}

// steps are all there are, in their order.
var steps = []string{
	export.StepSettings, export.StepConnect, export.StepTLS, export.StepHostKey, export.StepLogin, export.StepFolder,
	export.StepWrite, export.StepSize, export.StepRename, export.StepRemove, export.StepSend,
}

// fault is an error of Carry or Probe, which must be a whole Fault, without secrets.
func (u *suite) fault(failed error) (*export.Fault, error) {
	if failed == nil {
		return nil, nil
	}
	var f *export.Fault
	switch {
	case !errors.As(failed, &f) || f == nil:
		return nil, fmt.Errorf("an error that is no *export.Fault but %T: %w", failed, failed)
	case !slices.Contains(steps, f.Step):
		return f, fmt.Errorf("a fault of the unknown step %q: %+v", f.Step, *f)
	case !slices.Contains(classes, f.Class):
		return f, fmt.Errorf("a fault of the unknown class %q: %+v", f.Class, *f)
	case f.Message == "":
		return f, fmt.Errorf("a fault without words: %+v", *f)
	}
	return f, errors.Join(u.secret(*f), u.secret(failed))
}

// secret finds the settings' secrets, in any of the forms they travel in.
func (u *suite) secret(shown any) error {
	text := fmt.Sprintf("%+v %#v", shown, shown)
	for _, s := range u.Secrets {
		if len(s) < 6 {
			return fmt.Errorf("the suite cannot look for the secret %q: it is too short to be told from other text", s)
		}
		for _, form := range []string{
			s, url.QueryEscape(s), url.PathEscape(s), fmt.Sprintf("%x", s),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="),
			strings.TrimRight(base64.URLEncoding.EncodeToString([]byte(s)), "="),
		} {
			if strings.Contains(text, form) {
				return fmt.Errorf("the secret %q is shown, as %q: %s", s, form, text)
			}
		}
	}
	return nil
}

// place is where settings lead, as Read knows it.
func (u *suite) place(all map[string]any) (string, error) {
	if !u.Fixed {
		folder, _ := all["remote-path"].(string)
		return path.Join(folder, "./"+fmt.Sprint(all["file"])), nil
	}
	p, err := u.plan(all)
	if err != nil {
		return "", err
	}
	at, err := url.Parse(p.Target)
	if err != nil {
		return "", err
	}
	return at.Path, nil
}

// arrives carries what must arrive whole, where the settings lead, and nothing
// beside it.
func (u *suite) arrives(all map[string]any, c *cargo) (export.Receipt, error) {
	r, f, err := u.carry(u.ctx, all, c)
	if err != nil {
		return r, err
	}
	if f != nil {
		return r, fmt.Errorf("it did not arrive: %+v", *f)
	}
	return r, errors.Join(u.whole(all, r, c), u.tidy(all, c))
}

// whole holds that what was carried is there, at the receipt's path.
func (u *suite) whole(all map[string]any, r export.Receipt, c *cargo) error {
	got, err := u.Read(r.Path)
	if err != nil {
		return fmt.Errorf("the receipt says %q, which cannot be read: %w", r.Path, err)
	}
	if !bytes.Equal(got, c.content()) {
		return fmt.Errorf("%q has other %d bytes than the %d that were carried", r.Path, len(got), c.size)
	}
	want, err := u.place(all)
	if err != nil {
		return err
	}
	if there, err := u.Read(want); err == nil && !bytes.Equal(there, got) && all["if-exists"] == nil {
		return fmt.Errorf("%q is not what the receipt says, %q", want, r.Path)
	} else if err != nil {
		return fmt.Errorf("%q was to be there: %w", want, err)
	}
	if r.URL != "" {
		at, err := url.Parse(r.URL)
		if err != nil || at.User != nil || at.Fragment != "" || path.Base(at.Path) != path.Base(r.Path) {
			return fmt.Errorf("the receipt's URL %q does not lead to %q, or holds more than it may", r.URL, r.Path)
		}
	}
	return nil
}

// tidy holds that nothing is left of what was not complete.
func (u *suite) tidy(all map[string]any, c *cargo) error {
	for _, name := range u.names(all) {
		if strings.Contains(name, c.part) {
			return fmt.Errorf("%q was left behind", name)
		}
	}
	return nil
}

// names are what is in the folder that settings lead to.
func (u *suite) names(all map[string]any) []string {
	at, err := u.place(all)
	if err != nil {
		return nil
	}
	folder := path.Dir(at)
	if folder == "." {
		folder = ""
	}
	return u.Names(folder)
}

// absent holds that nothing stands under the final name.
func (u *suite) absent(all map[string]any) error {
	at, err := u.place(all)
	if err != nil {
		return err
	}
	got, err := u.Read(at)
	switch {
	case err == nil:
		return fmt.Errorf("%q is there, with %d bytes", at, len(got))
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the suite cannot tell whether %q is there: %w", at, err)
	}
	return nil
}

// inOrder holds that steps come in the order of the constants.
func inOrder(went []string) error {
	last := -1
	for _, step := range went {
		at := slices.Index(steps, step)
		if at <= last {
			return fmt.Errorf("the steps %q are not in order, or unknown", went)
		}
		last = at
	}
	return nil
}
