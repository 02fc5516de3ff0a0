//go:build unix

package runtimeapi

import "syscall"

// ownGroup has a process in a group of its own: a terminal sends Ctrl-C to all
// of the program's group.
func ownGroup(o *syscall.SysProcAttr) *syscall.SysProcAttr {
	var own syscall.SysProcAttr
	if o != nil {
		own = *o
	}
	own.Setpgid = own.Setpgid || !own.Setsid
	return &own
}
