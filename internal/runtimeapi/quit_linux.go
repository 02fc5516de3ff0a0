package runtimeapi

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// quit sends SIGQUIT to the thread that is at work, if there is one: a Go
// program can write the stack of what runs on another thread than the one that
// gets the signal only by crashing.
func quit(process *os.Process) error {
	if thread := busiest(process.Pid); thread != 0 {
		_, _, errno := syscall.Syscall(syscall.SYS_TGKILL, uintptr(process.Pid), uintptr(thread), uintptr(syscall.SIGQUIT))
		if errno == 0 {
			return nil
		}
	}
	return process.Signal(syscall.SIGQUIT)
}

// busiest returns the running thread that has used the processor most; 0 if
// none runs.
func busiest(pid int) (thread int) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return 0
	}
	most := int64(-1)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name of the program is in parentheses, and may have blanks.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 12 || string(fields[0]) != "R" {
			continue
		}
		used, _ := strconv.ParseInt(string(fields[11]), 10, 64) // utime
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && used > most {
			most, thread = used, id
		}
	}
	return thread
}
