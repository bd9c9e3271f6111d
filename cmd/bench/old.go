package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// oldAge is the age of the oldest delivery of a full log, within logAge.
	oldAge = 29 * 24 * time.Hour
	// failedEach is one of how many old deliveries that failed. It is no multiple
	// of the number of endpoints, so that all have some.
	failedEach = 997
)

// fill makes a database with many old deliveries, all to the receiver's
// endpoints. A few are really delivered, and their rows copied as often as
// needed: so the old ones are what a server writes, whatever the schema.
func (b *bench) fill(ctx context.Context, r *remote, name string, n int) error {
	d, err := b.deliverer(ctx, name, r.urls)
	if err != nil {
		return err
	}
	models := len(r.urls)
	err = errors.Join(r.expect(ctx, models), d.create(ctx, 0, models))
	for i := 0; err == nil && i < models; i++ {
		err = d.end(ctx, i)
	}
	if err == nil {
		err = errors.Join(r.wait(ctx), d.recorded(ctx, 0))
	}
	if err := errors.Join(err, d.stop()); err != nil {
		return err
	}
	// Safe because nobody else has it open, and quick because it is thrown away
	// should the machine stop.
	db, err := sql.Open("sqlite", "file:"+d.path+"?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-8000)")
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // an error here follows from one before
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, chooseOld, n, time.Now().Add(-oldAge).UnixNano(), int64(oldAge)/int64(n), models); err != nil {
		return fmt.Errorf("choose old deliveries: %w", err)
	}
	for _, c := range copies {
		if err := c.insert(ctx, db); err != nil {
			return fmt.Errorf("copy rows of %s: %w", c.table, err)
		}
	}
	return nil
}

// chooseOld lists the deliveries to be made: their ids, when they were, and of
// which the rows are copied. Ids are as a server makes them, rising with time:
// those of deliveries are ULIDs, whose time is ten digits to base 32.
var chooseOld = `CREATE TEMP TABLE old AS
	WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < ?1),
		timed AS (SELECT n, ?2 + n * ?3 AS at, (?2 + n * ?3) / 1000000 AS ms FROM counted),
		models AS (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, project FROM delivery)
	SELECT n, at, 'dlv_' || ` + ulidTime() + ` || hex(randomblob(8)) AS id, printf('0%05d', n / 5000) || lower(hex(randomblob(5))) AS project,
		models.id AS model, models.project AS model_project
	FROM timed CROSS JOIN models ON models.place = n % ?4 ORDER BY n`

// ulidTime writes ms as the first ten characters of a ULID.
func ulidTime() string {
	var digits []string
	for shift := 45; shift >= 0; shift -= 5 {
		digits = append(digits, fmt.Sprintf("substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (ms >> %d & 31) + 1, 1)", shift))
	}
	return strings.Join(digits, " || ")
}

// copied is a table whose rows are copied. key is the column, and of which column
// of old, that says which rows; change has what is not copied as it is.
type copied struct {
	table, key, model string
	change            map[string]string
}

var copies = []copied{
	{"project", "id", "model_project", map[string]string{"id": "old.project", "created_at": "old.at"}},
	{"destination", "project", "model_project", map[string]string{"project": "old.project"}},
	{"delivery", "id", "model", map[string]string{"id": "old.id", "project": "old.project", "created_at": "old.at",
		"state": fmt.Sprintf("CASE old.n %% %d WHEN 0 THEN 'failed' ELSE m.state END", failedEach)}},
	{"attempt", "delivery", "model", map[string]string{"delivery": "old.id", "started_at": "old.at", "ended_at": "old.at + m.ended_at - m.started_at"}},
}

// insert makes a row for each of old.
func (c copied) insert(ctx context.Context, db *sql.DB) error {
	var columns string
	if err := db.QueryRowContext(ctx, "SELECT group_concat(name) FROM pragma_table_info(?)", c.table).Scan(&columns); err != nil {
		return err
	}
	values := strings.Split(columns, ",")
	for i, name := range values {
		values[i] = "m." + name
		if v, ok := c.change[name]; ok {
			values[i] = v
		}
	}
	// In the order of old, so that what rises by itself is written at the ends.
	const insert = "INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM old CROSS JOIN %[1]s m ON m.%[4]s = old.%[5]s ORDER BY old.rowid"
	_, err := db.ExecContext(ctx, fmt.Sprintf(insert, c.table, columns, strings.Join(values, ", "), c.key, c.model))
	return err
}
