package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/api"
)

const longID = "dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func ref[T any](v T) *T { return &v }

// replies are what the API says, by method and path and, of a later page, its
// cursor, or of a test the end of its address. Texts of strangers hold what would move a terminal.
func replies() map[string][]any {
	done := delivery(longID, "delivered")
	page := api.DeliveryList{Success: true, Deliveries: []api.Delivery{done, delivery("dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q1", "retrying"),
		delivery("dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q2", "unknown"), delivery("dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q3", "held"), delivery("dlv_01KDJ3N6Z6Y3X8W7V5T4S2R1Q4", "failed")}}
	page.Deliveries[4].Target = "http://例え.example/" + strings.Repeat("とても長い道", 20) + "\x1b[31m\u202e"
	page.NextCursor = ref("c2")
	change := func(id, status string, attempts int) api.DeliveryChange {
		d := delivery(id, status)
		d.Attempts = attempts
		return api.DeliveryChange{Success: true, Delivery: d}
	}
	detail := func(c api.DeliveryChange) api.DeliveryReply {
		return api.DeliveryReply{Success: true, Delivery: api.DeliveryDetail{Delivery: c.Delivery}}
	}
	recovery := func(done int, status string) api.RecoveryReply {
		return api.RecoveryReply{Success: true, Recovery: api.Recovery{ID: "rec_1", Total: 40, Done: done, CreatedAt: "2026-01-31T12:00:00.000Z", Status: status}}
	}
	return map[string][]any{
		"GET /v2/deliveries":                          {page},
		"GET /v2/deliveries c2":                       {api.DeliveryList{Success: true, Deliveries: []api.Delivery{delivery(strings.Repeat("長いID", 40), "a state that is not known yet")}}},
		"GET /v2/deliveries none":                     {api.DeliveryList{Success: true, Deliveries: []api.Delivery{}}},
		"GET /v2/deliveries/" + longID:                {api.DeliveryReply{Success: true, Delivery: shown()}},
		"GET /v2/deliveries/binary":                   {api.DeliveryReply{Success: true, Delivery: binary()}},
		"GET /v2/deliveries/" + longID + "/proof":     {json.RawMessage(`{"kind":"reelhook.delivery-proof","version":1,"server":"<a>\u001b&","digest":"abc"}`)},
		"POST /v2/deliveries/again/redeliver":         {change("again", "retrying", 3), change("copy", "pending", 0)},
		"GET /v2/deliveries/again":                    {detail(change("again", "retrying", 3)), detail(change("again", "running", 4)), detail(change("again", "delivered", 4))},
		"POST /v2/deliveries/broken/redeliver":        {change("broken", "retrying", 3)},
		"GET /v2/deliveries/broken":                   {detail(change("broken", "retrying", 4))},
		"POST /v2/deliveries/off/redeliver":           {api.Failure{Message: "The endpoint of delivery off is not enabled", Status: 409}},
		"POST /v2/deliveries/" + longID + "/cancel":   {change(longID, "cancelled", 3)},
		"POST /v2/deliveries/recover":                 {api.RecoverReply{Success: true, Count: 40, Recovery: "rec_1"}},
		"GET /v2/recoveries/rec_1":                    {recovery(0, "running"), recovery(13, "running"), recovery(39, "done")},
		"GET /v2/endpoints":                           {endpoints(ref("c2"), "enabled", "paused")},
		"GET /v2/endpoints c2":                        {endpoints(nil, "disabled")},
		"POST /v2/endpoints/ep_enabled000000/enable":  {api.EndpointChange{Success: true, Endpoint: endpointOf("enabled"), Held: 12, Message: "Deliveries held back: 12"}, api.EndpointChange{}},
		"POST /v2/endpoints/ep_sending000000/enable":  {api.EndpointChange{Success: true, Endpoint: endpointOf("enabled"), Held: 12, Recovery: ref("rec_1")}},
		"POST /v2/endpoints/ep_nothing000000/enable":  {api.EndpointChange{Success: true, Endpoint: endpointOf("enabled")}},
		"POST /v2/endpoints/ep_disabled00000/disable": {api.EndpointChange{Success: true, Endpoint: endpointOf("disabled"), Held: 3}},
		"POST /v2/endpoints/ep_paused0000000/pause":   {api.EndpointChange{Success: true, Endpoint: endpointOf("paused")}},
		"POST /v2/webhooks/test":                      {api.Tested{Success: true, Delivery: done, Attempt: answered(204)}},
		"POST /v2/webhooks/test dry":                  {api.Tested{Success: true, Delivery: done, Attempt: api.Attempt{Number: 1, Result: "open", StartedAt: done.CreatedAt, Address: "203.0.113.7:443", TLS: "TLS 1.3"}}},
		"POST /v2/webhooks/test down":                 {api.Tested{Success: true, Delivery: done, Attempt: api.Attempt{Number: 1, Result: "failed", StartedAt: done.CreatedAt, Class: "dns", Error: "The host hooks.example.org was not found"}}},
		"GET /v2/webhooks/secret":                     {secrets(nil)},
		"POST /v2/webhooks/secret/rotate":             {secrets(nil)},
		"POST /v2/webhooks/secret/end-overlap":        {secrets(ref(2))},
		"GET /v2/connections":                         {connections()},
		"POST /v2/connections":                        {kept("acme-sftp", "", `"type":"sftp"`)},
		"PUT /v2/connections/acme-sftp":               {kept("acme-sftp", "", `"type":"sftp"`)},
		"GET /v2/connections/acme-sftp":               {kept("acme-sftp", "", sftpSettings)},
		"GET /v2/connections/yaml":                    {api.ConnectionReply{Success: true, Connection: connections().Connections[3]}},
		"DELETE /v2/connections/acme-sftp":            {api.Revoked{Success: true, ID: "acme-sftp"}},
		"DELETE /v2/connections/yaml":                 {api.Failure{Message: "Connection yaml is declared in the server's configuration; change it there", Status: 409}},
		"POST /v2/connections/acme-sftp/test":         {tried(""), tried("login")},
		"POST /v2/connections/broken/test":            {tried("login")},
		"POST /v2/connections/unset/test":             {api.ConnectionTest{Success: true, ID: "unset", Type: "ftp", Steps: []string{"settings"}, FailedStep: "settings", Message: "Set a host"}},
		"POST /v2/connections/acme-hook/test":         {api.ConnectionTest{Success: true, OK: true, ID: "acme-hook", Type: "webhook", Target: "https://example.org/hook", Steps: []string{"settings", "connect", "tls", "send"}, Status: 204, TLS: "TLS 1.3", Fingerprint: strings.Repeat("ab", 32), Delivery: longID, Seconds: 0.25}},
		"POST /v2/connections/acme-hook/rotate":       {kept("acme-hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", `"type":"webhook","secret":"(redacted)"`)},
		"POST /v2/master-key/rotate":                  {api.KeyRotation{Success: true, Resealed: 12}},
		"GET /v2/keys":                                {keys()},
		"POST /v2/keys":                               {api.NewKey{Success: true, Key: "rhk_" + strings.Repeat("aB3", 13) + "c", KeyRecord: keys().Keys[2]}},
		"DELETE /v2/keys/key_1":                       {api.Revoked{Success: true, ID: "key_1"}},
		"DELETE /v2/keys/key_last":                    {api.Failure{Message: "No other admin key of the account default lasts as long as this one", Status: 400}},
		"POST /v2/deliveries/refused/cancel":          {api.Failure{Message: "Delivery refused has ended already", Details: "look", Status: 409}},
		"POST /v2/endpoints/ep_unknown000000/enable":  {api.Failure{Message: "Endpoint ep_unknown000000 not found", Status: 404}},
	}
}

