//go:build !unix

package bootstrap

import "syscall"

// ownGroup changes nothing where there are no such groups.
func ownGroup(o *syscall.SysProcAttr) *syscall.SysProcAttr { return o }
