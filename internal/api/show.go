package api

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/reelhook/reelhook/internal/export"
	"github.com/reelhook/reelhook/internal/movie"
	"github.com/reelhook/reelhook/internal/project"
)

// maxWarnings is how many warnings a reply lists: it is to stay readable, and in
// one piece.
const maxWarnings = 50

// show is a project as clients see it, without the submitted document.
func (s *server) show(p project.Project, dests []project.Destination) Movie {
	m := Movie{
		Success:         p.Status != project.Failed,
		Status:          string(p.Status),
		Project:         p.ID,
		CreatedAt:       stamp(p.CreatedAt),
		EndedAt:         stampOrNull(p.EndedAt),
		ClientData:      p.ClientData,
		ConsumedCredits: []any{},
		Warnings:        warnings(p.Warnings),
		Exports:         s.exports(dests, p.Status.Ended()),
	}
	if !json.Valid(m.ClientData) {
		m.ClientData = json.RawMessage("{}")
	}
	if !p.DeletedAt.IsZero() {
		m.DeletedAt = stamp(p.DeletedAt)
	}
	switch p.Status {
	case project.Running:
		m.Message = "Rendering"
		m.Progress = min(max(s.Progress(p.ID), 0), 99)
	case project.Failed:
		m.Message, m.ASS = p.Message, false
	case project.Done:
		m.Progress = 100
		s.showFile(&m, p)
	}
	return m
}

func (s *server) showFile(m *Movie, p project.Project) {
	began := p.StartedAt
	if began.IsZero() {
		began = p.CreatedAt
	}
	seconds := int(p.EndedAt.Sub(began).Round(time.Second) / time.Second)
	r := p.Result
	m.RenderingTime, m.Duration, m.Size, m.Width, m.Height = &seconds, &r.Duration, &r.Size, &r.Width, &r.Height
	m.URL, m.Thumbnail = s.fileURL(r.File), s.fileURL(r.Thumbnail)
}

// fileURL is the address of a file, nil when there is none.
func (s *server) fileURL(key string) *string {
	if key == "" {
		return nil
	}
	url := s.FileURL(key)
	return &url
}

func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}

func warnings(all []movie.Fault) []movie.Fault {
	if len(all) <= maxWarnings {
		return append([]movie.Fault{}, all...)
	}
	return append(all[:maxWarnings:maxWarnings], movie.Fault{Message: fmt.Sprintf("%d more warnings", len(all)-maxWarnings)})
}

// exports groups destinations by export. No more are shown than can ever be
// served: those behind them share one message.
func (s *server) exports(dests []project.Destination, ended bool) []Export {
	all := []Export{}
	for _, d := range dests[:min(len(dests), export.MaxDestinations)] {
		// Exports without destinations have no rows, yet they count.
		for len(all) <= d.Export && len(all) < export.MaxDestinations {
			all = append(all, Export{Destinations: []Destination{}})
		}
		at := &all[min(d.Export, len(all)-1)]
		at.Destinations = append(at.Destinations, Destination{
			Type: d.Type, Status: d.Status, Attempts: d.Attempts,
			LastStatus: d.LastStatus, Message: d.Message, Delivery: d.Delivery,
			Receipt: showReceipt(d.Receipt), Progress: s.sent(d),
		})
	}
	for i := range all {
		all[i].Status = exportStatus(all[i].Destinations, ended)
	}
	return all
}

// sent is how much of an upload was sent in percent, nil while none is under way.
func (s *server) sent(d project.Destination) *int {
	if d.Delivery == "" {
		return nil
	}
	sent, total, ok := s.Sending(d.Delivery)
	if !ok || total <= 0 {
		return nil
	}
	percent := int(min(max(float64(sent)/float64(total), 0), 1) * 100)
	return &percent
}

func showReceipt(r project.Receipt) Receipt {
	return Receipt{RemotePath: r.Path, URL: r.URL, RemoteID: r.ID, Bytes: r.Bytes, SHA256: r.SHA256, Seconds: r.Seconds}
}

// exportStatus sums up the destinations of one export.
func exportStatus(dests []Destination, ended bool) string {
	var waiting, begun, failed int
	for _, d := range dests {
		switch d.Status {
		case "delivered", "uploaded", "sent", "skipped":
			begun++
		case "failed", "cancelled":
			begun++
			failed++
		case "pending":
			waiting++
			begun += min(d.Attempts, 1)
		default: // running, retrying, unknown, held
			waiting++
			begun++
		}
	}
	switch {
	case !ended || waiting > 0 && begun == 0:
		return "pending"
	case waiting > 0:
		return "running"
	case failed > 0:
		return "failed"
	}
	return "done"
}
