//go:build !linux

package runtimeapi

import (
	"os"
	"syscall"
)

func quit(process *os.Process) error { return process.Signal(syscall.SIGQUIT) }
