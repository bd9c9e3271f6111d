package main

import (
	"fmt"

	"github.com/reelhook/reelhook/internal/seal"
)

type masterKeyCmd struct {
	New masterKeyNewCmd `cmd:"" help:"Print a new master key, alone, for scripts."`
}

type masterKeyNewCmd struct {
	JSON bool `name:"json" help:"Print it as JSON."`
}

// Help is shown below the flags.
func (masterKeyNewCmd) Help() string {
	return `For servers whose keys are set by --master-key and do not lie beside the database. Whoever has it and the database can read every stored secret, and without it nobody can: keep a copy elsewhere.

To rotate put a new one before the others, comma separated, start the server anew, and run reelhook connections rotate. Then the others can go.

Example:

  reelhook master-key new > master.key
  REELHOOK_MASTER_KEY="$(cat master.key)" reelhook serve`
}

// Run prints one.
func (c masterKeyNewCmd) Run(s *screen) error {
	key := seal.New()
	if c.JSON {
		return s.json(map[string]string{"master_key": key})
	}
	fmt.Fprintln(s.out, key)
	return nil
}
