package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/reelhook/reelhook/internal/project"
)

// projectColumns are those of projectFields, in their order.
const projectColumns = `id, account, status, message, movie_id, file_key, starts,
	result_file, result_sha256, result_thumbnail, result_duration, result_size, result_width, result_height,
	created_at, started_at, ended_at, deleted_at, warnings, client_data, sealed, source`

// projectFields are pointers to p's fields: to scan into, or to insert.
func projectFields(p *project.Project) []any {
	return []any{&p.ID, &p.Account, &p.Status, &p.Message, &p.MovieID, &p.FileKey, &p.Starts,
		&p.Result.File, &p.Result.SHA256, &p.Result.Thumbnail, &p.Result.Duration, &p.Result.Size, &p.Result.Width, &p.Result.Height,
		(*stamp)(&p.CreatedAt), (*stamp)(&p.StartedAt), (*stamp)(&p.EndedAt), (*stamp)(&p.DeletedAt),
		document{&p.Warnings}, (*content)(&p.ClientData), (*content)(&p.Sealed), (*content)(&p.Source)}
}

// scanProject reads a project. The file of a deleted one is gone, also when the
// project was deleted first and ended after.
func scanProject(r row) (p project.Project, err error) {
	err = r.Scan(projectFields(&p)...)
	if errors.Is(err, sql.ErrNoRows) {
		return p, project.ErrNotFound
	}
	if !p.DeletedAt.IsZero() {
		p.Result.File, p.Result.Thumbnail = "", ""
	}
	return p, err
}

const projectQuery = "SELECT " + projectColumns + " FROM project WHERE id = ?"

// project reads one within a change.
func (tx *transaction) project(id string) (project.Project, error) {
	return one(always, tx.stmts, scanProject, projectQuery, id)
}

// Create writes a new project with its destinations and its render job; see
// project.Store.
func (db *DB) Create(ctx context.Context, p project.Project, destinations []project.Destination, idem *project.Idempotency,
) (_ project.Project, created bool, err error) {
	defer wrap(&err, "create project %s", p.ID)
	p.Status = project.Pending
	if idem != nil && p.Account != "" { // the keys of two accounts are two; none from a header holds a zero
		idem = &project.Idempotency{Key: p.Account + "\x00" + idem.Key, BodyHash: idem.BodyHash}
	}
	type result struct {
		project.Project
		created bool
	}
	r, err := change(ctx, db.writer, func(tx *transaction) (result, error) {
		if idem == nil {
			stored, err := tx.create(p, destinations)
			return result{stored, true}, err
		}
		first, err := tx.recall(*idem, p.CreatedAt)
		if err != nil {
			return result{}, err
		}
		if first != "" {
			stored, err := tx.project(first)
			return result{stored, false}, err
		}
		stored, err := tx.create(p, destinations)
		if err != nil {
			return result{}, err
		}
		return result{stored, true}, tx.remember(*idem, p.ID, p.CreatedAt)
	})
	return r.Project, r.created, err
}

func (tx *transaction) create(p project.Project, destinations []project.Destination) (project.Project, error) {
	if _, err := tx.exec(insert("project", projectColumns), projectFields(&p)...); err != nil {
		return project.Project{}, err
	}
	for _, d := range destinations {
		d.Status = "pending"
		if _, err := tx.exec(insert("destination", destinationColumns), destinationFields(&p.ID, &d)...); err != nil {
			return project.Project{}, err
		}
	}
	if err := tx.addJob(project.Render, p.ID, "", p.CreatedAt, false); err != nil {
		return project.Project{}, err
	}
	return tx.project(p.ID)
}

// Get returns one project; see project.Store.
func (db *DB) Get(ctx context.Context, id string) (_ project.Project, err error) {
	defer wrap(&err, "get project %s", id)
	return one(ctx, db.reads, scanProject, projectQuery, id)
}

// Start moves a project to Running; see project.Store.
func (db *DB) Start(ctx context.Context, id string, at time.Time) (_ project.Project, err error) {
	defer wrap(&err, "start project %s", id)
	return db.changeProject(ctx, id, `UPDATE project SET status = 'running', starts = starts + 1, started_at = ?
		WHERE id = ? AND status IN ('pending', 'running')`, stamp(at), id)
}

// PutBack undoes a Start; a project that is not running is left alone. See
// project.Store.
func (db *DB) PutBack(ctx context.Context, id string) (err error) {
	defer wrap(&err, "put project %s back", id)
	_, err = db.changeProject(ctx, id, `UPDATE project SET status = 'pending', starts = starts - 1, started_at = NULL
		WHERE id = ? AND status = 'running'`, id)
	return err
}

// Delete marks a project deleted; see project.Store.
func (db *DB) Delete(ctx context.Context, id string, at time.Time) (_ project.Project, err error) {
	defer wrap(&err, "delete project %s", id)
	return db.changeProject(ctx, id, "UPDATE project SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", stamp(at), id)
}

// changeProject runs a statement and returns the project as it stands then.
func (db *DB) changeProject(ctx context.Context, id, query string, args ...any) (project.Project, error) {
	return change(ctx, db.writer, func(tx *transaction) (project.Project, error) {
		if _, err := tx.exec(query, args...); err != nil {
			return project.Project{}, err
		}
		return tx.project(id)
	})
}
