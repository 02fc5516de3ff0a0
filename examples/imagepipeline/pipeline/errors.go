package pipeline

import "fmt"

// A Rejected error says that an input is at fault and stays so: trying again
// cannot help. Its method Permanent is what a router looks for, so that this
// package need not know of one.
type Rejected struct{ Reason string }

func (e *Rejected) Error() string   { return e.Reason }
func (e *Rejected) Permanent() bool { return true }

func rejectf(format string, args ...any) error {
	return &Rejected{Reason: fmt.Sprintf(format, args...)}
}
