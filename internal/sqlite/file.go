package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver named "sqlite"
)

// readers is how many connections read at a time. Reads are short; more would
// only share the same two or four cores.
const readers = 4

var errNoDatabase = errors.New("there is no database yet; it is made when the server starts for the first time")

//go:embed migrations/*.sql
var migrations embed.FS

// writePragmas set up the connection that writes. busy_timeout is first so that
// the others wait for a lock too; auto_vacuum must stand before anything is
// written, which journal_mode does.
var writePragmas = []string{
	"busy_timeout(10000)",
	"auto_vacuum(incremental)", // what is purged one day gives its space back
	"journal_mode(wal)",
	"synchronous(full)", // what was answered survives a power cut
	"foreign_keys(on)",
	"wal_autocheckpoint(4000)",
	"journal_size_limit(67108864)", // a burst does not leave a huge log behind
	// 8 MB: what is written is new rows at the ends of tables, and truncating a
	// larger cache after each commit costs more than its hits save.
	"cache_size(-8192)",
}

var readPragmas = []string{"busy_timeout(10000)", "query_only(on)"}

// dsn names the database for the driver. As a file: URL it may hold any
// character, and SQLite itself obeys mode.
func dsn(path string, pragmas []string, mode string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	u := url.URL{Scheme: "file", Path: path}
	u.RawQuery = url.Values{"_pragma": pragmas, "_txlock": {"immediate"}, "mode": {mode}}.Encode()
	return u.String()
}

// touch makes an empty file that nobody else may read, for it will hold secrets.
// SQLite gives the files beside it the same mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// mustExist tells a missing or still empty database from a broken one.
func mustExist(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0:
		return errNoDatabase
	default:
		return err
	}
}

// lockFolder keeps a second server out of the folder of path until the file it
// returns is closed, by whatever way this process ends. The file stays: removing
// it would let two servers hold locks on two files of the same name.
func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("the data folder %s is in use by another reelhook", filepath.Dir(path))
	}
	return nil, fmt.Errorf("lock %s: %w", path+".lock", err)
}

// migrate brings the schema up to date, and refuses one that a newer version
// wrote: it may hold what this one would break.
func migrate(ctx context.Context, pool *sql.DB, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, dir, goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	newest := sources[len(sources)-1].Version
	if at, err := p.GetDBVersion(ctx); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	} else if at > newest {
		return fmt.Errorf("its schema is version %d, this reelhook knows up to %d; use a newer reelhook", at, newest)
	}
	results, err := p.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		log.LogAttrs(ctx, slog.LevelInfo, "migrated", slog.Int64("version", r.Source.Version), slog.Duration("took", r.Duration))
	}
	return nil
}