func delivery(id, status string) api.Delivery {
	d := api.Delivery{
		ID: id, MessageID: "msg_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0", Project: "Ab3dE5gH7jK9mN1p", Position: 1, Type: "webhook", Event: "movie.completed", Status: status,
		Target: "https://hooks.example.org/json2video/incoming?…", Endpoint: "ep_abcdefghij234567", Attempts: 3, Failures: 2, LastStatus: 204,
		CreatedAt: "2026-01-31T11:56:30.000Z", Schedule: []float64{5, 300, 1800, 7200}, Timeout: 15,
	}
	if status == "retrying" || status == "unknown" {
		d.LastStatus, d.Message, d.NextAt = 503, "The endpoint answered 503 Service Unavailable", ref("2026-01-31T12:04:59.500Z")
	}
	return d
}

func answered(status int) api.Attempt {
	return api.Attempt{
		Number: 1, StartedAt: "2026-01-31T11:56:30.000Z", EndedAt: ref("2026-01-31T11:56:30.123Z"), Result: "succeeded", Status: &status,
		Address: "203.0.113.7:443", TLS: "TLS 1.3", Fingerprint: strings.Repeat("ab", 32),
		Latency:        api.Latency{DNS: 1.25, Connect: 10.5, TLS: 21, FirstByte: 90.125, Total: 123.456},
		RequestHeaders: http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Signature": {"v1," + strings.Repeat("A", 44) + " v1a," + strings.Repeat("B", 88)}, "Webhook-Timestamp": {"1769860590"}},
		AnswerHeaders:  http.Header{"Server": {"nginx \x1b]0;owned\x07"}, "X-Long": {strings.Repeat("長", 100)}},
	}
}

