package exporttest

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/reelhook/reelhook/internal/export"
)

var planning = []rule{
	{"plan shows where", planShows},
	{"plan dials nothing", planDialsNothing},
	{"plan takes any settings", planTakesAny},
}

var group = regexp.MustCompile(`^[a-z0-9+.-]+://[^/?#@]+:[0-9]+$`)

func planShows(u *suite) error {
	p, err := u.plan(u.to(fresh("movie.mp4")))
	if err != nil {
		return err
	}
	at, err := url.Parse(p.Target)
	if err != nil || at.Scheme == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "" {
		return fmt.Errorf("the target %q is no URL without user name and query", p.Target)
	}
	if !group.MatchString(p.Group) {
		return fmt.Errorf("the group %q is not scheme://host:port", p.Group)
	}
	return nil
}

func planDialsNothing(u *suite) error {
	through, all, err := u.before(u.to(fresh("movie.mp4")))
	if err != nil {
		return err
	}
	if _, err := u.plan(all); err != nil {
		return err
	}
	if through.reached() > 0 {
		return errors.New("Plan connected to the server")
	}
	return nil
}

// planTakesAny has settings that are missing, or of another kind than they should
// be. They may be refused, in words, and lead to no panic.
func planTakesAny(u *suite) error {
	odd := []any{nil, "", " ", 0, -1, 1e300, true, []any{1, nil}, map[string]any{"a": 1}, "\r\nQUIT", strings.Repeat("x", 100_000), "\x00", "\U0001f3ac", "://", "[::1"}
	var wrong error
	names := []string{"remote-path", "file", "if-exists"}
	for name := range u.Settings() {
		names = append(names, name)
	}
	for _, name := range names {
		for _, value := range odd {
			p, err := u.Carrier.Plan(settings(u.with(map[string]any{name: value})))
			if err != nil && (err.Error() == "" || len(err.Error()) > 2000) {
				wrong = errors.Join(wrong, fmt.Errorf("%q = %.20q: an error of %d bytes", name, value, len(err.Error())))
			}
			wrong = errors.Join(wrong, u.secret(p))
			if err != nil {
				wrong = errors.Join(wrong, u.secret(err))
			}
		}
	}
	all := u.Settings()
	delete(all, u.Host)
	if u.Read == nil { // the server of mails may be the operator's
		return wrong
	}
	if _, err := u.Carrier.Plan(settings(all)); err == nil {
		wrong = errors.Join(wrong, fmt.Errorf("settings without %q were not refused", u.Host))
	}
	return wrong
}

// refused holds that settings are refused before anything is reached.
func (u *suite) refused(all map[string]any) error {
	through, all, err := u.before(all)
	if err != nil {
		return err
	}
	var refusal export.Refusal
	_, err = u.Carrier.Plan(settings(all))
	switch {
	case err == nil:
		return errors.New("Plan did not refuse it")
	case !errors.As(err, &refusal):
		return fmt.Errorf("Plan refused it with no export.Refusal, but a %T: %w", err, err)
	}
	_, f, err := u.carry(u.ctx, all, newCargo(100))
	switch {
	case err != nil:
		return err
	case f == nil:
		return errors.New("it was carried")
	case f.Step != export.StepSettings || !f.Permanent:
		return fmt.Errorf("not a permanent fault of the settings: %+v", *f)
	case through.reached() > 0:
		return errors.New("the server was reached")
	}
	return nil
}
