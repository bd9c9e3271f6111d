package api

import (
	"net/http"

	"github.com/reelhook/reelhook/internal/account"
)

// endpoint answers one call: with a reply to be sent as JSON, with an error, or
// with neither when it has written to c.out itself. A *Failure is for the
// client; the text of any other error goes to the log alone.
type endpoint func(c *call) (reply any, err error)

// operation is what a method does on a path, and the role that a key needs for
// it; none on a path that asks for no key.
type operation struct {
	role  account.Role
	serve endpoint
}

// methods are the operations of one path; HEAD is served by GET.
type methods map[string]operation

// route is one path. One without methods is unknown to clients.
type route struct {
	path string
	// keyed paths need an API key before they say anything else, even 404: a
	// client takes 404 as proof of a good key (section 4.1 of the contract).
	keyed bool
	// whole paths are about the whole server, and so need a key of the default
	// account.
	whole bool
	// bearer paths take the key as a bearer token too, which is all that some
	// clients can send.
	bearer bool
	// quiet paths are called every few seconds and log only at debug level.
	quiet bool
	methods
}

// routes lists everything that is served. Patterns have no method, for the mux
// would answer a wrong one in plain text, and before the key was checked. Those
// that end in a slash have a twin without one, or the mux would redirect it.
func (s *server) routes() []route {
	const viewer, render, manager, admin = account.Viewer, account.Render, account.Manager, account.Admin
	get := func(role account.Role, e endpoint) methods { return methods{http.MethodGet: {role, e}} }
	post := func(role account.Role, e endpoint) methods { return methods{http.MethodPost: {role, e}} }
	metrics := get(viewer, s.metrics)
	if s.Metrics == nil {
		metrics = nil
	}
	return []route{
		{path: "/v2/movies", keyed: true, methods: methods{
			http.MethodPost: {render, s.submit}, http.MethodGet: {viewer, s.movies}, http.MethodDelete: {render, s.remove}}},
		{path: "/v2/movies/validate", keyed: true, methods: post(render, s.validate)},
		{path: "/v2/movies/{project}", keyed: true, methods: get(viewer, s.flatMovie)},
		{path: "/v2/movies/{project}/events", keyed: true, methods: get(viewer, s.events)},
		{path: "/v2/account", keyed: true, methods: get(viewer, s.account)},
		{path: "/v2/deliveries", keyed: true, methods: get(viewer, s.deliveries)},
		{path: "/v2/deliveries/recover", keyed: true, methods: post(render, s.recoverMany)},
		{path: "/v2/deliveries/{id}", keyed: true, methods: get(viewer, s.delivery)},
		{path: "/v2/deliveries/{id}/proof", keyed: true, methods: get(viewer, s.proof)},
		{path: "/v2/deliveries/{id}/redeliver", keyed: true, methods: post(render, s.redeliver)},
		{path: "/v2/deliveries/{id}/cancel", keyed: true, methods: post(render, s.cancel)},
		{path: "/v2/recoveries/{id}", keyed: true, methods: get(viewer, s.recovery)},
		{path: "/v2/endpoints", keyed: true, methods: get(viewer, s.endpoints)},
		{path: "/v2/endpoints/{id}", keyed: true, methods: get(viewer, s.endpoint)},
		{path: "/v2/endpoints/{id}/enable", keyed: true, methods: post(manager, s.enable)},
		{path: "/v2/endpoints/{id}/pause", keyed: true, methods: post(manager, s.pause)},
		{path: "/v2/endpoints/{id}/disable", keyed: true, methods: post(manager, s.disable)},
		{path: "/v2/webhooks/test", keyed: true, methods: post(render, s.trial(s.test))},
		{path: "/v2/webhooks/secret", keyed: true, methods: get(manager, s.secrets)},
		{path: "/v2/webhooks/secret/rotate", keyed: true, methods: post(admin, s.rotate)},
		{path: "/v2/webhooks/secret/end-overlap", keyed: true, methods: post(admin, s.endOverlap)},
		{path: "/v2/connections", keyed: true, methods: methods{
			http.MethodGet: {manager, s.connections}, http.MethodPost: {manager, s.createConnection}}},
		{path: "/v2/connections/{id}", keyed: true, methods: methods{
			http.MethodGet: {manager, s.connection}, http.MethodPut: {manager, s.putConnection}, http.MethodDelete: {manager, s.deleteConnection}}},
		{path: "/v2/connections/{id}/test", keyed: true, methods: post(manager, s.trial(s.testConnection))},
		{path: "/v2/connections/{id}/rotate", keyed: true, methods: post(manager, s.rotateConnection)},
		{path: "/v2/master-key/rotate", keyed: true, whole: true, methods: post(admin, s.rotateMasterKey)},
		{path: "/v2/keys", keyed: true, methods: methods{http.MethodGet: {admin, s.keys}, http.MethodPost: {admin, s.createKey}}},
		{path: "/v2/keys/{id}", keyed: true, methods: methods{http.MethodDelete: {admin, s.revokeKey}}},
		{path: "/v2/movie.schema.json", methods: get(0, s.schema)},
		{path: "/v2/openapi.json", methods: get(0, s.openapi)},
		{path: "/v2", keyed: true},
		{path: "/v2/", keyed: true},
		{path: "/.well-known/webhook-keys", methods: get(0, s.publicKeys)},
		{path: "/files/{key...}", methods: get(0, s.file)},
		{path: "/files"},
		{path: "/healthz", quiet: true, methods: get(0, s.health)},
		{path: "/readyz", quiet: true, methods: get(0, s.ready)},
		{path: "/metrics", keyed: true, whole: true, bearer: true, quiet: true, methods: metrics},
		{path: "/"},
	}
}
