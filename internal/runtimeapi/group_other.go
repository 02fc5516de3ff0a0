//go:build !unix

package runtimeapi

import "syscall"

// ownGroup changes nothing where there are no such groups.
func ownGroup(o *syscall.SysProcAttr) *syscall.SysProcAttr { return o }
