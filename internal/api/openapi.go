package api

import (
	_ "embed"
	"encoding/json"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openapiYAML []byte

// openapiJSON is the document as it is served.
var openapiJSON = sync.OnceValues(func() (json.RawMessage, error) {
	var document map[string]any
	if err := yaml.Unmarshal(openapiYAML, &document); err != nil {
		return nil, err
	}
	return encode(document)
})

// openapi is GET /v2/openapi.json, for programs that read what this API is.
func (s *server) openapi(*call) (any, error) {
	document, err := openapiJSON()
	return document, err
}

// metrics is GET /metrics.
func (s *server) metrics(c *call) (any, error) {
	s.Metrics.ServeHTTP(&c.out, c.Request)
	return nil, nil
}
