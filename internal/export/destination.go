package export

import (
	"context"
	"encoding/json"

	"github.com/reelhook/reelhook/internal/movie"
)

// Destination is one of a movie's, with the settings of its connection under its
// own.
type Destination struct {
	Type string
	Settings
	// Connection is the id of the one it names, "" for none. Stored are the names of
	// the settings that are the connection's and not the movie's.
	Connection string
	Stored     map[string]bool
}

// WebhookTo is a webhook destination that names its endpoint and nothing else.
func WebhookTo(endpoint string) Destination {
	text, _ := json.Marshal(endpoint) // a string always can
	return Destination{Type: Webhook, Settings: Settings{"endpoint": text}}
}

// Connections are the settings that are kept under an id, secrets included.
type Connections interface {
	// Resolve puts an account's connection under a destination that names one in
	// "id". One that names none comes back as it is, and so does a webhook with a
	// type of its own that uses "id" for something else and whose id is not known. A
	// Refusal is for the client: there is no such connection, or what it holds may
	// not be overridden. Other errors are the store's: it may work later.
	Resolve(ctx context.Context, account string, d movie.Destination) (Destination, error)
}

// Shared are the names of settings that destinations of every type may have, beside
// those that their leaf reads.
func Shared() []string { return []string{"id", "type", "source", "on-failure"} }
