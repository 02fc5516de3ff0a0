package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/eventfx/eventfx-go/internal/runtimeapi"
)

// Types of failures that Lambda makes itself.
const (
	exitError = "Runtime.ExitError"
	timedOut  = "Sandbox.Timedout"
	tooLarge  = "Function.ResponseSizeTooLarge"
	noEntry   = "Runtime.InvalidEntrypoint"
)

// An ending is how a call ended, in words for people.
type ending struct {
	Kind    string // one word, for programs: see the constants
	What    string // what happened
	At      string // where: a function, a file and a line; "": unknown
	Meaning string // what it means on Lambda, or what to do
}

// Kinds of endings.
const (
	endedOK       = "ok"
	endedError    = "error"    // the handler returned one
	endedPanic    = "panic"    // in the handler, another goroutine or before the first event
	endedFatal    = "fatal"    // an error of Go's runtime
	endedExit     = "exit"     // the process ended itself
	endedSignal   = "signal"   // it was ended from outside
	endedTimeout  = "timeout"  // the deadline passed
	endedMemory   = "memory"   // there was not enough
	endedTooLarge = "tooLarge" // the answer
	endedStart    = "start"    // it did not start, or never asked for an event
	endedStopped  = "stopped"  // this command was
)

const (
	newProcess = "The process ends with it. Lambda starts another one for the next event, and this event has failed."
	nobody     = "Nobody answered, so this event has failed; Lambda calls it " + exitError + "."
	before     = "It happened before the function asked for an event, as it would at each start: no event is ever handled."
)

// explain says how a call ended. late says that the process did not ask for
// an event in time.
func (e *environment) explain(ctx context.Context, o *outcome, late bool) ending {
	f, fault := e.function, o.fault
	switch {
	case fault == nil:
		return ending{Kind: endedOK, What: "ok, " + answerWords(o.answer), Meaning: answerMeaning(o.payload, o.answer)}
	case e.memory.exceeded():
		return ending{endedMemory, fmt.Sprintf("the process used more than its %d MB of memory and was killed", f.memory>>20), "",
			"Lambda kills it, too, and says Runtime exited with error: signal: killed. Give the function more memory, or have it hold less."}
	case ctx.Err() != nil:
		return ending{Kind: endedStopped, What: "stopped by you: the process was ended"}
	case late:
		end := ending{endedStart, fmt.Sprintf("the process did not ask for an event within %v", e.initLimit), "",
			"It must call lambda.Start, or the Runtime API at AWS_LAMBDA_RUNTIME_API. Lambda gives its start 10 s."}
		return standing(end, f, readCrash(o.logs))
	case fault.Type == timedOut:
		return timeoutEnding(f, readCrash(o.logs))
	case fault.Type == tooLarge:
		return ending{endedTooLarge, fmt.Sprintf("the answer has more than %d bytes (6 MB)", runtimeapi.MaxAnswer), "",
			"The caller gets an error, and the Go runtime ends itself. Put what is large into a bucket, and answer with its key."}
	case e.InitError() != nil && o.took == 0:
		first := e.InitError()
		return ending{endedStart, "the function reported that it cannot start: " + first.Type + ": " + first.Message, "", before}
	case len(fault.Stack) > 0:
		return ending{endedPanic, "the handler panicked: " + fault.Message, placeOf(fault.Stack), hint(fault.Message) + newProcess}
	case fault.Type == exitError:
		return e.exitEnding(o)
	}
	return ending{endedError, "the handler returned an error: " + nameError(fault), "",
		"The process goes on. An asynchronous event is retried twice; a queue's comes back after its visibility timeout."}
}

// nameError leaves out Go's own type of an error, which says nothing.
func nameError(f *runtimeapi.Failure) string {
	if f.Type == "" || f.Type == "errorString" || f.Type == "wrapError" {
		return f.Message
	}
	return f.Type + ": " + f.Message
}

func timeoutEnding(f *function, c *crash) ending {
	return standing(ending{Kind: endedTimeout, What: fmt.Sprintf("no answer within its timeout of %v, and the process was killed", f.timeout),
		Meaning: "On Lambda nothing of the function runs after it, no deferred call either. Look at ctx.Done, or give it more time."}, f, c)
}

// standing adds to an ending where the stacks say that the function stood.
func standing(end ending, f *function, c *crash) ending {
	if c == nil {
		return end
	}
	g := c.working(f)
	if g == nil {
		// What runs on another thread than that of the signal has no stack.
		if slices.ContainsFunc(c.goroutines, func(g goroutine) bool { return g.state == "running" && len(g.frames) == 0 }) {
			end.What += "; it was computing"
		}
		return end
	}
	end.At = g.place(f)
	switch {
	case c.deadlocked(f):
		end.What += "; it was waiting (" + g.state + "), and so was all else of it: this looks like a deadlock"
		end.Meaning = "Lambda sees a timeout. Whatever it waits for needs a goroutine that brings it, or a case <-ctx.Done()."
	case g.state == "running" || g.state == "runnable":
		end.What += "; it was computing"
	default:
		end.What += "; it was waiting (" + g.state + ")"
	}
	return end
}

