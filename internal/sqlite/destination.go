package sqlite

import (
	"context"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/project"
)

// destinationColumns are those of destinationFields, in their order.
const destinationColumns = "project, export, position, type, status, attempts, last_status, message, delivery, receipt"

func destinationFields(projectID *string, d *project.Destination) []any {
	return []any{projectID, &d.Export, &d.Position, &d.Type, &d.Status, &d.Attempts, &d.LastStatus, &d.Message, &d.Delivery, (*receipt)(&d.Receipt)}
}

// Destinations returns the destinations of projects; see project.Store. One that
// has a delivery is as that stands, until the delivery is cleaned away.
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
	}, `SELECT s.project, s.export, s.position, `+ifDelivery("d.type", "type")+`, `+ifDelivery("CASE WHEN a.number IS NULL OR NOT ("+notFinal+") THEN d.state ELSE 'running' END", "status")+`,
			`+ifDelivery("d.attempts + (a.number IS NOT NULL)", "attempts")+`, `+ifDelivery("d.last_status", "last_status")+`,
			`+ifDelivery("d.message", "message")+`, `+ifDelivery("d.id", "delivery")+`, `+ifDelivery("d.receipt", "receipt")+`
		FROM destination s
		LEFT JOIN delivery d ON d.project = s.project AND d.export = s.export AND d.position = s.position AND d.main = 1
		LEFT JOIN attempt a ON a.delivery = d.id AND a.number = d.attempts + 1
		WHERE s.project IN (SELECT value FROM json_each(?)) ORDER BY s.project, s.export, s.position`, document{ids})
	if err != nil {
		return nil, err
	}
	byProject := make(map[string][]project.Destination, len(ids))
	for _, o := range found {
		if o.Status == string(export.Delivered) {
			o.Status = export.Arrived(o.Type)
		}
		byProject[o.project] = append(byProject[o.project], o.Destination)
	}
	return byProject, nil
}

func ifDelivery(shown, settled string) string {
	return "CASE WHEN d.id IS NULL THEN s." + settled + " ELSE " + shown + " END"
}

// settle writes a destination's state, and the destination too should it be
// missing: an export that could not be written down would be tried for ever.
func (tx *transaction) settle(projectID string, d project.Destination) error {
	_, err := tx.exec(insert("destination", destinationColumns)+` ON CONFLICT (project, export, position) DO UPDATE SET
		type = excluded.type, status = excluded.status, attempts = excluded.attempts,
		last_status = excluded.last_status, message = excluded.message, delivery = excluded.delivery,
		receipt = excluded.receipt`,
		destinationFields(&projectID, &d)...)
	return err
}
