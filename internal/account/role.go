package account

import "strings"

// Role is what a key may do. Roles nest: each may do all that those before it
// may (section 2 of the contract).
type Role int

// The roles. Viewers read; Render makes, deletes and sends; Editor is for what
// is written in templates, Manager for connections and endpoints, Admin for
// secrets and keys. Zero is none of them and may nothing.
const (
	Viewer Role = iota + 1
	Render
	Editor
	Manager
	Admin
)

var roles = []string{Viewer: "viewer", Render: "render", Editor: "editor", Manager: "manager", Admin: "admin"}

// ParseRole reads the name of a role; what is none is a Refusal.
func ParseRole(text string) (Role, error) {
	for r := Viewer; r <= Admin; r++ {
		if roles[r] == text {
			return r, nil
		}
	}
	return 0, refuse("'role' must be one of %s, not '%.40s'", strings.Join(roles[Viewer:], ", "), text)
}

// AtLeast tells whether a key of this role may do what needs another. Nothing
// may what needs no role: that was forgotten, not given away.
func (r Role) AtLeast(needed Role) bool { return needed >= Viewer && r >= needed }

func (r Role) String() string {
	if r < Viewer || r > Admin {
		return "none"
	}
	return roles[r]
}