// exitEnding explains a process that ended without an answer.
func (e *environment) exitEnding(o *outcome) ending {
	_, asked := e.Init()
	where, meaning := "", newProcess
	if !asked {
		where, meaning = " before it asked for an event", before
	}
	c := readCrash(o.logs)
	if c != nil && len(c.goroutines) > 0 {
		place := c.goroutines[0].place(e.function)
		for i := 1; i < len(c.goroutines) && place == ""; i++ {
			place = c.goroutines[i].place(e.function) // the runtime's own ran into it
		}
		if message, ok := strings.CutPrefix(c.message, "panic: "); ok {
			if asked {
				return ending{endedPanic, "a goroutine panicked: " + message, place, hint(message) + "No recover elsewhere can stop a panic: each goroutine needs its own. " + newProcess}
			}
			return ending{endedPanic, "the program panicked" + where + ": " + message, place, hint(message) + meaning}
		}
		message := strings.TrimPrefix(strings.TrimPrefix(c.message, "fatal error: "), "runtime: ")
		switch {
		case strings.Contains(message, "out of memory") || strings.Contains(message, "cannot allocate memory"):
			return ending{endedMemory, "Go's runtime got no more memory" + where + ": " + message, place,
				"On Lambda the process is killed when it holds more than the function's memory. Give it more, or have it hold less. " + nobody}
		case strings.Contains(message, "all goroutines are asleep"):
			return ending{endedFatal, "a deadlock" + where + ": all goroutines wait for each other", place, meaning}
		}
		return ending{endedFatal, "Go's runtime ended the program" + where + ": " + message, place, meaning}
	}
	state := e.command.ProcessState
	if state == nil {
		return ending{endedExit, "the process is gone" + where, "", nobody}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		what := "the process was ended by the signal " + signalName(status.Signal()) + where
		if asked {
			what += ", while it handled the event"
		}
		return ending{endedSignal, what, "", nobody}
	}
	what := fmt.Sprintf("the process ended itself with exit status %d%s", state.ExitCode(), where)
	if asked {
		what += ", while it handled the event"
		return ending{endedExit, what, "", "Look for os.Exit and log.Fatal. " + nobody}
	}
	if state.ExitCode() == 0 {
		return ending{endedExit, what, "", "Its main returned: it must call lambda.Start. " + before}
	}
	return ending{endedExit, what, "", before}
}

func signalName(s os.Signal) string {
	switch s {
	case syscall.SIGTERM:
		return "SIGTERM (terminated)"
	case syscall.SIGKILL:
		return "SIGKILL (killed)"
	case syscall.SIGSEGV:
		return "SIGSEGV (segmentation violation)"
	}
	return s.String()
}

// hint says what a panic of Go's runtime means, with a blank behind.
func hint(message string) string {
	switch {
	case strings.Contains(message, "assignment to entry in nil map"):
		return "A map must be made before something is put into it. "
	case strings.Contains(message, "nil pointer dereference"):
		return "A pointer was used that points to nothing: look at results whose error was not looked at. "
	case strings.Contains(message, "index out of range"), strings.Contains(message, "slice bounds out of range"):
		return "A list was shorter than expected: events of some kinds have none or many records. "
	}
	return ""
}

// placeOf returns where a panic began, of the stack that Lambda's Go runtime
// reports: its first frame that is not Go's own.
func placeOf(stack json.RawMessage) string {
	var frames []struct {
		Path, Label string
		Line        int
	}
	if json.Unmarshal(stack, &frames) != nil {
		return ""
	}
	// Paths are cut by the length of a function's name, and parts of the runtime
	// in internal/runtime/maps are named as if they were in runtime.
	own := []string{"runtime/", "internal/", "maps/runtime", "github.com/aws/aws-lambda-go"}
	for _, fr := range frames {
		if !slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(fr.Path, prefix) }) {
			return fmt.Sprintf("%s, %s:%d", fr.Label, shortFile(fr.Path), fr.Line)
		}
	}
	return ""
}

// answerWords says what an answer is.
func answerWords(answer []byte) string {
	size := byteCount(int64(len(answer)))
	switch {
	case len(answer) == 0:
		return "without an answer"
	case !json.Valid(answer):
		return "but the answer of " + size + " is not JSON"
	case string(answer) == "null":
		return "with the answer null"
	}
	return "with an answer of " + size
}

// answerMeaning says what a source would make of an answer that is more than
// a success.
func answerMeaning(payload, answer []byte) string {
	if len(answer) > 0 && !json.Valid(answer) {
		return "Lambda hands it to a caller as it is. To a mapping with ReportBatchItemFailures it says that the whole batch has failed."
	}
	var report struct {
		BatchItemFailures []struct{ ItemIdentifier string } `json:"batchItemFailures"`
	}
	if json.Unmarshal(answer, &report) != nil || len(report.BatchItemFailures) == 0 {
		return ""
	}
	var batch struct{ Records []json.RawMessage }
	_ = json.Unmarshal(payload, &batch) // whatever it is, it has a number of records
	ids := make([]string, 0, 10)
	for _, f := range report.BatchItemFailures {
		if len(ids) == cap(ids) {
			ids = append(ids, "...")
			break
		}
		ids = append(ids, f.ItemIdentifier)
	}
	return fmt.Sprintf("%d of %d records failed: %s. Their mapping must have ReportBatchItemFailures: without it Lambda does not read this, and they are lost.",
		len(report.BatchItemFailures), len(batch.Records), strings.Join(ids, ", "))
}

// byteCount formats a size in units of 1024.
func byteCount(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}
