package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/seal"
)

// TestMasterKeyNew holds that keys are good, and no two the same.
func TestMasterKeyNew(t *testing.T) {
	first, _, _ := command(t, t.Context(), "master-key", "new")
	second, stderr, code := command(t, t.Context(), "master-key", "new")
	if _, err := seal.Parse([]string{strings.TrimSpace(first), strings.TrimSpace(second)}); err != nil || first == second || stderr != "" || code != 0 {
		t.Errorf("status %d, %v", code, err)
	}
	var reply map[string]string
	third, _, _ := command(t, t.Context(), "master-key", "new", "--json")
	if err := json.Unmarshal([]byte(third), &reply); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Parse([]string{reply["master_key"]}); err != nil {
		t.Error(err)
	}
}

// TestSecretOfAMasterKey: the data folder alone tells nobody the secret.
func TestSecretOfAMasterKey(t *testing.T) {
	dir := t.TempDir()
	made, _, _ := command(t, t.Context(), "master-key", "new")
	key := strings.TrimSpace(made)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	serving := newWatcher("serving")
	cmd := exec.CommandContext(ctx, os.Args[0], "serve", "--listen", "127.0.0.1:0")
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "REELHOOK_TEST_RUN=1", "REELHOOK_MASTER_KEY="+key), serving
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-serving.seen
	secret, stderr, code := reelhook(t, dir, nil, "secret", "--master-key", key)
	if code != 0 || !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("with the key: status %d\n%s%s", code, secret, stderr)
	}
	if again, stderr, _ := reelhook(t, dir, []string{"REELHOOK_MASTER_KEY=" + key}, "secret"); again != secret {
		t.Errorf("with the key in the environment:\n%s%s", again, stderr)
	}
	other, stderr, code := reelhook(t, dir, nil, "secret")
	if code != 1 || other != "" || !strings.Contains(stderr, "sealed with a master key that is not there") {
		t.Errorf("without it: status %d\n%s%s", code, other, stderr)
	}
	wantNotStored(t, dir, secret[len("whsec_"):len(secret)-1], key)
	stop()
	_ = cmd.Wait()
}