// shown is a delivery that was refused, then cut off, then taken.
func shown() api.DeliveryDetail {
	first, third := answered(503), answered(204)
	first.Result, first.Class, first.Error, first.RetryAfter = "failed", "http", "The endpoint answered 503 Service Unavailable", ref(120.0)
	first.Answer, first.AnswerCut = "<h1>busy\x1b[2J</h1>\r\n\tsorry"+strings.Repeat("\nline", 9)+strings.Repeat("長", 60), true
	second := api.Attempt{Number: 2, StartedAt: "2026-01-31T11:56:35.000Z", Result: "unknown", Class: "reset", Error: "hooks.example.org closed the connection before it answered",
		Address: "203.0.113.7:443", Reused: true, Latency: api.Latency{Total: 1500}}
	third.Number, third.AnswerBase64 = 3, "/w=="
	return api.DeliveryDetail{
		Delivery: delivery(longID, "delivered"), ContentType: "application/json", BodySHA256: strings.Repeat("cd", 32),
		Body: ref(`{"success":true,"client-data":{"title":"` + strings.Repeat("長い", 40) + `\u0000"},"note":"` + "\u202e" + `"}`),
		Log:  []api.Attempt{first, second, third},
	}
}

func binary() api.DeliveryDetail {
	d := shown()
	d.Body, d.BodyBase64, d.Log, d.Schedule, d.Project = nil, "/////w==", nil, nil, ""
	return d
}

func endpointOf(state string) api.Endpoint {
	return api.Endpoint{ID: ("ep_" + state + "00000000000000")[:19], URL: "https://hooks.example.org/" + state, State: state, Reason: "By hand\x07",
		FirstAt: "2026-01-01T00:00:00.000Z", LastStatus: 204}
}

func endpoints(next *string, states ...string) api.EndpointList {
	l := api.EndpointList{Success: true, NextCursor: next}
	for _, state := range states {
		e := endpointOf(state)
		if state != "paused" {
			e.Attempts, e.SuccessRate, e.P50, e.P99 = 1234567, ref(0.99999), ref(8.25), ref(12345.678)
		}
		if state == "disabled" {
			e.URL, e.FailingSince, e.LastStatus, e.Held = "https://例え.example/"+strings.Repeat("長い道", 40), ref("2026-01-26T11:00:00.000Z"), 0, 1200
		}
		l.Endpoints = append(l.Endpoints, e)
	}
	return l
}

