// Package sqlite keeps projects, deliveries with their log, jobs, API keys and
// signing keys in one SQLite file. It implements the stores of project, export,
// queue, account and signing, so that a record and its job change in one transaction. It must not
// know HTTP, and it decides nothing: what follows from what is the business of
// the packages whose stores it is.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/reelhook/reelhook/internal/account"
	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
	"github.com/reelhook/reelhook/internal/queue"
)

var (
	_ project.Store  = (*DB)(nil)
	_ export.Store   = (*DB)(nil)
	_ export.Log     = (*DB)(nil)
	_ export.Cleaner = (*DB)(nil)
	_ queue.Store    = (*DB)(nil)
	_ account.Store  = (*DB)(nil)
)

var (
	errClosed   = errors.New("the database is closed")
	errReadOnly = errors.New("the database is open for reading only")
)

// Options are what a database may be told.
type Options struct {
	// Log gets the migrations and panics; nil is silence.
	Log *slog.Logger
	// Fault is for tests, which end the process in it: it is called at store.begin,
	// when a transaction has begun, and at store.commit.before and
	// store.commit.after. Nil is nobody.
	Fault func(point string)
}

// DB is an open database. It may be used by many goroutines.
//
// The context of a method that changes something bounds only the caller's wait:
// when it ends first, the change may still be made. What was passed to the
// method must not be altered after that.
type DB struct {
	// writer is nil when the database is open for reading only.
	writer *writer
	reads  *statements
	onJobs atomic.Pointer[func([]queue.Job)]
	// round is where the cleaning of the log has come to.
	round round
	// closers are closed by Close, the last first: the readers before the
	// writer, whose checkpoint would wait for them; the lock at the very end.
	closers []io.Closer
	stop    func() error
}

// Open opens the database at path, making or migrating it as needed, and keeps
// other servers out of it until Close. The folder must exist.
func Open(ctx context.Context, path string, o Options) (_ *DB, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Fault == nil {
		o.Fault = func(string) {}
	}
	db := &DB{}
	db.stop = sync.OnceValue(db.shutdown)
	db.OnJobs(nil)
	defer func() {
		if err != nil {
			_ = db.Close()
			err = fmt.Errorf("open database %s: %w", path, err)
		}
	}()
	lock, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	db.closers = append(db.closers, lock)
	conn, err := db.openWriter(ctx, path, o.Log)
	if err != nil {
		return nil, err
	}
	db.writer = newWriter(conn, db.announce, o)
	db.closers = append(db.closers, db.writer)
	if err := db.openReaders(ctx, dsn(path, readPragmas, "rw")); err != nil {
		return nil, err
	}
	if err := db.loadShut(ctx); err != nil {
		return nil, err
	}
	return db, nil
}

// OpenReadOnly opens the database at path beside a server that may be running.
// Every change is refused.
func OpenReadOnly(ctx context.Context, path string) (_ *DB, err error) {
	db := &DB{}
	db.stop = sync.OnceValue(db.shutdown)
	defer func() {
		if err != nil {
			_ = db.Close()
			err = fmt.Errorf("read database %s: %w", path, err)
		}
	}()
	if err := mustExist(path); err != nil {
		return nil, err
	}
	if err := db.openReaders(ctx, dsn(path, readPragmas, "ro")); err != nil {
		return nil, err
	}
	// A server that is just making it has written the file before its tables.
	tables, err := one(ctx, db.reads, scanValue[int], "SELECT count(*) FROM sqlite_schema WHERE name = 'signing_key'")
	if err == nil && tables == 0 {
		err = errNoDatabase
	}
	if err != nil {
		return nil, err
	}
	return db, nil
}

// OnJobs sets who is handed new jobs, once for each commit that made some: after
// the commit, and before the callers whose changes they belong to go on. It runs
// on the one goroutine that writes, so it must not block and must not change
// anything in this database.
func (db *DB) OnJobs(fn func([]queue.Job)) { db.onJobs.Store(&fn) }

func (db *DB) announce(jobs []queue.Job) {
	if fn := *db.onJobs.Load(); fn != nil && len(jobs) > 0 {
		fn(jobs)
	}
}

// Ping tells whether the database can be written and read. It does write, for a
// full or broken disk shows in nothing less; many at once share a commit.
func (db *DB) Ping(ctx context.Context) (err error) {
	defer wrap(&err, "ping")
	err = db.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec("INSERT INTO health (id, writes) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = writes + 1")
		return err
	})
	if err != nil {
		return err
	}
	_, err = one(ctx, db.reads, scanValue[int], "SELECT count(*) FROM (SELECT 1 FROM project LIMIT 1)")
	return err
}

// Close makes the changes that are waiting, refuses new ones, moves the log
// into the database file and lets another server in. Again is no error.
func (db *DB) Close() error { return db.stop() }

func (db *DB) shutdown() error {
	var errs []error
	for i := len(db.closers) - 1; i >= 0; i-- {
		errs = append(errs, db.closers[i].Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

func (db *DB) openReaders(ctx context.Context, dsn string) error {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	db.closers = append(db.closers, pool)
	pool.SetMaxOpenConns(readers)
	pool.SetMaxIdleConns(readers)
	db.reads = newStatements(pool)
	return pool.PingContext(ctx)
}

// openWriter opens the one connection that writes and brings the schema up to
// date through it.
func (db *DB) openWriter(ctx context.Context, path string, log *slog.Logger) (*sql.Conn, error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", dsn(path, writePragmas, "rw"))
	if err != nil {
		return nil, err
	}
	db.closers = append(db.closers, pool)
	pool.SetMaxOpenConns(1)
	if err := migrate(ctx, pool, log); err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	db.closers = append(db.closers, conn)
	return conn, nil
}

// wrap adds to an error what was being done, in a deferred call.
func wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("sqlite: "+format+": %w", append(args, *err)...)
	}
}
