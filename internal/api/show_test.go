package api

import (
	"strings"
	"testing"

	"github.com/reelhook/reelhook/internal/project"
)

func TestExportStatus(t *testing.T) {
	s := &server{Options: Options{Sending: func(string) (int64, int64, bool) { return 0, 0, false }}}
	for dests, want := range map[string][2]string{ // while rendering, and after
		"":                          {"pending", "done"},
		"pending":                   {"pending", "pending"},
		"pending pending":           {"pending", "pending"},
		"pending running":           {"pending", "running"},
		"retrying":                  {"pending", "running"},
		"delivered pending":         {"pending", "running"},
		"failed pending":            {"pending", "running"},
		"retrying failed delivered": {"pending", "running"},
		"delivered":                 {"pending", "done"},
		"uploaded sent skipped":     {"pending", "done"},
		"skipped skipped":           {"pending", "done"},
		"delivered failed":          {"pending", "failed"},
		"failed failed":             {"pending", "failed"},
		"unknown":                   {"pending", "running"},
		"held":                      {"pending", "running"},
		"held delivered failed":     {"pending", "running"},
		"cancelled":                 {"pending", "failed"},
		"cancelled delivered":       {"pending", "failed"},
		"cancelled pending":         {"pending", "running"},
	} {
		var all []project.Destination
		for i, status := range strings.Fields(dests) {
			all = append(all, project.Destination{Position: i, Status: status})
		}
		for i, ended := range []bool{false, true} {
			got := exportStatus(nil, ended)
			if len(all) > 0 {
				got = s.exports(all, ended)[0].Status
			}
			if got != want[i] {
				t.Errorf("%q, ended %v: got %s, want %s", dests, ended, got, want[i])
			}
		}
	}
}
