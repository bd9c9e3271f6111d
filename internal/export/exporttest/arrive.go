package exporttest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/reelhook/reelhook/internal/export"
)

var arriving = []rule{
	{"files of every size arrive", everySize},
	{"an older file is replaced whole", replacesWhole},
	{"many at once", manyAtOnce},
	{"a file streams", streams},
	{"half a file has no name", halfHasNoName},
	{"ends with its context", endsWithContext},
}

func everySize(u *suite) error {
	for _, size := range []int64{0, 1, large} {
		c := newCargo(size)
		if _, err := u.arrives(u.to(fresh("size.mp4")), c); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
		if c.opened.Load() == 0 && size > 0 {
			return fmt.Errorf("%d bytes: the file was not opened", size)
		}
	}
	return nil
}

func replacesWhole(u *suite) error {
	all, c := u.to(fresh("older.mp4")), newCargo(1000)
	at, err := u.place(all)
	if err != nil {
		return err
	}
	u.Write(at, newCargo(large).content())
	_, err = u.arrives(all, c)
	return err
}

func manyAtOnce(u *suite) error {
	const many = 8
	wrong := make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		all, c := u.to(fresh("many.mp4")), newCargo(300<<10+int64(i))
		wg.Go(func() { _, wrong[i] = u.arrives(all, c) })
	}
	wg.Wait()
	return errors.Join(wrong...)
}

// naming is for servers where "file" says how the file is called, and folding for
// those that have folders.
var (
	naming = []rule{
		{"names are kept", namesAreKept},
		{"the file's own name is the default", ownName},
		{"names that leave the folder are refused", leavingNames},
	}
	folding = []rule{
		{"folders are made", foldersAreMade},
		{"folders that lead out are refused", leavingFolders},
	}
)

func namesAreKept(u *suite) error {
	var wrong error
	for _, name := range []string{
		"with  spaces.mp4", "ünï çode 日本 🎬.mp4", "#hash.mp4", "100%.mp4", "100%25.mp4", "a+b=c&d.mp4", `"quoted" 'it'.mp4`,
		"what?.mp4", "[1] *.mp4", "semi;colon,comma.mp4", "no extension", "$HOME `id`.mp4", "{a,b}~.mp4",
	} {
		if _, err := u.arrives(u.to(fresh(name)), newCargo(100)); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", name, err))
		}
	}
	return wrong
}

func ownName(u *suite) error {
	c, all := newCargo(100), u.Settings()
	r, f, err := u.carry(u.ctx, all, c)
	if f != nil {
		err = errors.Join(err, f)
	}
	if err != nil {
		return fmt.Errorf("without %q: %w", "file", err)
	}
	all["file"] = c.name
	return u.whole(all, r, c)
}

func leavingNames(u *suite) error {
	var wrong error
	for _, name := range []string{
		"../x.mp4", "..", "a/../../b.mp4", `..\x.mp4`, `a\..\..\x.mp4`, "/../x.mp4", "a/", ".", "x\r\nDELE y", "x\x00.mp4", "x\ty", "x\x7f",
	} {
		if err := u.refused(u.to(name)); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%q: %w", name, err))
		}
	}
	return wrong
}

func foldersAreMade(u *suite) error {
	base := fresh("folder")
	var wrong error
	for folder, file := range map[string]string{
		base + "/b ü/c":         "x.mp4",
		"./" + base + "/d/":     "y.mp4",
		base + "/e":             "sub/f/z.mp4",
		base + "/g//h/./i":      "/w.mp4",
		base + " again/#1 100%": "v.mp4",
	} {
		for range 2 { // made, and there already
			all := u.with(map[string]any{"remote-path": folder, "file": file})
			if _, err := u.arrives(all, newCargo(1000)); err != nil {
				wrong = errors.Join(wrong, fmt.Errorf("%s in %s: %w", file, folder, err))
			}
		}
	}
	return wrong
}

func leavingFolders(u *suite) error {
	var wrong error
	for _, folder := range []string{"..", "../x", "/a/../../etc", `a\..\b`, "a\nb", "a\x00b"} {
		if err := u.refused(u.with(map[string]any{"remote-path": folder, "file": "x.mp4"})); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%q: %w", folder, err))
		}
	}
	return wrong
}

// keeping are the rules about names, folders and files that are there already, as
// far as a server has them.
func keeping(s Server) []rule {
	var all []rule
	if !s.Fixed {
		all = append(all, naming...)
	}
	if !s.Flat && !s.Fixed {
		all = append(all, folding...)
	}
	if s.IfExists {
		return append(all, rule{"unique finds another name", uniqueName}, rule{"fail leaves what is there", failLeaves}, rule{"policies where nothing is there", nothingThere}, rule{"an unknown policy is refused", unknownPolicy})
	}
	return append(all, rule{"policies that cannot be kept are refused", noPolicies})
}

func (u *suite) policy(file, policy string) map[string]any {
	all := u.to(file)
	all["if-exists"] = policy
	return all
}

func unknownPolicy(u *suite) error { return u.refused(u.policy(fresh("x.mp4"), "sometimes")) }

func noPolicies(u *suite) error {
	var wrong error
	for _, policy := range []string{export.Unique, export.Fail, "sometimes"} {
		if err := u.refused(u.policy(fresh("x.mp4"), policy)); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", policy, err))
		}
	}
	return wrong
}
