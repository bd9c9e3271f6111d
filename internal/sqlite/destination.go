package sqlite

import (
	"context"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// destinationColumns are those of destinationFields, in their order.
const destinationColumns = "project, export, position, type, status, attempts, last_status, message, delivery"

func destinationFields(projectID *string, d *project.Destination) []any {
	return []any{projectID, &d.Export, &d.Position, &d.Type, &d.Status, &d.Attempts, &d.LastStatus, &d.Message, &d.Delivery}
}

// Destinations returns the destinations of projects; see project.Store.
func (db *DB) Destinations(ctx context.Context, ids ...string) (_ map[string][]project.Destination, err error) {
	defer wrap(&err, "list destinations of %d projects", len(ids))
	type owned struct {
		project string
		project.Destination
	}
	// One parameter for all ids keeps the statement the same for any number.
	found, err := all(ctx, db.reads, func(r row) (o owned, err error) {
		err = r.Scan(destinationFields(&o.project, &o.Destination)...)
		return o, err
	}, "SELECT "+destinationColumns+` FROM destination
		WHERE project IN (SELECT value FROM json_each(?)) ORDER BY project, export, position`, document{ids})
	if err != nil {
		return nil, err
	}
	byProject := make(map[string][]project.Destination, len(ids))
	for _, o := range found {
		byProject[o.project] = append(byProject[o.project], o.Destination)
	}
	return byProject, nil
}

// settle writes a destination's state, and the destination too should it be
// missing: an export that could not be written down would be tried for ever.
func (tx *transaction) settle(projectID string, d project.Destination) error {
	_, err := tx.exec(insert("destination", destinationColumns)+` ON CONFLICT (project, export, position) DO UPDATE SET
		type = excluded.type, status = excluded.status, attempts = excluded.attempts,
		last_status = excluded.last_status, message = excluded.message, delivery = excluded.delivery`,
		destinationFields(&projectID, &d)...)
	return err
}

// mirror shows a delivery's state in its destination: both speak the same words.
func (tx *transaction) mirror(d export.Delivery) error {
	_, err := tx.exec(`UPDATE destination SET status = ?, attempts = ?, last_status = ?, message = ?
		WHERE project = ? AND export = ? AND position = ? AND delivery = ?`,
		d.State, d.Attempts, d.LastStatus, d.Message, d.Project, d.Export, d.Position, d.ID)
	return err
}
