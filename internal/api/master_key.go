package api

import (
	"errors"
	"net/http"

	"github.com/reelhook/reelhook/internal/seal"
)

// KeyRotation is the reply to POST /v2/master-key/rotate.
type KeyRotation struct {
	Success bool `json:"success"`
	// Resealed is how many secrets, of connections, movies and webhooks, were sealed
	// with another key before and are now with the current one.
	Resealed int `json:"resealed"`
}

// rotateMasterKey is POST /v2/master-key/rotate.
func (s *server) rotateMasterKey(c *call) (any, error) {
	if err := c.order(&struct{}{}); err != nil {
		return nil, err
	}
	n, err := s.Connections.RotateKey(c.Context())
	if lost, ok := errors.AsType[*seal.Lost](err); ok {
		return nil, refuse(http.StatusConflict, "%s; all others are sealed with the current master key. Start the server with the missing one too, then repeat this", lost)
	}
	if err != nil {
		return nil, unchanged(err)
	}
	s.Log.InfoContext(c.Context(), "master key rotated", "secrets", n, "by", c.caller.Key)
	return KeyRotation{Success: true, Resealed: n}, nil
}
