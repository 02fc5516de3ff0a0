package main

import (
	"bytes"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// A memoryWatch looks at the memory of a process, and ends it when that is too
// much, as Lambda does: by SIGKILL, without a warning.
type memoryWatch struct {
	status string // its file in /proc
	looks  atomic.Int64
	peak   atomic.Int64
	killed atomic.Bool
}

// watchMemory watches until the process has ended. limit is in bytes; 0 means
// none.
func watchMemory(process *os.Process, limit int64, exited <-chan struct{}) *memoryWatch {
	m := &memoryWatch{status: "/proc/" + strconv.Itoa(process.Pid) + "/status"}
	go func() {
		// To fill the 20 MB more that a process could get in this time takes
		// it longer than to be found.
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			resident := m.read()
			if limit > 0 && resident > limit && m.killed.CompareAndSwap(false, true) {
				_ = process.Kill()
			}
			select {
			case <-exited:
				return
			case <-tick.C:
			}
		}
	}()
	return m
}

// read returns the resident memory, and keeps the most that it was. The
// kernel keeps that, too, so that no peak is missed between two looks.
func (m *memoryWatch) read() (resident int64) {
	text, err := os.ReadFile(m.status)
	if err != nil {
		return 0 // it has ended
	}
	m.looks.Add(1)
	for line := range bytes.Lines(text) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(value)
		if len(fields) < 2 {
			continue
		}
		kilobytes, _ := strconv.ParseInt(string(fields[0]), 10, 64)
		switch string(name) {
		case "VmHWM":
			m.peak.Store(max(m.peak.Load(), kilobytes<<10))
		case "VmRSS":
			resident = kilobytes << 10
		}
	}
	return resident
}

// highest returns the peak so far in bytes; 0 when it is not known: a process
// that was over at once was not looked at often enough. ended is nil while the
// process runs.
func (m *memoryWatch) highest(ended *os.ProcessState) int64 {
	m.read()
	peak := m.peak.Load()
	if ended != nil && m.looks.Load() < 5 {
		return 0
	}
	// What is counted at the end of a process includes what this one had when
	// it started it. It counts when it is more.
	if ended != nil {
		if usage, ok := ended.SysUsage().(*syscall.Rusage); ok && peak > 0 {
			var own syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err == nil && usage.Maxrss > own.Maxrss {
				peak = max(peak, usage.Maxrss<<10)
			}
		}
	}
	return peak
}

// exceeded reports whether the process was killed for its memory.
func (m *memoryWatch) exceeded() bool { return m.killed.Load() }

const limitsMemory = true
