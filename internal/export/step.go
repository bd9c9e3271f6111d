package export

import (
	"errors"
	"fmt"
	"slices"
)

// Steps follows a carrier's try from step to step.
type Steps struct {
	// Step is the one it is in, one of the Step constants.
	Step string
	// Note is told of each step once, nil for nobody: connecting may take rounds.
	Note func(step string)
	seen []string
}

// Enter begins a step.
func (s *Steps) Enter(step string) {
	s.Step = step
	if s.Note != nil && !slices.Contains(s.seen, step) {
		s.Note(step)
	}
	s.seen = append(s.seen, step)
}

// ErrNoFile is for BadSettings when a parcel has no file to upload.
var ErrNoFile = errors.New("There is no file to upload") //nolint:staticcheck // it is a whole message, for the client

// BadSettings is a try that cannot begin: by settings that Plan refuses, most often.
func BadSettings(err error) *Fault {
	return &Fault{Step: StepSettings, Class: "error", Message: err.Error(), Permanent: true}
}

// Taken is a try that found a file of its name, and was told not to replace it.
func Taken(step, name string) *Fault {
	return &Fault{Step: step, Class: "exists", Permanent: true,
		Message: fmt.Sprintf(`%q is there already; give the file another name, or set "if-exists" to overwrite or unique`, name)}
}