const sftpSettings = `"type":"sftp","host":"files.example.org","username":"acme","password":"(redacted)","port":2222,"private-key":"(redacted)",
	"allow-host-override":true,"to":["a","b"],"note":"\u001b[31mred\u202e","empty":null`

// kept is the reply about a connection of some members.
func kept(id, secret, members string) api.ConnectionReply {
	reply := api.ConnectionReply{Success: true, Secret: secret}
	text := `{"id":"` + id + `","declared":false,"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-31T11:00:00.000Z",` + members + "}"
	if err := json.Unmarshal([]byte(text), &reply.Connection); err != nil {
		panic(err)
	}
	return reply
}

func connections() api.ConnectionList {
	l := api.ConnectionList{Success: true}
	for _, reply := range []api.ConnectionReply{
		kept("acme-sftp", "", sftpSettings),
		kept("any", "", `"type":"webhook","secret":"(redacted)"`),
		kept(strings.Repeat("long-", 12)+"long", "", `"type":"s3","bucket":"`+strings.Repeat("長い名", 33)+`","endpoint":"https://s3.example.org"`),
		kept("yaml", "", `"type":"webhook","endpoint":"https://example.org/hook?(redacted)"`),
		kept("mail", "", `"type":"email","to":["a@example.org","b@example.org"]`),
	} {
		l.Connections = append(l.Connections, reply.Connection)
	}
	yaml := l.Connections[3]
	yaml["declared"], yaml["created_at"], yaml["updated_at"] = json.RawMessage("true"), json.RawMessage("null"), json.RawMessage("null")
	return l
}

// tried is a test that failed at a step, "" for none.
func tried(step string) api.ConnectionTest {
	t := api.ConnectionTest{Success: true, OK: step == "", ID: "acme-sftp", Type: "sftp", Target: "sftp://files.example.org:2222/videos", Address: "203.0.113.7:2222",
		Steps: []string{"connect", "host-key", "login", "folder", "write", "size", "rename", "remove"}, Seconds: 0.4213}
	if step != "" {
		t.Steps, t.FailedStep, t.Class, t.Status, t.Message = t.Steps[:3], step, "login", 530, "The server refused the password \x1b[2J"
	}
	return t
}

func keys() api.KeyList {
	return api.KeyList{Success: true, Keys: []api.KeyRecord{
		{ID: "key_fixed", Account: "default", Role: "admin", Name: "--api-key"},
		{ID: "key_01KDJ3N6Z6Y3X8W7V5T4S2R1Q0", Account: "default", Role: "admin", CreatedAt: ref("2026-01-01T00:00:00.000Z")},
		{ID: "key_01KDJ3N6Z6Y3X8W7V5T4S2R1Q1", Account: "acme", Role: "render", Name: "n8n \x1b[31m", CreatedAt: ref("2026-01-31T11:00:00.000Z"), ExpiresAt: ref("2026-05-01T12:00:00.000Z")},
		{ID: "key_01KDJ3N6Z6Y3X8W7V5T4S2R1Q2", Account: strings.Repeat("long-", 12) + "long", Role: "manager", Name: strings.Repeat("長い名", 33),
			CreatedAt: ref("2025-01-31T11:00:00.000Z"), ExpiresAt: ref("2026-01-31T12:00:00.000Z")},
	}}
}

func secrets(ended *int) api.Secrets {
	s := api.Secrets{Success: true, Ended: ended,
		Secrets:    []api.Secret{{ID: "key_2", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		PublicKeys: []api.PublicKey{{ID: "key_3", Version: "v1a", Algorithm: "ed25519", Key: "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="}}}
	if ended == nil {
		s.Secrets = append(s.Secrets, api.Secret{ID: "key_1", Secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", ExpiresAt: ref("2026-02-01T11:00:00.000Z")})
	}
	return s
}
