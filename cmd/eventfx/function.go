package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A function is a compiled bootstrap and what Lambda would be told about it.
type function struct {
	path    string // absolute
	name    string
	env     []string // NAME=VALUE, beyond this process's own
	timeout time.Duration
	memory  int64    // bytes; 0: as much as it wants
	ours    []string // prefixes of its own packages' names in a stack; nil: unknown
}

// findFunction returns the bootstrap, or the one that it builds into dir.
func findFunction(ctx context.Context, bootstrap, pkg, dir string) (*function, error) {
	path := bootstrap
	if bootstrap == "" {
		path = filepath.Join(dir, "bootstrap")
		if err := build(ctx, pkg, path); err != nil {
			return nil, err
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", bootstrap, withoutPath(err))
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory: name the executable in it, or its package by -package", bootstrap)
	}
	f := &function{path: path, name: functionName(bootstrap, pkg)}
	if info, err := buildinfo.ReadFile(path); err == nil {
		f.ours = []string{"main."}
		if info.Main.Path != "" {
			f.ours = append(f.ours, info.Main.Path)
		}
	}
	return f, nil
}

// functionName is that of the package, or of the bootstrap's folder: all
// bootstraps have one name.
func functionName(bootstrap, pkg string) string {
	path := pkg
	if bootstrap != "" {
		if path = bootstrap; filepath.Base(path) == "bootstrap" {
			path = filepath.Dir(path)
		}
	}
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		path = abs
	}
	name := strings.TrimSuffix(filepath.Base(path), ".exe")
	if name == "." || name == string(filepath.Separator) {
		return "function"
	}
	return name
}

// build runs go build. What is not on this machine already is not fetched: the
// command makes no network call that it was not told to.
func build(ctx context.Context, pkg, output string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", output)
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GONOPROXY=none")
	path := pkg
	if info, err := os.Stat(pkg); err == nil && info.IsDir() {
		cmd.Dir = pkg // of whatever module it is
		path = "."
	}
	cmd.Args = append(cmd.Args, "--", path)
	text, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if bytes.Contains(text, []byte("GOPROXY=off")) {
		text = append(text, "A module is not on this machine: run go mod download first."...)
	}
	if text = bytes.TrimSpace(text); len(text) > 0 {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return fmt.Errorf("go build %s: %w", pkg, err)
}

// withoutPath keeps a file's name from being said twice.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}

// environment is that of a process: what Lambda sets, behind what this process
// has, and -env last.
func (f *function) environment() []string {
	env := os.Environ()
	region := "eu-west-1"
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, "AWS_REGION="); ok && value != "" {
			region = value
		}
	}
	memory := int64(128)
	if f.memory > 0 {
		memory = f.memory >> 20
	}
	return append(env, append([]string{
		"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_LAMBDA_FUNCTION_NAME=" + f.name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.FormatInt(memory, 10),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.name, "AWS_LAMBDA_LOG_STREAM_NAME=eventfx",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(f.path), "_HANDLER=bootstrap",
	}, f.env...)...)
}

// checkEnv returns what is wrong with the values of -env.
func checkEnv(env []string) error {
	for _, e := range env {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" {
			return fmt.Errorf("-env %s: want NAME=VALUE", e)
		}
	}
	return nil
}

// cannotStart says in words why a bootstrap could not be started.
func (f *function) cannotStart(err error) string {
	if info, e := buildinfo.ReadFile(f.path); e == nil {
		setting := func(name string) string {
			i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == name })
			if i < 0 {
				return ""
			}
			return info.Settings[i].Value
		}
		if built, here := setting("GOOS")+"/"+setting("GOARCH"), runtime.GOOS+"/"+runtime.GOARCH; built != "/" && built != here {
			return fmt.Sprintf("it is built for %s, and this machine is %s: build it for this one, or give its package by -package", built, here)
		}
	}
	switch {
	case errors.Is(err, os.ErrPermission):
		return "it is not executable: chmod +x " + f.path
	case strings.Contains(err.Error(), "exec format error"):
		return "it is no program of this machine's: want an executable, or a script that begins with #!"
	}
	return withoutPath(err).Error()
}
